//! SANITIZE (SBC-4 5.30, 4.11): the whole medium is made unreadable.
//!
//! The work is done in slices by [`Target::sanitize_slice`], which whoever drives the target calls
//! now and then; until the last one the unit is not ready, whatever is reset or aborted. Not
//! done here: going on after power loss, when a sanitize that was cut short is forgotten.

use scsi::{Lun, Sense, SenseKey, asc, be16};

use super::provisioning::{discard, fill};
use super::{Call, DONE, Done, Run, writable};
use crate::reservation::Refusal;
use crate::response::{Obligation, Response};
use crate::store::Store;
use crate::target::Target;
use crate::unit::Unit;

const OVERWRITE: u8 = 0x01;
const EXIT_FAILURE_MODE: u8 = 0x1f;
const IMMED: u8 = 0x80;
/// AUSE: a failed sanitize may be left by EXIT FAILURE MODE.
const UNRESTRICTED_EXIT: u8 = 0x20;
/// In how many slices a sanitize is done.
const SLICES: u64 = 50;

/// A sanitize that has not ended well, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sanitizing {
    /// What is written over every block; absent: the blocks are let go of.
    pattern: Option<Vec<u8>>,
    /// The first block that is still to be done.
    next: u64,
    failed: bool,
    unrestricted_exit: bool,
}

pub(super) fn sanitize<S: Store>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let length = usize::from(be16(call.cdb(), 7));
    writable(unit)?;
    let pattern = match call.command.action {
        Some(OVERWRITE) => {
            let list = call.request.data_out.get(..length).unwrap_or_default();
            let pattern = Pattern::parse(list, unit.block())?;
            let block = usize::try_from(unit.block()).unwrap_or(1);
            let one: Vec<u8> = pattern.0.into_iter().cycle().take(block).collect();
            let erases = unit.config.thin && one.iter().all(|byte| *byte == 0);
            (!erases).then_some(one)
        }
        _ if length != 0 => return Err(asc::INVALID_FIELD_IN_CDB.into()),
        Some(EXIT_FAILURE_MODE) => return exit_failure_mode(unit),
        // What is erased reads as zeros.
        _ => None,
    };
    let unrestricted_exit = call.byte(1) & UNRESTRICTED_EXIT != 0;
    let all = Sanitizing {
        pattern,
        next: 0,
        failed: false,
        unrestricted_exit,
    };
    unit.sanitizing = Some(all);
    let waits = call.byte(1) & IMMED == 0;
    if waits {
        Ok(Obligation::Sanitize(call.lun()))
    } else {
        DONE
    }
}

fn exit_failure_mode<S>(unit: &mut Unit<S>) -> Done {
    match &unit.sanitizing {
        Some(it) if it.failed && !it.unrestricted_exit => Err(asc::INVALID_FIELD_IN_CDB.into()),
        _ => {
            unit.sanitizing = None;
            DONE
        }
    }
}

impl Sanitizing {
    fn cover<S: Store>(&self, unit: &mut Unit<S>, run: Run) -> Result<(), Refusal> {
        match &self.pattern {
            Some(pattern) => fill(unit, run, pattern),
            None => discard(unit, run),
        }
    }

    /// Why the unit does not do what is asked of it now.
    pub(crate) fn sense(&self, blocks: u64) -> Sense {
        if self.failed {
            return Sense::new(SenseKey::MediumError, asc::SANITIZE_FAILED);
        }
        let progress = u16::try_from(self.next * 65_536 / blocks.max(1)).unwrap_or(u16::MAX);
        let [high, low] = progress.to_be_bytes();
        let sense = Sense::new(SenseKey::NotReady, asc::SANITIZE_IN_PROGRESS);
        Sense {
            specific: Some([0x80, high, low]),
            ..sense
        }
    }
}

impl<S: Store> Target<S> {
    /// Does a part of every sanitize that is under way. `false`: there is none.
    pub fn sanitize_slice(&mut self) -> bool {
        let mut any = false;
        for unit in self.units_mut() {
            if let Some(work) = unit.sanitizing.take().filter(|it| !it.failed) {
                any = true;
                slice(unit, work);
            }
        }
        any
    }
}

impl<S: Store> Target<S> {
    /// How the sanitize of a unit has ended; `None` while it is under way.
    pub fn sanitized(&self, lun: Lun) -> Option<Response> {
        let Some(unit) = self.unit(Some(lun)) else {
            return Some(Response::GOOD);
        };
        match &unit.sanitizing {
            None => Some(Response::GOOD),
            Some(work) if work.failed => Some(Response::check(work.sense(unit.config.blocks))),
            Some(_) => None,
        }
    }
}

fn slice<S: Store>(unit: &mut Unit<S>, mut work: Sanitizing) {
    let blocks = unit
        .config
        .blocks
        .div_ceil(SLICES)
        .min(unit.config.blocks - work.next);
    work.failed = work.cover(unit, (work.next, blocks)).is_err();
    work.next += blocks;
    if work.failed || work.next < unit.config.blocks {
        unit.sanitizing = Some(work);
    }
}

/// What the medium holds after the last pass.
#[derive(Debug)]
struct Pattern(Vec<u8>);

impl Pattern {
    /// With INVERT every second pass writes the complement, so an even count ends with it.
    fn parse(list: &[u8], block: u64) -> Result<Self, Refusal> {
        let length = u64::from(be16(list, 2));
        let longest = usize::try_from(block)
            .unwrap_or(usize::MAX)
            .saturating_add(4);
        let (&[flags, ..], true) = (list, list.len() > 4 && list.len() <= longest) else {
            return Err(asc::INVALID_FIELD_IN_CDB.into());
        };
        let passes = flags & 0x1f;
        let pattern = &list[4..];
        if passes == 0 || length == 0 || length != pattern.len() as u64 || flags & 0x60 != 0 {
            return Err(asc::INVALID_FIELD_IN_PARAMETER_LIST.into());
        }
        let inverted = flags & 0x80 != 0 && passes % 2 == 0;
        let turn = |byte: &u8| if inverted { !byte } else { *byte };
        Ok(Self(pattern.iter().map(turn).collect()))
    }
}
