//! Expectations: what they are about, what they say of it, and when.

use base::{Generation, GroupState, NodeStanding, NodeState, ResourceState};

use super::cluster::since;
use super::scenario::{one_line, resource};
use super::selector::{Domain, Selecting};
use crate::diagnostic::Diagnostic;
use crate::model::{
    Bounds, Claim, Expectation, GroupClaim, NodeChange, NodeClaim, Selector, Timing, WitnessState,
};
use crate::rule::Rule;
use crate::support::{Feature, require};
use crate::syntax::{
    At, BoundsSpec, Decoder, ExpectationSpec, HolderSpec, ResolvesSpec, SelectorSpec, StateWord,
};

/// Resolves an expectation.
pub(crate) fn resolve(
    spec: &ExpectationSpec,
    selecting: &Selecting<'_>,
    decoder: &mut Decoder<'_>,
) -> Option<Expectation> {
    let expecting = Expecting { spec, selecting };
    let timing = expecting.timing(decoder);
    let subject = expecting.subject(decoder)?;
    expecting.check_keys(subject, decoder);
    require(subject.feature(), spec.span, decoder);
    let claim = expecting.claim(subject, decoder)?;
    if spec.broken {
        // What could not be read was reported; what is left may mean something else.
        return None;
    }
    Some(Expectation {
        position: decoder.position(spec.span),
        text: one_line(decoder.source.slice(spec.span)),
        timing,
        claim,
    })
}

/// What an expectation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Cluster,
    Group,
    Resource,
    Witness,
    Votes,
    Lun,
    Dns,
    Workload,
    Event,
    Log,
    Volume,
    Network,
    Nic,
    Node,
}

impl Subject {
    fn feature(self) -> Feature {
        match self {
            Self::Cluster => Feature::ExpectCluster,
            Self::Group => Feature::ExpectGroup,
            Self::Resource => Feature::ExpectResource,
            Self::Witness => Feature::ExpectWitness,
            Self::Votes => Feature::ExpectVotes,
            Self::Lun => Feature::ExpectLun,
            Self::Dns => Feature::ExpectDns,
            Self::Workload => Feature::ExpectWorkload,
            Self::Event => Feature::ExpectEvent,
            Self::Log => Feature::ExpectLog,
            Self::Volume => Feature::ExpectVolume,
            Self::Network | Self::Nic => Feature::ExpectNetwork,
            Self::Node => Feature::ExpectNode,
        }
    }

    /// The keys that say something about it, besides its own and those of timing.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Cluster => &["where"],
            Self::Group => &["is", "node", "site", "owners"],
            Self::Resource => &["is", "status-contains"],
            Self::Lun => &["holder"],
            Self::Dns => &["resolves"],
            Self::Workload => &["pause"],
            Self::Event | Self::Log => &["node"],
            Self::Volume => &["is", "node"],
            Self::Node | Self::Network | Self::Nic => &["is"],
            Self::Witness | Self::Votes => &[],
        }
    }
}

pub(super) struct Expecting<'a> {
    pub(super) spec: &'a ExpectationSpec,
    pub(super) selecting: &'a Selecting<'a>,
}

impl Expecting<'_> {
    fn timing(&self, decoder: &mut Decoder<'_>) -> Timing {
        let spec = self.spec;
        let always = spec.always.as_ref().is_some_and(|always| always.value);
        if let (true, Some(other)) = (always, spec.within.as_ref().or(spec.r#for.as_ref())) {
            let message = "`always` holds from here to the end, without `within` or `for`";
            decoder.sink.error(Rule::BadTiming, other.span, message);
        }
        if let Some(never) = spec.always.as_ref().filter(|always| !always.value) {
            decoder
                .sink
                .error(Rule::NoEffect, never.span, "leave `always` out instead");
        }
        Timing {
            within: spec.within.as_ref().map(|within| within.value),
            always,
            held_for: spec.r#for.as_ref().map(|held| held.value),
        }
    }

    /// The one thing that it is about. `node` counts only when nothing else is there.
    fn subject(&self, decoder: &mut Decoder<'_>) -> Option<Subject> {
        let spec = self.spec;
        let given = [
            (spec.cluster.is_some(), Subject::Cluster),
            (spec.group.is_some(), Subject::Group),
            (spec.resource.is_some(), Subject::Resource),
            (spec.witness.is_some(), Subject::Witness),
            (spec.votes.is_some(), Subject::Votes),
            (spec.lun.is_some(), Subject::Lun),
            (spec.dns.is_some(), Subject::Dns),
            (spec.workload.is_some(), Subject::Workload),
            (spec.event.is_some(), Subject::Event),
            (spec.log.is_some(), Subject::Log),
            (spec.volume.is_some(), Subject::Volume),
            (spec.network.is_some(), Subject::Network),
            (spec.nic.is_some(), Subject::Nic),
        ];
        let mut subjects = given
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, subject)| subject);
        let hint = "one of cluster, group, resource, node, network, nic, volume, witness, votes, \
                    lun, dns, workload, event, log";
        match (subjects.next(), subjects.next()) {
            (Some(subject), None) => Some(subject),
            (None, _) if spec.node.is_some() => Some(Subject::Node),
            (None, _) if spec.broken => None,
            (first, _) => {
                let message = match first {
                    None => "this expectation is about nothing",
                    Some(_) => "an expectation is about one thing",
                };
                decoder
                    .sink
                    .report(Diagnostic::error(Rule::BadExpectation, spec.span, message).hint(hint));
                None
            }
        }
    }

    /// Reports keys that say something about another kind of thing.
    fn check_keys(&self, subject: Subject, decoder: &mut Decoder<'_>) {
        let spec = self.spec;
        let given = [
            ("where", spec.r#where.as_ref().map(|one| one.span)),
            ("is", spec.is.as_ref().map(|one| one.span)),
            ("node", spec.node.as_ref().map(|one| one.span)),
            ("site", spec.site.as_ref().map(|one| one.span)),
            ("owners", spec.owners.as_ref().map(|_| spec.span)),
            (
                "status-contains",
                spec.status_contains.as_ref().map(|one| one.span),
            ),
            ("holder", spec.holder.as_ref().map(|_| spec.span)),
            ("resolves", spec.resolves.as_ref().map(|_| spec.span)),
            ("pause", spec.pause.as_ref().map(|pause| pause.span)),
        ];
        for (key, span) in given {
            let own = subject == Subject::Node && key == "node";
            if let Some(span) = span.filter(|_| !own && !subject.keys().contains(&key)) {
                let message = format!("`{key}` says nothing about what this expectation is about");
                decoder.sink.error(Rule::BadExpectation, span, message);
            }
        }
    }

    fn claim(&self, subject: Subject, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let spec = self.spec;
        match subject {
            Subject::Cluster => Some(Claim::Cluster {
                is: spec.cluster.as_ref()?.value,
                at: self.nodes(spec.r#where.as_ref(), decoder),
            }),
            Subject::Group => self.group(decoder),
            Subject::Resource => self.resource(decoder),
            Subject::Witness => self.witness(decoder),
            Subject::Votes => self.votes(decoder),
            Subject::Lun => self.lun(decoder),
            Subject::Dns => self.dns(decoder),
            Subject::Workload => self.workload(decoder),
            Subject::Event => Some(Claim::Event {
                id: spec.event.as_ref()?.value.0,
                node: self.nodes(spec.node.as_ref(), decoder),
            }),
            Subject::Log => Some(Claim::Log {
                text: spec.log.as_ref()?.value.0.clone(),
                node: self.nodes(spec.node.as_ref(), decoder),
            }),
            Subject::Volume => self.volume(decoder),
            Subject::Network => self.network(decoder),
            Subject::Nic => self.nic(decoder),
            Subject::Node => self.node(decoder),
        }
    }

    pub(super) fn nodes(
        &self,
        spec: Option<&SelectorSpec>,
        decoder: &mut Decoder<'_>,
    ) -> Option<Selector> {
        spec.map(|spec| self.selecting.check(spec, Domain::Nodes, decoder))
    }

    fn group(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let spec = self.spec;
        let groups = self
            .selecting
            .check(spec.group.as_ref()?, Domain::Groups, decoder);
        let claim = GroupClaim {
            groups,
            is: spec
                .is
                .as_ref()
                .and_then(|word| self.group_state(word, decoder)),
            node: spec
                .node
                .as_ref()
                .map(|node| self.node_change(node, decoder)),
            site: spec.site.as_ref().map(|site| {
                self.selecting
                    .scope
                    .sites
                    .check(&site.value.0, site.span, decoder);
                site.value.0.clone()
            }),
            owners: spec
                .owners
                .as_ref()
                .and_then(|owners| bounds(owners, decoder)),
        };
        if claim
            .is
            .or(spec.is.as_ref().map(|_| GroupState::Online))
            .is_none()
            && claim.node.is_none()
            && claim.site.is_none()
            && spec.owners.is_none()
        {
            self.says_nothing("is, node, site, owners", decoder);
        }
        Some(Claim::Group(claim))
    }

    pub(super) fn says_nothing(&self, keys: &str, decoder: &mut Decoder<'_>) {
        if !self.spec.broken {
            let message = "this expectation says nothing of it";
            decoder.sink.report(
                Diagnostic::error(Rule::BadExpectation, self.spec.span, message)
                    .hint(format!("add one of {keys}")),
            );
        }
    }

    fn group_state(&self, word: &At<StateWord>, decoder: &mut Decoder<'_>) -> Option<GroupState> {
        match word.value {
            StateWord::Online => Some(GroupState::Online),
            StateWord::Offline => Some(GroupState::Offline),
            StateWord::Failed => Some(GroupState::Failed),
            StateWord::PartialOnline => Some(GroupState::PartialOnline),
            StateWord::Pending => Some(GroupState::Pending),
            _ => wrong_state(
                word,
                "a group",
                "online, offline, failed, partial-online, pending",
                decoder,
            ),
        }
    }

    fn node_change(&self, node: &SelectorSpec, decoder: &mut Decoder<'_>) -> NodeChange {
        match &node.selector {
            Selector::Name(word) if word == "changed" => NodeChange::Changed,
            Selector::Name(word) if word == "unchanged" => NodeChange::Unchanged,
            _ => NodeChange::Is(self.selecting.check(node, Domain::Nodes, decoder)),
        }
    }

    fn resource(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let spec = self.spec;
        let (group, resource) = resource(spec.resource.as_ref()?, self.selecting, decoder)?;
        if spec.is.is_none() && spec.status_contains.is_none() {
            self.says_nothing("is, status-contains", decoder);
        }
        Some(Claim::Resource {
            group,
            resource,
            is: spec
                .is
                .as_ref()
                .and_then(|word| resource_state(word, decoder)),
            status_contains: spec
                .status_contains
                .as_ref()
                .map(|text| text.value.0.clone()),
        })
    }

    fn node(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let node = self.spec.node.as_ref()?;
        if let Selector::Name(word) = &node.selector
            && (word == "changed" || word == "unchanged")
        {
            let message = format!("`node: {word}` needs the `group` whose owner is meant");
            decoder.sink.error(Rule::BadExpectation, node.span, message);
            return None;
        }
        let nodes = self.selecting.check(node, Domain::Nodes, decoder);
        let Some(word) = &self.spec.is else {
            self.says_nothing("is", decoder);
            return None;
        };
        let is = match word.value {
            StateWord::Up => NodeClaim::State(NodeState::Up),
            StateWord::Down => NodeClaim::State(NodeState::Down),
            StateWord::Paused => NodeClaim::State(NodeState::Paused),
            StateWord::Joining => NodeClaim::State(NodeState::Joining),
            StateWord::Isolated => self.standing(word, NodeStanding::Isolated, decoder),
            StateWord::Quarantined => self.standing(word, NodeStanding::Quarantined, decoder),
            _ => {
                let states = "up, down, paused, joining, isolated, quarantined";
                return wrong_state(word, "a node", states, decoder);
            }
        };
        Some(Claim::Node { nodes, is })
    }

    fn standing(
        &self,
        word: &At<StateWord>,
        standing: NodeStanding,
        decoder: &mut Decoder<'_>,
    ) -> NodeClaim {
        let what = format!("`{}`", standing.label().to_lowercase());
        let lab = self.selecting.lab;
        since(Generation::V2016, &what, word.span, lab, decoder);
        NodeClaim::Standing(standing)
    }

    fn witness(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let word = self.spec.witness.as_ref()?;
        if self.selecting.lab.cluster.witness == crate::model::Witness::None {
            decoder
                .sink
                .error(Rule::UnknownName, word.span, "the cluster has no witness");
        }
        let state = match word.value {
            StateWord::Online => WitnessState::Online,
            StateWord::Offline => WitnessState::Offline,
            StateWord::Failed => WitnessState::Failed,
            _ => return wrong_state(word, "a witness", "online, offline, failed", decoder),
        };
        Some(Claim::Witness(state))
    }

    fn votes(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let votes = self.spec.votes.as_ref()?;
        let number = |one: &Option<At<crate::syntax::Natural>>| one.as_ref().map(|at| at.value.0);
        let (total, have, need) = (
            number(&votes.total),
            number(&votes.have),
            number(&votes.need),
        );
        if total.is_none() && have.is_none() && need.is_none() {
            self.says_nothing("total, have, need", decoder);
        }
        Some(Claim::Votes { total, have, need })
    }

    fn lun(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let name = self.spec.lun.as_ref()?;
        let arrays = &self.selecting.scope.arrays;
        let lun = super::cluster::lun(&name.value, name.span, self.selecting.lab, arrays, decoder)?;
        let holder = match &self.spec.holder {
            Some(HolderSpec::None) => None,
            Some(HolderSpec::Node(node)) => {
                Some(self.selecting.check(node, Domain::Nodes, decoder))
            }
            None => {
                self.says_nothing("holder", decoder);
                return None;
            }
        };
        Some(Claim::LunHolder { lun, holder })
    }

    fn workload(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let name = self.spec.workload.as_ref()?;
        let workloads = &self.selecting.lab.workloads;
        if !workloads.iter().any(|it| it.name == name.value.0) {
            let message = format!("there is no workload `{}`", name.value.0);
            decoder.sink.error(Rule::UnknownName, name.span, message);
        }
        let Some(pause) = &self.spec.pause else {
            self.says_nothing("pause", decoder);
            return None;
        };
        Some(Claim::Workload {
            name: name.value.0.clone(),
            pause_max: pause.at_most.as_ref()?.value,
        })
    }

    fn dns(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let name = self.spec.dns.as_ref()?;
        let resolves = match &self.spec.resolves {
            Some(ResolvesSpec::None) => Vec::new(),
            Some(ResolvesSpec::To(list)) => list.items.iter().map(|at| at.value).collect(),
            None => {
                self.says_nothing("resolves", decoder);
                return None;
            }
        };
        Some(Claim::Dns {
            name: name.value.0.clone(),
            resolves,
        })
    }
}

fn resource_state(word: &At<StateWord>, decoder: &mut Decoder<'_>) -> Option<ResourceState> {
    match word.value {
        StateWord::Online => Some(ResourceState::Online),
        StateWord::Offline => Some(ResourceState::Offline),
        StateWord::Failed => Some(ResourceState::Failed),
        StateWord::OnlinePending => Some(ResourceState::OnlinePending),
        StateWord::OfflinePending => Some(ResourceState::OfflinePending),
        _ => {
            let allowed = "online, offline, failed, online-pending, offline-pending";
            wrong_state(word, "a resource", allowed, decoder)
        }
    }
}

pub(super) fn wrong_state<T>(
    word: &At<StateWord>,
    what: &str,
    allowed: &str,
    decoder: &mut Decoder<'_>,
) -> Option<T> {
    let message = format!("{what} has no such state");
    decoder.sink.report(
        Diagnostic::error(Rule::BadExpectation, word.span, message)
            .hint(format!("allowed: {allowed}")),
    );
    None
}

fn bounds(spec: &BoundsSpec, decoder: &mut Decoder<'_>) -> Option<Bounds> {
    let map = match spec {
        BoundsSpec::Exactly(count) => {
            return Some(Bounds {
                at_least: count.value.0,
                at_most: Some(count.value.0),
            });
        }
        BoundsSpec::Between(map) => map,
    };
    let at_least = map.at_least.as_ref().map_or(0, |least| least.value.0);
    let at_most = map.at_most.as_ref().map(|most| most.value.0);
    if at_most.is_some_and(|most| most < at_least) {
        let message = "`at-least` is more than `at-most`";
        decoder.sink.error(Rule::BadNumber, map.span, message);
    }
    Some(Bounds { at_least, at_most })
}
