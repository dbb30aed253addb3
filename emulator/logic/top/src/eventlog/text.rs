//! Levels and words of events, with the names that the cluster database has.
//!
//! Facts: reference section 9, levels of the 16/19 list; for older ids without a level there the
//! level of the nearest one is used. The words are this project's own.

use base::{GroupId, HaltReason, NodeId, Notice, ResourceId};

use super::Level;

/// How serious an event is.
#[must_use]
pub fn level(id: u16) -> Level {
    match id {
        1000
        | 1001
        | 1006
        | 1057
        | 1070
        | 1073
        | 1080
        | 1090
        | 1092
        | 1093
        | 1135
        | 1146
        | 1177
        | 1282
        | 1561
        | 1564
        | 1570..=1572
        | 1672
        | 1553
        | 1554 => Level::Critical,
        1011 | 1045 | 1066 | 1068 | 1125 | 1155 | 1251 | 1548 | 1558 | 1562 | 1673 | 1675
        | 1681 | 4873 | 5120 | 5157 => Level::Warning,
        1592 | 1594 | 1635 | 1636 | 1680 | 1682 | 5121 => Level::Information,
        _ => Level::Error,
    }
}

/// What happened, for the reader of an event log.
pub(super) fn words(notice: &Notice, facts: &middle::Facts) -> String {
    let hive = &facts.hive;
    let name = |key: String| hive.text(&key, "Name").map(str::to_owned);
    let node = |id: NodeId| facts.settings.node_name(id);
    let group = |id: GroupId| name(format!("Groups\\{id}")).unwrap_or_else(|| id.to_string());
    let resource = |id: ResourceId| {
        let key = format!("Resources\\{id}");
        let own = name(key.clone()).unwrap_or_else(|| id.to_string());
        let of = hive
            .dword(&key, "Group")
            .and_then(|it| u16::try_from(it).ok());
        match of {
            Some(of) => format!("{own} of group {}", group(GroupId(of))),
            None => own,
        }
    };
    match notice {
        Notice::NodeRemoved { node: id } => {
            format!("node {} was removed from the active membership", node(*id))
        }
        Notice::Halted {
            reason: HaltReason::QuorumLost,
        } => "quorum is lost, the cluster service stops".to_owned(),
        Notice::Halted { reason } => format!("the cluster service stops: {reason}"),
        Notice::NodeEvicted { node: id } => {
            format!("node {} was evicted from the cluster", node(*id))
        }
        Notice::WitnessFailed => "the witness does not work".to_owned(),
        Notice::DiskLost { disk } => format!("the reservation of disk {disk} was lost"),
        Notice::SharedVolume { disk, state } => {
            format!("the cluster shared volume on disk {disk} is {state} on this node")
        }
        Notice::DrainEnded { .. } => "the drain of this node failed".to_owned(),
        Notice::OfService { event } => event.label().to_owned(),
        Notice::ConnectionRestored { peer } => {
            format!(
                "communication with node {} was lost and is back",
                node(*peer)
            )
        }
        Notice::HostExited { host } => format!("resource host {host} ended"),
        Notice::InterfaceChanged { network, .. } => {
            format!("the interface on network {network} failed")
        }
        other => {
            let words = of_groups(other, group).or_else(|| of_resources(other, resource));
            let words = words.or_else(|| of_shares(other, resource));
            let words = words.or_else(|| of_nodes(other, node));
            words.unwrap_or_else(|| "see the cluster log of the node".to_owned())
        }
    }
}

/// What happened to a resource.
fn of_resources(notice: &Notice, resource: impl Fn(ResourceId) -> String) -> Option<String> {
    Some(match notice {
        Notice::AddressInUse { resource: id } => format!(
            "the address of resource {} is in use on the network",
            resource(*id)
        ),
        Notice::RestartsExhausted { resource: id } => {
            format!("resource {} failed", resource(*id))
        }
        Notice::OfResource {
            resource: id,
            event,
        } => format!("resource {}: {event}", resource(*id)),
        Notice::RestartScheduled { resource: id, .. } => {
            format!("resource {} failed and is restarted", resource(*id))
        }
        Notice::EntryPointTimedOut { resource: id } => {
            format!(
                "a call to resource {} did not return in time",
                resource(*id)
            )
        }
        Notice::CheckpointNotRestored {
            resource: id, name, ..
        } => {
            format!(
                "checkpoint {name} of resource {} was not restored",
                resource(*id)
            )
        }
        _ => return None,
    })
}

/// What became of nodes and of a cluster that is to form.
fn of_nodes(notice: &Notice, node: impl Fn(NodeId) -> String) -> Option<String> {
    Some(match notice {
        Notice::NewestConfigurationAbsent { have, needed, .. } => format!(
            "the cluster was not formed, the newest configuration may be elsewhere: {needed} \
             votes needed, {have} available"
        ),
        Notice::NotAMember => "this node is not known as a member of the cluster".to_owned(),
        Notice::CloudWitnessUnreachable => "the cloud witness is not reached".to_owned(),
        Notice::NodeIsolated { node: id } => format!("node {} is isolated", node(*id)),
        Notice::NodeIsolationEnded { node: id } => {
            format!("node {} is no longer isolated", node(*id))
        }
        Notice::NodeQuarantined { node: id } => format!("node {} is quarantined", node(*id)),
        Notice::JoinerQuarantined { node: id } => {
            format!("node {} may not join: it is quarantined", node(*id))
        }
        Notice::Quarantined => "this node may not join: it is quarantined".to_owned(),
        _ => return None,
    })
}

/// What happened to a file share.
fn of_shares(notice: &Notice, resource: impl Fn(ResourceId) -> String) -> Option<String> {
    Some(match notice {
        Notice::ShareNotCreated { resource: id, code } => format!(
            "file share {} could not be created: error {code}",
            resource(*id)
        ),
        Notice::ShareNotFound { resource: id } => format!(
            "the share of {} was not found under its network name",
            resource(*id)
        ),
        _ => return None,
    })
}

/// What happened to a group.
fn of_groups(notice: &Notice, group: impl Fn(GroupId) -> String) -> Option<String> {
    Some(match notice {
        Notice::FailoversExhausted { group: id } => format!(
            "group {} has used up its failovers and is left failed",
            group(*id)
        ),
        Notice::GroupUnmonitored { group: id } => {
            format!(
                "nobody monitors the virtual machines of group {}",
                group(*id)
            )
        }
        Notice::GroupMonitored { group: id } => format!(
            "the virtual machines of group {} are monitored again or failed over",
            group(*id)
        ),
        Notice::GroupIncomplete { group: id } => {
            format!("group {} is not completely online", group(*id))
        }
        Notice::QueuedMoveFailed { group: id } => {
            format!("the queued move of group {} did not complete", group(*id))
        }
        Notice::GroupPreempted { group: id, by } => format!(
            "group {} was taken offline for group {} of a higher priority",
            group(*id),
            group(*by)
        ),
        Notice::DrainMoveFailed { group: id } => {
            format!(
                "group {} could not be moved off the drained node",
                group(*id)
            )
        }
        _ => return None,
    })
}
