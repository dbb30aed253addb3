//! How much data a command wants from its initiator, for residual counts and for asking.

use scsi::{be16, be32};

use super::commands::{Command, Operation};
use super::run;
use crate::unit::Unit;

/// How many bytes the command descriptor block asks for.
pub(crate) fn data_out_bytes<S>(unit: &Unit<S>, command: &Command, cdb: &[u8]) -> u64 {
    let block = unit.block();
    let blocks = run(command, cdb).1;
    let byte_1 = cdb.get(1).copied().unwrap_or(0);
    match command.operation {
        Operation::Write
        | Operation::WriteAtomic
        | Operation::WriteAndVerify
        | Operation::OrWrite => blocks.saturating_mul(block),
        Operation::CompareAndWrite => blocks.saturating_mul(2 * block),
        Operation::Verify => match byte_1 >> 1 & 3 {
            1 => blocks.saturating_mul(block),
            3 => block,
            _ => 0,
        },
        Operation::WriteSame if command.length() == 16 && byte_1 & 1 != 0 => 0,
        Operation::WriteSame => block,
        Operation::Unmap | Operation::Sanitize => u64::from(be16(cdb, 7)),
        Operation::ModeSelect if command.length() == 6 => {
            u64::from(cdb.get(4).copied().unwrap_or(0))
        }
        Operation::ModeSelect => u64::from(be16(cdb, 7)),
        Operation::PersistentReserveOut => u64::from(be32(cdb, 5)),
        Operation::SetTargetPortGroups => u64::from(be32(cdb, 6)),
        Operation::ExtendedCopy => u64::from(be32(cdb, 10)),
        _ => 0,
    }
}
