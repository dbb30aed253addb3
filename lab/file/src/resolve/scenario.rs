//! Steps of the scenario and what an administrator does in them.

use super::action::action;
use super::expectation;
use super::fault;
use super::selector::Selecting;
use super::{Scope, timing};
use crate::diagnostic::Diagnostic;
use crate::model::{Expectation, Lab, Step, StepKind};
use crate::rule::Rule;
use crate::source::Span;
use crate::support::{Feature, require};
use crate::syntax::{At, Decoder, LabFile, RepeatSpec, ResourceName, StepSpec};

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
                    "a step has one of fault, do, run, expect, steps, serial, parallel, repeat, \
                         random",
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
        && spec.random.is_none()
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
        spec.random.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        let message = "`steps`, `serial`, `parallel`, `repeat` and `random` exclude each other";
        decoder.sink.error(Rule::BadStep, spec.span, message);
    }
    if let Some(steps) = spec.steps.as_ref().or(spec.serial.as_ref()) {
        return Some(StepKind::Serial(list(steps, selecting, decoder)));
    }
    if let Some(steps) = &spec.parallel {
        require(Feature::Parallel, spec.span, decoder);
        return Some(StepKind::Parallel(list(steps, selecting, decoder)));
    }
    if let Some(random) = &spec.random {
        let drawn = super::random::resolve(random, selecting.lab, decoder);
        return drawn.map(StepKind::Random);
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
