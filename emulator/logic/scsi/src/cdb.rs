//! Command descriptor blocks and the operation codes that the emulator knows.
//!
//! Codes and lengths: SPC-4, SBC-4 and SMC-3 operation code tables.

/// A command descriptor block of 6 to 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cdb {
    bytes: [u8; 16],
    length: u8,
}

impl Cdb {
    /// A block of `length` bytes (at most 16) that starts with `opcode` and is zero beyond.
    pub fn new(opcode: u8, length: u8) -> Self {
        assert!(length <= 16, "no command here is longer than 16 bytes");
        let mut bytes = [0; 16];
        bytes[0] = opcode;
        Self { bytes, length }
    }

    /// Writes `field` at `at`.
    pub(crate) fn with(mut self, at: usize, field: &[u8]) -> Self {
        self.bytes[at..at + field.len()].copy_from_slice(field);
        self
    }

    /// The bytes as they go on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl std::fmt::Debug for Cdb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cdb(")?;
        for (at, byte) in self.as_bytes().iter().enumerate() {
            write!(f, "{}{byte:02x}", if at == 0 { "" } else { " " })?;
        }
        write!(f, ")")
    }
}

/// The length of a command by its operation code's group (SPC-4 4.2.5.1); `None` where the group
/// is variable, vendor specific or reserved.
pub fn length_of(opcode: u8) -> Option<usize> {
    match opcode >> 5 {
        0 => Some(6),
        1 | 2 => Some(10),
        4 => Some(16),
        5 => Some(12),
        _ => None,
    }
}

/// Operation codes by their names in the standards.
pub mod opcode {
    macro_rules! codes {
        ($($name:ident = $code:literal),* $(,)?) => {
            $(
                #[doc = concat!("Operation code ", stringify!($code), ".")]
                pub const $name: u8 = $code;
            )*
        };
    }
    codes! {
        TEST_UNIT_READY = 0x00, REQUEST_SENSE = 0x03, FORMAT_UNIT = 0x04, REASSIGN_BLOCKS = 0x07,
        READ_6 = 0x08, WRITE_6 = 0x0a, INQUIRY = 0x12, MODE_SELECT_6 = 0x15, RESERVE_6 = 0x16,
        RELEASE_6 = 0x17, MODE_SENSE_6 = 0x1a, START_STOP_UNIT = 0x1b,
        RECEIVE_DIAGNOSTIC_RESULTS = 0x1c, SEND_DIAGNOSTIC = 0x1d, PREVENT_ALLOW = 0x1e,
        READ_CAPACITY_10 = 0x25, READ_10 = 0x28, WRITE_10 = 0x2a, WRITE_AND_VERIFY_10 = 0x2e,
        VERIFY_10 = 0x2f, PRE_FETCH_10 = 0x34, SYNCHRONIZE_CACHE_10 = 0x35,
        READ_DEFECT_DATA_10 = 0x37, WRITE_BUFFER = 0x3b, READ_BUFFER = 0x3c,
        WRITE_SAME_10 = 0x41, UNMAP = 0x42, SANITIZE = 0x48, LOG_SELECT = 0x4c, LOG_SENSE = 0x4d,
        MODE_SELECT_10 = 0x55, RESERVE_10 = 0x56, RELEASE_10 = 0x57, MODE_SENSE_10 = 0x5a,
        PERSISTENT_RESERVE_IN = 0x5e, PERSISTENT_RESERVE_OUT = 0x5f, EXTENDED_COPY = 0x83,
        RECEIVE_COPY_RESULTS = 0x84, READ_16 = 0x88, COMPARE_AND_WRITE = 0x89, WRITE_16 = 0x8a,
        ORWRITE_16 = 0x8b, READ_ATTRIBUTE = 0x8c, WRITE_AND_VERIFY_16 = 0x8e, VERIFY_16 = 0x8f,
        PRE_FETCH_16 = 0x90, SYNCHRONIZE_CACHE_16 = 0x91, WRITE_SAME_16 = 0x93,
        WRITE_ATOMIC_16 = 0x9c, SERVICE_ACTION_IN_16 = 0x9e, REPORT_LUNS = 0xa0,
        MAINTENANCE_IN = 0xa3, MAINTENANCE_OUT = 0xa4, READ_12 = 0xa8, WRITE_12 = 0xaa,
        WRITE_AND_VERIFY_12 = 0xae, VERIFY_12 = 0xaf, READ_DEFECT_DATA_12 = 0xb7,
    }
}
