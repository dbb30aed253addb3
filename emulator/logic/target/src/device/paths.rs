//! REPORT and SET TARGET PORT GROUPS: asymmetric logical unit access (SPC-4 5.15, 6.37, 6.45).
//!
//! Every target port is a group of its own, numbered as the port; each unit has a state for each.

use scsi::{NexusId, Sense, SenseKey, asc, be16, be32};

use super::{Call, DONE, Done};
use crate::attention::Attention;
use crate::config::PortId;
use crate::reservation::Refusal;
use crate::store::Store;
use crate::target::Target;

/// What a unit does for commands that come through a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub(crate) enum PathState {
    #[default]
    ActiveOptimized = 0,
    ActiveNonOptimized = 1,
    Standby = 2,
    Unavailable = 3,
}

impl PathState {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::ActiveOptimized,
            1 => Self::ActiveNonOptimized,
            2 => Self::Standby,
            3 => Self::Unavailable,
            _ => return None,
        })
    }

    /// Whether commands for the medium pass: 2/04/0B, 2/04/0C.
    pub(crate) fn check(self) -> Result<(), Refusal> {
        let not_ready = |additional| Err(Sense::new(SenseKey::NotReady, additional).into());
        match self {
            Self::ActiveOptimized | Self::ActiveNonOptimized => Ok(()),
            Self::Standby => not_ready(asc::PATH_IN_STANDBY),
            Self::Unavailable => not_ready(asc::PATH_UNAVAILABLE),
        }
    }
}

/// The four states above.
const SUPPORTED: u8 = 0x0f;
const EXTENDED_HEADER: u8 = 1;
/// The state was set by SET TARGET PORT GROUPS.
const BY_COMMAND: u8 = 1;

pub(super) fn report<S: Store>(target: &Target<S>, call: &mut Call<'_>) -> Done {
    let unit = target.unit(call.request.lun).ok_or(asc::UNSUPPORTED_UNIT)?;
    let allocation = be32(call.cdb(), 6);
    let format = call.byte(1) >> 5;
    if format > EXTENDED_HEADER {
        return Err(asc::INVALID_FIELD_IN_CDB.into());
    }
    call.data_in.extend([0; 4]);
    if format == EXTENDED_HEADER {
        call.data_in.extend([EXTENDED_HEADER << 4, 0, 0, 0]);
    }
    for port in (0..target.ports().end.0).map(PortId) {
        let [high, low] = port.relative().to_be_bytes();
        let state = unit.path(port) as u8;
        call.data_in
            .extend([state, SUPPORTED, high, low, 0, BY_COMMAND, 0, 1]);
        call.data_in.extend([0, 0, high, low]);
    }
    let length = u32::try_from(call.data_in.len() - call.start - 4).unwrap_or(u32::MAX);
    call.data_in[call.start..call.start + 4].copy_from_slice(&length.to_be_bytes());
    call.truncate(allocation)
}

pub(super) fn set<S: Store>(target: &mut Target<S>, call: &Call<'_>) -> Done {
    let length = usize::try_from(be32(call.cdb(), 6)).unwrap_or(usize::MAX);
    if length == 0 {
        return DONE;
    }
    let list = call
        .request
        .data_out
        .get(..length)
        .filter(|it| it.len() >= 4 && it.len() % 4 == 0);
    let list = list.ok_or(asc::PARAMETER_LIST_LENGTH_ERROR)?;
    let ports = target.ports();
    let mut changes = Vec::new();
    for descriptor in list[4..].chunks_exact(4) {
        let port = PortId::from_relative(be16(descriptor, 2)).filter(|it| ports.contains(it));
        let state = PathState::from_code(descriptor[0] & 0x0f);
        let change = port
            .zip(state)
            .ok_or(asc::INVALID_FIELD_IN_PARAMETER_LIST)?;
        changes.push(change);
    }
    let others: Vec<NexusId> = target
        .attached()
        .filter(|nexus| *nexus != call.request.nexus)
        .collect();
    let unit = target
        .unit_mut(call.request.lun)
        .ok_or(asc::UNSUPPORTED_UNIT)?;
    for (port, state) in changes {
        unit.set_path(port, state);
    }
    others
        .into_iter()
        .for_each(|it| unit.tell(it, Attention::AsymmetricAccessChanged));
    DONE
}
