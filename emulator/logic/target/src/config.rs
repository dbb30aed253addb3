//! What a target is made of: ports and units.

use scsi::Lun;

/// A target port, by its place in the configuration. Its relative target port identifier is one
/// more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u16);

impl PortId {
    /// The relative target port identifier (SPC-4 7.8.6.8): counts from one.
    pub const fn relative(self) -> u16 {
        self.0 + 1
    }

    /// The port with this relative identifier.
    pub const fn from_relative(relative: u16) -> Option<Self> {
        match relative.checked_sub(1) {
            Some(at) => Some(Self(at)),
            None => None,
        }
    }
}

/// What a target is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The iSCSI name.
    pub name: String,
    /// Target portal group tags, one a port; between 1 and [`PORTS_MAX`].
    pub port_groups: Vec<u16>,
    /// The logical units.
    pub units: Vec<UnitConfig>,
}

/// What a logical unit is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitConfig {
    /// Its number.
    pub lun: Lun,
    /// How many blocks it has.
    pub blocks: u64,
    /// How long a block is: 512 or 4096 bytes.
    pub block_bytes: u32,
    /// Logical blocks per physical block, as a power of two.
    pub physical_exponent: u8,
    /// Whether it is thinly provisioned: unmapped blocks read as zeros and take no room.
    pub thin: bool,
    /// Whether the medium can be taken out.
    pub removable: bool,
    /// Whether nothing may be written.
    pub read_only: bool,
    /// The unit serial number, at most 32 characters: the identity in VPD 80h and 83h.
    pub serial: String,
}

impl UnitConfig {
    /// A plain disk of `blocks` blocks of 512 bytes, thinly provisioned.
    pub fn disk(lun: Lun, blocks: u64, serial: impl Into<String>) -> Self {
        Self {
            lun,
            blocks,
            block_bytes: 512,
            physical_exponent: 3,
            thin: true,
            removable: false,
            read_only: false,
            serial: serial.into(),
        }
    }

    /// The size in bytes.
    pub const fn bytes(&self) -> u64 {
        self.blocks * self.block_bytes as u64
    }
}

/// How many target ports there may be.
pub const PORTS_MAX: usize = 64;
/// How many units there may be.
pub const UNITS_MAX: usize = 256;

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no port, or more than 64.
    #[error("a target needs 1 to {PORTS_MAX} ports, not {0}")]
    Ports(usize),
    /// A logical unit number is above 255.
    #[error("logical unit number {} is above {}", .0.0, UNITS_MAX - 1)]
    LunTooLarge(Lun),
    /// Two units have one number.
    #[error("logical unit number {} is given twice", .0.0)]
    LunTwice(Lun),
    /// A unit has no blocks or more bytes than can be counted.
    #[error("logical unit {} must have between 1 block and 2^62 bytes", .0.0)]
    Size(Lun),
    /// Blocks are neither 512 nor 4096 bytes.
    #[error("logical unit {} must have blocks of 512 or 4096 bytes, not {bytes}", .lun.0)]
    BlockSize {
        /// The unit.
        lun: Lun,
        /// What was asked for.
        bytes: u32,
    },
    /// There are not as many stores as units.
    #[error("{units} units need as many stores, not {stores}")]
    Stores {
        /// How many units.
        units: usize,
        /// How many stores.
        stores: usize,
    },
}

impl Config {
    /// Checks everything that [`crate::Target`] relies on.
    pub(crate) fn check(&self, stores: usize) -> Result<(), ConfigError> {
        if self.port_groups.is_empty() || self.port_groups.len() > PORTS_MAX {
            return Err(ConfigError::Ports(self.port_groups.len()));
        }
        if stores != self.units.len() {
            return Err(ConfigError::Stores {
                units: self.units.len(),
                stores,
            });
        }
        for (at, unit) in self.units.iter().enumerate() {
            unit.check()?;
            if self.units[..at].iter().any(|other| other.lun == unit.lun) {
                return Err(ConfigError::LunTwice(unit.lun));
            }
        }
        Ok(())
    }
}

impl UnitConfig {
    fn check(&self) -> Result<(), ConfigError> {
        if usize::from(self.lun.0) >= UNITS_MAX {
            return Err(ConfigError::LunTooLarge(self.lun));
        }
        if !matches!(self.block_bytes, 512 | 4096) {
            return Err(ConfigError::BlockSize {
                lun: self.lun,
                bytes: self.block_bytes,
            });
        }
        if self.blocks == 0 || self.blocks > (1 << 62) / u64::from(self.block_bytes) {
            return Err(ConfigError::Size(self.lun));
        }
        Ok(())
    }
}
