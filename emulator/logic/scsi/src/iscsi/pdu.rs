//! Basic header segments: 48 bytes with fields at fixed places (RFC 7143 section 11).

use crate::bytes::{be16, be32};

/// The length of a basic header segment.
pub const HEADER_BYTES: usize = 48;
/// A tag that stands for none.
pub const NO_TAG: u32 = u32::MAX;
/// The final bit of byte 1.
pub const FINAL: u8 = 0x80;
/// The immediate bit of byte 0: the PDU takes no place in the order of commands.
pub const IMMEDIATE: u8 = 0x40;

/// What a PDU is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "RFC 7143's own names")]
pub enum Opcode {
    NopOut = 0x00,
    Command = 0x01,
    TaskManagement = 0x02,
    Login = 0x03,
    Text = 0x04,
    DataOut = 0x05,
    Logout = 0x06,
    Snack = 0x10,
    NopIn = 0x20,
    Response = 0x21,
    TaskManagementResponse = 0x22,
    LoginResponse = 0x23,
    TextResponse = 0x24,
    DataIn = 0x25,
    LogoutResponse = 0x26,
    ReadyToTransfer = 0x31,
    AsyncMessage = 0x32,
    Reject = 0x3f,
}

impl Opcode {
    /// The opcode in the low six bits of a header's first byte.
    pub fn from_bits(byte: u8) -> Option<Self> {
        Some(match byte & 0x3f {
            0x00 => Self::NopOut,
            0x01 => Self::Command,
            0x02 => Self::TaskManagement,
            0x03 => Self::Login,
            0x04 => Self::Text,
            0x05 => Self::DataOut,
            0x06 => Self::Logout,
            0x10 => Self::Snack,
            0x20 => Self::NopIn,
            0x21 => Self::Response,
            0x22 => Self::TaskManagementResponse,
            0x23 => Self::LoginResponse,
            0x24 => Self::TextResponse,
            0x25 => Self::DataIn,
            0x26 => Self::LogoutResponse,
            0x31 => Self::ReadyToTransfer,
            0x32 => Self::AsyncMessage,
            0x3f => Self::Reject,
            _ => return None,
        })
    }
}

/// A basic header segment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header(pub [u8; HEADER_BYTES]);

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.opcode();
        write!(
            f,
            "Header({name:?} tag {:x} flags {:02x})",
            self.task_tag(),
            self.flags()
        )
    }
}

impl Header {
    /// A header that is zero but for opcode, flags and tag.
    pub fn new(opcode: Opcode, flags: u8, task_tag: u32) -> Self {
        let mut header = Self([0; HEADER_BYTES]);
        header.0[0] = opcode as u8;
        header.0[1] = flags;
        header.put32(16, task_tag);
        header
    }

    /// What it is; `None` for a code that RFC 7143 does not know.
    pub fn opcode(&self) -> Option<Opcode> {
        Opcode::from_bits(self.0[0])
    }

    /// Whether it takes no place in the order of commands.
    pub fn is_immediate(&self) -> bool {
        self.0[0] & IMMEDIATE != 0
    }

    /// Byte 1.
    pub fn flags(&self) -> u8 {
        self.0[1]
    }

    /// Whether the final bit is set.
    pub fn is_final(&self) -> bool {
        self.0[1] & FINAL != 0
    }

    /// The length of the additional header segments, in bytes.
    pub fn additional_bytes(&self) -> usize {
        usize::from(self.0[4]) * 4
    }

    /// The length of the data segment, without padding.
    pub fn data_bytes(&self) -> usize {
        usize::from(self.0[5]) << 16 | usize::from(self.0[6]) << 8 | usize::from(self.0[7])
    }

    /// Sets the length of the data segment; at most 2^24 - 1 bytes.
    pub fn set_data_bytes(&mut self, bytes: usize) {
        let [.., a, b, c] = bytes.to_be_bytes();
        self.0[5..8].copy_from_slice(&[a, b, c]);
    }

    /// The logical unit number, eight bytes.
    pub fn lun(&self) -> [u8; 8] {
        let mut lun = [0; 8];
        lun.copy_from_slice(&self.0[8..16]);
        lun
    }

    /// The initiator task tag.
    pub fn task_tag(&self) -> u32 {
        self.get32(16)
    }

    /// A 32-bit field.
    pub fn get32(&self, at: usize) -> u32 {
        be32(&self.0, at)
    }

    /// A 16-bit field.
    pub fn get16(&self, at: usize) -> u16 {
        be16(&self.0, at)
    }

    /// Writes a 32-bit field.
    pub fn put32(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    /// Writes a 16-bit field.
    pub fn put16(&mut self, at: usize, value: u16) {
        self.0[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }
}

/// Serial number arithmetic (RFC 1982): whether `a` comes before `b`.
pub fn precedes(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_wrap() {
        assert!(precedes(u32::MAX, 0) && precedes(1, 2) && !precedes(2, 1) && !precedes(1, 1));
    }
}
