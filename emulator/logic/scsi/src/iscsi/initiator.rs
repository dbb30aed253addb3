//! The initiator's end: login and session in one machine, for one connection.
//!
//! Bytes go in with [`Initiator::receive`], events come out of [`Initiator::events`], what is to
//! be sent gathers in [`Initiator::output`]. Deadlines and reconnecting are the caller's: an
//! initiator that is dropped and made anew with the same identity is the same I_T nexus.

use std::collections::{BTreeMap, VecDeque};

use super::frame::{Cut, Frame, Framing};
use super::login::{Identity, LoginError, Requester};
use super::negotiation::Parameters;
use super::pdu::{FINAL, Header, IMMEDIATE, NO_TAG, Opcode, precedes};
use super::text;
use crate::command::Command;
use crate::identity::Lun;
use crate::outcome::{Outcome, Status};
use crate::sense::Sense;

/// A command or request under way, as the initiator numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Login is done; commands may be sent.
    LoggedIn,
    /// A command has ended.
    Done(Tag, Outcome),
    /// A task management function has ended, with its response code: 0 complete.
    Managed(Tag, u8),
    /// The answer to SendTargets: names and their addresses with portal groups.
    Targets(Vec<(String, Vec<String>)>),
    /// The target answered a ping.
    Pong(Tag),
    /// The target wants the initiator to log out, or will drop the connection.
    AskedToLogOut,
    /// The target has taken note of the logout.
    LoggedOut,
}

/// Why a connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// The login failed.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A PDU is damaged or longer than allowed.
    #[error("a PDU from the target is damaged or too long")]
    Frame,
    /// The target rejected a PDU, with this reason code.
    #[error("the target rejected a PDU with reason {0:#04x}")]
    Rejected(u8),
    /// The target does not keep to the protocol.
    #[error("the target does not keep to the protocol: {0}")]
    Protocol(&'static str),
}

/// Most commands under way at once, whatever the target would take.
pub const COMMANDS_MAX: usize = 256;

#[derive(Debug)]
enum Phase {
    Login(Box<Requester>),
    Full,
}

/// A command under way.
#[derive(Debug)]
struct Pending {
    lun: Lun,
    data_out: Vec<u8>,
    data_in: Vec<u8>,
    data_in_max: usize,
    is_command: bool,
}

/// The initiator's end of a connection.
#[derive(Debug)]
pub struct Initiator {
    phase: Phase,
    parameters: Parameters,
    framing: Framing,
    command_number: u32,
    max_command_number: u32,
    expected_status: u32,
    next_tag: u32,
    pending: BTreeMap<Tag, Pending>,
    text: Vec<u8>,
    events: VecDeque<Event>,
    /// What is to be sent.
    pub output: Vec<u8>,
}

impl Initiator {
    /// Begins to log in. `entropy` makes the challenge of mutual CHAP.
    pub fn connect(identity: Identity, entropy: [u8; 17]) -> Self {
        let mut output = Vec::new();
        let parameters = identity.parameters;
        let login = Requester::start(identity, entropy, &mut output);
        Self {
            phase: Phase::Login(Box::new(login)),
            parameters,
            framing: Framing::default(),
            command_number: 1,
            max_command_number: 1,
            expected_status: 0,
            next_tag: 1,
            pending: BTreeMap::new(),
            text: Vec::new(),
            events: VecDeque::new(),
            output,
        }
    }

    /// Takes what happened since the last call.
    pub fn events(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.events.drain(..)
    }

    /// Takes bytes from the target; returns how many of them are done with. An error ends the
    /// connection, and every command under way has then lost its path.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<usize, ConnectionError> {
        let data_max = usize::try_from(self.parameters.receive_bytes_max).unwrap_or(usize::MAX);
        let mut done = 0;
        loop {
            let cut = self.framing.cut(&bytes[done..], data_max);
            match cut.map_err(|_| ConnectionError::Frame)? {
                Cut::Need(_) => return Ok(done),
                Cut::Frame(frame) => {
                    done += frame.length;
                    self.take(&frame)?;
                }
            }
        }
    }

    fn take(&mut self, frame: &Frame<'_>) -> Result<(), ConnectionError> {
        let Phase::Login(login) = &mut self.phase else {
            return self.take_full(frame);
        };
        let Some((agreed, expected)) = login.receive(frame, &mut self.output)? else {
            return Ok(());
        };
        self.parameters = agreed;
        self.framing = agreed.framing();
        self.expected_status = expected;
        self.max_command_number = frame.header.get32(32);
        self.phase = Phase::Full;
        self.events.push_back(Event::LoggedIn);
        Ok(())
    }

    fn take_full(&mut self, frame: &Frame<'_>) -> Result<(), ConnectionError> {
        let header = &frame.header;
        let max = header.get32(32);
        if precedes(self.max_command_number, max) {
            self.max_command_number = max;
        }
        match header.opcode() {
            Some(Opcode::Response) => self.response(frame),
            Some(Opcode::DataIn) => self.data_in(frame),
            Some(Opcode::ReadyToTransfer) => self.ready_to_transfer(header),
            Some(Opcode::TaskManagementResponse) => {
                self.status_came(header);
                let tag = self.end(header.task_tag())?;
                self.events.push_back(Event::Managed(tag, header.0[2]));
                Ok(())
            }
            Some(Opcode::NopIn) => self.nop_in(header),
            Some(Opcode::TextResponse) => self.text_response(frame),
            Some(Opcode::LogoutResponse) => {
                self.events.push_back(Event::LoggedOut);
                Ok(())
            }
            Some(Opcode::AsyncMessage) => {
                self.status_came(header);
                // Code 0 is a SCSI event, which says nothing about the connection.
                if header.0[36] != 0 {
                    self.events.push_back(Event::AskedToLogOut);
                }
                Ok(())
            }
            Some(Opcode::Reject) => Err(ConnectionError::Rejected(header.0[2])),
            _ => Err(ConnectionError::Protocol("a PDU that targets do not send")),
        }
    }

    fn status_came(&mut self, header: &Header) {
        self.expected_status = header.get32(24).wrapping_add(1);
    }

    fn end(&mut self, tag: u32) -> Result<Tag, ConnectionError> {
        let tag = Tag(tag);
        let known = self.pending.remove(&tag).is_some();
        if known {
            Ok(tag)
        } else {
            Err(ConnectionError::Protocol("an answer to no request"))
        }
    }

    fn response(&mut self, frame: &Frame<'_>) -> Result<(), ConnectionError> {
        let header = &frame.header;
        self.status_came(header);
        let tag = Tag(header.task_tag());
        let pending = self.pending.remove(&tag);
        let pending = pending.ok_or(ConnectionError::Protocol("a response to no command"))?;
        // A response code other than 0 means that the target failed without a status.
        let status = Status::from_byte(header.0[3]).filter(|_| header.0[2] == 0);
        let Some(status) = status else {
            self.events
                .push_back(Event::Done(tag, Outcome::TaskAborted));
            return Ok(());
        };
        let sense = frame
            .data
            .get(2..)
            .and_then(|bytes| Sense::parse(bytes).ok());
        let outcome = Outcome::from_parts(status, sense, pending.data_in);
        self.events.push_back(Event::Done(tag, outcome));
        Ok(())
    }

    fn data_in(&mut self, frame: &Frame<'_>) -> Result<(), ConnectionError> {
        const STATUS: u8 = 0x01;
        let header = &frame.header;
        let tag = Tag(header.task_tag());
        let unknown = ConnectionError::Protocol("data for no command");
        let pending = self.pending.get_mut(&tag).ok_or(unknown)?;
        let in_order = header.get32(40) as usize == pending.data_in.len();
        if !in_order || pending.data_in.len() + frame.data.len() > pending.data_in_max {
            return Err(ConnectionError::Protocol("data out of order or too long"));
        }
        pending.data_in.extend_from_slice(frame.data);
        if header.flags() & STATUS != 0 {
            self.status_came(header);
            let status = Status::from_byte(header.0[3]).unwrap_or(Status::TaskAborted);
            if let Some(pending) = self.pending.remove(&tag) {
                let outcome = Outcome::from_parts(status, None, pending.data_in);
                self.events.push_back(Event::Done(tag, outcome));
            }
        }
        Ok(())
    }

    fn ready_to_transfer(&mut self, header: &Header) -> Result<(), ConnectionError> {
        let tag = Tag(header.task_tag());
        let unknown = ConnectionError::Protocol("a request for no command's data");
        let pending = self.pending.get(&tag).ok_or(unknown)?;
        let (from, length) = (header.get32(40) as usize, header.get32(44) as usize);
        let end = from.checked_add(length);
        let data = end.and_then(|end| pending.data_out.get(from..end));
        let absent = ConnectionError::Protocol("a request for data that is not there");
        let data = data.ok_or(absent)?;
        let (data, lun) = (data.to_vec(), pending.lun);
        self.send_burst(tag, lun, header.get32(20), from, &data);
        Ok(())
    }

    /// Data-Out PDUs of one burst.
    fn send_burst(&mut self, tag: Tag, lun: Lun, transfer: u32, from: usize, data: &[u8]) {
        let piece = usize::try_from(self.parameters.send_bytes_max & !3).unwrap_or(512);
        let pieces = data.len().div_ceil(piece).max(1);
        for (number, at) in (0_u32..).zip((0..pieces).map(|it| it * piece)) {
            let data = &data[at..data.len().min(at + piece)];
            let last = number as usize == pieces - 1;
            let mut header = Header::new(Opcode::DataOut, if last { FINAL } else { 0 }, tag.0);
            header.0[8..16].copy_from_slice(&lun.to_bytes());
            header.put32(20, transfer);
            header.put32(28, self.expected_status);
            header.put32(36, number);
            header.put32(40, u32::try_from(from + at).unwrap_or(u32::MAX));
            self.framing.put(&mut self.output, header, data);
        }
    }

    fn nop_in(&mut self, header: &Header) -> Result<(), ConnectionError> {
        if header.task_tag() != NO_TAG {
            self.status_came(header);
            let tag = self.end(header.task_tag())?;
            self.events.push_back(Event::Pong(tag));
            return Ok(());
        }
        if header.get32(20) != NO_TAG {
            let mut reply = Header::new(Opcode::NopOut, FINAL, NO_TAG);
            reply.0[0] |= IMMEDIATE;
            reply.0[8..16].copy_from_slice(&header.lun());
            reply.put32(20, header.get32(20));
            self.send(reply, &[]);
        }
        Ok(())
    }

    fn text_response(&mut self, frame: &Frame<'_>) -> Result<(), ConnectionError> {
        let header = &frame.header;
        self.status_came(header);
        if self.text.len() + frame.data.len() > text::TEXT_BYTES_MAX {
            return Err(ConnectionError::Protocol("too much text"));
        }
        self.text.extend_from_slice(frame.data);
        if !header.is_final() {
            let mut more = Header::new(Opcode::Text, FINAL, header.task_tag());
            more.put32(20, header.get32(20));
            self.send(more, &[]);
            return Ok(());
        }
        self.end(header.task_tag())?;
        let text = std::mem::take(&mut self.text);
        let pairs = text::parse(&text);
        let pairs = pairs.map_err(|_| ConnectionError::Protocol("text is malformed"))?;
        let mut targets: Vec<(String, Vec<String>)> = Vec::new();
        for (key, value) in pairs {
            match (key, targets.last_mut()) {
                ("TargetName", _) => targets.push((value.to_owned(), Vec::new())),
                ("TargetAddress", Some(target)) => target.1.push(value.to_owned()),
                _ => {}
            }
        }
        self.events.push_back(Event::Targets(targets));
        Ok(())
    }

    /// How many commands the target takes now.
    pub fn room(&self) -> usize {
        let window = self
            .max_command_number
            .wrapping_sub(self.command_number)
            .wrapping_add(1);
        let window = if window > 1 << 31 { 0 } else { window };
        let commands = self.pending.values().filter(|it| it.is_command).count();
        (window as usize).min(COMMANDS_MAX.saturating_sub(commands))
    }

    /// What was agreed at login; before that, what is asked for.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Whether login is done.
    pub fn is_logged_in(&self) -> bool {
        matches!(self.phase, Phase::Full)
    }

    /// Sends a command. `None`: not logged in, or the target takes no more now.
    pub fn submit(&mut self, lun: Lun, command: &Command) -> Option<Tag> {
        let data_in_max = usize::try_from(command.data_in_bytes_max()).unwrap_or(usize::MAX);
        let data_out = command.data_out();
        self.submit_raw(lun, command.cdb().as_bytes(), &data_out, data_in_max)
    }

    /// The same for a command given as bytes.
    pub fn submit_raw(
        &mut self,
        lun: Lun,
        cdb: &[u8],
        data_out: &[u8],
        data_in_max: usize,
    ) -> Option<Tag> {
        if !self.is_logged_in() || self.room() == 0 || cdb.len() > 16 {
            return None;
        }
        let data_out = data_out.to_vec();
        let own = self.parameters;
        let limit = |on: bool, most: u32| if on { most as usize } else { 0 };
        let immediate = limit(
            own.immediate_data,
            own.first_burst_bytes.min(own.send_bytes_max),
        );
        let immediate = data_out.len().min(immediate);
        let unsolicited = limit(!own.initial_r2t, own.first_burst_bytes);
        let unsolicited = data_out.len().min(unsolicited).max(immediate);
        let more = unsolicited > immediate;
        let tag = self.command_pdu(lun, cdb, &data_out, data_in_max, (immediate, more));
        if more {
            self.send_burst(
                tag,
                lun,
                NO_TAG,
                immediate,
                &data_out[immediate..unsolicited],
            );
        }
        let pending = Pending {
            lun,
            data_out,
            data_in: Vec::new(),
            data_in_max,
            is_command: true,
        };
        self.pending.insert(tag, pending);
        Some(tag)
    }

    fn command_pdu(
        &mut self,
        lun: Lun,
        cdb: &[u8],
        data_out: &[u8],
        data_in_max: usize,
        (immediate, more): (usize, bool),
    ) -> Tag {
        const READ: u8 = 0x40;
        const WRITE: u8 = 0x20;
        const SIMPLE: u8 = 0x01;
        let tag = self.new_tag();
        let direction = match (data_out.is_empty(), data_in_max) {
            (false, _) => WRITE,
            (true, 0) => 0,
            (true, _) => READ,
        };
        let last = if more { 0 } else { FINAL };
        let mut header = Header::new(Opcode::Command, last | direction | SIMPLE, tag.0);
        header.0[8..16].copy_from_slice(&lun.to_bytes());
        let expected = if data_out.is_empty() {
            data_in_max
        } else {
            data_out.len()
        };
        header.put32(20, u32::try_from(expected).unwrap_or(u32::MAX));
        header.0[32..32 + cdb.len()].copy_from_slice(cdb);
        self.send(header, &data_out[..immediate]);
        tag
    }

    /// Sends a task management function (RFC 7143 11.5.1): 1 ABORT TASK to 7 TARGET COLD RESET.
    pub fn manage(&mut self, lun: Lun, function: u8, referenced: Option<Tag>) -> Tag {
        let tag = self.new_tag();
        let mut header = Header::new(Opcode::TaskManagement, FINAL | function, tag.0);
        header.0[0] |= IMMEDIATE;
        header.0[8..16].copy_from_slice(&lun.to_bytes());
        header.put32(20, referenced.map_or(NO_TAG, |tag| tag.0));
        self.send(header, &[]);
        self.expect(tag);
        tag
    }

    /// Asks for a sign of life.
    pub fn ping(&mut self) -> Tag {
        let tag = self.new_tag();
        let mut header = Header::new(Opcode::NopOut, FINAL, tag.0);
        header.0[0] |= IMMEDIATE;
        header.put32(20, NO_TAG);
        self.send(header, &[]);
        self.expect(tag);
        tag
    }

    /// Asks for the targets, in a discovery session.
    pub fn send_targets(&mut self) -> Tag {
        let tag = self.new_tag();
        let mut header = Header::new(Opcode::Text, FINAL, tag.0);
        header.put32(20, NO_TAG);
        let mut text = Vec::new();
        text::push(&mut text, "SendTargets", "All");
        self.send(header, &text);
        self.expect(tag);
        tag
    }

    /// Ends the session; [`Event::LoggedOut`] follows.
    pub fn log_out(&mut self) {
        let tag = self.new_tag();
        let mut header = Header::new(Opcode::Logout, FINAL, tag.0);
        header.0[0] |= IMMEDIATE;
        self.send(header, &[]);
    }

    /// Forgets a command whose deadline has passed, after ABORT TASK. A response that still
    /// comes ends the connection, so the caller reconnects rather than risk a mix-up.
    pub fn give_up(&mut self, tag: Tag) -> bool {
        self.pending.remove(&tag).is_some()
    }

    fn expect(&mut self, tag: Tag) {
        let pending = Pending {
            lun: Lun::default(),
            data_out: Vec::new(),
            data_in: Vec::new(),
            data_in_max: 0,
            is_command: false,
        };
        self.pending.insert(tag, pending);
    }

    fn new_tag(&mut self) -> Tag {
        let tag = Tag(self.next_tag);
        self.next_tag = if tag.0 == NO_TAG - 1 { 1 } else { tag.0 + 1 };
        tag
    }

    fn send(&mut self, mut header: Header, data: &[u8]) {
        header.put32(24, self.command_number);
        header.put32(28, self.expected_status);
        if !header.is_immediate() {
            self.command_number = self.command_number.wrapping_add(1);
        }
        self.framing.put(&mut self.output, header, data);
    }
}
