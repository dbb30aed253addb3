//! Data for writes: with the command, unsolicited after it, and on request (RFC 7143 4.2.5).

use super::super::frame::Frame;
use super::super::pdu::{FINAL, Header, NO_TAG, Opcode};
use super::{Command, GATHERED_BYTES_MAX, Session, Step, Task};

/// How many buffers wait to be used again, and how long one may be.
const SPARE_MAX: usize = 8;
const SPARE_BYTES_MAX: usize = 2 << 20;

/// A command whose data is being gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// What to answer to.
    pub task: Task,
    /// The unit, eight bytes.
    pub lun: [u8; 8],
    /// The command descriptor block, padded with zeros.
    pub cdb: [u8; 16],
    /// The data so far, and room for what was asked for.
    buffer: Vec<u8>,
    /// How many bytes of it have come.
    received: usize,
    /// How many bytes the command wants of those that the initiator has.
    wanted: usize,
    /// Unsolicited data still comes; nothing may be asked for until its last PDU.
    unsolicited: bool,
    /// The request that stands: its tag, and where its data ends.
    request: Option<(u32, usize)>,
    /// DataSN of the next PDU of the burst.
    data_number: u32,
}

impl Transfer {
    /// The data so far.
    pub fn data(&self) -> &[u8] {
        &self.buffer[..self.received]
    }

    /// Where the next bytes belong that were asked for or may come unasked.
    pub(super) fn room(&mut self, bytes: usize) -> &mut [u8] {
        let end = self.received + bytes;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        &mut self.buffer[self.received..end]
    }

    /// Whether a Data-Out with so much data belongs here now.
    pub(super) fn fits(&self, header: &Header, bytes: usize, first_burst: usize) -> bool {
        let (tag, end) = match self.request {
            Some((request, end)) => (request, end),
            None => (NO_TAG, first_burst.min(self.task.expected as usize)),
        };
        let at = header.get32(40) as usize;
        let allowed = self.unsolicited || self.request.is_some();
        let in_order = header.get32(36) == self.data_number && at == self.received;
        allowed && in_order && header.get32(20) == tag && at.saturating_add(bytes) <= end
    }

    /// Counts a Data-Out whose data is in the room.
    pub(super) fn count(&mut self, bytes: usize) {
        self.received += bytes;
        self.data_number += 1;
    }

    /// Takes a larger buffer for all that is wanted.
    fn grow(&mut self, mut buffer: Vec<u8>) {
        if buffer.len() < self.wanted {
            buffer.resize(self.wanted, 0);
        }
        buffer[..self.received].copy_from_slice(&self.buffer[..self.received]);
        self.buffer = buffer;
    }
}

impl Session {
    /// How many bytes of a command's data there will be for a unit that wants `wanted` of them.
    pub fn available(command: &Command<'_>, wanted: u64) -> usize {
        let expected = if command.task.writes {
            u64::from(command.task.expected)
        } else {
            0
        };
        usize::try_from(wanted.min(expected)).unwrap_or(usize::MAX)
    }

    /// Whether all the data that a unit wants is there and none follows unasked.
    pub fn is_complete(command: &Command<'_>, wanted: u64) -> bool {
        !command.more && command.data.len() >= Self::available(command, wanted)
    }

    /// Gathers the rest of a command's data; [`Step::Gathered`] brings it.
    pub fn gather(&mut self, command: &Command<'_>, wanted: u64) {
        let wanted = Self::available(command, wanted);
        let transfer = Transfer {
            task: command.task,
            lun: command.lun,
            cdb: command.cdb,
            buffer: command.data.to_vec(),
            received: command.data.len(),
            wanted,
            unsolicited: command.more,
            request: None,
            data_number: 0,
        };
        let tag = command.task.tag;
        self.transfers.insert(tag, transfer);
        if !command.more {
            self.queue.push_back(tag);
            self.ask();
        }
    }

    /// Forgets a command whose data is not wanted any more.
    pub fn forget(&mut self, tag: u32) -> Option<Transfer> {
        let transfer = self.transfers.remove(&tag)?;
        if transfer.request.is_some() {
            self.gathered_bytes = self.gathered_bytes.saturating_sub(transfer.wanted);
        }
        self.queue.retain(|it| *it != tag);
        self.ask();
        Some(transfer)
    }

    /// Takes back the buffer of a command that has ended, for the next one.
    pub fn recycle(&mut self, transfer: Transfer) {
        if self.spare.len() < SPARE_MAX && transfer.buffer.len() <= SPARE_BYTES_MAX {
            self.spare.push(transfer.buffer);
        }
    }

    /// The tags of commands whose data is being gathered for a unit.
    pub fn gathering(&self, lun: [u8; 8]) -> Vec<u32> {
        let waits = self.transfers.values().filter(|it| it.lun == lun);
        waits.map(|it| it.task.tag).collect()
    }

    /// Asks for the data of commands in their order, as long as there is room for it.
    fn ask(&mut self) {
        while let Some(tag) = self.queue.front().copied() {
            let wanted = self.transfers.get(&tag).map_or(0, |it| it.wanted);
            let fits = self.gathered_bytes + wanted <= GATHERED_BYTES_MAX;
            if !fits && self.gathered_bytes > 0 {
                return;
            }
            self.queue.pop_front();
            self.gathered_bytes += wanted;
            self.request(tag);
        }
    }

    /// Sends an R2T for the next burst.
    fn request(&mut self, tag: u32) {
        let request_tag = self.new_tag();
        let burst = usize::try_from(self.parameters.max_burst_bytes).unwrap_or(usize::MAX);
        let spare = self.spare.pop();
        let Some(transfer) = self.transfers.get_mut(&tag) else {
            return;
        };
        if transfer.buffer.len() < transfer.wanted {
            transfer.grow(spare.unwrap_or_default());
        } else {
            self.spare.extend(spare);
        }
        let offset = transfer.received;
        let length = burst.min(transfer.wanted.saturating_sub(offset));
        transfer.request = Some((request_tag, offset + length));
        transfer.data_number = 0;
        let mut header = Header::new(Opcode::ReadyToTransfer, FINAL, tag);
        header.0[8..16].copy_from_slice(&transfer.lun);
        header.put32(20, request_tag);
        header.put32(24, self.status_number);
        header.put32(36, transfer.task.requests);
        header.put32(40, u32::try_from(offset).unwrap_or(u32::MAX));
        header.put32(44, u32::try_from(length).unwrap_or(u32::MAX));
        transfer.task.requests += 1;
        self.put_numbers(&mut header);
        self.framing.put(&mut self.output.bytes, header, &[]);
    }

    pub(super) fn data_out<'a>(&mut self, frame: Frame<'a>) -> Step<'a> {
        let header = &frame.header;
        let tag = header.task_tag();
        let first_burst = usize::try_from(self.parameters.first_burst_bytes).unwrap_or(usize::MAX);
        let Some(transfer) = self.transfers.get_mut(&tag) else {
            // Data of a command that has ended already, aborted or refused: nobody wants it.
            return Step::Handled;
        };
        let bytes = frame.data.len();
        if !transfer.fits(header, bytes, first_burst) {
            return self.forget(tag).map_or(Step::Handled, Step::Garbled);
        }
        transfer.room(bytes).copy_from_slice(frame.data);
        transfer.count(bytes);
        self.data_came(header)
    }

    /// Data has come; with the last of a burst the command goes on.
    pub(super) fn data_came<'a>(&mut self, header: &Header) -> Step<'a> {
        let tag = header.task_tag();
        if header.is_final() {
            self.burst_ends(tag)
        } else {
            Step::Handled
        }
    }

    fn burst_ends<'a>(&mut self, tag: u32) -> Step<'a> {
        let Some(transfer) = self.transfers.get_mut(&tag) else {
            return Step::Handled;
        };
        transfer.unsolicited = false;
        if transfer.received >= transfer.wanted {
            return match self.forget(tag) {
                Some(transfer) => Step::Gathered(transfer),
                None => Step::Handled,
            };
        }
        if transfer.request.is_some() {
            self.request(tag);
        } else {
            self.queue.push_back(tag);
            self.ask();
        }
        Step::Handled
    }
}
