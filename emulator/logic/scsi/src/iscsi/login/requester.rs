//! The initiator's end of login.

use super::super::chap::{self, Algorithm, Credentials};
use super::super::frame::{Frame, Framing};
use super::super::negotiation::{Parameters, is_irrelevant_in_discovery};
use super::super::pdu::{Header, IMMEDIATE, Opcode};
use super::super::text;
use super::{CONTINUE, Stage, TRANSIT};
use crate::identity::InitiatorPort;

/// Why a login did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The target refused, with this status class and detail.
    #[error("the target refused the login with status {0:04x}{why}", why = reason(*.0))]
    Refused(u16),
    /// The target sent the login elsewhere, which is not followed.
    #[error("the target redirects to {0}: connect there")]
    Redirected(String),
    /// The target could not prove who it is.
    #[error("the target could not prove who it is: check the mutual CHAP user and secret")]
    TargetNotProven,
    /// The target asks for an authentication that the initiator has no credentials for.
    #[error("the target asks for authentication {0}, for which there are no credentials")]
    Unauthenticated(String),
    /// The target does not keep to the protocol.
    #[error("the target does not keep to the protocol: {0}")]
    Protocol(&'static str),
}

fn reason(status: u16) -> &'static str {
    match status {
        0x0201 => " (authentication failed: check user and secret)",
        0x0202 => " (this initiator is not allowed)",
        0x0203 => " (no such target: check its name)",
        0x0206 => " (too many connections)",
        0x0301 => " (service not available)",
        0x0302 => " (out of resources)",
        _ => "",
    }
}

/// What an initiator logs in with.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Who logs in; a reconnect uses the same ISID, so that registrations are found again.
    pub initiator: InitiatorPort,
    /// The target; absent for a discovery session.
    pub target_name: Option<String>,
    /// What the initiator can prove.
    pub credentials: Option<Credentials>,
    /// What the target must prove in turn.
    pub expected_of_target: Option<Credentials>,
    /// What the initiator wants.
    pub parameters: Parameters,
}

/// What is expected from the target next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::enum_variant_names,
    reason = "states are named for what they expect"
)]
enum State {
    ExpectMethod,
    ExpectChallenge,
    ExpectProof,
    ExpectParameters,
}

/// The initiator's end of a login.
#[derive(Debug)]
pub struct Requester {
    identity: Identity,
    state: State,
    identifier: u8,
    challenge: [u8; chap::CHALLENGE_BYTES],
    /// What the target chose.
    algorithm: Algorithm,
    agreed: Parameters,
    text: Vec<u8>,
    expected_status: u32,
}

/// The tag of every login PDU: there is only one exchange.
const TAG: u32 = 0;

impl Requester {
    /// Begins a login: appends the first PDU to `out`. `entropy` makes the mutual challenge.
    pub fn start(identity: Identity, entropy: [u8; 17], out: &mut Vec<u8>) -> Self {
        let [identifier, challenge @ ..] = entropy;
        let login = Self {
            identity,
            state: State::ExpectMethod,
            identifier,
            challenge,
            algorithm: Algorithm::Md5,
            agreed: Parameters::UNSAID,
            text: Vec::new(),
            expected_status: 0,
        };
        let mut text = Vec::new();
        login.declare(&mut text);
        let methods = if login.identity.credentials.is_some() {
            "CHAP,None"
        } else {
            "None"
        };
        text::push(&mut text, "AuthMethod", methods);
        // Without credentials there is nothing to wait for in the security stage.
        let transit = login.identity.credentials.is_none();
        login.send(
            Stage::Security,
            transit.then_some(Stage::Operational),
            &text,
            out,
        );
        login
    }

    fn declare(&self, text: &mut Vec<u8>) {
        text::push(text, "InitiatorName", &self.identity.initiator.name);
        match &self.identity.target_name {
            Some(name) => {
                text::push(text, "TargetName", name);
                text::push(text, "SessionType", "Normal");
            }
            None => text::push(text, "SessionType", "Discovery"),
        }
    }

    fn send(&self, stage: Stage, next: Option<Stage>, text: &[u8], out: &mut Vec<u8>) {
        let transit = next.map_or(0, |next| TRANSIT | next as u8);
        let mut header = Header::new(Opcode::Login, (stage as u8) << 2 | transit, TAG);
        header.0[0] |= IMMEDIATE;
        header.0[8..14].copy_from_slice(&self.identity.initiator.isid.0);
        header.put32(24, 1);
        header.put32(28, self.expected_status);
        Framing::default().put(out, header, text);
    }

    /// Takes the target's reply and appends the next request; `Some` when login is done, with
    /// what was agreed and the StatSN expected next.
    pub fn receive(
        &mut self,
        frame: &Frame<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Option<(Parameters, u32)>, LoginError> {
        let header = &frame.header;
        if header.opcode() != Some(Opcode::LoginResponse) {
            return Err(LoginError::Protocol(
                "something else than a login response came",
            ));
        }
        self.check_status(header, frame.data)?;
        self.expected_status = header.get32(24).wrapping_add(1);
        if self.text.len() + frame.data.len() > text::TEXT_BYTES_MAX {
            return Err(LoginError::Protocol("too much text"));
        }
        self.text.extend_from_slice(frame.data);
        if header.flags() & CONTINUE != 0 {
            self.send(self.stage(), None, &[], out);
            return Ok(None);
        }
        let text = std::mem::take(&mut self.text);
        let pairs = text::parse(&text).map_err(|_| LoginError::Protocol("text is malformed"))?;
        self.advance(header.flags(), &pairs, out)
    }

    fn check_status(&self, header: &Header, data: &[u8]) -> Result<(), LoginError> {
        match header.get16(36) {
            0 => Ok(()),
            status if status >> 8 == 1 => {
                let pairs = text::parse(data).unwrap_or_default();
                let address = pairs
                    .iter()
                    .find(|it| it.0 == "TargetAddress")
                    .map(|it| it.1);
                Err(LoginError::Redirected(
                    address.unwrap_or("nowhere").to_owned(),
                ))
            }
            status => Err(LoginError::Refused(status)),
        }
    }

    fn stage(&self) -> Stage {
        match self.state {
            State::ExpectParameters => Stage::Operational,
            _ => Stage::Security,
        }
    }

    fn advance(
        &mut self,
        flags: u8,
        pairs: &[(&str, &str)],
        out: &mut Vec<u8>,
    ) -> Result<Option<(Parameters, u32)>, LoginError> {
        let moved = flags & TRANSIT != 0;
        match self.state {
            State::ExpectMethod => self.method(moved, pairs, out)?,
            State::ExpectChallenge => self.respond(pairs, out)?,
            State::ExpectProof => self.proof(moved, pairs, out)?,
            State::ExpectParameters => {
                self.parameters(pairs)?;
                if moved {
                    let receive_bytes_max = self.identity.parameters.receive_bytes_max;
                    let agreed = Parameters {
                        receive_bytes_max,
                        ..self.agreed
                    };
                    return Ok(Some((agreed, self.expected_status)));
                }
                self.send(Stage::Operational, Some(Stage::FullFeature), &[], out);
            }
        }
        Ok(None)
    }

    fn method(
        &mut self,
        moved: bool,
        pairs: &[(&str, &str)],
        out: &mut Vec<u8>,
    ) -> Result<(), LoginError> {
        match value(pairs, "AuthMethod") {
            Some("CHAP") if self.identity.credentials.is_some() => {
                let mut text = Vec::new();
                text::push(&mut text, "CHAP_A", Algorithm::OFFER);
                self.state = State::ExpectChallenge;
                self.send(Stage::Security, None, &text, out);
                Ok(())
            }
            None | Some("None") if self.identity.expected_of_target.is_some() => {
                Err(LoginError::TargetNotProven)
            }
            None | Some("None") if moved => self.propose(out),
            None | Some("None") => {
                self.send(Stage::Security, Some(Stage::Operational), &[], out);
                self.state = State::ExpectProof;
                Ok(())
            }
            Some(other) => Err(LoginError::Unauthenticated(other.to_owned())),
        }
    }

    fn respond(&mut self, pairs: &[(&str, &str)], out: &mut Vec<u8>) -> Result<(), LoginError> {
        let own = self.identity.credentials.as_ref();
        let own = own.ok_or(LoginError::Protocol("a challenge without CHAP"))?;
        let identifier = value(pairs, "CHAP_I").and_then(text::number);
        let identifier = identifier.and_then(|it| u8::try_from(it).ok());
        let challenge = value(pairs, "CHAP_C").and_then(text::binary);
        let algorithm = value(pairs, "CHAP_A").and_then(Algorithm::from_number);
        let (Some(identifier), Some(challenge), Some(algorithm)) =
            (identifier, challenge, algorithm)
        else {
            return Err(LoginError::Protocol("the CHAP challenge is incomplete"));
        };
        let mut text = Vec::new();
        text::push(&mut text, "CHAP_N", &own.name);
        self.algorithm = algorithm;
        let response = algorithm.response(identifier, &own.secret, &challenge);
        text::push(&mut text, "CHAP_R", &text::hex(&response));
        if self.identity.expected_of_target.is_some() {
            text::push(&mut text, "CHAP_I", &self.identifier.to_string());
            text::push(&mut text, "CHAP_C", &text::hex(&self.challenge));
        }
        self.state = State::ExpectProof;
        self.send(Stage::Security, Some(Stage::Operational), &text, out);
        Ok(())
    }

    fn proof(
        &mut self,
        moved: bool,
        pairs: &[(&str, &str)],
        out: &mut Vec<u8>,
    ) -> Result<(), LoginError> {
        if let Some(expected) = &self.identity.expected_of_target {
            let response = value(pairs, "CHAP_R")
                .and_then(text::binary)
                .unwrap_or_default();
            let algorithm = self.algorithm;
            let right = algorithm.response(self.identifier, &expected.secret, &self.challenge);
            let named = value(pairs, "CHAP_N") == Some(&expected.name);
            if !named || !chap::is_equal(&response, &right) {
                return Err(LoginError::TargetNotProven);
            }
        }
        if !moved {
            return Err(LoginError::Protocol(
                "the target stays in the security stage",
            ));
        }
        self.propose(out)
    }

    fn propose(&mut self, out: &mut Vec<u8>) -> Result<(), LoginError> {
        let mut text = Vec::new();
        for (key, value) in self.identity.parameters.proposal() {
            let needless = is_irrelevant_in_discovery(key);
            if self.identity.target_name.is_some() || !needless {
                text::push(&mut text, key, &value);
            }
        }
        self.state = State::ExpectParameters;
        self.send(Stage::Operational, Some(Stage::FullFeature), &text, out);
        Ok(())
    }

    fn parameters(&mut self, pairs: &[(&str, &str)]) -> Result<(), LoginError> {
        let own = self.identity.parameters;
        for (key, value) in pairs {
            let accepted = own.accept(&mut self.agreed, key, value);
            accepted.map_err(|_| LoginError::Protocol("an answer is out of its range"))?;
        }
        Ok(())
    }
}

fn value<'a>(pairs: &[(&str, &'a str)], key: &str) -> Option<&'a str> {
    pairs.iter().find(|pair| pair.0 == key).map(|pair| pair.1)
}
