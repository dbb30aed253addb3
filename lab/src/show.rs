//! A lab as a document: what `ps` and `inspect` show.

use base::{NodeId, NodeSet};
use serde_json::{Value, json};
use sim::observation::Observation;
use sim::{Life, Session, Stage};

use crate::Local;

/// Version of the document.
const VERSION: u32 = 1;

/// Everything that can be seen of a lab now.
#[must_use]
pub(crate) fn lab(session: &Session<Local>) -> Value {
    let seen = session.observe();
    let local = session.world();
    let plan = local.plan();
    let quorate = seen.quorate();
    json!({
        "version": VERSION,
        "lab": plan.lab,
        "uid": local.folder().uid().as_str(),
        "backend": local.backend(),
        "generation": plan.generation.label(),
        "folder": local.folder().path(),
        "up_ms": local.now().as_millis(),
        "quorate": !quorate.is_empty(),
        "votes": votes(&seen, quorate),
        "nodes": plan.members.iter().map(|it| node(local, &seen, it)).collect::<Vec<_>>(),
        "groups": groups(local, &seen),
        "disks": disks(local, &seen),
        "faults": faults(local),
    })
}

fn votes(seen: &Observation, quorate: NodeSet) -> Value {
    let counted = quorate
        .first()
        .and_then(|node| seen.nodes.get(&node)?.votes);
    match counted {
        Some(votes) => {
            json!({ "have": votes.have, "needed": votes.needed, "total": votes.total })
        }
        None => Value::Null,
    }
}

fn node(local: &Local, seen: &Observation, member: &plan::Member) -> Value {
    let known = seen.nodes.get(&member.id);
    let life = match local.life(member.id) {
        Life::Off => "off",
        Life::Stopped => "stopped",
        Life::Running => "running",
        Life::Frozen => "frozen",
    };
    let networks = &local.plan().names;
    let adapters = member.machine.adapters.iter().map(|(network, address)| {
        json!({
            "network": networks.of_network(*network),
            "address": address.to_string(),
            "linked": local.networks().is_linked(member.id.into(), *network),
        })
    });
    json!({
        "name": member.machine.name,
        "machine": life,
        "state": known.map(|it| it.state.label()),
        "quorate": known.is_some_and(|it| it.quorate),
        "process": local.process_of(member.id),
        "tag": known.and_then(|it| it.tag).map(|it| it.to_string()),
        "adapters": adapters.collect::<Vec<_>>(),
    })
}

fn groups(local: &Local, seen: &Observation) -> Vec<Value> {
    let plan = local.plan();
    let names = &plan.names;
    let on = |nodes: NodeSet| -> Vec<String> {
        nodes
            .iter()
            .map(|node: NodeId| names.of_node(node))
            .collect()
    };
    let group = |(id, group): (&base::GroupId, &sim::observation::GroupSeen)| {
        let of_group = plan.model.of_group(*id);
        let resources = of_group.filter_map(|(resource, settings)| {
            let seen = seen.resources.get(&resource)?;
            Some(json!({
                "name": settings.name,
                "type": settings.parameters.kind().label(),
                "state": seen.state().map(base::ResourceState::label),
                "runs_on": on(seen.running_on),
            }))
        });
        json!({
            "name": names.of_group(*id),
            "state": group.state.map(|it| it.to_string()),
            "owner": seen.owner(*id).map(|node| names.of_node(node)),
            "resources": resources.collect::<Vec<_>>(),
        })
    };
    seen.groups.iter().map(group).collect()
}

fn disks(local: &Local, seen: &Observation) -> Vec<Value> {
    let names = &local.plan().names;
    let disk = |disk: &plan::Disk| {
        let holder = seen.holders.get(&disk.id).copied().flatten();
        json!({
            "name": names.of_disk(disk.id),
            "holder": holder.map(|node| names.of_node(node)),
            "portal": local.portal_of(disk).map(|it| it.to_string()),
            "target": local.target_name_of(disk),
            "lun": disk.lun,
        })
    };
    local.plan().disks.iter().map(disk).collect()
}

fn faults(local: &Local) -> Vec<String> {
    use sim::log::{What, WorldEvent};
    let names = &local.plan().names;
    let mut standing: Vec<(sim::FaultId, String)> = Vec::new();
    for entry in local.log().entries() {
        match &entry.what {
            What::World(WorldEvent::Fault(id, _)) => {
                standing.push((*id, sim::words::event(entry, names).text));
            }
            What::World(WorldEvent::Healed(id)) => standing.retain(|(it, _)| it != id),
            _ => {}
        }
    }
    standing.into_iter().map(|(_, text)| text).collect()
}
