//! What happened, in words with the lab's names: for timelines, logs and events.

mod control;

use std::fmt::Write;

use base::{NodeId, Notice, StateChangeCause, WitnessVerdict};
use plan::Names;
use top::api::AdminCommand;

use crate::log::{Entry, What, WorldEvent};
use crate::net::{Rule, Station, Stations};
use crate::report::Event;
use crate::world::{Fault, MachineFault};

/// An entry of the log as a line of the timeline.
#[must_use]
pub fn event(entry: &Entry, names: &Names) -> Event {
    match &entry.what {
        What::Notice(node, notice) => Event {
            at: entry.at.into(),
            node: Some(names.of_node(*node)),
            id: notice.event_id(),
            text: notice_words(notice, names),
        },
        What::World(event) => Event {
            at: entry.at.into(),
            node: None,
            id: None,
            text: world_words(event, names),
        },
    }
}

/// What a node said.
#[must_use]
pub fn notice_words(notice: &Notice, names: &Names) -> String {
    match notice {
        Notice::ServiceStarted { incarnation } => {
            format!("cluster service starts, life {incarnation}")
        }
        Notice::Halted { reason } => format!("cluster service ends: {reason}"),
        Notice::InterfaceChanged { network, up } => {
            let network = names.of_network(*network);
            format!("interface on {network} is {}", up_or_down(*up))
        }
        Notice::RouteUp { network, peer } => {
            let (peer, network) = (names.of_node(*peer), names.of_network(*network));
            format!("route to {peer} over {network} is up")
        }
        Notice::RouteDown {
            network,
            peer,
            last_heard,
        } => {
            let (peer, network) = (names.of_node(*peer), names.of_network(*network));
            let heard = last_heard.as_millis();
            format!("route to {peer} over {network} is down; last heartbeat at {heard} ms")
        }
        Notice::PeerLost { peer, last_heard } => {
            let heard = last_heard.as_millis();
            format!(
                "node {} is down; last heartbeat at {heard} ms",
                names.of_node(*peer)
            )
        }
        Notice::PeerFound { peer } => format!("node {} is heard", names.of_node(*peer)),
        Notice::Regroup { epoch, stage } => format!("regroup {epoch}: {}", stage.label()),
        Notice::ViewInstalled { view, members } => {
            let members: Vec<String> = members.iter().map(|node| names.of_node(node)).collect();
            format!("view {} of {}", view.epoch, members.join(", "))
        }
        Notice::Joined { formed: true } => "forms the cluster".to_owned(),
        Notice::Joined { formed: false } => "joins the cluster".to_owned(),
        Notice::NodeRemoved { node } => format!("node {} is removed", names.of_node(*node)),
        Notice::NodeAdded { node } => format!("node {} is a member", names.of_node(*node)),
        Notice::QuorumCounted {
            have,
            needed,
            total,
            held,
        } => {
            let verdict = if *held { "quorum" } else { "no quorum" };
            format!("{verdict}: {have} of {total} votes, {needed} needed")
        }
        Notice::WitnessNeeded { have, needed } => {
            format!("{have} of {needed} needed votes, one is missing: the witness is tried")
        }
        Notice::WitnessArbitrated { verdict } => match verdict {
            WitnessVerdict::Won => "the witness votes for this view".to_owned(),
            WitnessVerdict::Lost => "the witness votes for another view".to_owned(),
            WitnessVerdict::Unreachable => "the witness cannot be reached".to_owned(),
        },
        Notice::WitnessFailed => "the witness has failed".to_owned(),
        _ => resource_words(notice, names),
    }
}

fn resource_words(notice: &Notice, names: &Names) -> String {
    let resource = |id: &base::ResourceId| names.of_resource(*id);
    let disk = |id: &base::DiskId| names.of_disk(*id);
    match notice {
        Notice::DiskChallenged { disk: id } => {
            format!("arbitration for {}: another node's key is on it", disk(id))
        }
        Notice::DiskHeld { disk: id } => format!("reservation of {} is held", disk(id)),
        Notice::DiskArbitrationLost { disk: id } => format!("arbitration for {} lost", disk(id)),
        Notice::DiskLost { disk: id } => format!("reservation of {} lost", disk(id)),
        Notice::DiskReleased { disk: id } => format!("reservation of {} released", disk(id)),
        Notice::LockOwner { owner } => format!("update lock is at {}", names.of_node(*owner)),
        Notice::UpdateCommitted { tag } => format!("database committed at {tag}"),
        Notice::Reconciled { tag } => format!("database brought up to {tag}"),
        Notice::GroupMoved {
            group,
            from,
            to,
            cause,
        } => {
            let mut text = format!("group {} goes", names.of_group(*group));
            if let Some(from) = from {
                let _never_fails = write!(text, " from {}", names.of_node(*from));
            }
            format!("{text} to {} ({})", names.of_node(*to), cause_word(*cause))
        }
        Notice::GroupState { group, state } => {
            format!("group {} is {state}", names.of_group(*group))
        }
        Notice::ResourceState {
            resource: id, to, ..
        } => format!("{} is {to}", resource(id)),
        Notice::LooksAliveFailed { resource: id } => {
            format!("LooksAlive of {} says no", resource(id))
        }
        Notice::IsAliveFailed { resource: id } => format!("IsAlive of {} says no", resource(id)),
        Notice::IsAliveAsked { resource: id, .. } => {
            format!("IsAlive of {} is asked", resource(id))
        }
        Notice::LooksAliveAsked { resource: id } => {
            format!("LooksAlive of {} is asked", resource(id))
        }
        Notice::RestartScheduled {
            resource: id,
            attempt,
            delay,
        } => format!(
            "{} restarts, attempt {attempt}, after {delay:?}",
            resource(id)
        ),
        Notice::RestartsExhausted { resource: id } => {
            format!("{} has used up its restarts", resource(id))
        }
        Notice::FailoversExhausted { group } => {
            format!("group {} has used up its failovers", names.of_group(*group))
        }
        Notice::NoOwnerAvailable { group } => {
            format!("no node can take group {}", names.of_group(*group))
        }
        Notice::EntryPointTimedOut { resource: id } => {
            format!("an entry point of {} did not return in time", resource(id))
        }
        Notice::HostExited { host } => format!("resource host {host} ended"),
        Notice::Refused { what } => what.clone(),
        // New kinds of notices are shown as they are until they have words.
        other => control::notice_words(other, names).unwrap_or_else(|| format!("{other:?}")),
    }
}

/// Why a group went, in the words of JSON.
#[must_use]
pub fn cause_word(cause: StateChangeCause) -> &'static str {
    match cause {
        StateChangeCause::Unknown => "unknown",
        StateChangeCause::Move => "move",
        StateChangeCause::Failover => "failover",
        StateChangeCause::FailedMove => "failed-move",
        StateChangeCause::Shutdown => "shutdown",
    }
}

/// What the world did.
#[must_use]
pub fn world_words(event: &WorldEvent, names: &Names) -> String {
    match event {
        WorldEvent::PowerOff(node) => format!("{} loses power", names.of_node(*node)),
        WorldEvent::PowerOn(node) => format!("{} has power and boots", names.of_node(*node)),
        WorldEvent::ServiceStarted(node) => {
            format!("cluster service of {} is started", names.of_node(*node))
        }
        WorldEvent::ServiceEnded(node, reason) => {
            format!(
                "cluster service of {} has ended: {reason}",
                names.of_node(*node)
            )
        }
        WorldEvent::ServiceKilled(node) => {
            format!("cluster service of {} dies", names.of_node(*node))
        }
        WorldEvent::StopAsked(node) => {
            format!(
                "cluster service of {} is asked to stop",
                names.of_node(*node)
            )
        }
        WorldEvent::Frozen(node) => format!("{} freezes", names.of_node(*node)),
        WorldEvent::Thawed(node) => format!("{} goes on", names.of_node(*node)),
        WorldEvent::Fault(id, fault) => format!("fault {}: {}", id.0, fault_words(fault, names)),
        WorldEvent::Healed(id) => format!("fault {} heals", id.0),
        WorldEvent::Asked(node, command) => {
            let at = names.of_node(*node);
            format!(
                "an administrator at {at} asks: {}",
                command_words(command, names)
            )
        }
        WorldEvent::Step(text) => text.clone(),
    }
}

fn command_words(command: &AdminCommand, names: &Names) -> String {
    match command {
        AdminCommand::MoveGroup { group, to } => {
            let group = names.of_group(*group);
            let to = to.map_or("the best node".to_owned(), |node| names.of_node(node));
            format!("move group {group} to {to}")
        }
        AdminCommand::OnlineGroup { group } => {
            format!("bring group {} online", names.of_group(*group))
        }
        AdminCommand::OfflineGroup { group } => {
            format!("take group {} offline", names.of_group(*group))
        }
        AdminCommand::OnlineResource { resource } => {
            format!("bring {} online", names.of_resource(*resource))
        }
        AdminCommand::OfflineResource { resource } => {
            format!("take {} offline", names.of_resource(*resource))
        }
        AdminCommand::FailResource { resource } => {
            format!("fail {}", names.of_resource(*resource))
        }
        AdminCommand::PauseNode { node, drain } => {
            let drain = if *drain { " and drain it" } else { "" };
            format!("pause {}{drain}", names.of_node(*node))
        }
        AdminCommand::ResumeNode { node } => format!("resume {}", names.of_node(*node)),
        other => control::command_words(other, names),
    }
}

fn fault_words(fault: &Fault, names: &Names) -> String {
    match fault {
        Fault::Machine(node, fault) => {
            let what = match fault {
                MachineFault::PowerOff => "power-off",
                MachineFault::Crash => "crash",
                MachineFault::Freeze => "pause",
                MachineFault::Reboot => "reboot",
                MachineFault::StopService => "stop-service",
                MachineFault::KillService => "service process dies",
                MachineFault::DiskFails => "own disk refuses to write",
            };
            format!("{} {what}", names.of_node(*node))
        }
        Fault::Network(rule) => rule_words(rule, names),
        Fault::Storage(rule) => format!("storage {rule:?}"),
        Fault::Preempt(by, disk) => {
            let (by, disk) = (names.of_node(*by), names.of_disk(*disk));
            format!("{by} takes the reservation of {disk} away")
        }
        Fault::ClearReservations(disk) => {
            format!("reservations of {} are cleared", names.of_disk(*disk))
        }
        Fault::ArrayPower(place) => format!("power of array {place} goes and comes back"),
        Fault::Resource(resource, behaviour) => {
            format!("{} {behaviour:?}", names.of_resource(*resource))
        }
        Fault::BreakOnce(resource) => format!("{} fails", names.of_resource(*resource)),
        Fault::HangOnce(resource) => format!("{} hangs", names.of_resource(*resource)),
        Fault::WitnessUnreachable(from) => {
            let from: Vec<String> = from.iter().map(|node| names.of_node(node)).collect();
            format!("witness unreachable from {}", from.join(", "))
        }
    }
}

fn rule_words(rule: &Rule, names: &Names) -> String {
    match rule {
        Rule::NetworkDown(network) => format!("network {} is down", names.of_network(*network)),
        Rule::NicDown(station, network) => {
            let station = station_name(*station, names);
            format!("{station}/{} is down", names.of_network(*network))
        }
        Rule::Cut { from, to, network } => {
            let (from, to) = (stations_words(*from, names), stations_words(*to, names));
            format!(
                "{} carries nothing from {from} to {to}",
                names.of_network(*network)
            )
        }
        Rule::Impair {
            from,
            to,
            network,
            impairment,
        } => {
            let (from, to) = (stations_words(*from, names), stations_words(*to, names));
            let network = names.of_network(*network);
            format!("{network} is impaired from {from} to {to}: {impairment}")
        }
    }
}

fn stations_words(stations: Stations, names: &Names) -> String {
    if stations == Stations::ALL {
        return "all".to_owned();
    }
    let stations: Vec<String> = stations.iter().map(|it| station_name(it, names)).collect();
    stations.join(", ")
}

fn station_name(station: Station, names: &Names) -> String {
    match NodeId::new(station.0.saturating_add(1)) {
        Some(node) if node.index() < names.nodes.len() => names.of_node(node),
        _ => format!("machine {}", station.0),
    }
}

fn up_or_down(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}
