//! Groups: owners, policies, and what must hold between groups.

use std::collections::BTreeMap;
use std::time::Duration;

use base::Generation;

use super::cluster::since;
use super::{Names, name_list, resource};
use crate::diagnostic::Diagnostic;
use crate::model::{ColdStart, Failback, FailoverPolicy, Group, Lab, Owners, Priority, Witness};
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{
    AfterSpec, At, ClusterSpec, Decoder, Entry, FailbackSpec, FailbackWord, GroupSpec, Name,
    OneOrMany,
};

/// Resolves all groups into the lab.
pub(crate) fn groups(spec: &ClusterSpec, lab: &mut Lab, decoder: &mut Decoder<'_>) {
    let entries = spec.groups.iter().flat_map(|named| &named.entries);
    let mut users = Users::new(lab, spec);
    let mut resources = 0_usize;
    let mut groups = Vec::new();
    for entry in entries {
        let group = group(entry, lab, &mut users, decoder);
        resources += group.resources.len();
        groups.push(group);
    }
    if groups.len() > base::limits::GROUPS_MAX || resources > base::limits::RESOURCES_MAX {
        let message = format!(
            "a cluster has at most {} groups and {} resources",
            base::limits::GROUPS_MAX,
            base::limits::RESOURCES_MAX
        );
        decoder.sink.error(Rule::TooMany, spec.span, message);
    }
    lab.cluster.groups = groups;
    check_order(spec, lab, decoder);
    if let Some(enforced) = &spec.enforced_anti_affinity {
        let name = "`enforced-anti-affinity`";
        since(Generation::V2012, name, enforced.span, lab, decoder);
        lab.cluster.enforced_anti_affinity = enforced.value;
    }
}

/// What only one resource of the cluster may use.
#[derive(Debug)]
pub(crate) struct Users {
    luns: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
}

impl Users {
    fn new(lab: &Lab, spec: &ClusterSpec) -> Self {
        let mut luns = BTreeMap::new();
        if let Witness::Disk(lun) = &lab.cluster.witness {
            luns.insert(lun.to_string(), "the witness".to_owned());
        }
        let nodes = lab
            .nodes
            .iter()
            .map(|node| (node.name.to_lowercase(), "a node".to_owned()));
        let mut names: BTreeMap<String, String> = nodes.collect();
        if let Some(name) = &spec.name {
            names.insert(name.value.0.to_lowercase(), "the cluster".to_owned());
        }
        Self { luns, names }
    }

    /// Takes a logical unit for a resource; reports it when it is taken.
    pub(crate) fn take_lun(
        &mut self,
        lun: &str,
        user: &str,
        span: Span,
        decoder: &mut Decoder<'_>,
    ) {
        if let Some(other) = self.luns.insert(lun.to_owned(), user.to_owned()) {
            let message = format!("`{lun}` is used by {other} already");
            decoder.sink.report(
                Diagnostic::error(Rule::LunUsedTwice, span, message)
                    .hint("one logical unit has one user, a resource or the witness"),
            );
        }
    }

    /// Takes a network name for a resource; reports it when it is taken. Case does not count.
    pub(crate) fn take_name(
        &mut self,
        name: &str,
        user: &str,
        span: Span,
        decoder: &mut Decoder<'_>,
    ) {
        if let Some(other) = self.names.insert(name.to_lowercase(), user.to_owned()) {
            let message = format!("`{name}` is the name of {other} already");
            decoder.sink.error(Rule::DuplicateName, span, message);
        }
    }
}

fn group(
    entry: &Entry<GroupSpec>,
    lab: &Lab,
    users: &mut Users,
    decoder: &mut Decoder<'_>,
) -> Group {
    let spec = &entry.value;
    if let Some(priority) = &spec.priority {
        since(Generation::V2012, "`priority`", priority.span, lab, decoder);
    }
    let owners = owners(spec, lab, decoder);
    let failover = spec.failover.as_ref();
    if let Some(cold) = &spec.cold_start {
        since(Generation::V2016, "`cold-start`", cold.span, lab, decoder);
    }
    Group {
        name: entry.name.clone(),
        position: decoder.position(entry.span),
        start: spec.start.as_ref().is_none_or(|start| start.value),
        priority: spec
            .priority
            .as_ref()
            .map_or(Priority::Medium, |priority| priority.value),
        anti_affinity: spec
            .anti_affinity
            .iter()
            .flat_map(|list| &list.items)
            .map(|word| word.value.0.clone())
            .collect(),
        after: spec.after.iter().flatten().filter_map(after).collect(),
        cold_start: spec
            .cold_start
            .as_ref()
            .map_or(ColdStart::Always, |word| word.value),
        locked: spec.locked.as_ref().is_some_and(|locked| locked.value),
        failover: FailoverPolicy {
            limit: failover
                .and_then(|one| one.limit.as_ref())
                .map(|limit| limit.value.0),
            within: failover
                .and_then(|one| one.within.as_ref())
                .map(|within| within.value),
        },
        failback: failback(spec, &owners, decoder),
        resources: resource::resources(entry, lab, &owners, users, decoder),
        owners,
    }
}

fn after(spec: &AfterSpec) -> Option<(String, Duration)> {
    let group = spec.group.as_ref()?.value.0.clone();
    let delay = spec.delay.as_ref().map_or(Duration::ZERO, |at| at.value);
    Some((group, delay))
}

/// Groups that start one after the other exist, and do not wait for each other in a circle.
fn check_order(spec: &ClusterSpec, lab: &Lab, decoder: &mut Decoder<'_>) {
    let entries = || spec.groups.iter().flat_map(|named| &named.entries);
    let names = Names::of("group", entries().map(|entry| entry.name.clone()));
    let waits = |entry: &Entry<GroupSpec>| -> Vec<String> {
        let after = entry.value.after.iter().flatten();
        after
            .filter_map(|it| Some(it.group.as_ref()?.value.0.clone()))
            .collect()
    };
    for after in entries().flat_map(|entry| entry.value.after.iter().flatten()) {
        since(Generation::V2016, "`after`", after.span, lab, decoder);
        if let Some(group) = &after.group {
            names.check(&group.value.0, group.span, decoder);
        }
    }
    let mut placed: Vec<&str> = Vec::new();
    loop {
        let known = |name: &String| {
            placed.contains(&name.as_str()) || entries().all(|entry| entry.name != *name)
        };
        let next = entries()
            .find(|entry| !placed.contains(&entry.name.as_str()) && waits(entry).iter().all(known));
        let Some(next) = next else { break };
        placed.push(&next.name);
    }
    if let Some(stuck) = entries().find(|entry| !placed.contains(&entry.name.as_str())) {
        let message = format!("group `{}` waits for itself to be online", stuck.name);
        decoder
            .sink
            .error(Rule::DependencyCycle, stuck.span, message);
    }
}

fn owners(spec: &GroupSpec, lab: &Lab, decoder: &mut Decoder<'_>) -> Owners {
    let Some(given) = &spec.owners else {
        return Owners::default();
    };
    let possible = given
        .possible
        .as_ref()
        .map(|list| members(list, lab, decoder));
    let preferred = given
        .preferred
        .as_ref()
        .map(|list| members(list, lab, decoder));
    if let (Some(possible), Some(preferred)) = (&possible, &preferred) {
        for (name, span) in preferred {
            if possible.iter().all(|(other, _)| other != name) {
                let message = format!("`{name}` is preferred but not a possible owner");
                decoder.sink.error(Rule::Owners, *span, message);
            }
        }
    }
    if let (Some(list), Some([])) = (&given.possible, possible.as_deref())
        && list.items.is_empty()
    {
        decoder
            .sink
            .error(Rule::Owners, list.span, "a group needs a possible owner");
    }
    let names = |list: Vec<(String, Span)>| list.into_iter().map(|(name, _)| name).collect();
    Owners {
        preferred: preferred.map(names).unwrap_or_default(),
        possible: possible.map(names),
    }
}

fn members(
    list: &OneOrMany<At<Name>>,
    lab: &Lab,
    decoder: &mut Decoder<'_>,
) -> Vec<(String, Span)> {
    let members = Names::of("member", lab.cluster.members.iter().cloned());
    name_list(&list.items, &members, decoder)
}

fn failback(spec: &GroupSpec, owners: &Owners, decoder: &mut Decoder<'_>) -> Failback {
    let Some(given) = &spec.failback else {
        return Failback::Never;
    };
    let Some(mode) = &given.mode else {
        return Failback::Never;
    };
    if mode.value != FailbackWord::Never && owners.preferred.is_empty() {
        decoder.sink.report(
            Diagnostic::warning(
                Rule::FailbackWithoutPreferred,
                mode.span,
                "without a preferred owner there is nowhere to go back to",
            )
            .hint("name one: `owners: { preferred: [n1] }`"),
        );
    }
    failback_mode(given, mode, decoder)
}

fn failback_mode(
    given: &FailbackSpec,
    mode: &At<FailbackWord>,
    decoder: &mut Decoder<'_>,
) -> Failback {
    match (mode.value, &given.from, &given.to) {
        (FailbackWord::Window, Some(from), Some(to)) => Failback::Window {
            from_hour: from.value.0,
            to_hour: to.value.0,
        },
        _ if given.broken => Failback::Never,
        (FailbackWord::Window, ..) => {
            let message = "a window needs `from` and `to`";
            decoder.sink.error(Rule::MissingKey, mode.span, message);
            Failback::Never
        }
        (FailbackWord::Immediate, None, None) => Failback::Immediate,
        (_, None, None) => Failback::Never,
        _ => {
            let message = "`from` and `to` go with `mode: window` only";
            decoder.sink.error(Rule::NoEffect, given.span, message);
            Failback::Never
        }
    }
}
