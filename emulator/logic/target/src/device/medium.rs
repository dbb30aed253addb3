//! START STOP UNIT and PREVENT ALLOW MEDIUM REMOVAL (SBC-4 5.31, SPC-4 6.15).

use scsi::asc;

use super::{Call, DONE, Done};
use crate::response::Obligation;
use crate::unit::{Medium, Unit};

/// Power conditions are accepted and change nothing; what counts is START and LOEJ.
pub(super) fn start_stop<S>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    let flags = call.byte(4);
    let (condition, load_eject, start) = (flags >> 4, flags & 2 != 0, flags & 1 != 0);
    if condition != 0 {
        return DONE;
    }
    if load_eject && !unit.config.removable {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    if load_eject && !unit.prevented_by.is_empty() {
        return Err(asc::MEDIUM_REMOVAL_PREVENTED.into());
    }
    // There is no spindle: stopped without being taken out, the unit starts again by itself.
    if load_eject {
        unit.medium = if start {
            Medium::Ready
        } else {
            Medium::Ejected
        };
    }
    // Stopping puts the cache on the medium first, unless NO_FLUSH says otherwise.
    if !start && flags & 4 == 0 {
        Ok(Obligation::Sync(call.lun()))
    } else {
        DONE
    }
}

pub(super) fn prevent_allow<S>(unit: &mut Unit<S>, call: &Call<'_>) -> Done {
    match call.byte(4) & 3 {
        0 => unit.prevented_by.remove(&call.request.nexus),
        1 => unit.prevented_by.insert(call.request.nexus),
        // Obsolete values of medium changers.
        _ => return Err(asc::INVALID_FIELD_IN_CDB.into()),
    };
    DONE
}
