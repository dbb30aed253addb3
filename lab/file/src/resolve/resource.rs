//! Resources: what each type needs, policies, dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::Generation;

use super::Names;
use super::cluster::since;
use super::group::Users;
use super::resource_kind::Place;
use super::resource_type::{given_properties, needs};
use crate::diagnostic::Diagnostic;
use crate::model::{
    Checkpoints, Lab, Owners, PollPolicy, Resource, ResourcePolicy, ResourceType, RestartPolicy,
};
use crate::rule::Rule;
use crate::syntax::{
    At, Decoder, Entry, GroupSpec, MonitorWord, OneOrMany, PolicySpec, ResourceSpec, Text,
};

/// Resolves the resources of a group.
pub(crate) fn resources(
    group: &Entry<GroupSpec>,
    lab: &Lab,
    owners: &Owners,
    users: &mut Users,
    decoder: &mut Decoder<'_>,
) -> Vec<Resource> {
    let entries: Vec<_> = group
        .value
        .resources
        .iter()
        .flat_map(|named| &named.entries)
        .collect();
    let mut resources = Vec::new();
    for entry in &entries {
        let place = Place {
            user: format!("resource `{}/{}`", group.name, entry.name),
            owners,
            lab,
        };
        check_properties(entry, decoder);
        super::properties::check(entry, lab, decoder);
        check_needed_dependency(entry, &entries, decoder);
        let policy = policy(&entry.value, lab, decoder);
        let Some(kind) = place.kind(entry, users, decoder) else {
            continue;
        };
        resources.push(Resource {
            name: entry.name.clone(),
            position: decoder.position(entry.span),
            kind,
            depends: entry
                .value
                .depends
                .as_ref()
                .map(|one| one.value.0.clone())
                .unwrap_or_default(),
            properties: properties(&entry.value),
            policy,
            checkpoints: checkpoints(&entry.value),
        });
    }
    check_alternatives(&entries, lab, decoder);
    check_dependencies(&entries, decoder);
    resources
}

fn checkpoints(spec: &ResourceSpec) -> Checkpoints {
    let given = spec.policy.as_ref().and_then(|it| it.checkpoints.as_ref());
    let texts = |list: Option<&OneOrMany<At<Text>>>| -> Vec<String> {
        let items = list.into_iter().flat_map(|list| &list.items);
        items.map(|text| text.value.0.clone()).collect()
    };
    Checkpoints {
        registry: texts(given.and_then(|it| it.registry.as_ref())),
        crypto: texts(given.and_then(|it| it.crypto.as_ref())),
    }
}

fn properties(spec: &ResourceSpec) -> Vec<(String, String)> {
    let pairs = spec.properties.iter().flat_map(|pairs| &pairs.entries);
    pairs
        .map(|pair| (pair.name.clone(), pair.value.value.0.clone()))
        .collect()
}

/// Reports properties that belong to another type.
fn check_properties(entry: &Entry<ResourceSpec>, decoder: &mut Decoder<'_>) {
    let spec = &entry.value;
    let Some(of_type) = spec.r#type.as_ref().map(|word| word.value) else {
        return;
    };
    for (key, span, owners) in given_properties(spec) {
        if let Some(span) = span.filter(|_| !owners.contains(&of_type)) {
            let message = format!(
                "`{key}` belongs to {}, not to {}",
                owners.first().map_or("", |owner| owner.label()),
                of_type.label()
            );
            decoder.sink.error(Rule::WrongProperty, span, message);
        }
    }
}

/// Reports what the type needs and `depends` does not name.
fn check_needed_dependency(
    entry: &Entry<ResourceSpec>,
    group: &[&Entry<ResourceSpec>],
    decoder: &mut Decoder<'_>,
) {
    let of_type = |spec: &ResourceSpec| spec.r#type.as_ref().map(|word| word.value);
    let Some(own) = of_type(&entry.value) else {
        return;
    };
    let depends = entry
        .value
        .depends
        .as_ref()
        .map(|one| one.value.0.concat())
        .unwrap_or_default();
    for needed in needs(own) {
        // A type that was refused may have been meant as the one that is needed.
        let has = group.iter().any(|other| {
            let of_type = of_type(&other.value);
            depends.contains(&other.name) && of_type.is_none_or(|one| needed.contains(&one))
        });
        if let Some(first) = needed.first().filter(|_| !has) {
            report_missing(entry, own, *first, decoder);
        }
    }
}

fn report_missing(
    entry: &Entry<ResourceSpec>,
    own: ResourceType,
    needed: ResourceType,
    decoder: &mut Decoder<'_>,
) {
    let (what, needed) = (own.label().replace('-', " "), needed.label());
    let message = format!("{what} `{}` depends on no {needed}", entry.name);
    let hint = match needed {
        "ip-address" => "add a resource of type ip-address and `depends: ip`".to_owned(),
        other => format!("add a resource of type {other} and name it in `depends`"),
    };
    let report = Diagnostic::error(Rule::MissingDependency, entry.span, message);
    decoder.sink.report(report.hint(&hint));
}

fn policy(spec: &ResourceSpec, lab: &Lab, decoder: &mut Decoder<'_>) -> ResourcePolicy {
    let Some(given) = &spec.policy else {
        return ResourcePolicy::default();
    };
    let restart = given.restart.as_ref().map(|one| RestartPolicy {
        on_failure: one.on_failure.as_ref().map(|word| word.value),
        limit: one.limit.as_ref().map(|limit| limit.value.0),
        within: one.within.as_ref().map(|within| within.value),
        delay: one.delay.as_ref().map(|delay| delay.value),
        retry_after: one.retry_after.as_ref().map(|retry| retry.value.0),
    });
    let poll = given.poll.as_ref().map(|one| PollPolicy {
        looks_alive: one.looks_alive.as_ref().map(|every| every.value),
        is_alive: one.is_alive.as_ref().map(|every| every.value),
    });
    check_minimums(given, decoder);
    let policy = ResourcePolicy {
        restart: restart.unwrap_or_default(),
        poll: poll.unwrap_or_default(),
        pending: given.pending.as_ref().map(|pending| pending.value),
        deadlock: given.deadlock.as_ref().map(|deadlock| deadlock.value),
        separate_monitor: given
            .monitor
            .as_ref()
            .map(|one| one.value == MonitorWord::Separate),
    };
    check_retry(given, &policy, lab, decoder);
    policy
}

/// Smallest values (reference section 1.1): polls and PendingTimeout 10 ms, DeadlockTimeout 1 s.
fn check_minimums(given: &PolicySpec, decoder: &mut Decoder<'_>) {
    let ten_millis = Duration::from_millis(10);
    let poll = given.poll.as_ref();
    let minimums = [
        (
            poll.and_then(|poll| poll.looks_alive.as_ref()),
            ten_millis,
            "10ms",
        ),
        (
            poll.and_then(|poll| poll.is_alive.as_ref()),
            ten_millis,
            "10ms",
        ),
        (given.pending.as_ref(), ten_millis, "10ms"),
        (given.deadlock.as_ref(), Duration::from_secs(1), "1s"),
    ];
    for (value, min, text) in minimums {
        if let Some(value) = value.filter(|value| value.value < min) {
            let message = format!("this is at least {text}");
            decoder.sink.error(Rule::BadNumber, value.span, message);
        }
    }
}

/// RetryPeriodOnFailure is not shorter than RestartPeriod (reference section 1.1).
fn check_retry(given: &PolicySpec, policy: &ResourcePolicy, lab: &Lab, decoder: &mut Decoder<'_>) {
    let defaults = lab.cluster.generation.defaults();
    let window = policy.restart.within.unwrap_or(defaults.restart_period);
    let retry = policy
        .restart
        .retry_after
        .unwrap_or(Some(defaults.retry_period_on_failure));
    let span = given.restart.as_ref().map_or(given.span, |restart| {
        restart
            .retry_after
            .as_ref()
            .map_or(restart.span, |retry| retry.span)
    });
    if retry.is_some_and(|retry| retry < window) {
        decoder.sink.report(
            Diagnostic::error(
                Rule::RetryBeforeWindow,
                span,
                "`retry-after` is shorter than the window of restarts",
            )
            .hint("RetryPeriodOnFailure is at least RestartPeriod (`within`, default 15m)"),
        );
    }
}

/// Reports `or` in a cluster of 2003 (reference section 3, dependencies).
fn check_alternatives(entries: &[&Entry<ResourceSpec>], lab: &Lab, decoder: &mut Decoder<'_>) {
    for depends in entries.iter().filter_map(|it| it.value.depends.as_ref()) {
        if depends.value.0.iter().any(|choice| choice.len() > 1) {
            let what = "`or` in `depends`";
            since(Generation::V2008, what, depends.span, lab, decoder);
        }
    }
}

/// Reports names that the group does not have, and circles.
fn check_dependencies(entries: &[&Entry<ResourceSpec>], decoder: &mut Decoder<'_>) {
    let names = Names::of("resource", entries.iter().map(|entry| entry.name.clone()));
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in entries {
        let Some(depends) = &entry.value.depends else {
            continue;
        };
        for name in depends.value.0.iter().flatten() {
            if names.check(name, depends.span, decoder) {
                edges.entry(&entry.name).or_default().insert(name);
            }
        }
    }
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for entry in entries {
        let Some(circle) = circle(&entry.name, &edges, &mut done) else {
            continue;
        };
        let span = entry
            .value
            .depends
            .as_ref()
            .map_or(entry.span, |depends| depends.span);
        let message = format!(
            "resources depend on each other in a circle: {}",
            circle.join(" -> ")
        );
        decoder.sink.error(Rule::DependencyCycle, span, message);
    }
}

/// The circle that a walk from this resource runs into, as a list that starts and ends with the
/// same name. Resources of `done` lead into none, or into one that was found before.
fn circle<'n>(
    start: &'n str,
    edges: &BTreeMap<&'n str, BTreeSet<&'n str>>,
    done: &mut BTreeSet<&'n str>,
) -> Option<Vec<&'n str>> {
    let mut path: Vec<&str> = Vec::new();
    let mut stack: Vec<(usize, &str)> = vec![(0, start)];
    let mut found = None;
    while let Some((depth, name)) = stack.pop() {
        path.truncate(depth);
        if let Some(at) = path.iter().position(|seen| *seen == name) {
            let mut circle: Vec<&str> = path.get(at..).unwrap_or_default().to_vec();
            circle.push(name);
            found = found.or(Some(circle));
            continue;
        }
        if !done.insert(name) {
            continue;
        }
        path.push(name);
        let next = edges.get(name).into_iter().flatten();
        stack.extend(next.map(|next| (path.len(), *next)));
    }
    found
}
