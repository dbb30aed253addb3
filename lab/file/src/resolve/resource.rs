//! Resources: what each type needs, policies, dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::Generation;

use super::Names;
use super::addresses::{check_inside, check_role, client_network};
use super::cluster::{check_reservations, lun, since};
use super::group::Users;
use super::machines::check_netbios;
use super::resource_type::{given_properties, needs};
use crate::diagnostic::Diagnostic;
use crate::model::{
    Checkpoints, Lab, Network, Owners, PollPolicy, Resource, ResourceKind, ResourcePolicy,
    ResourceType, RestartPolicy,
};
use crate::rule::Rule;
use crate::source::Span;
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
            depends.contains(&other.name) && of_type.is_none_or(|one| one == *needed)
        });
        if !has {
            report_missing(entry, own, *needed, decoder);
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

/// Where a resource stands, for its own checks.
struct Place<'a> {
    user: String,
    owners: &'a Owners,
    lab: &'a Lab,
}

impl Place<'_> {
    fn kind(
        &self,
        entry: &Entry<ResourceSpec>,
        users: &mut Users,
        decoder: &mut Decoder<'_>,
    ) -> Option<ResourceKind> {
        let spec = &entry.value;
        match spec.r#type.as_ref()?.value {
            ResourceType::PhysicalDisk => self.disk(entry, users, decoder),
            ResourceType::IpAddress => self.address(entry, decoder),
            ResourceType::NetworkName => {
                let name = self.own_name(entry, users, decoder)?;
                Some(ResourceKind::NetworkName { name })
            }
            ResourceType::FileServer => Some(ResourceKind::FileServer),
            ResourceType::FileShare => {
                let path = needed(spec.path.as_ref(), "path", entry, decoder)?;
                let share = spec
                    .share
                    .as_ref()
                    .map_or(&entry.name, |share| &share.value.0);
                Some(ResourceKind::FileShare {
                    share: share.clone(),
                    path: path.value.0.clone(),
                })
            }
            ResourceType::DistributedNetworkName => {
                let name = self.own_name(entry, users, decoder)?;
                Some(ResourceKind::DistributedNetworkName { name })
            }
            ResourceType::GenericService => {
                let service = needed(spec.service.as_ref(), "service", entry, decoder)?;
                let service = service.value.0.clone();
                Some(ResourceKind::GenericService { service })
            }
            ResourceType::GenericScript => {
                let script = needed(spec.script.as_ref(), "script", entry, decoder)?;
                let script = script.value.0.clone();
                Some(ResourceKind::GenericScript { script })
            }
            ResourceType::PlugIn => {
                let program = needed(spec.program.as_ref(), "program", entry, decoder)?;
                let program = program.value.0.clone();
                Some(ResourceKind::PlugIn { program })
            }
            ResourceType::DhcpService => {
                let path = own_path(entry, decoder)?;
                Some(ResourceKind::DhcpService { path })
            }
            ResourceType::WinsService => {
                let path = own_path(entry, decoder)?;
                Some(ResourceKind::WinsService { path })
            }
            ResourceType::PrintSpooler => {
                let path = own_path(entry, decoder)?;
                Some(ResourceKind::PrintSpooler { path })
            }
            ResourceType::GenericApplication => {
                let command = needed(spec.command.as_ref(), "command", entry, decoder)?;
                let directory = spec.directory.as_ref().map(|one| one.value.0.clone());
                Some(ResourceKind::GenericApplication {
                    command: command.value.0.clone(),
                    directory,
                })
            }
        }
    }

    fn disk(
        &self,
        entry: &Entry<ResourceSpec>,
        users: &mut Users,
        decoder: &mut Decoder<'_>,
    ) -> Option<ResourceKind> {
        let name = needed(entry.value.lun.as_ref(), "lun", entry, decoder)?;
        let arrays = self.lab.storage.iter().map(|array| array.name.clone());
        let unit = lun(
            &name.value,
            name.span,
            self.lab,
            &Names::of("array", arrays),
            decoder,
        )?;
        check_reservations(&unit, name.span, self.lab, decoder);
        users.take_lun(&unit.to_string(), &self.user, name.span, decoder);
        Some(ResourceKind::PhysicalDisk { lun: unit })
    }

    fn address(
        &self,
        entry: &Entry<ResourceSpec>,
        decoder: &mut Decoder<'_>,
    ) -> Option<ResourceKind> {
        let spec = &entry.value;
        let address = needed(spec.address.as_ref(), "address", entry, decoder)?;
        let network = match &spec.network {
            None => client_network(address, &self.lab.networks, decoder)?,
            Some(name) => {
                let networks = self.lab.networks.iter().map(|network| network.name.clone());
                Names::of("network", networks).check(&name.value.0, name.span, decoder);
                let network = self.lab.network(&name.value.0)?;
                check_inside(address, network, decoder);
                check_role(network, name.span, decoder);
                network
            }
        };
        self.check_reachable(network, address.span, decoder);
        Some(ResourceKind::IpAddress {
            address: address.value,
            network: network.name.clone(),
        })
    }

    fn check_reachable(&self, network: &Network, span: Span, decoder: &mut Decoder<'_>) {
        let owners = self
            .owners
            .possible
            .as_ref()
            .unwrap_or(&self.lab.cluster.members);
        let plugged = |name: &String| {
            self.lab
                .node(name)
                .is_some_and(|node| node.adapter(&network.name).is_some())
        };
        let placed = |name: &String| self.lab.node(name).is_some_and(|n| !n.adapters.is_empty());
        if owners.iter().any(placed) && !owners.iter().any(plugged) {
            let message = format!("no possible owner is on network `{}`", network.name);
            decoder.sink.error(Rule::UnreachableNetwork, span, message);
        }
    }

    fn own_name(
        &self,
        entry: &Entry<ResourceSpec>,
        users: &mut Users,
        decoder: &mut Decoder<'_>,
    ) -> Option<String> {
        let name = needed(entry.value.name.as_ref(), "name", entry, decoder)?;
        check_netbios(&name.value.0, name.span, decoder);
        users.take_name(&name.value.0, &self.user, name.span, decoder);
        Some(name.value.0.clone())
    }
}

fn own_path(entry: &Entry<ResourceSpec>, decoder: &mut Decoder<'_>) -> Option<String> {
    let path = needed(entry.value.path.as_ref(), "path", entry, decoder)?;
    Some(path.value.0.clone())
}

fn needed<'s, T>(
    property: Option<&'s At<T>>,
    key: &str,
    entry: &Entry<ResourceSpec>,
    decoder: &mut Decoder<'_>,
) -> Option<&'s At<T>> {
    if property.is_none() && !entry.value.broken {
        let of_type = entry
            .value
            .r#type
            .as_ref()
            .map(|word| word.value.label())
            .unwrap_or_default();
        let message = format!("`{key}` is missing: {of_type} needs it");
        decoder
            .sink
            .error(Rule::MissingKey, entry.value.span, message);
    }
    property
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
