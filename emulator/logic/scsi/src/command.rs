//! The commands that the emulator's own initiators send.

use std::borrow::Cow;

use crate::bytes::{Malformed, be32, be64};
use crate::cdb::{Cdb, opcode};
use crate::pr;

/// A command, typed. [`Command::cdb`] and [`Command::data_out`] are what goes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Is the unit there, and is anything pending for this nexus?
    TestUnitReady,
    /// Standard data, or a vital product data page.
    Inquiry {
        /// The page; absent for standard data.
        page: Option<u8>,
    },
    /// All units of the target.
    ReportLuns,
    /// Block count and size; read the answer with [`Capacity::parse`].
    ReadCapacity16,
    /// READ(16).
    Read {
        /// First block.
        lba: u64,
        /// How many blocks.
        blocks: u32,
        /// How long a block is, in bytes: what the initiator expects back is counted in bytes.
        block_bytes: u32,
    },
    /// WRITE(16).
    Write {
        /// First block.
        lba: u64,
        /// How many blocks `data` is.
        blocks: u32,
        /// What to write.
        data: Vec<u8>,
        /// Force unit access: durable before GOOD.
        fua: bool,
    },
    /// SYNCHRONIZE CACHE(16) of the whole unit: all written before is durable before GOOD.
    SynchronizeCache,
    /// PERSISTENT RESERVE IN; read the answers with [`pr::Keys`], [`pr::Reservation`],
    /// [`pr::Capabilities`] and [`pr::FullStatus`].
    PersistentReserveIn(pr::InAction),
    /// PERSISTENT RESERVE OUT.
    PersistentReserveOut(pr::Out),
    /// RESERVE(6) of SPC-2, the 2003 disk driver's way.
    Reserve6,
    /// RELEASE(6) of SPC-2.
    Release6,
}

/// Room for answers whose length is not known before: all but the largest READ FULL STATUS.
const ALLOCATION: u16 = 8192;

impl Command {
    /// The command descriptor block.
    pub fn cdb(&self) -> Cdb {
        match self {
            Self::TestUnitReady => Cdb::new(opcode::TEST_UNIT_READY, 6),
            Self::Inquiry { page } => inquiry(*page),
            Self::ReportLuns => {
                Cdb::new(opcode::REPORT_LUNS, 12).with(6, &u32::from(ALLOCATION).to_be_bytes())
            }
            Self::ReadCapacity16 => Cdb::new(opcode::SERVICE_ACTION_IN_16, 16)
                .with(1, &[0x10])
                .with(10, &32_u32.to_be_bytes()),
            Self::Read { lba, blocks, .. } => medium(opcode::READ_16, 0, *lba, *blocks),
            Self::Write {
                lba, blocks, fua, ..
            } => medium(opcode::WRITE_16, u8::from(*fua) << 3, *lba, *blocks),
            Self::SynchronizeCache => medium(opcode::SYNCHRONIZE_CACHE_16, 0, 0, 0),
            Self::PersistentReserveIn(action) => action.cdb(ALLOCATION),
            Self::PersistentReserveOut(out) => out.cdb(),
            Self::Reserve6 => Cdb::new(opcode::RESERVE_6, 6),
            Self::Release6 => Cdb::new(opcode::RELEASE_6, 6),
        }
    }

    /// The data that goes with it; empty for most.
    pub fn data_out(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Write { data, .. } => Cow::Borrowed(data),
            Self::PersistentReserveOut(out) => Cow::Owned(out.data_out()),
            _ => Cow::Borrowed(&[]),
        }
    }

    /// How many bytes may come back at most.
    pub fn data_in_bytes_max(&self) -> u32 {
        match self {
            Self::Inquiry { .. } => 255,
            Self::ReportLuns | Self::PersistentReserveIn(_) => u32::from(ALLOCATION),
            Self::ReadCapacity16 => 32,
            Self::Read {
                blocks,
                block_bytes,
                ..
            } => blocks.saturating_mul(*block_bytes),
            _ => 0,
        }
    }
}

fn inquiry(page: Option<u8>) -> Cdb {
    Cdb::new(opcode::INQUIRY, 6)
        .with(1, &[u8::from(page.is_some()), page.unwrap_or(0)])
        .with(3, &255_u16.to_be_bytes())
}

fn medium(code: u8, flags: u8, lba: u64, blocks: u32) -> Cdb {
    Cdb::new(code, 16)
        .with(1, &[flags])
        .with(2, &lba.to_be_bytes())
        .with(10, &blocks.to_be_bytes())
}

/// What READ CAPACITY(16) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// How many blocks the unit has.
    pub blocks: u64,
    /// How long one is, in bytes.
    pub block_bytes: u32,
}

impl Capacity {
    /// Reads the answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() < 12 {
            return Err(Malformed {
                what: "READ CAPACITY(16) data",
                why: "below 12 bytes",
            });
        }
        Ok(Self {
            blocks: be64(bytes, 0).saturating_add(1),
            block_bytes: be32(bytes, 8),
        })
    }
}
