//! What can be seen of the world from outside: the vantage that expectations are judged from.
//!
//! What live nodes really run counts, not what somebody believes: an address that its node no
//! longer answers for is not online, whatever the node's tables say. A frozen machine is not live.

use std::collections::BTreeMap;

use base::{
    DiskId, GroupId, GroupState, NodeId, NodeSet, NodeStanding, NodeState, PaxosTag, ResourceId,
    ResourceState, Timestamp,
};
use middle::quorum::Tally;
use node::Picture;
use top::rcm::{ResourceParameters, is_elsewhere};

use crate::checkers::is_active;
use crate::stage::Stage;
use crate::world::Life;

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSeen {
    /// What runs on its machine.
    pub life: Life,
    /// By its own word while it is live; else down, once no live active node has it in its view.
    pub state: NodeState,
    /// What the cluster thinks of it beside that, by the newest active view; by its own word where
    /// it was not let in.
    pub standing: NodeStanding,
    /// The view that it has installed; empty without one.
    pub view: NodeSet,
    /// Whether it is an active member of a view with quorum.
    pub quorate: bool,
    /// The votes as it counts them.
    pub votes: Option<Tally>,
    /// Tag of its replica, while it is live.
    pub tag: Option<PaxosTag>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSeen {
    /// Live nodes on which at least one of its resources is not offline.
    pub owners: NodeSet,
    /// The owner in the table of the newest active view.
    pub table_owner: Option<NodeId>,
    /// Its state; none while several nodes own it.
    pub state: Option<GroupState>,
    /// How many resources it has.
    pub resources: usize,
}

/// One resource: its state on each live node where it is not offline.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ResourceSeen {
    /// Where it is not offline, and how it is there.
    pub on: BTreeMap<NodeId, ResourceState>,
    /// Live nodes that really run it.
    pub running_on: NodeSet,
}

impl ResourceSeen {
    /// Its state; none while several nodes have it.
    #[must_use]
    pub fn state(&self) -> Option<ResourceState> {
        match self.on.len() {
            0 => Some(ResourceState::Offline),
            1 => self.on.values().next().copied(),
            _ => None,
        }
    }
}

/// The world at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// Every member.
    pub nodes: BTreeMap<NodeId, NodeSeen>,
    /// Every group, the core group included.
    pub groups: BTreeMap<GroupId, GroupSeen>,
    /// Every resource.
    pub resources: BTreeMap<ResourceId, ResourceSeen>,
    /// Holder of each disk's reservation, by the target.
    pub holders: BTreeMap<DiskId, Option<NodeId>>,
}

impl Observation {
    /// Looks at the world.
    #[must_use]
    pub fn of<W: Stage>(world: &W) -> Self {
        let live = world.live();
        let pictures: Vec<&Picture> = live.iter().filter_map(|it| world.picture(it)).collect();
        let resources: BTreeMap<ResourceId, ResourceSeen> = world
            .plan()
            .model
            .resources
            .keys()
            .map(|resource| (*resource, see_resource(world, &pictures, *resource)))
            .collect();
        let groups = world.plan().model.groups.keys();
        let groups = groups
            .map(|group| (*group, see_group(world, &pictures, &resources, *group)))
            .collect();
        let members = world.plan().members.iter().map(|member| member.id);
        Self {
            at: world.now(),
            nodes: members
                .map(|node| (node, see_node(world, &pictures, node)))
                .collect(),
            groups,
            resources,
            holders: world
                .plan()
                .disks
                .iter()
                .map(|disk| (disk.id, world.holder(disk.id)))
                .collect(),
        }
    }

    /// Nodes that are active members of a view with quorum.
    #[must_use]
    pub fn quorate(&self) -> NodeSet {
        let nodes = self.nodes.iter();
        nodes
            .filter(|(_, seen)| seen.quorate)
            .map(|(node, _)| *node)
            .collect()
    }

    /// The one node that owns a group: by what runs, or by the table when nothing does.
    #[must_use]
    pub fn owner(&self, group: GroupId) -> Option<NodeId> {
        let seen = self.groups.get(&group)?;
        match seen.owners.len() {
            0 => seen.table_owner,
            1 => seen.owners.first(),
            _ => None,
        }
    }
}

fn see_node<W: Stage>(world: &W, pictures: &[&Picture], node: NodeId) -> NodeSeen {
    let life = world.life(node);
    let picture = pictures.iter().find(|picture| picture.node == node);
    let counted_in = |it: &&&Picture| {
        is_active(it) && it.view.is_some_and(|(_, members)| members.contains(node))
    };
    let state = match picture {
        Some(picture) => picture.state,
        // The cluster has not noticed yet: it still counts the node as a member.
        None if pictures.iter().any(|it| counted_in(&it)) => NodeState::Up,
        None => NodeState::Down,
    };
    let active = pictures.iter().filter(|it| is_active(it));
    let newest = active.max_by_key(|it| it.view.map(|(view, _)| view.epoch));
    let judge = newest.or(picture);
    NodeSeen {
        life,
        state,
        standing: judge
            .and_then(|it| it.standings.get(&node))
            .copied()
            .unwrap_or_default(),
        view: picture
            .and_then(|it| it.view)
            .map_or(NodeSet::EMPTY, |(_, members)| members),
        quorate: picture.is_some_and(|it| is_active(it)),
        votes: picture.and_then(|it| it.tally),
        tag: picture.map(|it| it.tag),
    }
}

fn see_resource<W: Stage>(world: &W, pictures: &[&Picture], resource: ResourceId) -> ResourceSeen {
    let mut seen = ResourceSeen::default();
    for picture in pictures {
        let believed = picture.running.get(&resource).copied().unwrap_or_default();
        let runs = really_runs(world, picture.node, resource);
        let works = runs && works(world, picture.node, resource);
        let state = match believed {
            ResourceState::Online if !works => ResourceState::Failed,
            // Nobody's table has it, and yet it is there.
            ResourceState::Offline if is_hosted(world, resource) && runs => ResourceState::Online,
            believed => believed,
        };
        if runs {
            seen.running_on.insert(picture.node);
        }
        if state != ResourceState::Offline {
            seen.on.insert(picture.node, state);
        }
    }
    for node in left_alone(world, resource).iter() {
        seen.running_on.insert(node);
        seen.on.insert(node, ResourceState::Online);
    }
    seen
}

/// Machines without a cluster service that go on running a virtual machine.
#[must_use]
pub fn left_alone<W: Stage>(world: &W, resource: ResourceId) -> NodeSet {
    match parameters(world, resource) {
        Some(ResourceParameters::VirtualMachine { .. }) => {
            let alone = |node: &NodeId| world.life(*node) == Life::Stopped;
            world
                .outside()
                .runs(resource)
                .iter()
                .filter(alone)
                .collect()
        }
        _ => NodeSet::EMPTY,
    }
}

fn see_group<W: Stage>(
    world: &W,
    pictures: &[&Picture],
    resources: &BTreeMap<ResourceId, ResourceSeen>,
    group: GroupId,
) -> GroupSeen {
    let members = || {
        let of_group = world.plan().model.of_group(group);
        of_group.filter_map(|(resource, _)| resources.get(&resource))
    };
    let owners: NodeSet = members().flat_map(|seen| seen.on.keys().copied()).collect();
    let model = &world.plan().model;
    let on = |node: NodeId| {
        let plugged = |network| world.networks().of(node.into()).any(|it| it == network);
        let here = model.of_group(group).map(|(resource, _)| resource);
        let here = here.filter(|it| !is_elsewhere(model, *it, plugged));
        let seen = here.filter_map(|resource| resources.get(&resource));
        GroupState::derive(seen.map(|seen| seen.on.get(&node).copied().unwrap_or_default()))
    };
    let state = match owners.len() {
        0 => Some(GroupState::Offline),
        1 => owners.first().map(on),
        _ => None,
    };
    let newest = pictures
        .iter()
        .filter(|picture| is_active(picture))
        .max_by_key(|picture| picture.view.map(|(view, _)| view.epoch));
    GroupSeen {
        owners,
        table_owner: newest
            .and_then(|it| it.groups.get(&group))
            .map(|row| row.owner),
        state,
        resources: members().count(),
    }
}

fn parameters<W: Stage>(world: &W, resource: ResourceId) -> Option<&ResourceParameters> {
    let settings = world.plan().model.resources.get(&resource)?;
    Some(&settings.parameters)
}

fn is_hosted<W: Stage>(world: &W, resource: ResourceId) -> bool {
    !matches!(
        parameters(world, resource),
        Some(
            ResourceParameters::PhysicalDisk { .. }
                | ResourceParameters::FileShareWitness
                | ResourceParameters::CloudWitness,
        )
    )
}

/// Whether a node really has what the resource stands for.
fn really_runs<W: Stage>(world: &W, node: NodeId, resource: ResourceId) -> bool {
    match parameters(world, resource) {
        Some(ResourceParameters::PhysicalDisk { disk, .. }) => world.holder(*disk) == Some(node),
        Some(ResourceParameters::FileShareWitness | ResourceParameters::CloudWitness) => {
            world.share().and_then(crate::share::Share::holder) == Some(node)
        }
        _ => world.outside().runs(resource).contains(node),
    }
}

/// Whether a client could use it.
fn works<W: Stage>(world: &W, node: NodeId, resource: ResourceId) -> bool {
    if world.is_broken(node, resource) {
        return false;
    }
    match parameters(world, resource) {
        Some(ResourceParameters::PhysicalDisk { disk, .. }) => world.serves(node, *disk),
        Some(ResourceParameters::FileShareWitness | ResourceParameters::CloudWitness) => world
            .share()
            .is_some_and(|share| share.reaches(node, world.networks())),
        Some(ResourceParameters::IpAddress { network, .. }) => {
            world.networks().is_linked(node.into(), *network)
        }
        _ => true,
    }
}
