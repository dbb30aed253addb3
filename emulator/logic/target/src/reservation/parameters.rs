//! Reading the parameter lists of PERSISTENT RESERVE OUT.

use scsi::pr::OutAction;
use scsi::{ReservationKey, ReservationType, TransportId, asc, be16, be32, be64};

use super::Refusal;

/// A parameter list, read as far as its service action looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    pub reservation_key: Option<ReservationKey>,
    pub service_action_key: Option<ReservationKey>,
    pub persist: bool,
    pub all_ports: bool,
    /// SPEC_I_PT with its initiator ports.
    pub specified: Option<Vec<TransportId>>,
    /// REGISTER AND MOVE: UNREG.
    pub unregister: bool,
    /// REGISTER AND MOVE: relative target port identifier.
    pub target_port: u16,
}

const BASIC: usize = 24;

/// The service action, scope and type are in the command, the rest in the list, whose length the
/// command tells and `list` must have.
pub(crate) fn parse(action: OutAction, told: u32, list: &[u8]) -> Result<List, Refusal> {
    let told = usize::try_from(told).unwrap_or(usize::MAX);
    let list = list.get(..told).ok_or(asc::PARAMETER_LIST_LENGTH_ERROR)?;
    if list.len() < BASIC {
        return Err(asc::PARAMETER_LIST_LENGTH_ERROR.into());
    }
    if action == OutAction::RegisterAndMove {
        parse_move(list)
    } else {
        parse_basic(action, list)
    }
}

fn parse_basic(action: OutAction, list: &[u8]) -> Result<List, Refusal> {
    let flags = list[20];
    let registers = matches!(
        action,
        OutAction::Register | OutAction::RegisterAndIgnoreExistingKey
    );
    let specifies = registers && flags & 0x08 != 0;
    if specifies && action == OutAction::RegisterAndIgnoreExistingKey {
        return Err(asc::INVALID_FIELD_IN_PARAMETER_LIST.into());
    }
    if !specifies && list.len() != BASIC {
        return Err(asc::PARAMETER_LIST_LENGTH_ERROR.into());
    }
    Ok(List {
        reservation_key: ReservationKey::new(be64(list, 0)),
        service_action_key: ReservationKey::new(be64(list, 8)),
        persist: flags & 0x01 != 0,
        all_ports: registers && flags & 0x04 != 0,
        specified: if specifies {
            Some(parse_ids(&list[BASIC..])?)
        } else {
            None
        },
        unregister: false,
        target_port: 0,
    })
}

/// A length, and TransportIDs that fill it.
fn parse_ids(list: &[u8]) -> Result<Vec<TransportId>, Refusal> {
    let invalid = Refusal::from(asc::INVALID_FIELD_IN_PARAMETER_LIST);
    let length = usize::try_from(be32(list, 0)).map_err(|_| invalid)?;
    let mut rest = list
        .get(4..)
        .filter(|ids| ids.len() == length)
        .ok_or(invalid)?;
    let mut ids = Vec::new();
    while !rest.is_empty() {
        let (id, length) = TransportId::parse(rest).map_err(|_| invalid)?;
        ids.push(id);
        rest = &rest[length..];
    }
    Ok(ids)
}

fn parse_move(list: &[u8]) -> Result<List, Refusal> {
    let length = usize::try_from(be32(list, 20)).unwrap_or(usize::MAX);
    if length < BASIC || length % 4 != 0 || list.len() - BASIC != length {
        return Err(asc::PARAMETER_LIST_LENGTH_ERROR.into());
    }
    let (id, _) = TransportId::parse(&list[BASIC..])
        .map_err(|_| Refusal::from(asc::INVALID_FIELD_IN_PARAMETER_LIST))?;
    Ok(List {
        reservation_key: ReservationKey::new(be64(list, 0)),
        service_action_key: ReservationKey::new(be64(list, 8)),
        persist: list[17] & 0x01 != 0,
        all_ports: false,
        specified: Some(vec![id]),
        unregister: list[17] & 0x02 != 0,
        target_port: be16(list, 18),
    })
}

/// The scope and type byte of a command; only the logical unit scope and six types are known.
pub(crate) fn kind(byte: u8) -> Result<ReservationType, Refusal> {
    match ReservationType::from_code(byte & 0x0f) {
        Some(kind) if byte >> 4 == 0 => Ok(kind),
        _ => Err(asc::INVALID_FIELD_IN_CDB.into()),
    }
}
