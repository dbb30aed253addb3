//! Rules about when expectations are judged: enough time for what they wait for, and something in
//! the scenario that can affect them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::flatten;
use crate::diagnostic::Diagnostic;
use crate::model::{
    Claim, Expectation, Fault, FaultKind, Lab, NodeChange, NodeClaim, NodeFault, ResourceKind,
    Selector, Step, StepKind, Witness,
};
use crate::rule::Rule;
use crate::span_words;
use crate::syntax::Decoder;
use base::NodeState;

/// Applies the rules.
pub(crate) fn check(steps: &[Step], lab: &Lab, decoder: &mut Decoder<'_>) {
    let detection = detection(lab);
    Walk {
        detection,
        decoder,
        since_fault: None,
        any_fault: false,
        owners: BTreeMap::new(),
        bereft: BTreeMap::new(),
        lab,
    }
    .steps(steps);
    check_vacuous(steps, lab, decoder);
}

/// The least time until a silent node counts as lost: heartbeat interval times misses.
fn detection(lab: &Lab) -> Duration {
    let defaults = lab.cluster.generation.defaults();
    let given = lab.cluster.heartbeat.same_subnet;
    let every = given.every.unwrap_or(defaults.same_subnet_delay);
    every * given.missed.unwrap_or(defaults.same_subnet_threshold)
}

struct Walk<'d, 's> {
    detection: Duration,
    decoder: &'d mut Decoder<'s>,
    /// The most time that may have passed since a fault that only missed heartbeats reveal; `None`
    /// when there was none, or when something else may explain a change since.
    since_fault: Option<Duration>,
    any_fault: bool,
    /// The owner of a group, as the latest expectation had it and nothing since may have changed.
    owners: BTreeMap<String, String>,
    /// Groups whose owner the latest fault took away; with its name where it is known.
    bereft: BTreeMap<String, Option<String>>,
    lab: &'d Lab,
}

impl Walk<'_, '_> {
    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        match &step.kind {
            StepKind::Fault(fault) => {
                self.any_fault = true;
                self.since_fault = needs_detection(&fault.kind).then_some(Duration::ZERO);
                self.bereave(fault);
            }
            StepKind::Do(_) => {
                self.since_fault = None;
                self.owners.clear();
            }
            StepKind::Random(_) => {
                self.any_fault = true;
                self.since_fault = None;
                self.owners.clear();
                self.bereft.clear();
            }
            StepKind::Run(time) => self.pass(*time),
            StepKind::Expect(claims) => {
                claims.iter().for_each(|claim| self.expectation(claim));
                claims.iter().for_each(|claim| self.note_owner(claim));
                let longest = claims.iter().map(longest).max().unwrap_or_default();
                self.pass(longest);
            }
            StepKind::Serial(inner) => self.steps(inner),
            StepKind::Parallel(inner) => self.parallel(inner),
            StepKind::Repeat { steps, .. } => self.steps(steps),
            StepKind::When { condition, steps } => {
                self.pass(longest(condition));
                self.steps(steps);
            }
        }
    }

    /// What runs side by side is walked in file order without letting time pass between.
    fn parallel(&mut self, steps: &[Step]) {
        for step in steps {
            let before = self.since_fault;
            self.step(step);
            if let (Some(before), Some(after)) = (before, self.since_fault) {
                self.since_fault = Some(before.min(after));
            }
        }
        self.since_fault = None;
    }

    fn pass(&mut self, time: Duration) {
        if let Some(since) = &mut self.since_fault {
            *since = since.saturating_add(time);
        }
    }

    fn expectation(&mut self, expectation: &Expectation) {
        let span = self.decoder.source.line_from(expectation.position);
        let whole = !self.decoder.sink.has_errors();
        if whole && !self.any_fault && compares_owners(&expectation.claim) {
            self.decoder.sink.report(
                Diagnostic::warning(
                    Rule::VacuousExpectation,
                    span,
                    "no fault came before, so there is no owner to compare with",
                )
                .hint("put it after a fault, or name the node"),
            );
        }
        let Some(since) = self.since_fault else {
            return;
        };
        let time = since.saturating_add(expectation.timing.within.unwrap_or_default());
        let presupposes =
            presupposes_detection(&expectation.claim) || self.asks_another(&expectation.claim);
        if presupposes && time < self.detection {
            let message = format!(
                "this cannot come true: a lost node is noticed after {} at the earliest, \
                 here are {}",
                span_words(self.detection),
                span_words(time)
            );
            self.decoder.sink.report(
                Diagnostic::error(Rule::ImpossibleWithin, span, message).hint(
                    "raise `within`, or shorten `cluster.heartbeat` (`every` times `missed`)",
                ),
            );
        }
    }
}

impl Walk<'_, '_> {
    /// Remembers which groups a fault takes the owner from, for as long as detection takes.
    fn bereave(&mut self, fault: &Fault) {
        self.bereft.clear();
        let before = std::mem::take(&mut self.owners);
        let FaultKind::Node { nodes, .. } = &fault.kind else {
            return;
        };
        if let Selector::OwnerOf(group) = nodes
            && fault.heal_after.is_none_or(|after| after >= self.detection)
        {
            self.bereft.insert(group.clone(), None);
        }
        let hit = nodes.fixed_nodes(self.lab).unwrap_or_default();
        for (group, owner) in before {
            let owner_lost = self.bereft.contains_key(&group) || hit.contains(&owner);
            if owner_lost {
                self.bereft.insert(group, Some(owner));
            }
        }
    }

    /// Remembers the owner that an expectation names.
    fn note_owner(&mut self, expectation: &Expectation) {
        if let Claim::Group(claim) = &expectation.claim
            && let Selector::Name(group) = &claim.groups
            && let Some(NodeChange::Is(Selector::Name(node))) = &claim.node
        {
            self.owners.insert(group.clone(), node.clone());
        }
    }

    /// Whether a claim wants a group on a node other than the one that it was on when the fault
    /// took that away.
    fn asks_another(&self, claim: &Claim) -> bool {
        let Claim::Group(claim) = claim else {
            return false;
        };
        let (Selector::Name(group), Some(NodeChange::Is(wanted))) = (&claim.groups, &claim.node)
        else {
            return false;
        };
        match self.bereft.get(group) {
            None => false,
            Some(None) => true,
            Some(Some(owner)) => wanted
                .fixed_nodes(self.lab)
                .is_some_and(|wanted| !wanted.contains(owner)),
        }
    }
}

/// The most time that an expectation takes.
fn longest(expectation: &Expectation) -> Duration {
    let timing = expectation.timing;
    let within = timing.within.unwrap_or_default();
    within.saturating_add(timing.held_for.unwrap_or_default())
}

/// Whether only missed heartbeats reveal the fault.
fn needs_detection(fault: &FaultKind) -> bool {
    match fault {
        FaultKind::Node { fault, .. } => {
            matches!(
                fault,
                NodeFault::PowerOff | NodeFault::Crash | NodeFault::Pause | NodeFault::Hang
            )
        }
        _ => false,
    }
}

fn presupposes_detection(claim: &Claim) -> bool {
    match claim {
        Claim::Group(group) => group.node == Some(NodeChange::Changed),
        Claim::Node { is, .. } => *is == NodeClaim::State(NodeState::Down),
        _ => false,
    }
}

fn compares_owners(claim: &Claim) -> bool {
    match claim {
        Claim::Group(group) => {
            matches!(
                group.node,
                Some(NodeChange::Changed | NodeChange::Unchanged)
            )
        }
        _ => false,
    }
}

/// Warns of expectations that nothing can affect.
fn check_vacuous(steps: &[Step], lab: &Lab, decoder: &mut Decoder<'_>) {
    // A step that was refused may have been the one that matters.
    if decoder.sink.has_errors() {
        return;
    }
    let last = steps.last().map(|step| step.position);
    for step in flatten(steps) {
        let StepKind::Expect(claims) = &step.kind else {
            continue;
        };
        for expectation in claims {
            let at_end = expectation.timing.always && Some(step.position) == last;
            let reason = if at_end {
                Some("nothing comes after it, so it holds no time at all".to_owned())
            } else {
                untouchable(&expectation.claim, lab)
            };
            if let Some(reason) = reason {
                let span = decoder.source.line_from(expectation.position);
                decoder.sink.report(
                    Diagnostic::warning(Rule::VacuousExpectation, span, reason)
                        .hint("an expectation that cannot fail proves nothing"),
                );
            }
        }
    }
}

/// Why nothing in the lab can change what the claim is about.
fn untouchable(claim: &Claim, lab: &Lab) -> Option<String> {
    match claim {
        Claim::Group(group) => {
            let bounds = group.owners?;
            let anything = bounds.at_least == 0 && bounds.at_most.is_none();
            anything.then(|| "any number of owners fits".to_owned())
        }
        Claim::LunHolder { lun, .. } => {
            let witness = lab.cluster.witness == Witness::Disk(lun.clone());
            let mut resources = lab.cluster.groups.iter().flat_map(|group| &group.resources);
            let used = resources.any(|resource| match &resource.kind {
                ResourceKind::PhysicalDisk { lun: own }
                | ResourceKind::ClusterSharedVolume { lun: own } => own == lun,
                _ => false,
            });
            let used = witness || used;
            (!used).then(|| format!("nothing in the cluster uses `{lun}`"))
        }
        Claim::Dns { name, .. } => {
            let mut resources = lab.cluster.groups.iter().flat_map(|group| &group.resources);
            let label = lab.dns_label(name);
            let registered = resources.any(|resource| match &resource.kind {
                ResourceKind::NetworkName { name }
                | ResourceKind::DistributedNetworkName { name } => name.eq_ignore_ascii_case(label),
                _ => false,
            });
            let known = registered || lab.cluster.name.eq_ignore_ascii_case(label);
            (!known).then(|| format!("nothing in the cluster registers the name `{name}`"))
        }
        Claim::Node { nodes, .. } => {
            let picked = nodes.fixed_nodes(lab)?;
            let member = |node: &String| lab.cluster.members.contains(node);
            let nobody = !picked.iter().any(member);
            nobody.then(|| format!("`{nodes}` picks no member of the cluster"))
        }
        Claim::Cluster { .. }
        | Claim::Resource { .. }
        | Claim::Volume { .. }
        | Claim::Network { .. }
        | Claim::Nic { .. }
        | Claim::Witness(_)
        | Claim::Votes { .. }
        | Claim::Workload { .. }
        | Claim::Event { .. }
        | Claim::Log { .. } => None,
    }
}
