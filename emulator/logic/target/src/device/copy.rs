//! EXTENDED COPY (LID1) and RECEIVE COPY RESULTS (SPC-4 6.3, 6.24 to 6.27).
//!
//! Offered: identification descriptors (E4h) that name units of this target, and block to block
//! segments (02h). The copy is done within the command.

use scsi::{Additional, Lun, NexusId, Sense, SenseKey, asc, be16, be32, be64};

use super::{Call, DONE, Done, Run, identity, read_blocks, writable, write_blocks};
use crate::reservation::{Guard, Refusal};
use crate::store::Store;
use crate::target::Target;
use crate::unit::Unit;

const HEADER: usize = 16;
const TARGET_DESCRIPTOR: usize = 32;
const SEGMENT_DESCRIPTOR: usize = 28;
const IDENTIFICATION: u8 = 0xe4;
const BLOCK_TO_BLOCK: u8 = 0x02;
const TARGETS_MAX: usize = 8;
const SEGMENTS_MAX: usize = 16;
const LIST_BYTES_MAX: usize = 4096;
const SEGMENT_BYTES_MAX: u64 = 16 << 20;
/// NO RECEIVE COPY RESULTS: nothing is kept of the copy.
const LIST_ID_UNUSED: u8 = 0x18;

/// What RECEIVE COPY RESULTS tells of the last copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopyResult {
    nexus: NexusId,
    list: u8,
    segments: u16,
    failed: bool,
}

/// One block to block segment: from where to where how many blocks of the source.
#[derive(Debug, Clone, Copy)]
struct Segment {
    from: Lun,
    to: Lun,
    blocks: u64,
    source: u64,
    destination: u64,
}

pub(super) fn extended_copy<S: Store>(target: &mut Target<S>, call: &Call<'_>) -> Done {
    let length = usize::try_from(be32(call.cdb(), 10)).unwrap_or(usize::MAX);
    if length == 0 {
        return DONE;
    }
    let list = call
        .request
        .data_out
        .get(..length)
        .filter(|list| list.len() >= HEADER);
    let list = list.ok_or(asc::PARAMETER_LIST_LENGTH_ERROR)?;
    let segments = parse(target, list)?;
    let nexus = call.request.nexus;
    let mut done = 0;
    let mut outcome = Ok(());
    for segment in &segments {
        outcome = copy(target, nexus, segment);
        if outcome.is_err() {
            break;
        }
        done += 1;
    }
    if let Some(unit) = target.unit_mut(call.request.lun)
        && list[1] & LIST_ID_UNUSED != LIST_ID_UNUSED
    {
        let failed = outcome.is_err();
        unit.copied = Some(CopyResult {
            nexus,
            list: list[0],
            segments: done,
            failed,
        });
    }
    outcome?;
    DONE
}

/// Everything in the list is looked at before the first block is copied.
fn parse<S: Store>(target: &Target<S>, list: &[u8]) -> Result<Vec<Segment>, Refusal> {
    let (targets, segments) = (usize::from(be16(list, 2)), be32(list, 8));
    let segments = usize::try_from(segments).unwrap_or(usize::MAX);
    if targets.saturating_add(segments) > LIST_BYTES_MAX {
        return Err(asc::PARAMETER_LIST_LENGTH_ERROR.into());
    }
    if targets > TARGETS_MAX * TARGET_DESCRIPTOR {
        return Err(asc::TOO_MANY_TARGET_DESCRIPTORS.into());
    }
    let whole = HEADER.saturating_add(targets).saturating_add(segments);
    if whole.saturating_add(usize::try_from(be32(list, 12)).unwrap_or(usize::MAX)) > list.len() {
        return Err(asc::PARAMETER_LIST_LENGTH_ERROR.into());
    }
    let units = parse_targets(target, &list[HEADER..HEADER + targets])?;
    parse_segments(&units, &list[HEADER + targets..whole])
}

fn parse_targets<S: Store>(target: &Target<S>, list: &[u8]) -> Result<Vec<Lun>, Refusal> {
    if list
        .iter()
        .step_by(TARGET_DESCRIPTOR)
        .any(|kind| *kind != IDENTIFICATION)
    {
        return Err(asc::UNSUPPORTED_TARGET_DESCRIPTOR.into());
    }
    if !list.len().is_multiple_of(TARGET_DESCRIPTOR) {
        return Err(asc::PARAMETER_LIST_LENGTH_ERROR.into());
    }
    list.chunks_exact(TARGET_DESCRIPTOR)
        .map(|it| named_unit(target, it))
        .collect()
}

/// The unit whose identity the descriptor repeats: key A, 0D/02 when there is none.
fn named_unit<S: Store>(target: &Target<S>, descriptor: &[u8]) -> Result<Lun, Refusal> {
    let length = usize::from(descriptor[7]).min(20);
    let kind = descriptor[5] & 0x3f;
    let name = &descriptor[8..8 + length];
    // LU ID TYPE says nothing here: the descriptor holds no logical unit number.
    if descriptor[1] & 0x1f != 0 {
        return Err(asc::INVALID_FIELD_IN_PARAMETER_LIST.into());
    }
    let is_it = |unit: &&Unit<S>| identity::has_name(unit, kind, name);
    let found = target
        .units
        .iter()
        .flatten()
        .find(is_it)
        .map(|unit| unit.config.lun);
    let unreachable = Sense::new(SenseKey::CopyAborted, asc::UNREACHABLE_COPY_TARGET);
    found.ok_or(unreachable.into())
}

fn parse_segments(units: &[Lun], list: &[u8]) -> Result<Vec<Segment>, Refusal> {
    let mut segments = Vec::new();
    let mut rest = list;
    while let Some(kind) = rest.first() {
        if *kind != BLOCK_TO_BLOCK {
            return Err(asc::UNSUPPORTED_SEGMENT_DESCRIPTOR.into());
        }
        if segments.len() == SEGMENTS_MAX {
            return Err(asc::TOO_MANY_SEGMENT_DESCRIPTORS.into());
        }
        let (segment, tail) = rest
            .split_at_checked(SEGMENT_DESCRIPTOR)
            .ok_or(asc::PARAMETER_LIST_LENGTH_ERROR)?;
        segments.push(parse_segment(units, segment)?);
        rest = tail;
    }
    Ok(segments)
}

fn parse_segment(units: &[Lun], segment: &[u8]) -> Result<Segment, Refusal> {
    let unit = |at| units.get(usize::from(be16(segment, at))).copied();
    let (Some(from), Some(to), 0x18) = (unit(4), unit(6), be16(segment, 2)) else {
        return Err(aborted(asc::NO_ADDITIONAL));
    };
    let blocks = u64::from(be16(segment, 10));
    Ok(Segment {
        from,
        to,
        blocks,
        source: be64(segment, 12),
        destination: be64(segment, 20),
    })
}

fn copy<S: Store>(
    target: &mut Target<S>,
    nexus: NexusId,
    segment: &Segment,
) -> Result<(), Refusal> {
    let mut data = Vec::new();
    let unit = target
        .unit_mut(Some(segment.from))
        .ok_or(asc::UNSUPPORTED_UNIT)?;
    let run: Run = (segment.source, segment.blocks);
    access(unit, nexus, Guard::Read, run)?;
    read_blocks(unit, run, &mut data)?;
    let unit = target
        .unit_mut(Some(segment.to))
        .ok_or(asc::UNSUPPORTED_UNIT)?;
    let run = (segment.destination, data.len() as u64 / unit.block());
    access(unit, nexus, Guard::Write, run)?;
    writable(unit)?;
    write_blocks(unit, run, &data)
}

/// Whether the copy manager may do at a unit what the sender asked for: its own commands are
/// subject to reservations like any other.
fn access<S>(unit: &Unit<S>, nexus: NexusId, guard: Guard, run: Run) -> Result<(), Refusal> {
    unit.guard(nexus, guard)
        .map_err(|_| aborted(asc::THIRD_PARTY_FAILURE))?;
    unit.check_run(run)
        .map_err(|_| aborted(asc::NO_ADDITIONAL))?;
    if run.1 * unit.block() > SEGMENT_BYTES_MAX {
        return Err(aborted(asc::NO_ADDITIONAL));
    }
    unit.ready()
}

/// COPY ABORTED: trouble that belongs to a segment rather than to the list.
fn aborted(additional: Additional) -> Refusal {
    Sense::new(SenseKey::CopyAborted, additional).into()
}

const COPY_STATUS: u8 = 0;

pub(super) fn receive_results<S>(unit: &Unit<S>, call: &mut Call<'_>) -> Done {
    let list = call.byte(2);
    if call.command.action == Some(COPY_STATUS) {
        let mine = |it: &CopyResult| it.nexus == call.request.nexus && it.list == list;
        let result = unit.copied.filter(mine).ok_or(asc::INVALID_FIELD_IN_CDB)?;
        let [high, low] = result.segments.to_be_bytes();
        let status = if result.failed { 2 } else { 1 };
        call.data_in
            .extend([0, 0, 0, 8, status, high, low, 0, 0, 0, 0, 0]);
    } else {
        operating_parameters(call.data_in);
    }
    let allocation = be32(call.cdb(), 10);
    call.truncate(allocation)
}

/// SPC-4 6.27: one list at a time, inline data none, held data none.
fn operating_parameters(out: &mut Vec<u8>) {
    let count = |value: usize| u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes();
    let bytes = u32::try_from(SEGMENT_BYTES_MAX).unwrap_or(u32::MAX);
    let start = out.len();
    out.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    out.extend(count(TARGETS_MAX));
    out.extend(count(SEGMENTS_MAX));
    out.extend(
        u32::try_from(LIST_BYTES_MAX)
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
    );
    out.extend(bytes.to_be_bytes());
    out.extend([0; 12]);
    // One copy at once, of 512-byte granularity, and two descriptor types.
    out.extend([0, 0, 0, 1, 1, 9, 0, 0, 0, 0, 0, 2]);
    out.extend([BLOCK_TO_BLOCK, IDENTIFICATION]);
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}
