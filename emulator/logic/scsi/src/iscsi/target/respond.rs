//! Responses: data cut into PDUs, status, sense data and residual counts (RFC 7143 11.4, 11.7).

use super::super::pdu::{FINAL, HEADER_BYTES, Header, Opcode};
use super::{Session, Task};
use crate::outcome::Status;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The status.
    pub status: Status,
    /// Sense data as it goes on the wire; empty without any.
    pub sense: Vec<u8>,
    /// How many bytes of data the command wanted from the initiator.
    pub wanted: u64,
}

const OVERFLOW: u8 = 0x04;
const UNDERFLOW: u8 = 0x02;
const STATUS: u8 = 0x01;

impl Session {
    /// Makes room for the header of a response whose data is then appended to `output`, which
    /// keeps the data where it will be sent from. [`Self::end`] finishes it.
    pub fn begin(&mut self) -> usize {
        self.framing.start(&mut self.output.bytes)
    }

    /// Finishes a response begun at `at`.
    pub fn end(&mut self, task: &Task, at: usize, ending: &Ending) {
        let start = at + HEADER_BYTES + self.framing.gap();
        let data = self.output.len() - start;
        let (flags, residual) = residual(task, data as u64, ending);
        let sent = data.min(usize::try_from(task.expected).unwrap_or(usize::MAX));
        if task.reads && sent > 0 && ending.status == Status::Good {
            self.output.bytes.truncate(start + sent);
            self.send_data(task, at, sent, (flags, residual));
        } else {
            self.output.bytes.truncate(at);
            self.send_response(task, ending, (flags, residual));
        }
    }

    fn send_response(&mut self, task: &Task, ending: &Ending, (flags, residual): (u8, u32)) {
        let mut header = Header::new(Opcode::Response, FINAL | flags, task.tag);
        header.0[3] = ending.status as u8;
        header.put32(36, task.requests);
        header.put32(44, residual);
        let length = u16::try_from(ending.sense.len()).unwrap_or(0).to_be_bytes();
        let data = match ending.sense.is_empty() {
            true => Vec::new(),
            false => [&length, &ending.sense[..]].concat(),
        };
        self.send_status(header, &data);
    }

    /// Data-In PDUs, the last of them with the status.
    fn send_data(&mut self, task: &Task, at: usize, sent: usize, outcome: (u8, u32)) {
        let piece = self.piece_bytes();
        if sent <= piece {
            let header = self.data_header(task, (0, 0), Some(outcome), FINAL);
            self.framing.finish(&mut self.output.bytes, at, header);
            return;
        }
        // The data stays where it is; headers go behind it and are sent between its parts.
        self.output.settle(at);
        let start = at + HEADER_BYTES + self.framing.gap();
        let pieces = sent.div_ceil(piece);
        let burst = usize::try_from(self.parameters.max_burst_bytes).unwrap_or(usize::MAX);
        for number in 0..pieces {
            let is_last = number == pieces - 1;
            let offset = number * piece;
            let part = start + offset..start + sent.min(offset + piece);
            // A sequence ends with the burst, which is never shorter than a piece.
            let ends = (number + 1).is_multiple_of(burst / piece);
            let flags = if is_last || ends { FINAL } else { 0 };
            let header =
                self.data_header(task, (number, offset), is_last.then_some(outcome), flags);
            self.send_part(header, part);
        }
        self.output.settled();
    }

    /// Sends a PDU whose data lies in the output already.
    fn send_part(&mut self, header: Header, data: std::ops::Range<usize>) {
        let bytes = &mut self.output.bytes;
        let before = bytes.len();
        self.framing.put_header(bytes, header, data.len());
        let between = bytes.len();
        self.framing.put_tail(bytes, data.clone());
        let after = bytes.len();
        self.output.then(before..between);
        self.output.then(data);
        self.output.then(between..after);
    }

    /// The longest data segment that fits the initiator and its bursts, in whole words.
    fn piece_bytes(&self) -> usize {
        let most = self
            .parameters
            .send_bytes_max
            .min(self.parameters.max_burst_bytes);
        usize::try_from(most & !3).unwrap_or(512)
    }

    fn data_header(
        &mut self,
        task: &Task,
        (number, offset): (usize, usize),
        outcome: Option<(u8, u32)>,
        flags: u8,
    ) -> Header {
        let mut header = Header::new(Opcode::DataIn, flags, task.tag);
        header.put32(20, super::NO_TAG);
        header.put32(36, u32::try_from(number).unwrap_or(u32::MAX));
        header.put32(40, u32::try_from(offset).unwrap_or(u32::MAX));
        match outcome {
            Some((residual_flags, residual)) => {
                header.0[1] |= STATUS | residual_flags;
                header.put32(44, residual);
                self.put_status(&mut header);
            }
            None => self.put_numbers(&mut header),
        }
        header
    }
}

/// What was moved against what the initiator expected, in exact counts.
fn residual(task: &Task, returned: u64, ending: &Ending) -> (u8, u32) {
    let expected = u64::from(task.expected);
    let moved = match (task.reads, task.writes) {
        _ if ending.status != Status::Good && !task.writes => 0,
        (true, _) => returned,
        (_, true) => ending.wanted,
        // The initiator expects no data: what the command would move is over.
        _ => returned.max(ending.wanted),
    };
    let count = |difference: u64| u32::try_from(difference).unwrap_or(u32::MAX);
    if moved > expected {
        (OVERFLOW, count(moved - expected))
    } else if moved < expected {
        (UNDERFLOW, count(expected - moved))
    } else {
        (0, 0)
    }
}
