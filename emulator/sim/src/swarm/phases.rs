//! One seed, from its plan to its outcome.

use std::collections::VecDeque;
use std::time::Duration;

use base::{GroupState, NodeId, NodeSet, NodeStanding, NodeState, PaxosTag, StartMode, Timestamp};
use plan::{Names, PlanError};
use top::api::AdminCommand;
use top::rcm::model::CORE_GROUP;

use super::requests::planned_quorum;
use super::{Act, Deed, Failure, Outcome, SwarmPlan};
use crate::FaultId;
use crate::checkers::{Violation, is_active};
use crate::observation::Observation;
use crate::report::FailureKind;
use crate::world::{Life, Stop, World};

/// How long a cluster without faults may take until everything is back: boots, joins, and whatever
/// restart policies wait for.
const LIVENESS_MAX: Duration = Duration::from_secs(15 * 60);
/// How often the administrator asks again for groups that are not online.
const ASK_EVERY: Duration = Duration::from_secs(120);

/// Runs a plan.
///
/// # Panics
/// When a node asserts that it is broken; [`super::run_caught`] makes a failure of it.
#[must_use]
pub fn run(plan: &SwarmPlan) -> Outcome {
    match run_kept(plan) {
        Ok((outcome, _)) => outcome,
        Err(why) => unbuilt(plan, &why.to_string()),
    }
}

/// As [`run`], and keeps the world as it was at the end, for replays.
///
/// # Errors
/// The lab cannot be built.
///
/// # Panics
/// When a node asserts that it is broken.
pub fn run_kept(plan: &SwarmPlan) -> Result<(Outcome, World), PlanError> {
    run_watched(plan, &mut |_| true)
}

/// As [`run_kept`]; `watch` looks at the world after every change and says whether to go on. What
/// was stopped has not failed.
///
/// # Errors
/// The lab cannot be built.
///
/// # Panics
/// When a node asserts that it is broken.
pub fn run_watched(
    plan: &SwarmPlan,
    watch: &mut dyn FnMut(&World) -> bool,
) -> Result<(Outcome, World), PlanError> {
    let cluster = plan::Plan::new(&plan.lab)?;
    let mut run = Run {
        world: World::new(cluster, plan.options),
        open: Vec::new(),
        watch,
        stopped: false,
        told_to_join: NodeSet::EMPTY,
        another_quorum: false,
    };
    let failure = run.attack(plan).or_else(|| run.recover());
    let outcome = Outcome {
        seed: plan.seed,
        trace: run.world.trace().hash(),
        nodes: plan.lab.cluster.members.len(),
        elapsed: run.world.now().into(),
        failure,
    };
    Ok((outcome, run.world))
}

fn unbuilt(plan: &SwarmPlan, why: &str) -> Outcome {
    Outcome {
        seed: plan.seed,
        trace: String::new(),
        nodes: plan.lab.cluster.members.len(),
        elapsed: Timestamp::ZERO.into(),
        failure: Some(Failure {
            kind: FailureKind::Assertion,
            invariant: None,
            clause: None,
            at: Timestamp::ZERO.into(),
            what: why.to_owned(),
        }),
    }
}

struct Run<'w> {
    world: World,
    open: Vec<(Timestamp, FaultId)>,
    watch: &'w mut dyn FnMut(&World) -> bool,
    stopped: bool,
    /// Nodes that were started to join only.
    told_to_join: NodeSet,
    /// The cluster was asked for another quorum than the lab has.
    another_quorum: bool,
}

impl Run<'_> {
    /// The safety phase: anything may fail, no rule may break.
    fn attack(&mut self, plan: &SwarmPlan) -> Option<Failure> {
        let mut acts: Vec<&(Duration, Act)> = plan.acts.iter().collect();
        acts.sort_by_key(|(at, _)| *at);
        let mut acts = VecDeque::from(acts);
        let end = Timestamp::ZERO + plan.length;
        loop {
            let next_act = acts.front().map(|(at, _)| Timestamp::ZERO + *at);
            let next_heal = self.open.iter().map(|(at, _)| *at).min();
            let next = [next_act, next_heal].into_iter().flatten().min();
            let until = next.unwrap_or(end).min(end);
            if let Some(failure) = self.run_to(until) {
                return Some(failure);
            }
            if until >= end || self.stopped {
                return None;
            }
            self.heal_due();
            while let Some((at, act)) = acts.front()
                && Timestamp::ZERO + *at <= self.world.now()
            {
                self.act(act);
                acts.pop_front();
            }
        }
    }

    fn run_to(&mut self, until: Timestamp) -> Option<Failure> {
        loop {
            let stop = self.world.run_to_change(until);
            if let Some(violation) = self.world.jury().violations().first() {
                return Some(unsafe_at(violation));
            }
            self.stopped |= !(self.watch)(&self.world);
            if stop == Stop::Time || self.stopped {
                return None;
            }
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Break { faults, lasts } => {
                let id = self.world.next_fault();
                for fault in faults {
                    self.world.make(id, *fault);
                }
                self.open.push((self.world.now() + *lasts, id));
            }
            Act::Deed(Deed::PreventQuorum(node)) => self.start_to_join(*node),
            Act::Deed(deed) => self.do_deed(*deed),
        }
    }

    fn do_deed(&mut self, deed: Deed) {
        self.another_quorum |= matches!(deed, Deed::SetQuorum(..));
        if let Some(command) = deed.command() {
            self.ask(command);
        }
    }

    /// Whoever runs in a cluster is left alone.
    fn start_to_join(&mut self, node: NodeId) {
        let powered = matches!(self.world.life(node), Life::Running | Life::Stopped);
        if powered && !self.is_active(node) {
            self.told_to_join.insert(node);
            let start = StartMode::PreventQuorum;
            self.world.start_service_with(node, start);
        }
    }

    /// A node that was told to join only would wait for ever where all were.
    fn start_to_form(&mut self, node: NodeId) {
        if self.told_to_join.contains(node) && !self.is_active(node) {
            self.world.start_service_with(node, StartMode::Normal);
        }
    }

    fn is_active(&self, node: NodeId) -> bool {
        self.world.picture(node).is_some_and(is_active)
    }

    /// Asks the lowest live node, whether it is a member or not: an answer is a matter of luck.
    fn ask(&mut self, command: AdminCommand) {
        if let Some(node) = self.world.live().first() {
            self.world.ask(node, command);
        }
    }

    fn heal_due(&mut self) {
        let now = self.world.now();
        let (due, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.open = open;
        for (_, fault) in due {
            self.world.heal(fault);
        }
    }

    /// The liveness phase: all faults end, and everything must come back in time.
    fn recover(&mut self) -> Option<Failure> {
        if self.stopped {
            return None;
        }
        for (_, fault) in std::mem::take(&mut self.open) {
            self.world.heal(fault);
        }
        let nodes: Vec<_> = self.world.plan().all().iter().collect();
        for node in nodes {
            match self.world.life(node) {
                Life::Off => self.world.power_on(node),
                Life::Frozen => self.world.thaw(node),
                Life::Stopped => self.world.start_service(node),
                Life::Running => self.start_to_form(node),
            }
        }
        let limit = self.world.now() + LIVENESS_MAX;
        while self.world.now() < limit {
            self.bring_back();
            let until = (self.world.now() + ASK_EVERY).min(limit);
            let (watch, stopped) = (&mut self.watch, &mut self.stopped);
            let another_quorum = self.another_quorum;
            let back = self.world.run_until(until, |world| {
                *stopped |= !watch(world);
                *stopped
                    || !world.jury().violations().is_empty()
                    || missing(&Observation::of(world), &world.plan().names, another_quorum)
                        .is_none()
            });
            if let Some(violation) = self.world.jury().violations().first() {
                return Some(unsafe_at(violation));
            }
            if back {
                return None;
            }
        }
        let seen = Observation::of(&self.world);
        missing(&seen, &self.world.plan().names, self.another_quorum).map(|what| Failure {
            kind: FailureKind::Liveness,
            invariant: None,
            clause: None,
            at: self.world.now().into(),
            what,
        })
    }

    /// What an administrator does after a bad day: ends all quarantines and pauses, asks for all
    /// groups.
    fn bring_back(&mut self) {
        let seen = Observation::of(&self.world);
        for (node, it) in &seen.nodes {
            if it.standing == NodeStanding::Quarantined && !it.quorate {
                let clear = StartMode::ClearQuarantine;
                self.world.start_service_with(*node, clear);
            }
        }
        let Some(at) = seen.quorate().first() else {
            return;
        };
        let paused = seen.nodes.iter();
        let paused = paused.filter(|(_, it)| it.state == NodeState::Paused);
        let resume = paused.map(|(node, _)| AdminCommand::ResumeNode { node: *node });
        let groups = seen.groups.iter();
        let broken =
            groups.filter(|(_, it)| it.resources > 0 && it.state != Some(GroupState::Online));
        let online = broken.map(|(group, _)| AdminCommand::OnlineGroup { group: *group });
        let mut commands: Vec<AdminCommand> = resume.chain(online).collect();
        let plan = self.world.plan();
        let quorum = self.another_quorum.then(|| planned_quorum(plan));
        commands.extend(quorum.and_then(Deed::command));
        for command in commands {
            self.world.ask(at, command);
        }
    }
}

/// What keeps the cluster from being whole; nothing when it is.
fn missing(seen: &Observation, names: &Names, another_quorum: bool) -> Option<String> {
    let all = seen.nodes.len();
    let mut tags: Vec<PaxosTag> = Vec::new();
    for (node, it) in &seen.nodes {
        if !it.quorate || usize::try_from(it.view.len()) != Ok(all) {
            return Some(format!(
                "{} is {}, in a view of {} of {all} nodes: {}",
                names.of_node(*node),
                it.state.label(),
                it.view.len(),
                names.of_nodes(it.view)
            ));
        }
        tags.extend(it.tag);
    }
    if tags.windows(2).any(|pair| pair[0] != pair[1]) {
        let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
        return Some(format!("the replicas differ: {}", tags.join(", ")));
    }
    for (group, it) in &seen.groups {
        // The witness may be another resource by now, which the lab does not know.
        let without_witness = another_quorum && *group == CORE_GROUP;
        let partial = without_witness && it.state == Some(GroupState::PartialOnline);
        // A group without resources has nothing to bring online.
        if it.resources > 0 && it.state != Some(GroupState::Online) && !partial {
            let state = it.state.map_or("on several nodes", GroupState::label);
            return Some(format!("group {} is {state}", names.of_group(*group)));
        }
    }
    None
}

fn unsafe_at(violation: &Violation) -> Failure {
    Failure {
        kind: FailureKind::Safety,
        invariant: Some(violation.checker.to_owned()),
        clause: Some(violation.clause.to_owned()),
        at: violation.at.into(),
        what: violation.what.clone(),
    }
}
