//! The target's end of login.

use super::super::chap::{self, Algorithm, Credentials};
use super::super::frame::{Frame, Framing};
use super::super::negotiation::{Answer, Parameters, is_irrelevant_in_discovery};
use super::super::pdu::{Header, Opcode};
use super::super::target::COMMANDS_MAX;
use super::super::text::{self, TEXT_BYTES_MAX};
use super::{CONTINUE, LoginStatus, Stage, TRANSIT};
use crate::identity::{InitiatorPort, Isid};

/// Whom a target lets in, and how it negotiates.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The target's iSCSI name.
    pub target_name: String,
    /// The portal group of the portal that the connection came to.
    pub portal_group: u16,
    /// What initiators must prove to know; absent: everyone is let in.
    pub initiator: Option<Credentials>,
    /// What the target proves in turn when asked to.
    pub target: Option<Credentials>,
    /// What the target wants.
    pub parameters: Parameters,
}

/// What a finished login has established.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// Who logged in.
    pub initiator: InitiatorPort,
    /// Whether only targets may be asked for.
    pub is_discovery: bool,
    /// What was agreed.
    pub parameters: Parameters,
    /// CmdSN of the next command.
    pub command_number: u32,
    /// StatSN of the next response.
    pub status_number: u32,
}

/// How far a login has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginProgress {
    /// The initiator has the word.
    Continues,
    /// It is done.
    Done(LoggedIn),
    /// It has failed: send what was said, then close the connection.
    Refused(LoginStatus),
}

/// Where authentication stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authentication {
    /// No method has been chosen.
    ExpectMethod,
    /// CHAP it is.
    ExpectAlgorithm,
    /// The challenge is out.
    ExpectResponse,
    /// Proven, or not needed.
    Done,
}

/// The target's end of a login.
#[derive(Debug)]
pub struct Responder {
    policy: Policy,
    /// CHAP identifier and challenge, from the shell's entropy.
    identifier: u8,
    challenge: [u8; chap::CHALLENGE_BYTES],
    /// What the initiator and we agreed on.
    algorithm: Algorithm,
    /// The session handle that the initiator is told; not zero.
    handle: u16,
    stage: Option<Stage>,
    authentication: Authentication,
    /// Text of a request that goes on in the next PDU.
    text: Vec<u8>,
    initiator_name: Option<String>,
    target_named: bool,
    is_discovery: bool,
    declared: bool,
    agreed: Parameters,
    isid: Isid,
    command_number: u32,
    status_number: u32,
}

type Refused = LoginStatus;

impl Responder {
    /// A login that begins now. `entropy` makes the CHAP challenge: fresh for each login.
    pub fn new(policy: Policy, handle: u16, entropy: [u8; 17]) -> Self {
        let [identifier, challenge @ ..] = entropy;
        Self {
            policy,
            identifier,
            challenge,
            algorithm: Algorithm::Md5,
            handle: handle.max(1),
            stage: None,
            authentication: Authentication::ExpectMethod,
            text: Vec::new(),
            initiator_name: None,
            target_named: false,
            is_discovery: false,
            declared: false,
            agreed: Parameters::UNSAID,
            isid: Isid::default(),
            command_number: 0,
            status_number: 0,
        }
    }

    /// Takes a PDU and appends the reply to `out`.
    pub fn receive(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> LoginProgress {
        let mut reply = Vec::new();
        match self.request(frame, &mut reply) {
            Ok(flags) => {
                self.say(&frame.header, flags, None, &reply, out);
                if Stage::from_bits(flags) == Some(Stage::FullFeature) && flags & TRANSIT != 0 {
                    return self.done();
                }
                LoginProgress::Continues
            }
            Err(status) => {
                self.say(&frame.header, 0, Some(status), &[], out);
                LoginProgress::Refused(status)
            }
        }
    }

    /// Returns the flags of the reply, whose text is appended.
    fn request(&mut self, frame: &Frame<'_>, reply: &mut Vec<u8>) -> Result<u8, Refused> {
        let header = &frame.header;
        let flags = header.flags();
        let stage = Stage::from_bits(flags >> 2).ok_or(LoginStatus::InitiatorError)?;
        self.check_request(header, stage)?;
        self.stage = Some(stage);
        if self.text.len() + frame.data.len() > TEXT_BYTES_MAX {
            return Err(LoginStatus::InitiatorError);
        }
        self.text.extend_from_slice(frame.data);
        if flags & CONTINUE != 0 {
            return if flags & TRANSIT == 0 {
                Ok((stage as u8) << 2)
            } else {
                Err(LoginStatus::InitiatorError)
            };
        }
        let text = std::mem::take(&mut self.text);
        self.negotiate(stage, &text, reply)?;
        self.next_stage(stage, flags)
    }

    fn check_request(&mut self, header: &Header, stage: Stage) -> Result<(), Refused> {
        if header.opcode() != Some(Opcode::Login) {
            return Err(LoginStatus::InvalidDuringLogin);
        }
        match self.stage {
            None => self.first_request(header)?,
            Some(before) if stage < before => return Err(LoginStatus::InvalidDuringLogin),
            Some(_) => {}
        }
        if stage == Stage::FullFeature {
            return Err(LoginStatus::InvalidDuringLogin);
        }
        if stage == Stage::Operational && !self.is_authenticated() {
            return Err(LoginStatus::AuthenticationFailure);
        }
        Ok(())
    }

    fn first_request(&mut self, header: &Header) -> Result<(), Refused> {
        if header.0[3] != 0 {
            return Err(LoginStatus::UnsupportedVersion);
        }
        if header.get16(14) != 0 {
            return Err(LoginStatus::NoSuchSession);
        }
        self.isid.0.copy_from_slice(&header.0[8..14]);
        self.command_number = header.get32(24);
        self.status_number = header.get32(28);
        if self.policy.initiator.is_none() {
            self.authentication = Authentication::Done;
        }
        Ok(())
    }

    fn is_authenticated(&self) -> bool {
        self.authentication == Authentication::Done
    }

    fn negotiate(
        &mut self,
        stage: Stage,
        request: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let pairs = text::parse(request).map_err(|_| LoginStatus::InitiatorError)?;
        let first = self.initiator_name.is_none();
        self.declarations(&pairs)?;
        if first {
            self.check_declarations()?;
            if !self.is_discovery {
                let group = self.policy.portal_group.to_string();
                text::push(reply, "TargetPortalGroupTag", &group);
            }
        }
        for (key, value) in &pairs {
            self.answer(stage, key, value, &pairs, reply)?;
        }
        if stage == Stage::Operational && !self.declared {
            let length = self.policy.parameters.receive_bytes_max.to_string();
            text::push(reply, "MaxRecvDataSegmentLength", &length);
            self.declared = true;
        }
        Ok(())
    }

    /// Who wants what, which must be known before anything is answered.
    fn declarations(&mut self, pairs: &[(&str, &str)]) -> Result<(), Refused> {
        for (key, value) in pairs {
            match *key {
                "InitiatorName" if !value.is_empty() && value.len() <= 223 => {
                    self.initiator_name = Some((*value).to_owned());
                }
                "InitiatorName" => return Err(LoginStatus::MissingParameter),
                "SessionType" => {
                    self.is_discovery = match *value {
                        "Discovery" => true,
                        "Normal" => false,
                        _ => return Err(LoginStatus::SessionType),
                    }
                }
                "TargetName" if *value == self.policy.target_name => self.target_named = true,
                "TargetName" => return Err(LoginStatus::NotFound),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_declarations(&self) -> Result<(), Refused> {
        let complete = self.initiator_name.is_some() && (self.is_discovery || self.target_named);
        if complete {
            Ok(())
        } else {
            Err(LoginStatus::MissingParameter)
        }
    }

    fn answer(
        &mut self,
        stage: Stage,
        key: &str,
        value: &str,
        pairs: &[(&str, &str)],
        reply: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        match key {
            "InitiatorName" | "InitiatorAlias" | "SessionType" | "TargetName" => Ok(()),
            "AuthMethod" => self.choose_method(value, reply),
            "CHAP_A" => self.challenge(value, reply),
            "CHAP_R" => self.prove(value, pairs, reply),
            // Read with the response.
            "CHAP_N" | "CHAP_I" | "CHAP_C" => Ok(()),
            _ if stage == Stage::Security => {
                text::push(reply, key, "Reject");
                Ok(())
            }
            _ if self.is_discovery && is_irrelevant_in_discovery(key) => {
                text::push(reply, key, "Irrelevant");
                Ok(())
            }
            _ => self.agree(key, value, reply),
        }
    }

    fn agree(&mut self, key: &str, value: &str, reply: &mut Vec<u8>) -> Result<(), Refused> {
        match self.policy.parameters.respond(&mut self.agreed, key, value) {
            Ok(Answer::Say(answer)) => text::push(reply, key, &answer),
            Ok(Answer::Nothing) => {}
            Ok(Answer::NotUnderstood) => text::push(reply, key, "NotUnderstood"),
            Err(_) => text::push(reply, key, "Reject"),
        }
        Ok(())
    }

    fn choose_method(&mut self, offered: &str, reply: &mut Vec<u8>) -> Result<(), Refused> {
        let needed = if self.policy.initiator.is_some() {
            "CHAP"
        } else {
            "None"
        };
        if !offered.split(',').any(|method| method == needed) {
            return Err(LoginStatus::AuthenticationFailure);
        }
        if self.authentication == Authentication::ExpectMethod {
            self.authentication = Authentication::ExpectAlgorithm;
        }
        text::push(reply, "AuthMethod", needed);
        Ok(())
    }

    fn challenge(&mut self, algorithms: &str, reply: &mut Vec<u8>) -> Result<(), Refused> {
        let expected = self.authentication == Authentication::ExpectAlgorithm;
        let Some(algorithm) = Algorithm::choose(algorithms).filter(|_| expected) else {
            return Err(LoginStatus::AuthenticationFailure);
        };
        self.algorithm = algorithm;
        self.authentication = Authentication::ExpectResponse;
        text::push(reply, "CHAP_A", algorithm.number());
        text::push(reply, "CHAP_I", &self.identifier.to_string());
        text::push(reply, "CHAP_C", &text::hex(&self.challenge));
        Ok(())
    }

    fn prove(
        &mut self,
        response: &str,
        pairs: &[(&str, &str)],
        reply: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let value = |key: &str| pairs.iter().find(|pair| pair.0 == key).map(|pair| pair.1);
        let known = self
            .policy
            .initiator
            .as_ref()
            .filter(|it| value("CHAP_N") == Some(&it.name));
        let response = text::binary(response);
        let right = |known: &Credentials| {
            let algorithm = self.algorithm;
            let expected = algorithm.response(self.identifier, &known.secret, &self.challenge);
            response
                .as_deref()
                .is_some_and(|it| chap::is_equal(it, &expected))
        };
        let expected = self.authentication == Authentication::ExpectResponse;
        if !expected || !known.is_some_and(right) {
            return Err(LoginStatus::AuthenticationFailure);
        }
        self.authentication = Authentication::Done;
        match (value("CHAP_I"), value("CHAP_C")) {
            (None, None) => Ok(()),
            (Some(identifier), Some(challenge)) => self.prove_oneself(identifier, challenge, reply),
            _ => Err(LoginStatus::InitiatorError),
        }
    }

    /// The initiator asks for proof in turn. Its challenge may not be ours sent back: whoever
    /// does that wants to be told the answer to our own.
    fn prove_oneself(
        &self,
        identifier: &str,
        challenge: &str,
        reply: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let own = self
            .policy
            .target
            .as_ref()
            .ok_or(LoginStatus::AuthenticationFailure)?;
        let identifier = text::number(identifier).and_then(|it| u8::try_from(it).ok());
        let challenge = text::binary(challenge).filter(|it| *it != self.challenge);
        let (Some(identifier), Some(challenge)) = (identifier, challenge) else {
            return Err(LoginStatus::AuthenticationFailure);
        };
        let response = self.algorithm.response(identifier, &own.secret, &challenge);
        text::push(reply, "CHAP_N", &own.name);
        text::push(reply, "CHAP_R", &text::hex(&response));
        Ok(())
    }

    /// The stage moves on when the initiator wants it and nothing is missing.
    fn next_stage(&mut self, stage: Stage, flags: u8) -> Result<u8, Refused> {
        let stay = Ok((stage as u8) << 2);
        if flags & TRANSIT == 0 {
            return stay;
        }
        let next = Stage::from_bits(flags).filter(|next| *next > stage);
        let next = next.ok_or(LoginStatus::InitiatorError)?;
        match self.authentication {
            Authentication::Done => {
                self.stage = Some(next);
                Ok(TRANSIT | (stage as u8) << 2 | next as u8)
            }
            Authentication::ExpectMethod => Err(LoginStatus::AuthenticationFailure),
            Authentication::ExpectAlgorithm | Authentication::ExpectResponse => stay,
        }
    }

    fn say(
        &mut self,
        request: &Header,
        flags: u8,
        status: Option<LoginStatus>,
        text: &[u8],
        out: &mut Vec<u8>,
    ) {
        let mut header = Header::new(Opcode::LoginResponse, flags, request.task_tag());
        header.0[8..14].copy_from_slice(&request.0[8..14]);
        let done = flags & TRANSIT != 0 && flags & 3 == Stage::FullFeature as u8;
        header.put16(14, if done { self.handle } else { request.get16(14) });
        header.put32(24, self.status_number);
        header.put32(28, self.command_number);
        header.put32(32, self.command_number.wrapping_add(COMMANDS_MAX - 1));
        header.put16(36, status.map_or(0, |status| status as u16));
        self.status_number = self.status_number.wrapping_add(1);
        Framing::default().put(out, header, text);
    }

    fn done(&mut self) -> LoginProgress {
        let name = self.initiator_name.take().unwrap_or_default();
        let receive_bytes_max = self.policy.parameters.receive_bytes_max;
        LoginProgress::Done(LoggedIn {
            initiator: InitiatorPort::new(name, self.isid),
            is_discovery: self.is_discovery,
            parameters: Parameters {
                receive_bytes_max,
                ..self.agreed
            },
            command_number: self.command_number,
            status_number: self.status_number,
        })
    }
}
