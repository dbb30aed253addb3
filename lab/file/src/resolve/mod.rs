//! From the file as written to the resolved lab: names looked up, defaults merged, addresses
//! assigned, and every static rule on the way.
//!
//! Resolution goes on after an error with whatever is usable, so that all errors show at once; the
//! lab that comes out of it then is only good for further rules.

mod action;
mod addresses;
mod cluster;
mod directory;
mod expectation;
mod fault;
mod group;
mod impairment;
mod machines;
mod names;
mod objects;
mod properties;
mod quorum;
mod random;
mod resiliency;
mod resource;
mod resource_kind;
mod resource_type;
mod routers;
mod scenario;
mod selector;
mod storage;
mod times;
mod timing;
mod workload;

use std::collections::BTreeMap;

use addresses::AddressBook;
use names::Names;

use crate::diagnostic::Diagnostic;
use crate::model::{
    About, Action, Backend, BackendKind, Clock, Fault, Invariant, Invariants, Lab, Report, Step,
};
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{AboutSpec, At, Decoder, FaultSpec, InvariantSet, LabFile, Name, StepSpec};

/// The schema version that this program reads.
pub const SCHEMA_VERSION: u32 = 1;

/// The lab that the file describes.
pub(crate) fn resolve(file: &LabFile, decoder: &mut Decoder<'_>) -> Lab {
    let (mut lab, scope) = without_scenario(file, decoder);
    lab.scenario = scenario::steps(file, &lab, &scope, decoder);
    lab
}

/// A fault that stands in no file, said about the lab of one.
pub(crate) fn fault(file: &LabFile, spec: &FaultSpec, decoder: &mut Decoder<'_>) -> Option<Fault> {
    // What is wrong with the file itself was said when it was checked.
    let mut unheard = Decoder::new(decoder.source);
    let (lab, scope) = without_scenario(file, &mut unheard);
    let selecting = selector::Selecting {
        lab: &lab,
        scope: &scope,
    };
    fault::resolve(spec, &selecting, decoder)
}

/// What an administrator does, said about the lab of a file.
pub(crate) fn action_of(
    file: &LabFile,
    spec: &StepSpec,
    decoder: &mut Decoder<'_>,
) -> Option<Action> {
    let mut unheard = Decoder::new(decoder.source);
    let (lab, scope) = without_scenario(file, &mut unheard);
    let selecting = selector::Selecting {
        lab: &lab,
        scope: &scope,
    };
    action::action(spec, &selecting, decoder)
}

fn without_scenario(file: &LabFile, decoder: &mut Decoder<'_>) -> (Lab, Scope) {
    check_version(file, decoder);
    let mut scope = Scope::of(file);
    let sites = machines::sites(file, decoder);
    let networks = machines::networks(file, &scope, decoder);
    let routers = routers::routers(file, &scope, decoder);
    let mut lab = Lab {
        version: SCHEMA_VERSION,
        name: file
            .name
            .as_ref()
            .map(|name| name.value.0.clone())
            .unwrap_or_default(),
        about: about(file),
        backend: backend(file, decoder),
        sites,
        networks,
        routers,
        nodes: Vec::new(),
        storage: Vec::new(),
        endpoints: Vec::new(),
        directory: directory::resolve(file, decoder),
        cluster: cluster::empty(),
        invariants: invariants(file),
        workloads: Vec::new(),
        scenario: Vec::new(),
        report: report(file),
    };
    let mut book = AddressBook::default();
    addresses::reserve_given(file, &mut book, decoder);
    lab.nodes = machines::nodes(file, &lab.networks, &scope, &mut book, decoder);
    lab.storage = storage::arrays(file, &lab, &scope, decoder);
    lab.endpoints = storage::endpoints(file, &lab, &scope, decoder);
    cluster::resolve(file, &mut lab, &mut scope, decoder);
    lab.workloads = workload::workloads(file, &lab, &scope, decoder);
    (lab, scope)
}

/// The names that references may mean, by section.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) sites: Names,
    pub(crate) profiles: Names,
    pub(crate) networks: Names,
    pub(crate) nodes: Names,
    pub(crate) arrays: Names,
    pub(crate) endpoints: Names,
    pub(crate) groups: Names,
    /// By group.
    pub(crate) resources: BTreeMap<String, Names>,
}

impl Scope {
    fn of(file: &LabFile) -> Self {
        let groups = file
            .cluster
            .as_ref()
            .and_then(|cluster| cluster.groups.as_ref());
        Self {
            sites: Names::declared("site", file.sites.as_ref()),
            profiles: Names::declared("profile", file.profiles.as_ref()),
            networks: Names::declared("network", file.networks.as_ref()),
            nodes: Names::declared("node", file.nodes.as_ref()),
            arrays: Names::declared("array", file.storage.as_ref()),
            endpoints: Names::declared("endpoint", file.endpoints.as_ref()),
            groups: Names::declared("group", groups),
            resources: groups
                .iter()
                .flat_map(|named| &named.entries)
                .map(|group| {
                    let resources = group.value.resources.as_ref();
                    (group.name.clone(), Names::declared("resource", resources))
                })
                .collect(),
        }
    }
}

fn check_version(file: &LabFile, decoder: &mut Decoder<'_>) {
    if let Some(version) = &file.lab
        && version.value.0 != SCHEMA_VERSION
    {
        let message = format!(
            "this program reads schema version 1, not {}",
            version.value.0
        );
        decoder.sink.report(
            Diagnostic::error(Rule::BadNumber, version.span, message).hint("write `lab: 1`"),
        );
    }
}

fn about(file: &LabFile) -> About {
    match &file.about {
        None => About::default(),
        Some(AboutSpec::Line(line)) => About {
            title: Some(line.value.0.clone()),
            ..About::default()
        },
        Some(AboutSpec::Map(map)) => About {
            title: map.title.as_ref().map(|title| title.value.0.clone()),
            level: map.level.as_ref().map(|level| level.value),
            objectives: map
                .objectives
                .iter()
                .flatten()
                .map(|one| one.value.0.clone())
                .collect(),
        },
    }
}

fn backend(file: &LabFile, decoder: &mut Decoder<'_>) -> Backend {
    let Some(spec) = &file.backend else {
        return Backend::default();
    };
    let default = spec.default.as_ref().map(|word| word.value);
    if let Some(clock) = &spec.clock {
        let wants_virtual = clock.value == Clock::Virtual;
        let fits = match default.unwrap_or(BackendKind::Sim) {
            BackendKind::Sim => wants_virtual,
            BackendKind::Local | BackendKind::Docker => !wants_virtual,
        };
        if !fits {
            decoder.sink.report(
                Diagnostic::error(
                    Rule::BadValue,
                    clock.span,
                    "backend and clock do not go together",
                )
                .hint("`virtual` goes with `sim`, `wall` with all others; or leave it out"),
            );
        }
    }
    Backend {
        default,
        clock: spec.clock.as_ref().map(|word| word.value),
        seed: spec.seed.as_ref().map(|seed| {
            seed.value
                .0
                .map_or(crate::model::Seed::Random, crate::model::Seed::Fixed)
        }),
        expose: spec
            .local
            .as_ref()
            .and_then(|local| local.expose.as_ref())
            .map(|word| word.value),
    }
}

fn invariants(file: &LabFile) -> Invariants {
    let Some(spec) = &file.invariants else {
        return Invariants {
            rules: Invariant::STANDARD.to_vec(),
        };
    };
    if spec
        .r#use
        .as_ref()
        .is_some_and(|set| set.value == InvariantSet::None)
    {
        return Invariants::default();
    }
    let except = spec
        .except
        .as_ref()
        .map(|list| list.items.as_slice())
        .unwrap_or_default();
    let kept = |rule: &Invariant| except.iter().all(|exception| exception.value != *rule);
    Invariants {
        rules: Invariant::STANDARD.into_iter().filter(kept).collect(),
    }
}

fn report(file: &LabFile) -> Report {
    let formats = file
        .report
        .as_ref()
        .and_then(|report| report.formats.as_ref());
    let items = formats
        .map(|list| list.items.as_slice())
        .unwrap_or_default();
    Report {
        formats: items.iter().map(|format| format.value).collect(),
    }
}

/// The names of a list, ranges expanded, each checked against what exists; repeated ones reported.
pub(crate) fn name_list(
    list: &[At<Name>],
    known: &Names,
    decoder: &mut Decoder<'_>,
) -> Vec<(String, Span)> {
    let mut names: Vec<(String, Span)> = Vec::new();
    for word in list {
        for name in crate::template::expand_word(&word.value.0).unwrap_or_default() {
            if names.iter().any(|(seen, _)| *seen == name) {
                let message = format!("`{name}` stands twice in this list");
                decoder.sink.error(Rule::DuplicateName, word.span, message);
            } else if known.check(&name, word.span, decoder) {
                names.push((name, word.span));
            }
        }
    }
    names
}

/// All steps, the ones inside others included, in file order.
pub(crate) fn flatten(steps: &[Step]) -> Vec<&Step> {
    use crate::model::StepKind;
    let mut flat = Vec::new();
    for step in steps {
        flat.push(step);
        match &step.kind {
            StepKind::Serial(inner) | StepKind::Parallel(inner) => flat.extend(flatten(inner)),
            StepKind::Repeat { steps, .. } | StepKind::When { steps, .. } => {
                flat.extend(flatten(steps));
            }
            StepKind::Expect(_) | StepKind::Fault(_) | StepKind::Do(_) | StepKind::Run(_) => {}
            StepKind::Random(_) => {}
        }
    }
    flat
}
