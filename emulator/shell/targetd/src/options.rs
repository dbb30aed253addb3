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
    #[error("`{0}` is not a size: write a number with B, KiB, MiB, GiB or TiB, or KB to TB")]
    Size(String),
    /// A word after the size is not known.
    #[error(
        "`{0}` is not known here: block=512, block=4096, physical=K, thin, removable, read-only, \
         null and file=PATH are"
    )]
    Word(String),
    /// The block size is none that there is.
    #[error("blocks have 512 or 4096 bytes, not `{0}`")]
    Block(String),
    /// The number of logical blocks per physical block cannot be.
    #[error("physical={0} cannot be: write 1, 2, 4 and so on up to 128 logical blocks")]
    Physical(String),
    /// A file without a path.
    #[error("file= needs a path behind it")]
    File,
}

impl std::str::FromStr for UnitOptions {
    type Err = OptionsError;

    /// `N=SIZE[,block=512|4096][,physical=K][,thin][,removable][,read-only][,null][,file=PATH]`
    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let (number, rest) = text
            .split_once('=')
            .ok_or_else(|| OptionsError::NoNumber(text.to_owned()))?;
        let mut unit = Self::numbered(number)?;
        for (at, word) in rest.split(',').enumerate() {
            match (at, word) {
                // The size of an existing file.
                (0, "file" | "") => {}
                (0, size) => unit.resize(size)?,
                (_, word) => unit.set(word)?,
            }
        }
        Ok(unit)
    }
}

impl UnitOptions {
    /// A plain unit with the number that the text is.
    ///
    /// # Errors
    /// When it is none between 0 and 255.
    pub fn numbered(number: &str) -> Result<Self, OptionsError> {
        let lun = number.parse().ok().filter(|lun| *lun < 256);
        let lun = lun.ok_or_else(|| OptionsError::Number(number.to_owned()))?;
        Ok(Self::new(Lun(lun)))
    }

    fn new(lun: Lun) -> Self {
        Self {
            lun,
            bytes: None,
            block_bytes: 512,
            physical: 1,
            thin: false,
            removable: false,
            read_only: false,
            null: false,
            file: None,
        }
    }

    /// Gives it a size.
    ///
    /// # Errors
    /// When the text is no size.
    pub fn resize(&mut self, size: &str) -> Result<(), OptionsError> {
        let bytes = parse_size(size).ok_or_else(|| OptionsError::Size(size.to_owned()))?;
        self.bytes = Some(bytes);
        Ok(())
    }

    /// Takes one of the words behind the size, such as `thin` or `block=4096`.
    ///
    /// # Errors
    /// When it is none of them, or its value cannot be.
    pub fn set(&mut self, word: &str) -> Result<(), OptionsError> {
        match word.split_once('=') {
            None => match word {
                "thin" => self.thin = true,
                "removable" => self.removable = true,
                "read-only" => self.read_only = true,
                "null" => self.null = true,
                _ => return Err(OptionsError::Word(word.to_owned())),
            },
            Some(("block", "512")) => self.block_bytes = 512,
            Some(("block", "4096")) => self.block_bytes = 4096,
            Some(("block", bytes)) => return Err(OptionsError::Block(bytes.to_owned())),
            Some(("physical", blocks)) => {
                let known = blocks.parse().ok();
                let known = known.filter(|it: &u32| it.is_power_of_two() && *it <= 128);
                self.physical = known.ok_or_else(|| OptionsError::Physical(blocks.to_owned()))?;
            }
            Some(("file", "")) => return Err(OptionsError::File),
            Some(("file", path)) => self.file = Some(path.into()),
            Some(_) => return Err(OptionsError::Word(word.to_owned())),
        }
        Ok(())
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

/// Whether a text can be the name of a target (RFC 7143 section 4.2.7).
///
/// # Errors
/// Why it cannot, for people.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_hex = |digits: &str, lengths: &[usize]| {
        lengths.contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_hexdigit())
    };
    let is_plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".:-".contains(&it);
    let good = match name.split_once('.') {
        Some(("iqn", rest)) => !rest.is_empty() && rest.bytes().all(is_plain),
        Some(("eui", rest)) => is_hex(rest, &[16]),
        Some(("naa", rest)) => is_hex(rest, &[16, 32]),
        _ => false,
    };
    if good && name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(format!(
        "`{name}` is not the name of a target: write something like iqn.2024-01.com.example:disk, \
         in small letters, digits, dots, colons and hyphens, at most {NAME_BYTES_MAX} characters"
    ))
}

/// How long an iSCSI name may be, in bytes.
const NAME_BYTES_MAX: usize = 223;

/// FNV-1a: the same name gives the same serial number, on every machine.
fn mix(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let unit: u64 = match &text[digits.len()..] {
        "" | "B" => 1,
        "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(unit).filter(|bytes| *bytes > 0)
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
            "0=1G",
            "0=0",
            "0=1GiB,fat",
            "0=1GiB,block=1",
        ] {
            assert!(text.parse::<UnitOptions>().is_err(), "{text}");
        }
        let error = "0=1GiB,physical=3".parse::<UnitOptions>();
        assert_eq!(error, Err(OptionsError::Physical("3".into())));
    }

    #[test]
    fn target_names_are_checked_as_the_rfc_has_them() {
        for name in [
            "iqn.2024-01.example:disk-1",
            "eui.02004567a425678d",
            "naa.52004567ba64678d",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let long = format!("iqn.{}", "a".repeat(220));
        for name in [
            "", "disk", "iqn.", "iqn.a b", "iqn.A", "iqn.a/b", "eui.1", &long,
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn serial_numbers_follow_from_the_name() {
        let unit: UnitOptions = "1=1MiB".parse().unwrap();
        let serial = |name: &str| unit.config(name, 1 << 20).serial;
        assert_eq!(serial("iqn.a"), serial("iqn.a"));
        assert_ne!(serial("iqn.a"), serial("iqn.b"));
    }
}
