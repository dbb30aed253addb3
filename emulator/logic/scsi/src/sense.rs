//! Sense data, fixed and descriptor format (SPC-4 4.5).

use crate::bytes::{Malformed, be32, be64};

/// The general kind of trouble (SPC-4 table 48).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the standard's own names")]
pub enum SenseKey {
    NoSense = 0x0,
    RecoveredError = 0x1,
    NotReady = 0x2,
    MediumError = 0x3,
    HardwareError = 0x4,
    IllegalRequest = 0x5,
    UnitAttention = 0x6,
    DataProtect = 0x7,
    BlankCheck = 0x8,
    VendorSpecific = 0x9,
    CopyAborted = 0xa,
    AbortedCommand = 0xb,
    Reserved = 0xc,
    VolumeOverflow = 0xd,
    Miscompare = 0xe,
    Completed = 0xf,
}

impl SenseKey {
    /// The key in the low four bits of `byte`.
    pub fn from_bits(byte: u8) -> Self {
        const ALL: [SenseKey; 16] = [
            SenseKey::NoSense,
            SenseKey::RecoveredError,
            SenseKey::NotReady,
            SenseKey::MediumError,
            SenseKey::HardwareError,
            SenseKey::IllegalRequest,
            SenseKey::UnitAttention,
            SenseKey::DataProtect,
            SenseKey::BlankCheck,
            SenseKey::VendorSpecific,
            SenseKey::CopyAborted,
            SenseKey::AbortedCommand,
            SenseKey::Reserved,
            SenseKey::VolumeOverflow,
            SenseKey::Miscompare,
            SenseKey::Completed,
        ];
        ALL[usize::from(byte & 0x0f)]
    }
}

/// Additional sense code and its qualifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Additional(pub u8, pub u8);

impl std::fmt::Debug for Additional {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x}/{:02x}", self.0, self.1)
    }
}

/// Why a command ended in CHECK CONDITION.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sense {
    /// The general kind of trouble.
    pub key: SenseKey,
    /// The exact trouble.
    pub additional: Additional,
    /// A block address or another number that belongs to the trouble.
    pub information: Option<u64>,
    /// The three bytes of sense key specific data, SKSV bit included.
    pub specific: Option<[u8; 3]>,
}

impl Sense {
    /// A CHECK CONDITION that came without sense data.
    pub const UNKNOWN: Self = Self::new(SenseKey::AbortedCommand, asc::NO_ADDITIONAL);

    /// Sense without information or sense key specific data.
    pub const fn new(key: SenseKey, additional: Additional) -> Self {
        Self {
            key,
            additional,
            information: None,
            specific: None,
        }
    }

    /// The command or its parameters are wrong.
    pub const fn illegal(additional: Additional) -> Self {
        Self::new(SenseKey::IllegalRequest, additional)
    }

    /// Something happened before the command, which was not looked at.
    pub const fn attention(additional: Additional) -> Self {
        Self::new(SenseKey::UnitAttention, additional)
    }

    /// The same with a number that belongs to the trouble.
    pub const fn with_information(mut self, information: u64) -> Self {
        self.information = Some(information);
        self
    }

    /// Whether this reports an event rather than trouble with the command.
    pub fn is_unit_attention(&self) -> bool {
        self.key == SenseKey::UnitAttention
    }

    /// 18 bytes of fixed format. Information that needs more than 32 bits is left out there, as
    /// SPC-4 4.5.3 asks by way of the VALID bit.
    pub fn to_fixed(&self) -> [u8; 18] {
        let mut bytes = [0; 18];
        bytes[0] = 0x70;
        bytes[2] = self.key as u8;
        bytes[7] = 10;
        bytes[12] = self.additional.0;
        bytes[13] = self.additional.1;
        if let Some(information) = self.information.and_then(|it| u32::try_from(it).ok()) {
            bytes[0] |= 0x80;
            bytes[3..7].copy_from_slice(&information.to_be_bytes());
        }
        bytes[15..18].copy_from_slice(&self.specific.unwrap_or_default());
        bytes
    }

    /// Descriptor format: information and sense key specific descriptors as needed.
    pub fn to_descriptor(&self) -> Vec<u8> {
        let mut bytes = vec![
            0x72,
            self.key as u8,
            self.additional.0,
            self.additional.1,
            0,
            0,
            0,
            0,
        ];
        if let Some(information) = self.information {
            bytes.extend([0x00, 0x0a, 0x80, 0x00]);
            bytes.extend(information.to_be_bytes());
        }
        if let Some([a, b, c]) = self.specific {
            bytes.extend([0x02, 0x06, 0x00, 0x00, a, b, c, 0x00]);
        }
        bytes[7] = u8::try_from(bytes.len() - 8).unwrap_or(u8::MAX);
        bytes
    }

    /// Reads either format.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        match byte(0) & 0x7f {
            0x70 | 0x71 => Ok(Self {
                key: SenseKey::from_bits(byte(2)),
                additional: Additional(byte(12), byte(13)),
                information: (byte(0) & 0x80 != 0).then(|| u64::from(be32(bytes, 3))),
                specific: (byte(15) & 0x80 != 0).then(|| [byte(15), byte(16), byte(17)]),
            }),
            0x72 | 0x73 => Ok(Self {
                key: SenseKey::from_bits(byte(1)),
                additional: Additional(byte(2), byte(3)),
                information: descriptor(bytes, 0x00).map(|body| be64(body, 4)),
                specific: descriptor(bytes, 0x02)
                    .and_then(|body| body.get(4..7)?.try_into().ok())
                    .filter(|specific: &[u8; 3]| specific[0] & 0x80 != 0),
            }),
            _ => Err(Malformed {
                what: "sense data",
                why: "unknown response code",
            }),
        }
    }
}

/// The first descriptor of `kind`, its two header bytes included.
fn descriptor(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    let mut rest = bytes.get(8..)?;
    while let [this, length, ..] = rest {
        let end = usize::from(*length) + 2;
        if *this == kind {
            return rest.get(..end);
        }
        rest = rest.get(end..)?;
    }
    None
}

/// Additional sense codes by name (SPC-4 annex F.2).
pub mod asc {
    use super::Additional;

    macro_rules! codes {
        ($($name:ident = $code:literal, $qualifier:literal;)*) => {
            $(#[doc = concat!("ASC ", stringify!($code), ", ASCQ ", stringify!($qualifier), ".")]
            pub const $name: Additional = Additional($code, $qualifier);)*
        };
    }
    codes! {
        NO_ADDITIONAL = 0x00, 0x00;
        NOT_READY = 0x04, 0x00;
        BECOMING_READY = 0x04, 0x01;
        INITIALIZING_COMMAND_REQUIRED = 0x04, 0x02;
        PATH_IN_STANDBY = 0x04, 0x0b;
        PATH_UNAVAILABLE = 0x04, 0x0c;
        SANITIZE_IN_PROGRESS = 0x04, 0x1b;
        WRITE_ERROR = 0x0c, 0x00;
        INCORRECT_AMOUNT_OF_DATA = 0x0c, 0x0d;
        THIRD_PARTY_FAILURE = 0x0d, 0x01;
        UNREACHABLE_COPY_TARGET = 0x0d, 0x02;
        UNRECOVERED_READ_ERROR = 0x11, 0x00;
        PARAMETER_LIST_LENGTH_ERROR = 0x1a, 0x00;
        MISCOMPARE_DURING_VERIFY = 0x1d, 0x00;
        INVALID_OPERATION_CODE = 0x20, 0x00;
        LBA_OUT_OF_RANGE = 0x21, 0x00;
        INVALID_FIELD_IN_CDB = 0x24, 0x00;
        UNSUPPORTED_UNIT = 0x25, 0x00;
        INVALID_FIELD_IN_PARAMETER_LIST = 0x26, 0x00;
        PARAMETER_NOT_SUPPORTED = 0x26, 0x01;
        PARAMETER_VALUE_INVALID = 0x26, 0x02;
        INVALID_RELEASE = 0x26, 0x04;
        TOO_MANY_TARGET_DESCRIPTORS = 0x26, 0x06;
        UNSUPPORTED_TARGET_DESCRIPTOR = 0x26, 0x07;
        TOO_MANY_SEGMENT_DESCRIPTORS = 0x26, 0x08;
        UNSUPPORTED_SEGMENT_DESCRIPTOR = 0x26, 0x09;
        WRITE_PROTECTED = 0x27, 0x00;
        SOFTWARE_WRITE_PROTECTED = 0x27, 0x02;
        SPACE_ALLOCATION_FAILED = 0x27, 0x07;
        MEDIUM_MAY_HAVE_CHANGED = 0x28, 0x00;
        POWER_ON_OR_RESET = 0x29, 0x00;
        POWER_ON = 0x29, 0x01;
        BUS_RESET = 0x29, 0x02;
        DEVICE_RESET = 0x29, 0x03;
        NEXUS_LOSS = 0x29, 0x07;
        MODE_PARAMETERS_CHANGED = 0x2a, 0x01;
        RESERVATIONS_PREEMPTED = 0x2a, 0x03;
        RESERVATIONS_RELEASED = 0x2a, 0x04;
        REGISTRATIONS_PREEMPTED = 0x2a, 0x05;
        ASYMMETRIC_ACCESS_CHANGED = 0x2a, 0x06;
        CAPACITY_CHANGED = 0x2a, 0x09;
        COMMAND_SEQUENCE_ERROR = 0x2c, 0x00;
        COMMANDS_CLEARED = 0x2f, 0x00;
        SANITIZE_FAILED = 0x31, 0x03;
        SAVING_PARAMETERS_NOT_SUPPORTED = 0x39, 0x00;
        MEDIUM_NOT_PRESENT = 0x3a, 0x00;
        MEDIUM_NOT_PRESENT_TRAY_OPEN = 0x3a, 0x02;
        REPORTED_LUNS_CHANGED = 0x3f, 0x0e;
        INTERNAL_TARGET_FAILURE = 0x44, 0x00;
        MEDIUM_REMOVAL_PREVENTED = 0x53, 0x02;
        INSUFFICIENT_REGISTRATION_RESOURCES = 0x55, 0x04;
    }
}
