//! Steps of the scenario and what an administrator does in them.

use super::expectation;
use super::fault;
use super::selector::{Domain, Selecting};
use super::{Scope, timing};
use crate::diagnostic::Diagnostic;
use crate::model::{Action, Expectation, Lab, PropertyOwner, Step, StepKind};
use crate::rule::Rule;
use crate::source::Span;
use crate::support::{Feature, require};
use crate::syntax::{ActionWord, At, Decoder, LabFile, RepeatSpec, ResourceName, StepSpec, Text};

/// Most rounds of a `repeat`.
const REPEAT_TIMES_MAX: u32 = 10_000;
/// Longest text of a step in a report, in characters.
const TEXT_CHARACTERS_MAX: usize = 120;

/// Resolves the scenario and applies the rules about its timing.
pub(crate) fn steps(
    file: &LabFile,
    lab: &Lab,
    scope: &Scope,
    decoder: &mut Decoder<'_>,
) -> Vec<Step> {
    let selecting = Selecting { lab, scope };
    let specs = file.scenario.as_deref().unwrap_or_default();
    let steps = list(specs, &selecting, decoder);
    timing::check(&steps, lab, decoder);
    steps
}

fn list(specs: &[StepSpec], selecting: &Selecting<'_>, decoder: &mut Decoder<'_>) -> Vec<Step> {
    specs
        .iter()
        .filter_map(|spec| step(spec, selecting, decoder))
        .collect()
}

fn step(spec: &StepSpec, selecting: &Selecting<'_>, decoder: &mut Decoder<'_>) -> Option<Step> {
    let frame = |span: Span, kind: StepKind, decoder: &Decoder<'_>| Step {
        name: None,
        position: decoder.position(span),
        text: one_line(decoder.source.slice(span)),
        explain: None,
        kind,
    };
    let condition = condition(spec, selecting, decoder);
    let mut parts: Vec<Step> = Vec::new();
    if let Some(fault) = &spec.fault
        && let Some(resolved) = fault::resolve(fault, selecting, decoder)
    {
        parts.push(frame(fault.span, StepKind::Fault(resolved), decoder));
    }
    if let Some(action) = action(spec, selecting, decoder) {
        parts.push(frame(spec.span, StepKind::Do(action), decoder));
    }
    if let Some(run) = &spec.run {
        parts.push(frame(spec.span, StepKind::Run(run.value), decoder));
    }
    if let Some(list) = &spec.expect {
        let claims = list.items.iter();
        let claims = claims
            .filter_map(|one| expectation::resolve(one, selecting, decoder))
            .collect();
        parts.push(frame(list.span, StepKind::Expect(claims), decoder));
    }
    if let Some(kind) = group_of_steps(spec, selecting, decoder) {
        parts.push(frame(spec.span, kind, decoder));
    }
    if let Some(then) = &spec.then {
        parts.extend(list(&then.items, selecting, decoder));
    }
    whole(spec, condition, parts, decoder)
}

/// The condition of a step; one that must always hold is none.
fn condition(
    spec: &StepSpec,
    selecting: &Selecting<'_>,
    decoder: &mut Decoder<'_>,
) -> Option<Expectation> {
    let condition = expectation::resolve(spec.when.as_ref()?, selecting, decoder)?;
    if condition.timing.always {
        let message = "a condition holds at some moment, not always";
        let span = spec.when.as_ref().map_or(spec.span, |when| when.span);
        decoder.sink.report(
            Diagnostic::error(Rule::BadTiming, span, message).hint("take `within` or `for`"),
        );
    }
    Some(condition)
}

/// One step out of the parts of a step of the file.
fn whole(
    spec: &StepSpec,
    condition: Option<Expectation>,
    mut parts: Vec<Step>,
    decoder: &mut Decoder<'_>,
) -> Option<Step> {
    let kind = match (parts.pop(), parts.is_empty()) {
        (None, _) => {
            if is_empty(spec) {
                let message = "this step does nothing";
                decoder
                    .sink
                    .report(Diagnostic::error(Rule::BadStep, spec.span, message).hint(
                        "a step has one of fault, do, run, expect, steps, serial, parallel, repeat",
                    ));
            }
            return None;
        }
        (Some(only), true) => only.kind,
        (Some(last), false) => StepKind::Serial(parts.into_iter().chain([last]).collect()),
    };
    let kind = match condition {
        None => kind,
        Some(condition) => StepKind::When {
            steps: vec![Step {
                name: None,
                position: decoder.position(spec.span),
                text: String::new(),
                explain: None,
                kind,
            }],
            condition: Box::new(condition),
        },
    };
    Some(Step {
        name: spec.name.as_ref().map(|name| name.value.0.clone()),
        position: decoder.position(spec.span),
        text: one_line(decoder.source.slice(spec.span)),
        explain: spec.explain.as_ref().map(|explain| explain.value.0.clone()),
        kind,
    })
}

/// Whether the step has nothing to do; one whose only part was refused is not empty.
fn is_empty(spec: &StepSpec) -> bool {
    !spec.broken
        && spec.fault.is_none()
        && spec.r#do.is_none()
        && spec.run.is_none()
        && spec.expect.is_none()
        && spec.steps.is_none()
        && spec.serial.is_none()
        && spec.parallel.is_none()
        && spec.repeat.is_none()
        && spec.then.is_none()
        && spec.node.is_none()
        && spec.group.is_none()
        && spec.resource.is_none()
        && spec.to.is_none()
}

fn group_of_steps(
    spec: &StepSpec,
    selecting: &Selecting<'_>,
    decoder: &mut Decoder<'_>,
) -> Option<StepKind> {
    let given = [
        spec.steps.is_some(),
        spec.serial.is_some(),
        spec.parallel.is_some(),
        spec.repeat.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        let message = "`steps`, `serial`, `parallel` and `repeat` exclude each other";
        decoder.sink.error(Rule::BadStep, spec.span, message);
    }
    if let Some(steps) = spec.steps.as_ref().or(spec.serial.as_ref()) {
        return Some(StepKind::Serial(list(steps, selecting, decoder)));
    }
    if let Some(steps) = &spec.parallel {
        require(Feature::Parallel, spec.span, decoder);
        return Some(StepKind::Parallel(list(steps, selecting, decoder)));
    }
    spec.repeat
        .as_ref()
        .map(|repeat| repeated(repeat, selecting, decoder))
}

fn repeated(repeat: &RepeatSpec, selecting: &Selecting<'_>, decoder: &mut Decoder<'_>) -> StepKind {
    require(Feature::Repeat, repeat.span, decoder);
    let times = repeat.times.as_ref().map_or(1, |times| times.value.0);
    if let Some(given) = repeat
        .times
        .as_ref()
        .filter(|_| !(1..=REPEAT_TIMES_MAX).contains(&times))
    {
        let message = format!("steps are repeated 1 to {REPEAT_TIMES_MAX} times");
        decoder.sink.error(Rule::BadNumber, given.span, message);
    }
    let steps = list(
        repeat.steps.as_deref().unwrap_or_default(),
        selecting,
        decoder,
    );
    StepKind::Repeat { times, steps }
}

/// What `do` and its arguments say.
fn action(spec: &StepSpec, selecting: &Selecting<'_>, decoder: &mut Decoder<'_>) -> Option<Action> {
    let Some(word) = &spec.r#do else {
        let stray = [
            spec.node.as_ref().map(|one| one.span),
            spec.to.as_ref().map(|one| one.span),
            spec.group.as_ref().map(|one| one.span),
            spec.resource.as_ref().map(|one| one.span),
        ];
        let span = stray.into_iter().flatten().next();
        if let Some(span) = span.filter(|_| !spec.broken) {
            let message = "this goes with `do`, which is missing";
            decoder
                .sink
                .report(Diagnostic::error(Rule::BadStep, span, message).hint(
                    "what is broken or expected stands inside `fault: { }` or `expect: { }`",
                ));
        }
        return None;
    };
    require(feature(word.value), word.span, decoder);
    Arguments {
        spec,
        word,
        selecting,
    }
    .action(decoder)
}

fn feature(word: ActionWord) -> Feature {
    match word {
        ActionWord::Move => Feature::DoMove,
        ActionWord::Online => Feature::DoOnline,
        ActionWord::Offline => Feature::DoOffline,
        ActionWord::Fail => Feature::DoFail,
        ActionWord::Pause => Feature::DoPause,
        ActionWord::Drain => Feature::DoDrain,
        ActionWord::Resume => Feature::DoResume,
        ActionWord::Heal => Feature::DoHeal,
        ActionWord::Set => Feature::DoSet,
        ActionWord::Maintenance => Feature::DoMaintenance,
        ActionWord::WriteRegistry => Feature::DoWriteRegistry,
    }
}

struct Arguments<'a> {
    spec: &'a StepSpec,
    word: &'a At<ActionWord>,
    selecting: &'a Selecting<'a>,
}

impl Arguments<'_> {
    fn action(&self, decoder: &mut Decoder<'_>) -> Option<Action> {
        let spec = self.spec;
        let groups = &self.selecting.scope.groups;
        let group = spec
            .group
            .as_ref()
            .filter(|group| groups.check(&group.value.0, group.span, decoder));
        let group = group.map(|group| group.value.0.clone());
        let resource = spec
            .resource
            .as_ref()
            .and_then(|one| resource(one, self.selecting, decoder));
        let nodes = spec
            .node
            .as_ref()
            .map(|one| self.selecting.check(one, Domain::Nodes, decoder));
        let to = spec
            .to
            .as_ref()
            .map(|one| self.selecting.check(one, Domain::Nodes, decoder));
        self.check_arguments(decoder);
        let text = |at: Option<&At<Text>>| at.map(|at| at.value.0.clone());
        let property = text(spec.property.as_ref());
        let value = spec.value.as_ref().map(|at| at.value.0.clone());
        match (self.word.value, group, resource, nodes) {
            (ActionWord::Set, group, resource, nodes) => Some(Action::SetProperty {
                of: match (group, resource, nodes) {
                    (Some(group), ..) => PropertyOwner::Group(group),
                    (_, Some((group, name)), _) => PropertyOwner::Resource(group, name),
                    (.., Some(nodes)) => PropertyOwner::Nodes(nodes),
                    (None, None, None) => PropertyOwner::Cluster,
                },
                property: property?,
                value: value?,
            }),
            (ActionWord::Maintenance, _, Some((group, resource)), _) => {
                let on = value? == "true";
                Some(Action::Maintenance {
                    group,
                    resource,
                    on,
                })
            }
            (ActionWord::WriteRegistry, _, _, Some(nodes)) => Some(Action::WriteRegistry {
                nodes,
                key: property?,
                value: value?,
            }),
            (ActionWord::Move, Some(group), ..) => Some(Action::MoveGroup { group, to }),
            (ActionWord::Online, Some(group), ..) => Some(Action::OnlineGroup(group)),
            (ActionWord::Offline, Some(group), ..) => Some(Action::OfflineGroup(group)),
            (ActionWord::Online, None, Some((group, resource)), _) => {
                Some(Action::OnlineResource { group, resource })
            }
            (ActionWord::Offline, None, Some((group, resource)), _) => {
                Some(Action::OfflineResource { group, resource })
            }
            (ActionWord::Fail, _, Some((group, resource)), _) => {
                Some(Action::FailResource { group, resource })
            }
            (ActionWord::Pause, _, _, Some(nodes)) => Some(Action::Pause(nodes)),
            (ActionWord::Drain, _, _, Some(nodes)) => Some(Action::Drain(nodes)),
            (ActionWord::Resume, _, _, Some(nodes)) => Some(Action::Resume(nodes)),
            (ActionWord::Heal, ..) => Some(Action::Heal),
            _ => None,
        }
    }

    /// Exactly the arguments that the word takes.
    fn check_arguments(&self, decoder: &mut Decoder<'_>) {
        let spec = self.spec;
        let (takes, form): (&[&str], &str) = match self.word.value {
            ActionWord::Move => (
                &["group"],
                "`do: move, group: name`, with `to: node` if you like",
            ),
            ActionWord::Online => (
                &["group", "resource"],
                "`do: online` with `group` or `resource`",
            ),
            ActionWord::Offline => (
                &["group", "resource"],
                "`do: offline` with `group` or `resource`",
            ),
            ActionWord::Fail => (&["resource"], "`do: fail, resource: group/resource`"),
            ActionWord::Pause => (&["node"], "`do: pause, node: name`"),
            ActionWord::Drain => (&["node"], "`do: drain, node: name`"),
            ActionWord::Resume => (&["node"], "`do: resume, node: name`"),
            ActionWord::Heal => (&[], "`do: heal` alone"),
            ActionWord::Set => (
                &["group", "resource", "node"],
                "`do: set` with `property`, `value` and at most one of `group`, `resource`, `node`",
            ),
            ActionWord::Maintenance => (
                &["resource"],
                "`do: maintenance, resource: group/resource, value: true`",
            ),
            ActionWord::WriteRegistry => (
                &["node"],
                "`do: write-registry, node: name, property: key, value: text`",
            ),
        };
        let given = [
            ("group", spec.group.is_some()),
            ("resource", spec.resource.is_some()),
            ("node", spec.node.is_some()),
        ];
        let given: Vec<&str> = given
            .iter()
            .filter(|(_, is)| *is)
            .map(|(key, _)| *key)
            .collect();
        let to_is_stray = spec.to.is_some() && self.word.value != ActionWord::Move;
        let word = self.word.value;
        let of_cluster = word == ActionWord::Set && given.is_empty();
        let named = matches!(word, ActionWord::Set | ActionWord::WriteRegistry);
        let valued = named || word == ActionWord::Maintenance;
        let right = (of_cluster || given.len() == usize::from(!takes.is_empty()))
            && given.iter().all(|key| takes.contains(key))
            && spec.property.is_some() == named
            && spec.value.is_some() == valued;
        if !right || to_is_stray {
            let message = "these are not the arguments of this action";
            decoder.sink.report(
                Diagnostic::error(Rule::BadStep, self.word.span, message)
                    .hint(format!("write {form}")),
            );
        }
    }
}

/// The resource of this name, as group and name; reports it when there is none.
pub(crate) fn resource(
    name: &At<ResourceName>,
    selecting: &Selecting<'_>,
    decoder: &mut Decoder<'_>,
) -> Option<(String, String)> {
    let ResourceName { group, resource } = &name.value;
    if !selecting.scope.groups.check(group, name.span, decoder) {
        return None;
    }
    let names = selecting.scope.resources.get(group)?;
    let known = names.check(resource, name.span, decoder);
    known.then(|| (group.clone(), resource.clone()))
}

/// The text of a step on one line, comments left out, for reports.
pub(crate) fn one_line(text: &str) -> String {
    let without_comments = text
        .lines()
        .map(|line| line.split(" #").next().unwrap_or_default());
    let words: Vec<&str> = without_comments.flat_map(str::split_whitespace).collect();
    let line = words.join(" ");
    if line.chars().count() <= TEXT_CHARACTERS_MAX {
        return line;
    }
    line.chars()
        .take(TEXT_CHARACTERS_MAX - 3)
        .chain("...".chars())
        .collect()
}
