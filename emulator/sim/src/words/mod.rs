//! What happened, in words with the lab's names: for timelines, logs and events.

mod control;
mod fault;
mod name;

use std::fmt::Write;

use base::{Notice, StateChangeCause, VolumeFault, WitnessVerdict};
use plan::Names;
use top::api::AdminCommand;

use crate::log::{Entry, What, WorldEvent};
use crate::report::Event;

pub use fault::fault_words;

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
            format!("view {} of {}", view.epoch, names.of_nodes(*members))
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
        _ => connection_words(notice, names),
    }
}

fn connection_words(notice: &Notice, names: &Names) -> String {
    let name = |node: &base::NodeId| names.of_node(*node);
    match notice {
        Notice::NetworkState { network, state } => {
            format!(
                "network {} is {}",
                names.of_network(*network),
                state.label()
            )
        }
        Notice::InterfaceState {
            node,
            network,
            state,
        } => {
            let (node, network) = (name(node), names.of_network(*network));
            format!("interface of {node} on {network} is {}", state.label())
        }
        Notice::ConnectionAccepted { peer } => format!("node {} connects", name(peer)),
        Notice::ConnectionSecured { peer } => {
            format!("the connection with node {} is secured", name(peer))
        }
        Notice::ConnectionRefused { peer, reason } => {
            format!("no connection with node {}: {}", name(peer), reason.label())
        }
        Notice::HandshakeTimedOut { peer } => {
            format!(
                "the connection with node {} was not secured in time",
                name(peer)
            )
        }
        Notice::FramesRefused { total } => format!("{total} frames were refused so far"),
        Notice::ViewClosed {
            view, delivered, ..
        } => {
            let count: u64 = delivered.values().sum();
            format!("view {} ends after {count} multicasts", view.epoch)
        }
        Notice::CausallyDelivered { from, .. } => {
            format!("a causal multicast of node {} is delivered", name(from))
        }
        _ => disk_words(notice, names),
    }
}

/// Words for multicasts and disks.
fn disk_words(notice: &Notice, names: &Names) -> String {
    let disk = |id: &base::DiskId| names.of_disk(*id);
    match notice {
        Notice::ViewClosed { view, .. } => {
            format!(
                "multicasts of {} are the same everywhere",
                format_args!("view {}", view.epoch)
            )
        }
        Notice::CausallyDelivered { from, sequence, .. } => {
            format!(
                "causal multicast {sequence} of {} is delivered",
                names.of_node(*from)
            )
        }
        Notice::DiskAppeared {
            disk: id,
            signature,
        } => {
            format!("{} appears with signature {signature:08x}", disk(id))
        }
        Notice::DiskChallenged { disk: id } => {
            format!("arbitration for {}: another node's key is on it", disk(id))
        }
        Notice::DiskHeld { disk: id } => format!("reservation of {} is held", disk(id)),
        Notice::DiskArbitrationLost { disk: id } => format!("arbitration for {} lost", disk(id)),
        Notice::DiskWithoutReservations { disk: id } => {
            format!(
                "{} refuses persistent reservations, no node can own it",
                disk(id)
            )
        }
        Notice::DiskLost { disk: id } => format!("reservation of {} lost", disk(id)),
        Notice::VolumeFailed { disk: id, fault } => match fault {
            VolumeFault::Missing => format!("{} has no partition table", disk(id)),
            VolumeFault::Unreadable => format!("the volume of {} cannot be read", disk(id)),
            VolumeFault::Corrupt => format!("the file system of {} is corrupt", disk(id)),
        },
        Notice::SharedVolume { disk: id, state } => {
            format!("shared volume {} is {state}", disk(id))
        }
        Notice::DiskReleased { disk: id } => format!("reservation of {} released", disk(id)),
        _ => resource_words(notice, names),
    }
}

fn resource_words(notice: &Notice, names: &Names) -> String {
    let resource = |id: &base::ResourceId| names.of_resource(*id);
    match notice {
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
            let _never_fails = write!(text, " to {}", names.of_node(*to));
            if *cause != StateChangeCause::Unknown {
                let _never_fails = write!(text, " ({})", cause_word(*cause));
            }
            text
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
        } => {
            let wait = delay.as_millis();
            format!(
                "{} restarts, attempt {attempt}, after {wait} ms",
                resource(id)
            )
        }
        Notice::AddressInUse { resource: id } => {
            format!("{}: another machine has its address", resource(id))
        }
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
        // A test sees to it that no kind comes to the end of this.
        other => control::notice_words(other, names).unwrap_or_default(),
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

pub(crate) fn command_words(command: &AdminCommand, names: &Names) -> String {
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

fn up_or_down(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

#[cfg(test)]
mod tests {
    const NOTICES: &str = include_str!("../../../logic/base/src/notice.rs");
    const WORDS: &str = concat!(include_str!("mod.rs"), include_str!("control.rs"));

    /// Kinds of notices, read from their source: no list to forget.
    fn kinds() -> impl Iterator<Item = &'static str> {
        let list = NOTICES.split_once("pub enum Notice {").unwrap().1;
        let list = list.split_once("\n}").unwrap().0;
        let name = |line: &'static str| line.strip_prefix("    ")?.split([' ', ',', '(']).next();
        list.lines()
            .filter_map(name)
            .filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
    }

    #[test]
    fn every_kind_of_notice_has_words() {
        let without: Vec<&str> = kinds()
            .filter(|kind| !WORDS.contains(&format!("Notice::{kind} ")))
            .filter(|kind| !WORDS.contains(&format!("Notice::{kind} =>")))
            .collect();
        assert!(kinds().count() > 40);
        assert!(without.is_empty(), "no words for {without:?}");
    }
}
