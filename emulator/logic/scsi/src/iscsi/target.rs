//! The target's end of a session in its full feature phase.
//!
//! Bytes go in with [`Session::step`], which says what to do; what is to be sent gathers in
//! [`Session::output`]. Keeps the order of commands, asks for data, cuts data into PDUs, counts
//! residuals. Not done here: commands themselves, and who may log in.

mod landing;
mod output;
mod respond;
mod transfer;

use std::collections::{BTreeMap, VecDeque};

pub use output::Output;
pub use respond::Ending;
pub use transfer::Transfer;

use landing::Landing;

use super::frame::{Cut, Frame, FrameError, Framing};
use super::login::LoggedIn;
use super::negotiation::{Answer, Parameters};
use super::pdu::{FINAL, Header, NO_TAG, Opcode, precedes};
use super::text;

/// How many commands may be under way: the window that the initiator is told.
pub const COMMANDS_MAX: u32 = 128;
/// How many bytes of data for writes are gathered at once, over all commands of a session.
pub const GATHERED_BYTES_MAX: usize = 64 << 20;

/// What the bytes at the front ask for.
#[derive(Debug)]
pub enum Step<'a> {
    /// Nothing yet: so many bytes, from the front, are needed first; none where
    /// [`Session::landing`] wants some.
    Need(usize),
    /// Nothing more: it has been seen to.
    Handled,
    /// A command, perhaps with data.
    Command(Command<'a>),
    /// A command whose data is complete now.
    Gathered(Transfer),
    /// A command whose data came out of order or too much of it: answer with a failure. What
    /// still comes of its data is ignored.
    Garbled(Transfer),
    /// A task management function; answer with [`Session::managed`].
    Manage(Manage),
    /// SendTargets; answer with [`Session::send_text`].
    SendTargets {
        /// The tag to answer with.
        tag: u32,
        /// Whether all targets are asked for rather than this one.
        all: bool,
    },
    /// The session ends; send what has gathered, then close the connection.
    Close(CloseReason),
}

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The initiator logged out.
    #[error("the initiator logged out")]
    Logout,
    /// A digest was wrong.
    #[error("a digest was wrong")]
    Digest,
    /// The initiator does not keep to the protocol.
    #[error("the initiator does not keep to the protocol")]
    Protocol,
}

/// A command as it came.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    /// What to answer to.
    pub task: Task,
    /// The unit, eight bytes.
    pub lun: [u8; 8],
    /// The command descriptor block, padded with zeros.
    pub cdb: [u8; 16],
    /// The data that came with it.
    pub data: &'a [u8],
    /// Whether unsolicited data follows.
    more: bool,
}

/// What a response needs to know of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// The initiator's tag.
    pub tag: u32,
    /// Whether data is to come back.
    pub reads: bool,
    /// Whether data comes with it.
    pub writes: bool,
    /// How many bytes the initiator has or expects.
    pub expected: u32,
    /// How many R2T the session has sent for it.
    requests: u32,
}

/// A task management function as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manage {
    /// The tag to answer with.
    pub tag: u32,
    /// The function: 1 ABORT TASK to 7 TARGET COLD RESET.
    pub function: u8,
    /// The unit, eight bytes.
    pub lun: [u8; 8],
    /// The task that ABORT TASK is about.
    pub referenced: u32,
}

/// What became of a task management function (RFC 7143 11.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Managed {
    /// Done.
    Complete = 0,
    /// There is no such task: it may have ended.
    NoSuchTask = 1,
    /// There is no such unit.
    NoSuchUnit = 2,
    /// Not supported.
    NotSupported = 5,
}

/// Why a PDU is rejected (RFC 7143 11.17.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum RejectReason {
    DataDigest = 0x02,
    Snack = 0x03,
    Protocol = 0x04,
    NotSupported = 0x05,
    InvalidField = 0x09,
}

/// A session of one connection.
#[derive(Debug)]
pub struct Session {
    parameters: Parameters,
    framing: Framing,
    is_discovery: bool,
    /// StatSN of the next response.
    status_number: u32,
    /// ExpCmdSN.
    command_number: u32,
    next_transfer_tag: u32,
    transfers: BTreeMap<u32, Transfer>,
    /// Commands that wait for room before their data is asked for.
    queue: VecDeque<u32>,
    gathered_bytes: usize,
    /// A long data segment that is received straight to where it belongs.
    landing: Option<Landing>,
    /// Where a segment goes whose command was aborted under way.
    lost: Vec<u8>,
    /// Buffers of commands that have ended.
    spare: Vec<Vec<u8>>,
    /// Text that goes on when the initiator asks for more: tag and rest.
    text: Option<(u32, Vec<u8>)>,
    /// A ping that has not been answered.
    pinged: bool,
    /// What is to be sent.
    pub output: Output,
}

impl Session {
    /// The session that a login has established.
    pub fn new(login: &LoggedIn) -> Self {
        Self {
            parameters: login.parameters,
            framing: login.parameters.framing(),
            is_discovery: login.is_discovery,
            status_number: login.status_number,
            command_number: login.command_number,
            next_transfer_tag: 1,
            transfers: BTreeMap::new(),
            queue: VecDeque::new(),
            gathered_bytes: 0,
            landing: None,
            lost: Vec::new(),
            spare: Vec::new(),
            text: None,
            pinged: false,
            output: Output::default(),
        }
    }

    /// Looks at the front of `bytes`; returns how many of them are done with.
    pub fn step<'a>(&mut self, bytes: &'a [u8]) -> (usize, Step<'a>) {
        if self.landing.is_some() {
            return (0, self.land());
        }
        let data_max = usize::try_from(self.parameters.receive_bytes_max).unwrap_or(usize::MAX);
        match self.framing.cut(bytes, data_max) {
            Ok(Cut::Need(length)) => match self.begin_landing(bytes) {
                Some(taken) => (taken, Step::Need(0)),
                None => (0, Step::Need(length)),
            },
            Ok(Cut::Frame(frame)) => (frame.length, self.take(frame)),
            Err(FrameError::HeaderDigest) => (0, Step::Close(CloseReason::Digest)),
            Err(FrameError::DataDigest(header)) => {
                self.reject(&header, RejectReason::DataDigest);
                (0, Step::Close(CloseReason::Digest))
            }
            Err(FrameError::TooLong(header)) => (0, self.violation(&header)),
        }
    }

    fn take<'a>(&mut self, frame: Frame<'a>) -> Step<'a> {
        let header = &frame.header;
        let Some(opcode) = header.opcode() else {
            self.reject(header, RejectReason::NotSupported);
            return Step::Handled;
        };
        let ordered = !matches!(opcode, Opcode::DataOut | Opcode::Snack);
        if ordered && !header.is_immediate() {
            match self.in_order(header.get32(24)) {
                Order::Next => self.command_number = self.command_number.wrapping_add(1),
                Order::Outside => return Step::Handled,
                Order::Gap => return self.violation(header),
            }
        }
        match opcode {
            Opcode::Command if !self.is_discovery => self.command(frame),
            Opcode::DataOut => self.data_out(frame),
            Opcode::TaskManagement if !self.is_discovery => Step::Manage(manage(header)),
            Opcode::NopOut => self.nop_out(frame),
            Opcode::Text => self.text(frame),
            Opcode::Logout => self.logout(header),
            Opcode::Snack => {
                self.reject(header, RejectReason::Snack);
                Step::Handled
            }
            _ => self.violation(header),
        }
    }

    /// A command number outside the window is ignored (RFC 7143 4.2.2.1). One inside, but not
    /// the next, cannot be: there is one connection and it keeps its order.
    fn in_order(&self, number: u32) -> Order {
        if number == self.command_number && self.room() > 0 {
            return Order::Next;
        }
        let last = self.max_command_number();
        let inside = !precedes(number, self.command_number) && !precedes(last, number);
        if inside { Order::Gap } else { Order::Outside }
    }

    fn room(&self) -> u32 {
        COMMANDS_MAX.saturating_sub(u32::try_from(self.transfers.len()).unwrap_or(COMMANDS_MAX))
    }

    fn max_command_number(&self) -> u32 {
        self.command_number
            .wrapping_add(self.room())
            .wrapping_sub(1)
    }

    fn command<'a>(&mut self, frame: Frame<'a>) -> Step<'a> {
        let header = &frame.header;
        let flags = header.flags();
        let mut cdb = [0; 16];
        cdb.copy_from_slice(&header.0[32..48]);
        let (reads, writes) = (flags & 0x40 != 0, flags & 0x20 != 0);
        let (tag, expected) = (header.task_tag(), header.get32(20));
        let too_much = frame.data.len() > usize::try_from(expected).unwrap_or(usize::MAX);
        let unwanted = !frame.data.is_empty() && (!writes || !self.parameters.immediate_data);
        let both = reads && writes;
        if too_much || unwanted || both || tag == NO_TAG || self.transfers.contains_key(&tag) {
            self.reject(header, RejectReason::InvalidField);
            return Step::Handled;
        }
        let task = Task {
            tag,
            reads,
            writes,
            expected,
            requests: 0,
        };
        let more = writes && !header.is_final();
        Step::Command(Command {
            task,
            lun: header.lun(),
            cdb,
            data: frame.data,
            more,
        })
    }

    fn nop_out<'a>(&mut self, frame: Frame<'a>) -> Step<'a> {
        let header = &frame.header;
        if header.task_tag() == NO_TAG {
            self.pinged = false;
            return Step::Handled;
        }
        let mut reply = Header::new(Opcode::NopIn, FINAL, header.task_tag());
        reply.0[8..16].copy_from_slice(&header.lun());
        reply.put32(20, NO_TAG);
        let room = usize::try_from(self.parameters.send_bytes_max).unwrap_or(usize::MAX);
        let echo = &frame.data[..frame.data.len().min(room)];
        self.send_status(reply, echo);
        Step::Handled
    }

    /// Asks the initiator for a sign of life. `false`: the last one was not answered.
    pub fn ping(&mut self) -> bool {
        let alive = !self.pinged;
        self.pinged = true;
        let mut header = Header::new(Opcode::NopIn, FINAL, NO_TAG);
        header.put32(20, self.new_tag());
        self.put_numbers(&mut header);
        header.put32(24, self.status_number);
        self.framing.put(&mut self.output.bytes, header, &[]);
        alive
    }

    /// Asks the initiator to log out within a time, in seconds.
    pub fn ask_to_log_out(&mut self, seconds: u16) {
        let mut header = Header::new(Opcode::AsyncMessage, FINAL, NO_TAG);
        header.put32(20, NO_TAG);
        header.0[36] = 1;
        header.put16(42, seconds);
        self.send_status(header, &[]);
    }

    fn logout<'a>(&mut self, header: &Header) -> Step<'a> {
        const FOR_RECOVERY: u8 = 2;
        const RECOVERY_NOT_SUPPORTED: u8 = 2;
        let recovers = header.flags() & 0x7f == FOR_RECOVERY;
        let mut reply = Header::new(Opcode::LogoutResponse, FINAL, header.task_tag());
        reply.0[2] = if recovers { RECOVERY_NOT_SUPPORTED } else { 0 };
        reply.put16(40, self.parameters.time_to_wait);
        reply.put16(42, self.parameters.time_to_retain);
        self.send_status(reply, &[]);
        if recovers {
            Step::Handled
        } else {
            Step::Close(CloseReason::Logout)
        }
    }

    fn text<'a>(&mut self, frame: Frame<'a>) -> Step<'a> {
        let header = &frame.header;
        let (tag, transfer) = (header.task_tag(), header.get32(20));
        if transfer != NO_TAG {
            return match self.text.take() {
                Some((expected, rest)) if expected == transfer => {
                    self.send_text(tag, &rest);
                    Step::Handled
                }
                _ => self.violation(header),
            };
        }
        let Ok(pairs) = text::parse(frame.data) else {
            return self.violation(header);
        };
        if let Some((_, value)) = pairs.iter().find(|pair| pair.0 == "SendTargets") {
            let all = *value == "All";
            if all == self.is_discovery {
                return Step::SendTargets { tag, all };
            }
        }
        let reply = self.answer(&pairs);
        self.send_text(tag, &reply);
        Step::Handled
    }

    /// After login only how much one takes may be declared anew.
    fn answer(&mut self, pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut reply = Vec::new();
        for (key, value) in pairs {
            if *key == "MaxRecvDataSegmentLength" {
                let own = self.parameters;
                let declared = own.respond(&mut self.parameters, key, value);
                if declared == Ok(Answer::Nothing) {
                    continue;
                }
            }
            text::push(&mut reply, key, "Reject");
        }
        reply
    }

    /// Answers a text request, in as many PDUs as the initiator's buffer asks for.
    pub fn send_text(&mut self, tag: u32, text: &[u8]) {
        let room = usize::try_from(self.parameters.send_bytes_max).unwrap_or(usize::MAX);
        let (now, rest) = text.split_at(text.len().min(room));
        let (flags, transfer) = if rest.is_empty() {
            (FINAL, NO_TAG)
        } else {
            (0x40, self.new_tag())
        };
        let mut header = Header::new(Opcode::TextResponse, flags, tag);
        header.put32(20, transfer);
        self.send_status(header, now);
        self.text = (!rest.is_empty()).then(|| (transfer, rest.to_vec()));
    }

    /// Answers a task management function.
    pub fn managed(&mut self, request: &Manage, outcome: Managed) {
        let mut header = Header::new(Opcode::TaskManagementResponse, FINAL, request.tag);
        header.0[2] = outcome as u8;
        self.send_status(header, &[]);
    }

    fn reject(&mut self, rejected: &Header, reason: RejectReason) {
        let mut header = Header::new(Opcode::Reject, FINAL, NO_TAG);
        header.0[2] = reason as u8;
        self.send_status(header, &rejected.0);
    }

    fn violation<'a>(&mut self, header: &Header) -> Step<'a> {
        self.reject(header, RejectReason::Protocol);
        Step::Close(CloseReason::Protocol)
    }

    fn new_tag(&mut self) -> u32 {
        let tag = self.next_transfer_tag;
        self.next_transfer_tag = if tag == NO_TAG - 1 { 1 } else { tag + 1 };
        tag
    }

    /// Sends a PDU that takes a status number.
    fn send_status(&mut self, mut header: Header, data: &[u8]) {
        self.put_status(&mut header);
        self.framing.put(&mut self.output.bytes, header, data);
    }

    fn put_status(&mut self, header: &mut Header) {
        header.put32(24, self.status_number);
        self.status_number = self.status_number.wrapping_add(1);
        self.put_numbers(header);
    }

    fn put_numbers(&self, header: &mut Header) {
        header.put32(28, self.command_number);
        header.put32(32, self.max_command_number());
    }
}

enum Order {
    Next,
    Outside,
    Gap,
}

fn manage(header: &Header) -> Manage {
    Manage {
        tag: header.task_tag(),
        function: header.flags() & 0x7f,
        lun: header.lun(),
        referenced: header.get32(20),
    }
}
