//! READ CAPACITY (SBC-4 5.20, 5.21).

use scsi::{asc, be16, be32, be64};

use super::{Call, Done};
use crate::unit::Unit;

pub(super) fn read_10<S>(unit: &Unit<S>, call: &mut Call<'_>) -> Done {
    // Without PMI an address has no meaning.
    if call.byte(8) & 1 == 0 && be32(call.cdb(), 2) != 0 {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    let last = u32::try_from(unit.config.blocks - 1).unwrap_or(u32::MAX);
    call.data_in.extend(last.to_be_bytes());
    call.data_in.extend(unit.config.block_bytes.to_be_bytes());
    call.truncate(8_u64)
}

pub(super) fn read_16<S>(unit: &Unit<S>, call: &mut Call<'_>) -> Done {
    if call.byte(14) & 1 == 0 && be64(call.cdb(), 2) != 0 {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    let config = &unit.config;
    let mut data = [0; 32];
    data[..8].copy_from_slice(&(config.blocks - 1).to_be_bytes());
    data[8..12].copy_from_slice(&config.block_bytes.to_be_bytes());
    data[13] = config.physical_exponent & 0x0f;
    // LBPME and LBPRZ: unmapped blocks exist and read as zeros.
    data[14] = if config.thin { 0xc0 } else { 0 };
    call.data_in.extend(data);
    let allocation = be32(call.cdb(), 10);
    call.truncate(allocation)
}

const LISTS_AND_FORMAT: u8 = 0x1f;

/// SBC-4 5.21, 5.22: there are no defects, in whatever format.
pub(super) fn read_defect_data(call: &mut Call<'_>) -> Done {
    if call.command.length() == 10 {
        let asked = call.byte(2) & LISTS_AND_FORMAT;
        call.data_in.extend([0, asked, 0, 0]);
        let allocation = be16(call.cdb(), 7);
        return call.truncate(allocation);
    }
    let asked = call.byte(1) & LISTS_AND_FORMAT;
    call.data_in.extend([0, asked, 0, 0, 0, 0, 0, 0]);
    let allocation = be32(call.cdb(), 6);
    call.truncate(allocation)
}
