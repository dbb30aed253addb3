//! VERIFY and WRITE AND VERIFY (SBC-4 5.36 to 5.39, 5.45 to 5.47).

use scsi::{Sense, SenseKey, asc};

use super::blocks::written;
use super::commands::field;
use super::{Call, DONE, Done, Run, read_blocks, writable, write_blocks};
use crate::reservation::Refusal;
use crate::response::Obligation;
use crate::store::Store;
use crate::unit::Unit;

/// What the data that came with the command is compared with (BYTCHK).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteCheck {
    /// Nothing came; the blocks are only read.
    None,
    /// Block by block.
    Each,
    /// One block that came with every block on the medium.
    One,
}

fn byte_check(call: &Call<'_>) -> Result<ByteCheck, Refusal> {
    match call.byte(1) >> 1 & 3 {
        0 => Ok(ByteCheck::None),
        1 => Ok(ByteCheck::Each),
        3 => Ok(ByteCheck::One),
        _ => Err(field(1)),
    }
}

pub(super) fn verify<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let run = call.run();
    let check = byte_check(call)?;
    unit.check_transfer(run)?;
    compare(unit, run, check, call.request.data_out)?;
    DONE
}

pub(super) fn write_and_verify<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let run = call.run();
    let check = byte_check(call)?;
    if check == ByteCheck::One {
        return Err(field(1));
    }
    writable(unit)?;
    unit.check_transfer(run)?;
    let data = call.request.data_out;
    write_blocks(unit, run, data)?;
    let came = data.len() as u64 / unit.block();
    compare(unit, (run.0, run.1.min(came)), check, data)?;
    // Bit 3 is no FUA here: what was verified was verified on the medium.
    Ok(match written(unit, call) {
        Obligation::None => Obligation::Sync(call.lun()),
        other => other,
    })
}

fn compare<S: Store>(
    unit: &mut Unit<S>,
    run: Run,
    check: ByteCheck,
    data: &[u8],
) -> Result<(), Refusal> {
    let mut medium = Vec::new();
    read_blocks(unit, run, &mut medium)?;
    let block = usize::try_from(unit.block()).unwrap_or(1);
    let differs = match check {
        ByteCheck::None => None,
        ByteCheck::Each => first_difference(&medium, data),
        ByteCheck::One => {
            let one = data.get(..block).ok_or(asc::INVALID_FIELD_IN_CDB)?;
            medium
                .chunks_exact(block)
                .find_map(|it| first_difference(it, one))
        }
    };
    differs.map_or(Ok(()), |at| Err(miscompare(at)))
}

/// The first byte that differs, as far as both go.
pub(super) fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    one.iter().zip(other).position(|(a, b)| a != b)
}

/// E/1D/00 with the offset of the first byte that differs.
pub(super) fn miscompare(at: usize) -> Refusal {
    let sense = Sense::new(SenseKey::Miscompare, asc::MISCOMPARE_DURING_VERIFY);
    sense.with_information(at as u64).into()
}
