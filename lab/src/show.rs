//! A lab as a document: what `ps` and `inspect` show.

use base::{NodeId, NodeSet, NodeStanding};
use serde_json::{Value, json};
use sim::observation::{NodeSeen, Observation};
use sim::{Life, Session, Stage};

use crate::Live;

/// Version of the document.
const VERSION: u32 = 1;

/// Everything that can be seen of a lab now.
#[must_use]
pub(crate) fn lab(session: &Session<Live>) -> Value {
    let seen = session.observe();
    let live = session.world();
    let plan = live.plan();
    let quorate = seen.quorate();
    json!({
        "version": VERSION,
        "lab": plan.lab,
        "uid": live.folder().uid().as_str(),
        "backend": live.backend(),
        "generation": plan.generation.label(),
        "folder": live.folder().path(),
        "up_ms": live.now().as_millis(),
        "quorate": !quorate.is_empty(),
        "votes": votes(&seen, quorate),
        "nodes": plan.members.iter().map(|it| node(live, &seen, it)).collect::<Vec<_>>(),
        "groups": groups(live, &seen),
        "disks": disks(live, &seen),
        "faults": faults(live),
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

fn node(live: &Live, seen: &Observation, member: &plan::Member) -> Value {
    let known = seen.nodes.get(&member.id);
    let life = match live.life(member.id) {
        Life::Off => "off",
        Life::Stopped => "stopped",
        Life::Running => "running",
        Life::Frozen => "frozen",
    };
    let networks = &live.plan().names;
    let adapters = member.machine.adapters.iter().map(|(network, address)| {
        json!({
            "network": networks.of_network(*network),
            "address": address.to_string(),
            "linked": live.networks().is_linked(member.id.into(), *network),
        })
    });
    json!({
        "name": member.machine.name,
        "machine": life,
        "state": known.map(state),
        "quorate": known.is_some_and(|it| it.quorate),
        "process": live.process_of(member.id),
        "container": live.container_of(member.id),
        "tag": known.and_then(|it| it.tag).map(|it| it.to_string()),
        "adapters": adapters.collect::<Vec<_>>(),
    })
}

/// The state of a node, or what the cluster thinks of one that is no member.
fn state(seen: &NodeSeen) -> &'static str {
    if seen.standing == NodeStanding::Normal || seen.quorate {
        seen.state.label()
    } else {
        seen.standing.label()
    }
}

fn groups(live: &Live, seen: &Observation) -> Vec<Value> {
    let plan = live.plan();
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

fn disks(live: &Live, seen: &Observation) -> Vec<Value> {
    let names = &live.plan().names;
    let disk = |disk: &plan::Disk| {
        let holder = seen.holders.get(&disk.id).copied().flatten();
        json!({
            "name": names.of_disk(disk.id),
            "holder": holder.map(|node| names.of_node(node)),
            "portal": live.portal_of(disk).map(|it| it.to_string()),
            "target": live.target_name_of(disk),
            "lun": disk.lun,
        })
    };
    live.plan().disks.iter().map(disk).collect()
}

fn faults(live: &Live) -> Vec<String> {
    use sim::log::{What, WorldEvent};
    let names = &live.plan().names;
    let mut standing: Vec<(sim::FaultId, String)> = Vec::new();
    for entry in live.log().entries() {
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
