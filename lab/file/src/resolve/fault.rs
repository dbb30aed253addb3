//! Faults: one target, and something that can happen to it.

mod directory;
mod resource;

use super::impairment::impairment;
use super::selector::{Domain, Selecting};
use crate::diagnostic::Diagnostic;
use crate::model::{
    Fault, FaultKind, Impairment, LunFault, NodeFault, Partition, PathEnds, Selector, UpDown,
};
use crate::rule::Rule;
use crate::source::Span;
use crate::support::{Feature, require};
use crate::syntax::{
    At, Decoder, DirectoryWord, FaultSpec, FaultWord, LunName, NicWord, PartitionSpec, PathSpec,
    SelectorSpec,
};

/// Resolves a fault.
pub(crate) fn resolve(
    spec: &FaultSpec,
    selecting: &Selecting<'_>,
    decoder: &mut Decoder<'_>,
) -> Option<Fault> {
    let breaking = Breaking { spec, selecting };
    breaking.check_targets(decoder)?;
    breaking.check_extras(decoder);
    let kind = breaking.kind(decoder)?;
    Some(Fault {
        position: decoder.position(spec.span),
        kind,
        heal_after: spec.r#for.as_ref().map(|one| one.value),
    })
}

const APART_HINT: &str = "sides have no node in common; a node in none of them reaches all of them";

struct Breaking<'a> {
    spec: &'a FaultSpec,
    selecting: &'a Selecting<'a>,
}

impl Breaking<'_> {
    fn check_targets(&self, decoder: &mut Decoder<'_>) -> Option<()> {
        let spec = self.spec;
        let targets = [
            spec.node.is_some(),
            spec.network.is_some(),
            spec.nic.is_some(),
            spec.link.is_some(),
            spec.partition.is_some(),
            spec.lun.is_some(),
            spec.path.is_some(),
            spec.resource.is_some(),
            spec.witness.is_some(),
            spec.directory.is_some(),
        ];
        let count = targets.into_iter().filter(|given| *given).count();
        if count == 1 {
            return Some(());
        }
        // A target that could not be read was reported already.
        if count > 1 || !spec.broken {
            let hint = "one of node, network, nic, link, partition, lun, path, resource, \
                        witness, directory";
            let message = format!("a fault has one target, here are {count}");
            decoder
                .sink
                .report(Diagnostic::error(Rule::BadFault, spec.span, message).hint(hint));
        }
        None
    }

    /// Reports settings that go with another fault.
    fn check_extras(&self, decoder: &mut Decoder<'_>) {
        let spec = self.spec;
        let word = spec.r#do.as_ref().map(|word| word.value);
        let takes_packets = spec.network.is_some() || spec.nic.is_some() || spec.link.is_some();
        let extras = [
            (
                spec.latency.as_ref().map(|at| at.span),
                word == Some(FaultWord::Slow),
                "do: slow",
            ),
            (
                spec.offset.as_ref().map(|at| at.span),
                matches!(word, Some(FaultWord::ClockJump | FaultWord::Skew)),
                "do: clock-jump or skew",
            ),
            (
                spec.count.as_ref().map(|at| at.span),
                word == Some(FaultWord::Quota),
                "do: quota",
            ),
            (
                spec.account.as_ref().map(|at| at.span),
                spec.directory.is_some() && word.is_some_and(FaultWord::is_of_account),
                "directory",
            ),
            (
                spec.drift.as_ref().map(|at| at.span),
                word == Some(FaultWord::ClockDrift),
                "do: clock-drift",
            ),
            (
                spec.by.as_ref().map(|one| one.span),
                word == Some(FaultWord::PreemptReservation),
                "do: preempt-reservation",
            ),
            (
                spec.networks.as_ref().map(|one| one.span),
                spec.link.is_some(),
                "link",
            ),
            (
                spec.impair.as_ref().map(|one| one.span),
                takes_packets,
                "network, nic or link",
            ),
        ];
        for (span, fits, with) in extras {
            if let Some(span) = span.filter(|_| !fits) {
                let message = format!("this goes with `{with}` only");
                decoder.sink.error(Rule::BadFault, span, message);
            }
        }
        if let (Some(_), Some(word)) = (&spec.impair, &spec.r#do) {
            let message = "`do` and `impair` exclude each other";
            decoder.sink.error(Rule::BadFault, word.span, message);
        }
    }

    fn kind(&self, decoder: &mut Decoder<'_>) -> Option<FaultKind> {
        let spec = self.spec;
        if let Some(node) = &spec.node {
            return self.node(node, decoder);
        }
        if let Some(network) = &spec.network {
            return self.network(network, decoder);
        }
        if let Some(nic) = &spec.nic {
            return self.nic(nic, decoder);
        }
        if let Some(link) = &spec.link {
            return self.link(link, decoder);
        }
        if let Some(partition) = &spec.partition {
            return self.partition(partition, decoder);
        }
        if let Some(lun) = &spec.lun {
            return self.lun(lun, decoder);
        }
        if let Some(path) = &spec.path {
            return self.path(path, decoder);
        }
        if let Some(name) = &spec.resource {
            return self.of_resource(name, decoder);
        }
        if let Some(service) = &spec.directory {
            return self.directory(service, decoder);
        }
        self.witness(spec.witness.as_ref()?, decoder)
    }

    fn directory(
        &self,
        service: &At<DirectoryWord>,
        decoder: &mut Decoder<'_>,
    ) -> Option<FaultKind> {
        let fault = self.of_service(service.value, decoder)?;
        require(Feature::FaultDirectory, service.span, decoder);
        Some(FaultKind::Directory(fault))
    }

    fn node(&self, nodes: &SelectorSpec, decoder: &mut Decoder<'_>) -> Option<FaultKind> {
        const WORDS: &[&str] = &[
            "power-off",
            "crash",
            "pause",
            "reboot",
            "stop-service",
            "kill-service",
            "monitor-kill",
            "clock-jump",
            "clock-drift",
            "hang",
        ];
        let nodes_checked = self.selecting.check(nodes, Domain::Nodes, decoder);
        let (feature, fault) = match self.word("node", WORDS, decoder)? {
            FaultWord::PowerOff => (Feature::FaultNodePowerOff, NodeFault::PowerOff),
            FaultWord::Crash => (Feature::FaultNodeCrash, NodeFault::Crash),
            FaultWord::Pause => (Feature::FaultNodePause, NodeFault::Pause),
            FaultWord::Reboot => (Feature::FaultNodeReboot, NodeFault::Reboot),
            FaultWord::StopService => (Feature::FaultNodeStopService, NodeFault::StopService),
            FaultWord::KillService => (Feature::FaultNodeKillService, NodeFault::KillService),
            FaultWord::MonitorKill => (Feature::FaultNodeMonitorKill, NodeFault::KillMonitors),
            FaultWord::ClockJump => {
                let offset = self.spec.offset.as_ref();
                let offset = self.needed(offset, "offset", decoder)?;
                if offset.value.subsec_nanos() > 0 || offset.value.is_zero() {
                    let message = "a clock is set by whole seconds";
                    decoder.sink.error(Rule::BadFault, offset.span, message);
                }
                let offset = offset.value;
                (Feature::FaultNodeClockJump, NodeFault::ClockJump { offset })
            }
            FaultWord::ClockDrift => {
                let drift = self.spec.drift.as_ref();
                let ppm = self.needed(drift, "drift", decoder)?.value.0;
                (Feature::FaultNodeClockDrift, NodeFault::ClockDrift { ppm })
            }
            FaultWord::Hang => (Feature::FaultNodeHang, NodeFault::Hang),
            _ => return self.wrong_word("node", WORDS, decoder),
        };
        require(feature, nodes.span, decoder);
        Some(FaultKind::Node {
            nodes: nodes_checked,
            fault,
        })
    }

    fn network(&self, networks: &SelectorSpec, decoder: &mut Decoder<'_>) -> Option<FaultKind> {
        let picked = self.selecting.check(networks, Domain::Networks, decoder);
        match self.impairment_or_updown("network", Feature::FaultNetwork, decoder)? {
            Ok(impairment) => Some(FaultKind::ImpairNetwork {
                networks: picked,
                impairment,
            }),
            Err(to) => Some(FaultKind::Network {
                networks: picked,
                to,
            }),
        }
    }

    fn nic(&self, nic: &At<NicWord>, decoder: &mut Decoder<'_>) -> Option<FaultKind> {
        let nics = self.selecting.check_nics(&nic.value.0, nic.span, decoder);
        match self.impairment_or_updown("nic", Feature::FaultNic, decoder)? {
            Ok(impairment) => Some(FaultKind::ImpairNic { nics, impairment }),
            Err(to) => Some(FaultKind::Nic { nics, to }),
        }
    }

    fn link(&self, ends: &[SelectorSpec], decoder: &mut Decoder<'_>) -> Option<FaultKind> {
        let [left, right] = ends else {
            let message = "a link has two ends";
            decoder.sink.report(
                Diagnostic::error(Rule::BadFault, self.spec.span, message)
                    .hint("write `link: [n1, n2]`"),
            );
            return None;
        };
        let left_checked = self.selecting.check(left, Domain::Nodes, decoder);
        let right_checked = self.selecting.check(right, Domain::Nodes, decoder);
        self.check_apart(&[&left_checked, &right_checked], right.span, decoder);
        let networks = self.networks(self.spec.networks.as_ref(), decoder);
        let between = (left_checked, right_checked);
        match self.impairment_or_updown("link", Feature::FaultLink, decoder)? {
            Ok(impairment) => Some(FaultKind::ImpairLink {
                between,
                networks,
                impairment,
            }),
            Err(to) => Some(FaultKind::Link {
                between,
                networks,
                to,
            }),
        }
    }

    fn partition(&self, spec: &PartitionSpec, decoder: &mut Decoder<'_>) -> Option<FaultKind> {
        require(Feature::FaultPartition, spec.span, decoder);
        if let Some(word) = &self.spec.r#do {
            let message = "a partition takes no `do`";
            decoder.sink.error(Rule::BadFault, word.span, message);
        }
        let sets = spec.between.as_ref()?;
        if sets.len() < 2 {
            let message = "a partition has at least two sides";
            decoder.sink.error(Rule::BadFault, spec.span, message);
        }
        let between: Vec<Selector> = sets
            .iter()
            .map(|set| self.selecting.check(set, Domain::Nodes, decoder))
            .collect();
        self.check_apart(&between.iter().collect::<Vec<_>>(), spec.span, decoder);
        let networks = self.networks(spec.networks.as_ref(), decoder);
        Some(FaultKind::Partition(Partition { between, networks }))
    }

    /// No node may stand on two sides, as far as the file tells.
    fn check_apart(&self, sides: &[&Selector], span: Span, decoder: &mut Decoder<'_>) {
        let lab = self.selecting.lab;
        let mut named: Vec<&str> = Vec::new();
        let mut drawn = 0;
        for side in sides {
            let members = &lab.cluster.members;
            let here = lab.nodes.iter().filter(|node| {
                let member = members.contains(&node.name);
                side.surely_picks(&node.name, node.site.as_deref(), member)
            });
            let here: Vec<&str> = here.map(|node| node.name.as_str()).collect();
            if let Some(twice) = here.iter().find(|node| named.contains(node)) {
                let message = format!("node `{twice}` stands on two sides");
                decoder
                    .sink
                    .report(Diagnostic::error(Rule::BadFault, span, message).hint(APART_HINT));
                return;
            }
            drawn += side.drawn_count().saturating_sub(here.len());
            named.extend(here);
        }
        let members = lab.cluster.members.iter();
        let left = members.filter(|it| !named.contains(&it.as_str())).count();
        if drawn > left {
            let message = format!(
                "the sides have a node in common: {drawn} must be picked from the {left} members \
                 that no side names"
            );
            decoder
                .sink
                .report(Diagnostic::error(Rule::BadFault, span, message).hint(APART_HINT));
        }
    }

    fn networks(&self, spec: Option<&SelectorSpec>, decoder: &mut Decoder<'_>) -> Option<Selector> {
        spec.map(|spec| self.selecting.check(spec, Domain::Networks, decoder))
    }

    fn lun(&self, name: &At<LunName>, decoder: &mut Decoder<'_>) -> Option<FaultKind> {
        const WORDS: &[&str] = &[
            "offline",
            "slow",
            "preempt-reservation",
            "clear-reservations",
            "full",
        ];
        let arrays = &self.selecting.scope.arrays;
        let lun = super::cluster::lun(&name.value, name.span, self.selecting.lab, arrays, decoder);
        let (feature, fault) = match self.word("lun", WORDS, decoder)? {
            FaultWord::Offline => (Feature::FaultLunOffline, LunFault::Offline),
            FaultWord::Full => (Feature::FaultLunFull, LunFault::Full),
            FaultWord::ClearReservations => (Feature::FaultLunClear, LunFault::ClearReservations),
            FaultWord::Slow => {
                let latency = self.spec.latency.as_ref();
                let latency = self.needed(latency, "latency", decoder)?.value;
                (Feature::FaultLunSlow, LunFault::Slow { latency })
            }
            FaultWord::PreemptReservation => {
                let by = self.needed(self.spec.by.as_ref(), "by", decoder)?;
                let by = self.selecting.check(by, Domain::Nodes, decoder);
                (
                    Feature::FaultLunPreempt,
                    LunFault::PreemptReservation { by },
                )
            }
            _ => return self.wrong_word("lun", WORDS, decoder),
        };
        require(feature, name.span, decoder);
        Some(FaultKind::Lun { lun: lun?, fault })
    }

    fn path(&self, spec: &PathSpec, decoder: &mut Decoder<'_>) -> Option<FaultKind> {
        match self.word("path", &["drop"], decoder)? {
            FaultWord::Drop => require(Feature::FaultPathDrop, spec.span, decoder),
            _ => return self.wrong_word("path", &["drop"], decoder),
        }
        let array = spec.array.as_ref()?;
        self.selecting
            .scope
            .arrays
            .check(&array.value.0, array.span, decoder);
        let known = self.selecting.lab.array(&array.value.0)?;
        let portals = known.portals.len().max(1);
        if let Some(portal) = &spec.portal
            && usize::try_from(portal.value.0).unwrap_or(usize::MAX) >= portals
        {
            let message = format!(
                "array `{}` has {portals} portals, counted from 0",
                known.name
            );
            decoder.sink.error(Rule::UnknownName, portal.span, message);
        }
        Some(FaultKind::PathDrop(PathEnds {
            array: known.name.clone(),
            portal: spec.portal.as_ref().map(|portal| portal.value.0),
            from: spec
                .from
                .as_ref()
                .map(|one| self.selecting.check(one, Domain::Nodes, decoder)),
        }))
    }

    fn witness(&self, from: &SelectorSpec, decoder: &mut Decoder<'_>) -> Option<FaultKind> {
        match self.word("witness", &["unreachable"], decoder)? {
            FaultWord::Unreachable => require(Feature::FaultWitness, from.span, decoder),
            _ => return self.wrong_word("witness", &["unreachable"], decoder),
        }
        if self.selecting.lab.cluster.witness == crate::model::Witness::None {
            decoder
                .sink
                .error(Rule::UnknownName, from.span, "the cluster has no witness");
        }
        let from = self.selecting.check(from, Domain::Nodes, decoder);
        Some(FaultKind::WitnessUnreachable { from })
    }

    /// Either what happens to packets, or down or up.
    fn impairment_or_updown(
        &self,
        target: &str,
        feature: Feature,
        decoder: &mut Decoder<'_>,
    ) -> Option<Result<Impairment, UpDown>> {
        if let Some(spec) = &self.spec.impair {
            require(Feature::FaultImpair, spec.span, decoder);
            return Some(Ok(impairment(spec, decoder)));
        }
        let words = &["down", "up"];
        let to = match self.word(target, words, decoder)? {
            FaultWord::Down => UpDown::Down,
            FaultWord::Up => UpDown::Up,
            _ => return self.wrong_word(target, words, decoder),
        };
        require(feature, self.spec.span, decoder);
        Some(Err(to))
    }

    fn word(&self, target: &str, words: &[&str], decoder: &mut Decoder<'_>) -> Option<FaultWord> {
        let word = self.spec.r#do.as_ref().map(|word| word.value);
        if word.is_none() && !self.spec.broken {
            let message = format!("`do` is missing: what happens to the {target}?");
            decoder.sink.report(
                Diagnostic::error(Rule::BadFault, self.spec.span, message)
                    .hint(format!("allowed: {}", words.join(", "))),
            );
        }
        word
    }

    fn wrong_word<T>(&self, target: &str, words: &[&str], decoder: &mut Decoder<'_>) -> Option<T> {
        let span = self
            .spec
            .r#do
            .as_ref()
            .map_or(self.spec.span, |word| word.span);
        let message = format!("this cannot happen to a {target}");
        decoder.sink.report(
            Diagnostic::error(Rule::BadFault, span, message)
                .hint(format!("allowed: {}", words.join(", "))),
        );
        None
    }

    fn needed<'s, T>(
        &self,
        value: Option<&'s T>,
        key: &str,
        decoder: &mut Decoder<'_>,
    ) -> Option<&'s T> {
        // One that could not be read was reported already.
        if value.is_none() && !self.spec.broken {
            let message = format!("`{key}` is missing for this fault");
            decoder.sink.error(Rule::BadFault, self.spec.span, message);
        }
        value
    }
}
