//! What a target is started with, and the words that say it.

use std::net::SocketAddr;
use std::path::PathBuf;

use scsi::Lun;
use scsi::iscsi::chap::Credentials;
use target::UnitConfig;

/// What a target is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; each address is a portal group, that is a target port, of its own.
    pub listen: Vec<SocketAddr>,
    /// The iSCSI name.
    pub name: String,
    /// The folder for disks and reservations.
    pub state: PathBuf,
    /// The units.
    pub units: Vec<UnitOptions>,
    /// What initiators must prove to know.
    pub chap: Option<Credentials>,
    /// What the target proves in turn.
    pub mutual_chap: Option<Credentials>,
    /// Where to listen for faults.
    pub control: Option<PathBuf>,
}

/// What a unit is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitOptions {
    /// Its number.
    pub lun: Lun,
    /// Its size in bytes; absent: that of its file.
    pub bytes: Option<u64>,
    /// The block size in bytes.
    pub block_bytes: u32,
    /// Logical blocks per physical block; a power of two.
    pub physical: u32,
    /// Thinly provisioned.
    pub thin: bool,
    /// The medium can be taken out.
    pub removable: bool,
    /// Nothing may be written.
    pub read_only: bool,
    /// Keeps no data.
    pub null: bool,
    /// Where the blocks are; absent: a file of its own in the state folder.
    pub file: Option<PathBuf>,
}

/// Why a unit's description cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// It has no number and size.
    #[error("`{0}` is not a unit: write NUMBER=SIZE, such as 0=1GiB,thin")]
    NoNumber(String),
    /// The number is none.
    #[error("`{0}` is not a logical unit number: write 0 to 255")]
    Number(String),
    /// The size is none.
    #[error("`{0}` is not a size: write a number of bytes, or with KiB, MiB, GiB or TiB")]
    Size(String),
    /// A word after the size is not known.
    #[error(
        "`{0}` is not known here: block=512, block=4096, physical=K, thin, removable, read-only, \
         null and file=PATH are"
    )]
    Word(String),
}

impl std::str::FromStr for UnitOptions {
    type Err = OptionsError;

    /// `N=SIZE[,block=512|4096][,physical=K][,thin][,removable][,read-only][,null][,file=PATH]`
    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let (number, rest) = text
            .split_once('=')
            .ok_or_else(|| OptionsError::NoNumber(text.to_owned()))?;
        let lun = number.parse().ok().filter(|lun| *lun < 256);
        let lun = Lun(lun.ok_or_else(|| OptionsError::Number(number.to_owned()))?);
        let mut words = rest.split(',');
        let size = words.next().unwrap_or_default();
        let bytes = match size {
            "file" | "" => None,
            size => Some(parse_size(size).ok_or_else(|| OptionsError::Size(size.to_owned()))?),
        };
        let mut unit = Self::new(lun, bytes);
        for word in words {
            unit.word(word)
                .ok_or_else(|| OptionsError::Word(word.to_owned()))?;
        }
        Ok(unit)
    }
}

impl UnitOptions {
    fn new(lun: Lun, bytes: Option<u64>) -> Self {
        Self {
            lun,
            bytes,
            block_bytes: 512,
            physical: 1,
            thin: false,
            removable: false,
            read_only: false,
            null: false,
            file: None,
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        match word.split_once('=') {
            None => match word {
                "thin" => self.thin = true,
                "removable" => self.removable = true,
                "read-only" => self.read_only = true,
                "null" => self.null = true,
                _ => return None,
            },
            Some(("block", "512")) => self.block_bytes = 512,
            Some(("block", "4096")) => self.block_bytes = 4096,
            Some(("physical", blocks)) => {
                let blocks: u32 = blocks.parse().ok()?;
                self.physical = Some(blocks).filter(|it| it.is_power_of_two() && *it <= 128)?;
            }
            Some(("file", path)) if !path.is_empty() => self.file = Some(path.into()),
            Some(_) => return None,
        }
        Some(())
    }

    /// The unit, `bytes` long, with a serial number that follows from the target's name.
    pub(crate) fn config(&self, target: &str, bytes: u64) -> UnitConfig {
        UnitConfig {
            lun: self.lun,
            blocks: bytes / u64::from(self.block_bytes),
            block_bytes: self.block_bytes,
            physical_exponent: u8::try_from(self.physical.trailing_zeros()).unwrap_or(0),
            thin: self.thin,
            removable: self.removable,
            read_only: self.read_only,
            serial: format!("{:016x}{:04x}", mix(target.as_bytes()), self.lun.0),
        }
    }
}

/// FNV-1a: the same name gives the same serial number, on every machine.
fn mix(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_described_in_a_few_words() {
        let unit: UnitOptions = "3=1GiB,block=4096,physical=2,thin,removable"
            .parse()
            .unwrap();
        assert_eq!(
            (unit.lun, unit.bytes, unit.block_bytes),
            (Lun(3), Some(1 << 30), 4096)
        );
        assert!(unit.thin && unit.removable && !unit.read_only && unit.physical == 2);
        let unit: UnitOptions = "0=file,file=a.img,read-only".parse().unwrap();
        assert_eq!((unit.bytes, unit.file), (None, Some("a.img".into())));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for text in [
            "1",
            "x=1GiB",
            "256=1GiB",
            "0=1GB",
            "0=0",
            "0=1GiB,fat",
            "0=1GiB,block=1",
        ] {
            assert!(text.parse::<UnitOptions>().is_err(), "{text}");
        }
        let error = "0=1GiB,physical=3".parse::<UnitOptions>();
        assert_eq!(error, Err(OptionsError::Word("physical=3".into())));
    }

    #[test]
    fn serial_numbers_follow_from_the_name() {
        let unit: UnitOptions = "1=1MiB".parse().unwrap();
        let serial = |name: &str| unit.config(name, 1 << 20).serial;
        assert_eq!(serial("iqn.a"), serial("iqn.a"));
        assert_ne!(serial("iqn.a"), serial("iqn.b"));
    }
}
