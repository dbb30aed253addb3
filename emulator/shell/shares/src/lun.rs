//! A unit of an iSCSI target as a disk: the clustered disk that a share's contents stand on.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use initiator::{Path, Patience, Settings};
use scsi::iscsi::login::Identity;
use scsi::iscsi::negotiation::Parameters;
use scsi::pr::Out;
use scsi::{Capacity, Command, InitiatorPort, Isid, Outcome, ReservationKey};
use tokio::runtime::Handle;

use crate::disk::BlockDisk;

/// Most bytes of one command.
const COMMAND_BYTES_MAX: usize = 64 << 10;
/// How often a command is repeated that the unit could not take just then.
const ATTEMPTS: u32 = 5;

/// Why a unit cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LunError {
    /// There is no way to it.
    #[error("the target does not answer, or does not let this initiator in")]
    Unreachable,
    /// It answers otherwise than a disk.
    #[error("the unit cannot be used as a disk: {0}")]
    Unusable(String),
}

/// What becomes of a command that was begun.
pub type Outcomes = Pin<Box<dyn Future<Output = Outcome> + Send>>;
/// How commands get to a unit, and their outcomes back.
pub type Execute = Arc<dyn Fn(Command) -> Outcomes + Send + Sync>;

/// A unit of an iSCSI target. Must be read and written outside of asynchronous tasks.
pub struct Lun {
    execute: Execute,
    capacity: Capacity,
    runtime: Handle,
}

impl std::fmt::Debug for Lun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lun")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl Lun {
    /// Opens a unit. With a `key` the path is registered with it, so that the owner's reservation
    /// of the disk lets it write, and whoever takes the disk away takes this path's right too.
    ///
    /// # Errors
    /// When the target does not answer in `time`, or the unit is no disk or refuses the key.
    pub async fn open(
        settings: Settings,
        lun: scsi::Lun,
        key: Option<ReservationKey>,
        time: Duration,
    ) -> Result<Self, LunError> {
        let path = Path::open(settings);
        if !path.connected(time).await {
            return Err(LunError::Unreachable);
        }
        let execute: Execute = Arc::new(move |command| {
            let path = path.clone();
            Box::pin(async move { path.execute(lun, command).await })
        });
        if let Some(key) = key {
            let register = Command::PersistentReserveOut(Out::register_and_ignore(Some(key)));
            ask(&execute, register).await.map_err(unusable)?;
        }
        Self::over(execute).await
    }

    /// A unit to which somebody else has the way: the disk driver of the node that owns it.
    ///
    /// # Errors
    /// When it does not answer as a disk does.
    pub async fn over(execute: Execute) -> Result<Self, LunError> {
        let data = ask(&execute, Command::ReadCapacity16).await;
        let capacity = Capacity::parse(&data.map_err(unusable)?);
        let capacity = capacity.map_err(|error| LunError::Unusable(error.to_string()))?;
        Ok(Self {
            execute,
            capacity,
            runtime: Handle::current(),
        })
    }

    fn ask(&self, command: Command) -> io::Result<Vec<u8>> {
        self.runtime.block_on(ask(&self.execute, command))
    }

    fn most_blocks(&self) -> usize {
        let size = usize::try_from(self.capacity.block_bytes).unwrap_or(COMMAND_BYTES_MAX);
        (COMMAND_BYTES_MAX / size.max(1)).max(1)
    }
}

fn unusable(error: io::Error) -> LunError {
    LunError::Unusable(error.to_string())
}

/// Carries a command out; repeats it while the unit reports something that has just changed.
async fn ask(execute: &Execute, command: Command) -> io::Result<Vec<u8>> {
    let mut last = String::from("no outcome");
    for _ in 0..ATTEMPTS {
        match execute(command.clone()).await {
            Outcome::Good(data) => return Ok(data),
            Outcome::ReservationConflict => {
                return Err(io::Error::new(
                    ErrorKind::PermissionDenied,
                    "another node has the disk: it refuses because of a reservation",
                ));
            }
            Outcome::PathLost => {
                return Err(io::Error::new(
                    ErrorKind::TimedOut,
                    "the path to the disk is gone",
                ));
            }
            Outcome::CheckCondition(sense) => {
                last = format!(
                    "the disk says {:02x}h {:02x}h/{:02x}h",
                    sense.key as u8, sense.additional.0, sense.additional.1
                );
            }
            Outcome::Busy | Outcome::TaskSetFull | Outcome::TaskAborted => {
                last = "the disk is busy".to_owned();
            }
        }
    }
    Err(io::Error::other(last))
}

impl BlockDisk for Lun {
    fn block_bytes(&self) -> u32 {
        self.capacity.block_bytes
    }

    fn blocks(&self) -> u64 {
        self.capacity.blocks
    }

    fn read(&mut self, lba: u64, into: &mut [u8]) -> io::Result<()> {
        let block_bytes = self.capacity.block_bytes;
        let size = usize::try_from(block_bytes).map_err(io::Error::other)?;
        let mut at = lba;
        for piece in into.chunks_mut(self.most_blocks() * size) {
            let blocks = u32::try_from(piece.len() / size).map_err(io::Error::other)?;
            let data = self.ask(Command::Read {
                lba: at,
                blocks,
                block_bytes,
            })?;
            if data.len() != piece.len() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            piece.copy_from_slice(&data);
            at += u64::from(blocks);
        }
        Ok(())
    }

    fn write(&mut self, lba: u64, from: &[u8]) -> io::Result<()> {
        let size = usize::try_from(self.capacity.block_bytes).map_err(io::Error::other)?;
        let mut at = lba;
        for piece in from.chunks(self.most_blocks() * size) {
            let blocks = u32::try_from(piece.len() / size).map_err(io::Error::other)?;
            self.ask(Command::Write {
                lba: at,
                blocks,
                data: piece.to_vec(),
                fua: false,
            })?;
            at += u64::from(blocks);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.ask(Command::SynchronizeCache).map(drop)
    }
}

/// Which unit of which target, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LunAddress {
    /// Where the target listens.
    pub portal: std::net::SocketAddr,
    /// Its name.
    pub target: String,
    /// The unit's number.
    pub lun: u16,
    /// The name to log in with: the owning node's.
    pub initiator: String,
    /// The owner's reservation key.
    pub key: Option<u64>,
}

/// The part of an initiator port's name that sets a share's path apart from those of its node.
const SHARE_ISID: Isid = Isid([0x80, 0, 0, b's', b'm', b'b']);
/// How long a target may take to let a share in.
const CONNECT_MAX: Duration = Duration::from_secs(10);

impl LunAddress {
    /// Opens the unit.
    ///
    /// # Errors
    /// When the target does not answer, or the unit is no disk or refuses the key.
    pub async fn open(self) -> Result<Lun, LunError> {
        let settings = Settings {
            portals: vec![self.portal],
            identity: Identity {
                initiator: InitiatorPort::new(self.initiator, SHARE_ISID),
                target_name: Some(self.target),
                credentials: None,
                expected_of_target: None,
                parameters: Parameters::default(),
            },
            patience: Patience::default(),
        };
        let key = match self.key {
            None => None,
            Some(key) => {
                let key = ReservationKey::new(key);
                Some(key.ok_or_else(|| LunError::Unusable("zero is no key".to_owned()))?)
            }
        };
        Lun::open(settings, scsi::Lun(self.lun), key, CONNECT_MAX).await
    }
}
