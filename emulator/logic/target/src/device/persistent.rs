//! PERSISTENT RESERVE IN and OUT, RESERVE and RELEASE.

use scsi::pr::{InAction, OutAction};
use scsi::{NexusId, TransportId, asc, be16, be32};

use super::{Call, DONE, Done};
use crate::config::PortId;
use crate::reservation::{self, List, Preempt, Refusal, Registering};
use crate::store::Store;
use crate::target::Target;
use crate::unit::Unit;

/// SPC-2 5.5.1: while the unit is reserved by RESERVE, every PERSISTENT RESERVE conflicts, the
/// owner's too.
fn unless_reserved<S>(unit: &Unit<S>) -> Result<(), Refusal> {
    if unit.reserved.is_some() {
        return Err(Refusal::Conflict);
    }
    // Without knowing who is registered, nothing may be said or changed.
    if unit.reservations_unknown {
        unit.ready()
    } else {
        Ok(())
    }
}

pub(super) fn reserve_in<S: Store>(target: &mut Target<S>, call: &mut Call<'_>) -> Done {
    let unit = target.unit(call.request.lun).ok_or(asc::UNSUPPORTED_UNIT)?;
    unless_reserved(unit)?;
    let state = &unit.reservations;
    match call.command.action {
        Some(action) if action == InAction::ReadKeys as u8 => state.read_keys(call.data_in),
        Some(action) if action == InAction::ReadReservation as u8 => {
            state.read_reservation(call.data_in);
        }
        Some(action) if action == InAction::ReportCapabilities as u8 => {
            state.report_capabilities(call.data_in);
        }
        _ => {
            let ports = target.config.port_groups.len();
            state.read_full_status(&target.nexuses, ports, call.data_in);
        }
    }
    let allocation = be16(call.cdb(), 7);
    call.truncate(allocation)
}

pub(super) fn reserve_out<S: Store>(target: &mut Target<S>, call: &Call<'_>) -> Done {
    let unit = target.unit(call.request.lun).ok_or(asc::UNSUPPORTED_UNIT)?;
    unless_reserved(unit)?;
    let action = call.command.action.and_then(OutAction::from_code);
    let action = action.ok_or(asc::INVALID_FIELD_IN_CDB)?;
    let list = reservation::parse(action, be32(call.cdb(), 5), call.request.data_out)?;
    let persisted = unit.reservations.persist;
    match action {
        OutAction::Register | OutAction::RegisterAndIgnoreExistingKey => {
            register(target, call, action, &list, persisted)
        }
        OutAction::RegisterAndMove => relocate(target, call, &list, persisted),
        _ => change(target, call, action, &list, persisted),
    }
}

/// RESERVE, RELEASE, CLEAR, PREEMPT and PREEMPT AND ABORT.
fn change<S: Store>(
    target: &mut Target<S>,
    call: &Call<'_>,
    action: OutAction,
    list: &List,
    persisted: bool,
) -> Done {
    let (sender, key) = (call.request.nexus, list.reservation_key);
    let kind = reservation::kind(call.byte(2));
    let victim = list.service_action_key;
    let abort = action == OutAction::PreemptAndAbort;
    target.settle(call.lun(), persisted, |unit, consequences| {
        let state = &mut unit.reservations;
        match action {
            OutAction::Reserve => state.reserve(sender, key, kind),
            OutAction::Release => state.release(sender, key, kind, consequences),
            OutAction::Clear => state.clear(sender, key, consequences),
            _ => state.preempt(
                &Preempt {
                    sender,
                    key,
                    victim,
                    kind,
                    abort,
                },
                consequences,
            ),
        }
    })
}

fn register<S: Store>(
    target: &mut Target<S>,
    call: &Call<'_>,
    action: OutAction,
    list: &List,
    persisted: bool,
) -> Done {
    let sender = call.request.nexus;
    let others = named(target, sender, list)?;
    let ask = Registering {
        sender,
        old: list.reservation_key,
        new: list.service_action_key,
        ignore: action == OutAction::RegisterAndIgnoreExistingKey,
        persist: list.persist,
        all_ports: list.all_ports,
        others: &others,
        specified: list.specified.is_some(),
    };
    target.settle(call.lun(), persisted, |unit, consequences| {
        unit.reservations.register(&ask, consequences)
    })
}

/// The nexuses that a registration names besides its sender: initiator ports by SPEC_I_PT at the
/// sender's target port, and with ALL_TG_PT everyone at every target port.
fn named<S: Store>(
    target: &mut Target<S>,
    sender: NexusId,
    list: &List,
) -> Result<Vec<NexusId>, Refusal> {
    if list.specified.is_none() && !list.all_ports {
        return Ok(Vec::new());
    }
    let own = target.nexuses.get(sender);
    let (own, port) = (own.initiator.clone(), own.port);
    let ports = if list.all_ports {
        target.ports()
    } else {
        port..PortId(port.0 + 1)
    };
    let initiators = list.specified.iter().flatten().chain([&own]);
    let mut nexuses = Vec::new();
    for initiator in initiators {
        for port in (ports.start.0..ports.end.0).map(PortId) {
            nexuses.extend(numbers(target, initiator, port)?);
        }
    }
    nexuses.retain(|nexus| *nexus != sender);
    nexuses.sort_unstable();
    nexuses.dedup();
    Ok(nexuses)
}

/// A name alone stands for all ports of that name that are known (SPC-4 7.6.4.6); if none is, the
/// name is registered and belongs to the first of its ports that logs in.
fn numbers<S: Store>(
    target: &mut Target<S>,
    initiator: &TransportId,
    port: PortId,
) -> Result<Vec<NexusId>, Refusal> {
    let known = target.nexuses.matching(initiator, port);
    if !known.is_empty() {
        return Ok(known);
    }
    let new = target.new_nexus(initiator.clone(), port);
    Ok(vec![new.ok_or(asc::INSUFFICIENT_REGISTRATION_RESOURCES)?])
}

fn relocate<S: Store>(
    target: &mut Target<S>,
    call: &Call<'_>,
    list: &List,
    persisted: bool,
) -> Done {
    let sender = call.request.nexus;
    let unit = target.unit(call.request.lun).ok_or(asc::UNSUPPORTED_UNIT)?;
    unit.reservations.may_move(sender, list.reservation_key)?;
    let destination = destination(target, list)?;
    let how = (list.unregister, list.persist);
    target.settle(call.lun(), persisted, |unit, _| {
        unit.reservations
            .register_and_move(sender, destination, list.service_action_key, how)
    })
}

/// A move needs one initiator port: a name alone is not enough.
fn destination<S: Store>(target: &mut Target<S>, list: &List) -> Result<NexusId, Refusal> {
    let invalid = Refusal::from(asc::INVALID_FIELD_IN_PARAMETER_LIST);
    let port = PortId::from_relative(list.target_port).ok_or(invalid)?;
    if !target.ports().contains(&port) {
        return Err(invalid);
    }
    let id = list
        .specified
        .iter()
        .flatten()
        .find(|id| id.isid.is_some())
        .ok_or(invalid)?;
    numbers(target, id, port)?.first().copied().ok_or(invalid)
}

/// RESERVE of SPC-2, with compatible reservation handling (fact sheet section 9).
pub(super) fn reserve<S>(unit: &mut Unit<S>, nexus: NexusId) -> Done {
    if !unit.reservations.registrations.is_empty() {
        return compatible(unit, nexus);
    }
    match unit.reserved {
        Some(owner) if owner != nexus => Err(Refusal::Conflict),
        _ => {
            unit.reserved = Some(nexus);
            DONE
        }
    }
}

/// RELEASE of SPC-2: of no effect unless it comes from the owner.
pub(super) fn release<S>(unit: &mut Unit<S>, nexus: NexusId) -> Done {
    if !unit.reservations.registrations.is_empty() {
        return compatible(unit, nexus);
    }
    if unit.reserved == Some(nexus) {
        unit.reserved = None;
    }
    DONE
}

/// Whom the persistent reservation admits gets GOOD, and nothing happens.
fn compatible<S>(unit: &Unit<S>, nexus: NexusId) -> Done {
    if unit.reservations.admits(nexus) {
        DONE
    } else {
        Err(Refusal::Conflict)
    }
}
