//! Words for what resource control and its administrators do beyond the daily business.

use base::Notice;
use bottom::csvfs::PageIo;
use middle::database::Value;
use middle::settings::Witness;
use plan::Names;
use top::api::{AdminCommand, Object};

/// What a node said about groups that wait, drains and event handles.
pub(super) fn notice_words(notice: &Notice, names: &Names) -> Option<String> {
    let group = |id: &base::GroupId| names.of_group(*id);
    Some(match notice {
        Notice::AntiAffinityConflict { group: id, with } => {
            format!(
                "group {} stays offline: {} is on this node",
                group(id),
                group(with)
            )
        }
        Notice::GroupWaits { group: id, on } => {
            format!("group {} waits for group {}", group(id), group(on))
        }
        Notice::MoveQueued { group: id, to } => {
            let to = to.map_or("the best node".to_owned(), |node| names.of_node(node));
            format!("the move of group {} to {to} is queued", group(id))
        }
        Notice::QueuedMoveFailed { group: id } => {
            format!("the queued move of group {} did not complete", group(id))
        }
        Notice::GroupPreempted { group: id, by } => {
            format!("group {} makes room for group {}", group(id), group(by))
        }
        Notice::DrainMoveFailed { group: id } => {
            format!("group {} cannot leave the drained node", group(id))
        }
        Notice::DrainEnded { completed: true } => "drain completed".to_owned(),
        Notice::DrainEnded { completed: false } => "drain failed".to_owned(),
        Notice::ShareNotCreated { resource, code } => {
            let share = names.of_resource(*resource);
            format!("{share}: the share cannot be created, error {code}")
        }
        Notice::ShareNotFound { resource } => {
            format!("{}: the share is gone", names.of_resource(*resource))
        }
        Notice::NetworkName {
            resource,
            event,
            status,
        } => super::name::words(&names.of_resource(*resource), *event, *status),
        Notice::FailureSignalled { resource } => {
            format!(
                "{} signals that it has failed",
                names.of_resource(*resource)
            )
        }
        Notice::VirtualServer { name, node, change } => format!(
            "virtual server {name} {} on {}",
            change.label(),
            names.of_node(*node)
        ),
        Notice::NodeEvicted { node } => {
            format!("node {} was evicted", names.of_node(*node))
        }
        Notice::QuorumForced {
            have,
            needed,
            total,
        } => format!("{have} of {total} votes, {needed} needed: quorum by an administrator's word"),
        Notice::CheckpointNotRestored { resource, name, .. } => format!(
            "checkpoint {name} of {} was not restored",
            names.of_resource(*resource)
        ),
        other => return membership_words(other, names),
    })
}

/// What a node said about those that are lost or unwelcome, and about a cluster that is to form.
fn membership_words(notice: &Notice, names: &Names) -> Option<String> {
    Some(match notice {
        Notice::NewestConfigurationAbsent {
            have,
            needed,
            total,
        } => format!(
            "no cluster is formed with {have} of {total} votes, {needed} needed: the newest \
             configuration may be elsewhere"
        ),
        Notice::NotAMember => "is not known to the cluster as a member".to_owned(),
        Notice::CloudWitnessUnreachable => "the cloud witness is not reached".to_owned(),
        Notice::NodeIsolated { node } => {
            format!("node {} is isolated", names.of_node(*node))
        }
        Notice::NodeIsolationEnded { node } => {
            format!("node {} is no longer isolated", names.of_node(*node))
        }
        Notice::NodeQuarantined { node } => {
            format!("node {} is quarantined", names.of_node(*node))
        }
        Notice::JoinerQuarantined { node } => format!(
            "node {} is not let in: it is quarantined",
            names.of_node(*node)
        ),
        Notice::Quarantined => "is not let in: it is quarantined".to_owned(),
        Notice::GroupUnmonitored { group: id } => {
            format!("group {} is unmonitored", names.of_group(*id))
        }
        Notice::GroupMonitored { group: id } => {
            format!("group {} is no longer unmonitored", names.of_group(*id))
        }
        other => return event_words(other, names),
    })
}

/// What goes into the event log and nowhere else.
fn event_words(notice: &Notice, names: &Names) -> Option<String> {
    Some(match notice {
        Notice::OfResource { resource, event } => {
            format!("{}: {event}", names.of_resource(*resource))
        }
        Notice::OfService { event } => event.label().to_owned(),
        Notice::GroupIncomplete { group: id } => {
            format!("group {} is not completely online", names.of_group(*id))
        }
        Notice::ConnectionRestored { peer } => {
            format!("node {} was lost and is back", names.of_node(*peer))
        }
        _ => return None,
    })
}

/// What an administrator asks for.
pub(super) fn command_words(command: &AdminCommand, names: &Names) -> String {
    match command {
        AdminCommand::SetMaintenanceMode { resource, on, .. } => {
            let to = if *on { "on" } else { "off" };
            format!(
                "turn maintenance mode of {} {to}",
                names.of_resource(*resource)
            )
        }
        AdminCommand::QueueMove { group, to } => {
            let group = names.of_group(*group);
            let to = to.map_or("the best node".to_owned(), |node| names.of_node(node));
            format!("queue the move of group {group} to {to}")
        }
        AdminCommand::ListObjects => "list all objects".to_owned(),
        AdminCommand::VolumeIo { resource, at, io } => {
            let (volume, node) = (names.of_resource(*resource), names.of_node(*at));
            match io {
                PageIo::Read { page } => format!("read page {page} of {volume} on {node}"),
                PageIo::Write { page, .. } => format!("write page {page} of {volume} on {node}"),
                PageIo::Open => format!("open {volume} on {node}"),
            }
        }
        AdminCommand::ControlResource { resource, code, .. } => {
            format!(
                "send control code {code:#010x} to {}",
                names.of_resource(*resource)
            )
        }
        AdminCommand::ControlType { label, code, .. } => {
            format!("send control code {code:#010x} to resource type {label}")
        }
        AdminCommand::GetProperty { object, name } => {
            format!("read {name} of {}", object_words(object, names))
        }
        AdminCommand::ListProperties { object } => {
            format!("read all properties of {}", object_words(object, names))
        }
        AdminCommand::SetProperty {
            object,
            name,
            value,
        } => format!(
            "set {name} of {} to {}",
            object_words(object, names),
            value_words(value)
        ),
        AdminCommand::EvictNode { node } => format!("evict {}", names.of_node(*node)),
        AdminCommand::AddNode { node, .. } => format!("add {}", names.of_node(*node)),
        AdminCommand::SetQuorum { witness, disk_only } => {
            let witness = match witness {
                Witness::None => "no witness".to_owned(),
                Witness::Disk(disk) => names.of_disk(*disk),
                Witness::Share => "the share".to_owned(),
                Witness::Cloud => "the cloud".to_owned(),
            };
            let alone = if *disk_only {
                ", which counts alone"
            } else {
                ""
            };
            format!("let the witness be {witness}{alone}")
        }
        _ => "something".to_owned(),
    }
}

fn object_words(object: &Object, names: &Names) -> String {
    match object {
        Object::Cluster => "the cluster".to_owned(),
        Object::Group { group } => format!("group {}", names.of_group(*group)),
        Object::Resource { resource } => names.of_resource(*resource),
        Object::Type { label } => format!("resource type {label}"),
        Object::Node { node } => names.of_node(*node),
        Object::Network { network } => format!("network {}", names.of_network(*network)),
        Object::Interface { node, network } => {
            format!("{}/{}", names.of_node(*node), names.of_network(*network))
        }
    }
}

fn value_words(value: &Value) -> String {
    match value {
        Value::Dword(number) => number.to_string(),
        Value::Qword(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Texts(texts) => texts.join(", "),
        Value::Binary(bytes) => format!("{} bytes", bytes.len()),
    }
}
