//! Anything that scenarios play on, as a subject: the virtual world, or a lab of real processes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::{NodeId, NodeSet, NodeState, QuorumState, ResourceId, ResourceState, Timestamp};
use file::model::{Step, StepKind};
use sim::log::What;
use sim::observation::left_alone;
use sim::session::{Session, Unfit};
use sim::tap::FrameSeen;
use sim::{CORE_GROUP, Life, Picture, Stage, is_elsewhere};

use super::{Database, Health, Of, Refusal, Subject, Told};
use crate::observation::{
    Event, Frame, GroupSeen, NodeSeen, Observation, Protection, ResourceSeen, Service, Votes,
    WitnessSeen, WitnessState,
};

/// How a subject builds the world of a lab and of its text.
type Build<W> = Box<dyn FnMut(file::model::Lab, &str) -> Result<Session<W>, Refusal>>;

/// One lab on one stage.
pub struct Staged<W: Stage> {
    build: Build<W>,
    lab: String,
    session: Option<Session<W>>,
    seen: Observation,
    /// Entries of the world's log that are in `seen` already.
    read: usize,
    /// Time that labs which are gone have taken.
    elapsed: Duration,
}

impl<W: Stage> std::fmt::Debug for Staged<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged").finish_non_exhaustive()
    }
}

impl<W: Stage> Staged<W> {
    /// A subject with nothing formed yet.
    pub fn new(
        build: impl FnMut(file::model::Lab, &str) -> Result<Session<W>, Refusal> + 'static,
    ) -> Self {
        Self {
            build: Box::new(build),
            lab: String::new(),
            session: None,
            seen: Observation::default(),
            read: 0,
            elapsed: Duration::ZERO,
        }
    }

    fn session(&mut self) -> Result<&mut Session<W>, Refusal> {
        let missing = || Refusal::Broken("no lab was formed".to_owned());
        self.session.as_mut().ok_or_else(missing)
    }

    /// The lab with a resource in it, given as `group/resource`.
    fn resource(&mut self, path: &str) -> Result<(&mut Session<W>, ResourceId), Refusal> {
        let session = self.session()?;
        let names = &session.world().plan().names;
        let found = path.split_once('/');
        let found = found.and_then(|(group, name)| names.resource(group, name));
        let id = found.ok_or_else(|| Refusal::Broken(format!("no resource {path}")))?;
        Ok((session, id))
    }

    /// The steps of a scenario that is just `step`, in the lab that was formed.
    fn steps(&self, step: &str) -> Result<Vec<Step>, Refusal> {
        let text = format!("{}scenario:\n  - {step}\n", self.lab);
        let checked = file::check("step.lab.yaml", text.as_bytes());
        match checked.lab {
            Some(lab) => Ok(lab.scenario),
            None => Err(Refusal::Broken(file::render::render(&checked, false))),
        }
    }
}

impl<W: Stage> Subject for Staged<W> {
    fn form(&mut self, lab: &str) -> Result<(), Refusal> {
        let checked = file::check("case.lab.yaml", lab.as_bytes());
        let rendered = || Refusal::Broken(file::render::render(&checked, false));
        let model = checked.lab.clone().ok_or_else(rendered)?;
        self.elapsed = self.elapsed();
        // The lab before is gone before the next one comes.
        self.session = None;
        lab.clone_into(&mut self.lab);
        self.session = Some((self.build)(model, lab)?);
        (self.seen, self.read) = (Observation::default(), 0);
        Ok(())
    }

    fn fault(&mut self, fault: &str) -> Result<(), Refusal> {
        let steps = self.steps(&format!("fault: {fault}"))?;
        let session = self.session()?;
        for step in &steps {
            if let StepKind::Fault(fault) = &step.kind {
                session.fault(fault).map_err(refusal)?;
            }
        }
        Ok(())
    }

    fn act(&mut self, action: &str) -> Result<(), Refusal> {
        let steps = self.steps(action)?;
        let session = self.session()?;
        for step in &steps {
            if let StepKind::Do(action) = &step.kind {
                session.act(action).map_err(refusal)?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, action: &str) -> Result<Told, Refusal> {
        let steps = self.steps(action)?;
        let session = self.session()?;
        match steps.first().map(|step| &step.kind) {
            Some(StepKind::Do(action)) => session.answered(action).map_err(refusal),
            _ => Err(Refusal::Broken(format!("`{action}` is no action"))),
        }
    }

    fn property(&mut self, through: Option<&str>, of: &Of, name: &str) -> Result<Told, Refusal> {
        let session = self.session()?;
        session.property(through, of, name).map_err(refusal)
    }

    fn objects(&mut self, through: &str) -> Result<Told, Refusal> {
        self.session()?.objects(through).map_err(refusal)
    }

    fn database(&mut self, node: &str) -> Result<Database, Refusal> {
        let shown = self.session()?.database(node);
        shown.ok_or_else(|| Refusal::Broken(format!("{node} shows no cluster database")))
    }

    fn cluster_log(&mut self, node: &str) -> Result<Vec<String>, Refusal> {
        let world = self.session()?.world();
        let logs = sim::cluster_log::of_all(world.plan(), world.log().entries());
        let log = logs.into_iter().find(|(name, _)| name == node);
        let (_, log) = log.ok_or_else(|| Refusal::Broken(format!("no node {node}")))?;
        Ok(log.lines().map(str::to_owned).collect())
    }

    fn own_disk(&mut self, node: &str, fails: bool) -> Result<(), Refusal> {
        self.session()?.set_own_disk(node, fails).map_err(refusal)
    }

    fn slow(&mut self, resource: &str, by: Duration) -> Result<(), Refusal> {
        let (session, id) = self.resource(resource)?;
        session.set_slow(id, by).map_err(unable)
    }

    fn refuse(&mut self, resource: &str, code: u32) -> Result<(), Refusal> {
        let (session, id) = self.resource(resource)?;
        session.set_refusing(id, code).map_err(unable)
    }

    fn health(&mut self, resource: &str, health: Health) -> Result<(), Refusal> {
        let (session, id) = self.resource(resource)?;
        let set = session.set_health(id, health.looks_alive, health.is_alive);
        set.map_err(unable)
    }

    fn elapsed(&mut self) -> Duration {
        let here = self
            .session
            .as_ref()
            .map(|it| since_start(it.world().now()));
        self.elapsed + here.unwrap_or_default()
    }

    fn lateness(&self) -> Duration {
        let session = self.session.as_ref();
        session.map_or(Duration::ZERO, |it| it.world().lateness())
    }

    fn observe(&mut self) -> &Observation {
        if let Some(session) = &self.session {
            observe(session.world(), &mut self.seen, &mut self.read);
        }
        &self.seen
    }

    fn wait(&mut self, bound: Duration, until: &mut dyn FnMut(&Observation) -> bool) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        let (seen, read) = (&mut self.seen, &mut self.read);
        session.run_until(bound, |session| {
            observe(session.world(), seen, read);
            until(seen)
        })
    }
}

fn unable(why: sim::Unable) -> Refusal {
    Refusal::NotApplicable(why.to_string())
}

/// What a backend has no way to do does not apply to it.
fn refusal(why: Unfit) -> Refusal {
    match why {
        Unfit::Unable(unable) => Refusal::NotApplicable(unable.to_string()),
        other => Refusal::Broken(other.to_string()),
    }
}

/// Brings `seen` up to date with the world; `read` counts the log entries taken over.
fn observe(world: &impl Stage, seen: &mut Observation, read: &mut usize) {
    let plan = world.plan();
    seen.at = since_start(world.now());
    seen.nodes = plan
        .members
        .iter()
        .map(|member| (plan.names.of_node(member.id), node_seen(world, member.id)))
        .collect();
    let authority = authority(world);
    seen.groups = plan
        .model
        .groups
        .keys()
        .filter(|group| **group != CORE_GROUP)
        .map(|group| {
            (
                plan.names.of_group(*group),
                group_seen(world, authority, *group),
            )
        })
        .collect();
    seen.witness = witness_seen(world, authority);
    let holder = |disk: &plan::Disk| {
        let holder = world.holder(disk.id).map(|node| plan.names.of_node(node));
        (plan.names.of_disk(disk.id), holder)
    };
    seen.holders = plan.disks.iter().map(holder).collect();
    let entries = world.log().entries();
    for entry in entries.get(*read..).unwrap_or_default() {
        if let What::Notice(node, notice) = &entry.what {
            let (at, node) = (since_start(entry.at), plan.names.of_node(*node));
            seen.events.push(Event {
                at,
                node,
                notice: notice.clone(),
            });
        }
    }
    *read = entries.len();
    if let Some(all) = world.frames() {
        let frames = seen.frames.get_or_insert_default();
        let new = all.get(frames.len()..).unwrap_or_default();
        frames.extend(new.iter().map(|frame| frame_seen(world, frame)));
    }
}

fn frame_seen(world: &impl Stage, frame: &FrameSeen) -> Frame {
    let name = |node| world.plan().names.of_node(node);
    Frame {
        at: since_start(frame.at),
        from: name(frame.from),
        to: name(frame.to),
        service: frame.service,
        word: frame.word.clone(),
        sequence: frame.sequence,
        view: frame.view,
        request: frame.request,
        after: frame.after,
        protection: frame.protection.map(|protection| match protection {
            sim::tap::Protection::Open => Protection::Open,
            sim::tap::Protection::Signed => Protection::Signed,
            sim::tap::Protection::Encrypted => Protection::Encrypted,
        }),
        is_named: frame.is_named,
        has_certificate: frame.has_certificate,
    }
}

fn since_start(at: Timestamp) -> Duration {
    at.since(Timestamp::ZERO)
}

/// The node whose table counts: a live one in the largest quorate view.
fn authority<W: Stage>(world: &W) -> Option<&Picture> {
    let live = world.live();
    live.iter()
        .filter_map(|node| world.picture(node))
        .filter(|picture| picture.ready)
        .max_by_key(|picture| picture.view.map_or(0, |(_, members)| members.len()))
}

fn names_of(world: &impl Stage, nodes: NodeSet) -> BTreeSet<String> {
    nodes
        .iter()
        .map(|node| world.plan().names.of_node(node))
        .collect()
}

fn node_seen(world: &impl Stage, id: NodeId) -> NodeSeen {
    let service = match world.life(id) {
        Life::Off | Life::Stopped => Service::Stopped,
        Life::Running => Service::Running,
        Life::Frozen => Service::Frozen,
    };
    let picture = world.picture(id).filter(|_| service != Service::Stopped);
    let model = world.plan().settings.model;
    NodeSeen {
        id,
        service,
        state: picture.map_or(NodeState::Down, |picture| picture.state),
        view: picture
            .and_then(|picture| picture.view)
            .map(|(_, members)| names_of(world, members))
            .unwrap_or_default(),
        votes: picture.and_then(|picture| {
            let tally = picture.tally?;
            // Between a view and the decision on it an active member still counts as it did: it
            // ends its service if the decision goes against it.
            let held = match picture.quorum {
                QuorumState::Held => true,
                QuorumState::Arbitrating => false,
                QuorumState::Absent => picture.state != NodeState::Joining,
            };
            let (have, needed, total) = (tally.have, tally.needed, tally.total);
            Some(Votes {
                model,
                have,
                needed,
                total,
                held,
            })
        }),
        tag: picture.map(|picture| picture.tag),
        log: picture.map_or_else(Vec::new, |picture| {
            let seen = |it: &sim::EventRecord| (world.plan().names.of_node(it.node), it.id);
            picture.events.iter().map(seen).collect()
        }),
        has_witness_hive: picture.is_some_and(|picture| picture.witness_hive),
        registry: world
            .registry(id)
            .into_iter()
            .flatten()
            .map(|(key, data)| (key.name, String::from_utf8_lossy(&data).into_owned()))
            .collect(),
    }
}

fn group_seen(world: &impl Stage, authority: Option<&Picture>, group: base::GroupId) -> GroupSeen {
    let plan = world.plan();
    let owner = authority
        .and_then(|picture| picture.groups.get(&group))
        .map(|row| row.owner);
    let shown = owner.and_then(|owner| world.picture(owner));
    let members = plan
        .model
        .groups
        .get(&group)
        .map_or(&[][..], |known| &known.resources);
    let state_of = |resource: &ResourceId| {
        let state = shown.and_then(|picture| picture.running.get(resource));
        state.copied().unwrap_or(ResourceState::Offline)
    };
    let resources: BTreeMap<String, ResourceSeen> = members
        .iter()
        .map(|id| {
            let (_, name) = &plan.names.resources[usize::from(id.0)];
            let running_on = names_of(world, running_on(world, *id));
            (
                name.clone(),
                ResourceSeen {
                    id: *id,
                    state: state_of(id),
                    running_on,
                },
            )
        })
        .collect();
    let plugged = |network| {
        owner.is_some_and(|owner| world.networks().of(owner.into()).any(|it| it == network))
    };
    // An address of another subnet is not to be online here.
    let here = members
        .iter()
        .filter(|id| !is_elsewhere(&plan.model, **id, plugged));
    GroupSeen {
        owner: owner.map(|owner| plan.names.of_node(owner)),
        state: base::GroupState::derive(here.map(state_of)),
        resources,
    }
}

/// The live nodes that really run a resource. What no host runs (disks, the witness) is run by the
/// node whose manager has it online.
fn running_on(world: &impl Stage, resource: ResourceId) -> NodeSet {
    let live = world.live();
    let settings = world.plan().model.resources.get(&resource);
    let thing = settings.and_then(|it| sim::hosts::Thing::of(resource, &it.parameters));
    if thing.is_some() {
        let runs = world.outside().runs(resource);
        return runs.intersection(live).union(left_alone(world, resource));
    }
    let online = |node: &NodeId| {
        let picture = world.picture(*node);
        picture.and_then(|it| it.running.get(&resource)) == Some(&ResourceState::Online)
    };
    live.iter().filter(online).collect()
}

fn witness_seen(world: &impl Stage, authority: Option<&Picture>) -> Option<WitnessSeen> {
    let plan = world.plan();
    let resource = plan.witness_resource?;
    let owner = authority
        .and_then(|picture| picture.groups.get(&CORE_GROUP))
        .map(|row| row.owner);
    let shown = owner.and_then(|owner| world.picture(owner));
    let state = match shown.and_then(|picture| picture.running.get(&resource)) {
        Some(ResourceState::Online) => WitnessState::Online,
        Some(ResourceState::Failed) => WitnessState::Failed,
        _ => WitnessState::Offline,
    };
    let tag = world.witness_tag();
    Some(WitnessSeen {
        state,
        owner: owner.map(|owner| plan.names.of_node(owner)),
        tag,
    })
}
