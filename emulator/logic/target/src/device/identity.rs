//! INQUIRY with its pages, REPORT LUNS and REQUEST SENSE.

use scsi::{Sense, asc, be16, be32};

use super::commands::field;
use super::limits::{COMPARE_BLOCKS_MAX, UNMAP_BLOCKS_MAX, UNMAP_DESCRIPTORS_MAX};
use super::{Call, Done};
use crate::store::Store;
use crate::target::Target;
use crate::unit::Unit;

const VENDOR: &[u8; 8] = b"LOOKSALV";
const PRODUCT: &[u8; 16] = b"RESERVATION DISK";
const REVISION: &[u8; 4] = b"0001";

pub(super) fn inquiry<S: Store>(target: &mut Target<S>, call: &mut Call<'_>) -> Done {
    let allocation = be16(call.cdb(), 3);
    let page = call.byte(2);
    let Some(unit) = target.unit(call.request.lun) else {
        return no_unit(call, allocation);
    };
    if call.byte(1) & 1 == 0 {
        if page != 0 {
            return Err(field(2));
        }
        standard(unit, call.data_in);
    } else {
        vital(target, unit, page, call)?;
    }
    call.truncate(allocation)
}

/// A unit number without a unit: peripheral qualifier 3, and no pages.
fn no_unit(call: &mut Call<'_>, allocation: u16) -> Done {
    if call.byte(1) & 1 != 0 {
        return Err(asc::UNSUPPORTED_UNIT.into());
    }
    call.data_in.extend([0x7f, 0, 6, 2, 31]);
    call.data_in.resize(call.start + 36, 0);
    call.truncate(allocation)
}

/// SPC-4 6.6.2: 96 bytes with version descriptors.
fn standard<S>(unit: &Unit<S>, out: &mut Vec<u8>) {
    let removable = u8::from(unit.config.removable) << 7;
    // HISUP and response data format 2; TPGS = 11b and 3PC; MULTIP; CMDQUE.
    out.extend([0, removable, 6, 0x12, 91, 0x38, 0x10, 0x02]);
    out.extend(VENDOR);
    out.extend(PRODUCT);
    out.extend(REVISION);
    out.extend([0; 22]);
    for descriptor in [0x00a0_u16, 0x0960, 0x0460, 0x04c0, 0x0600] {
        out.extend(descriptor.to_be_bytes());
    }
    out.extend([0; 28]);
}

fn vital<S: Store>(
    target: &Target<S>,
    unit: &Unit<S>,
    page: u8,
    call: &mut Call<'_>,
) -> Result<(), crate::reservation::Refusal> {
    let at = call.data_in.len();
    call.data_in.extend([0, page, 0, 0]);
    match page {
        0x00 => call.data_in.extend([0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2]),
        0x80 => call.data_in.extend(unit.config.serial.as_bytes()),
        0x83 => designators(target, unit, call),
        0xb0 => block_limits(unit, call.data_in),
        0xb1 => call.data_in.extend(characteristics()),
        0xb2 => call.data_in.extend(provisioning(unit)),
        _ => return Err(field(2)),
    }
    let length = u16::try_from(call.data_in.len() - at - 4).unwrap_or(u16::MAX);
    call.data_in[at + 2..at + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// SPC-4 7.8.6: the unit by vendor, NAA and name, the port by relative number, group and name.
fn designators<S: Store>(target: &Target<S>, unit: &Unit<S>, call: &mut Call<'_>) {
    let port = target.nexuses.get(call.request.nexus).port;
    let group = target
        .config
        .port_groups
        .get(usize::from(port.0))
        .copied()
        .unwrap_or(1);
    let serial = unit.config.serial.as_bytes();
    let port_name = format!("{},t,0x{group:04x}", target.config.name);
    let [a, b] = port.relative().to_be_bytes();
    let out = &mut *call.data_in;
    designator(out, 0x02, 0x01, &[VENDOR.as_slice(), serial].concat());
    designator(out, 0x01, 0x03, &locally_assigned(serial).to_be_bytes());
    designator(out, 0x51, 0x14, &[0, 0, a, b]);
    designator(out, 0x51, 0x15, &[0, 0, a, b]);
    designator(out, 0x53, 0x18, &padded(&port_name));
    designator(out, 0x53, 0x28, &padded(&target.config.name));
}

/// SBC-4 6.6.4.
fn block_limits<S>(unit: &Unit<S>, out: &mut Vec<u8>) {
    let physical = 1_u16 << unit.config.physical_exponent.min(15);
    let transfer = unit.transfer_blocks_max();
    let (unmap, descriptors, granularity) = match unit.config.thin {
        true => (
            UNMAP_BLOCKS_MAX,
            UNMAP_DESCRIPTORS_MAX,
            unit.unmap_granularity(),
        ),
        false => (0, 0, 0),
    };
    // WSNZ = 0: WRITE SAME of no blocks goes to the end.
    out.extend([0, COMPARE_BLOCKS_MAX]);
    out.extend(physical.to_be_bytes());
    out.extend(transfer.to_be_bytes());
    out.extend((transfer / 16).to_be_bytes());
    out.extend([0; 4]);
    out.extend(unmap.to_be_bytes());
    out.extend(descriptors.to_be_bytes());
    out.extend(granularity.to_be_bytes());
    out.extend([if unit.config.thin { 0x80 } else { 0 }, 0, 0, 0]);
    out.extend(u64::from(unit.same_blocks_max()).to_be_bytes());
    out.extend(unit.atomic_blocks_max().to_be_bytes());
    out.extend([0; 16]);
}

/// SBC-4 6.6.2: no rotation, form factor not told.
fn characteristics() -> [u8; 60] {
    let mut page = [0; 60];
    page[1] = 1;
    // WABEREQ and WACEREQ: after SANITIZE reads go well and return zeros.
    page[3] = 0x50;
    page
}

/// SBC-4 6.6.7: UNMAP and WRITE SAME unmap, unmapped blocks read as zeros.
fn provisioning<S>(unit: &Unit<S>) -> [u8; 4] {
    if unit.config.thin {
        [0, 0xe4, 2, 0]
    } else {
        [0, 0, 1, 0]
    }
}

/// Whether a designator names the unit.
pub(super) fn has_name<S>(unit: &Unit<S>, association_and_type: u8, name: &[u8]) -> bool {
    let serial = unit.config.serial.as_bytes();
    match association_and_type {
        0x03 => name == locally_assigned(serial).to_be_bytes(),
        0x01 => name == [VENDOR.as_slice(), serial].concat(),
        _ => false,
    }
}

/// A SCSI name string ends in one to four zeros.
fn padded(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize((bytes.len() + 1).next_multiple_of(4), 0);
    bytes
}

/// A designator; those of ports and targets name their protocol in the high bits of the first
/// byte, and PIV says so.
fn designator(out: &mut Vec<u8>, protocol_and_set: u8, association_and_type: u8, name: &[u8]) {
    let name = &name[..name.len().min(252)];
    let named = u8::from(protocol_and_set >> 4 != 0) << 7;
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    out.extend([protocol_and_set, named | association_and_type, 0, length]);
    out.extend(name);
}

/// NAA 3h, locally assigned: 60 bits that depend on nothing but the serial number (FNV-1a).
fn locally_assigned(serial: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = serial.iter().fold(0xcbf2_9ce4_8422_2325, mix);
    hash >> 4 | 3 << 60
}

/// SPC-4 6.33: the list is the target's, whatever unit is asked.
pub(super) fn report_luns<S: Store>(target: &mut Target<S>, call: &mut Call<'_>) -> Done {
    let allocation = be32(call.cdb(), 6);
    if allocation < 16 || call.byte(2) > 2 {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    // SELECT REPORT 1 asks for well-known units only, and there are none.
    let luns = if call.byte(2) == 1 {
        Vec::new()
    } else {
        target.luns()
    };
    call.data_in.extend(
        u32::try_from(luns.len() * 8)
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
    );
    call.data_in.extend([0; 4]);
    luns.iter()
        .for_each(|lun| call.data_in.extend(lun.to_bytes()));
    call.truncate(allocation)
}

/// SPC-4 6.39: what waits is told as data, and then no more.
pub(super) fn request_sense<S: Store>(target: &mut Target<S>, call: &mut Call<'_>) -> Done {
    let sense = match target.unit_mut(call.request.lun) {
        None => Sense::illegal(asc::UNSUPPORTED_UNIT),
        Some(unit) => match unit.take_attention(call.request.nexus) {
            Some(attention) => Sense::attention(attention.additional()),
            None => condition(unit),
        },
    };
    if call.byte(1) & 1 == 0 {
        call.data_in.extend(sense.to_fixed());
    } else {
        call.data_in.extend(sense.to_descriptor());
    }
    let allocation = call.byte(4);
    call.truncate(allocation)
}

/// What a unit has to say that is no event.
fn condition<S>(unit: &Unit<S>) -> Sense {
    match &unit.sanitizing {
        Some(work) => work.sense(unit.config.blocks),
        None => Sense::new(scsi::SenseKey::NoSense, asc::NO_ADDITIONAL),
    }
}
