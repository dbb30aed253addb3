//! Background clients: from which machine, at what, how often.

use std::time::Duration;

use super::Scope;
use super::scenario::resource;
use super::selector::Selecting;
use crate::diagnostic::Diagnostic;
use crate::model::{Lab, ResourceKind, Workload};
use crate::rule::Rule;
use crate::syntax::{At, Decoder, LabFile, Name, WorkloadSpec};

/// Time between two looks when the file names none.
const EVERY: Duration = Duration::from_millis(100);
/// Oftener than this, looking is the load.
const EVERY_MIN: Duration = Duration::from_millis(10);

/// The background clients of the file.
pub(crate) fn workloads(
    file: &LabFile,
    lab: &Lab,
    scope: &Scope,
    decoder: &mut Decoder<'_>,
) -> Vec<Workload> {
    let mut workloads: Vec<Workload> = Vec::new();
    for spec in file.workload.iter().flatten() {
        let Some(workload) = workload(spec, &Selecting { lab, scope }, decoder) else {
            continue;
        };
        if workloads.iter().any(|it| it.name == workload.name) {
            let message = format!("workload `{}` is there twice", workload.name);
            decoder.sink.error(Rule::DuplicateName, spec.span, message);
            continue;
        }
        workloads.push(workload);
    }
    workloads
}

fn workload(
    spec: &WorkloadSpec,
    selecting: &Selecting<'_>,
    decoder: &mut Decoder<'_>,
) -> Option<Workload> {
    let from = spec.from.as_ref()?;
    let machine = machine(from, selecting, decoder);
    let target = spec.target.as_ref()?;
    let (group, name) = resource(target, selecting, decoder)?;
    let resources = selecting.lab.group(&group).map(|it| &it.resources);
    let found = resources.and_then(|all| all.iter().find(|it| it.name == name));
    if !found.is_some_and(|it| matches!(it.kind, ResourceKind::IpAddress { .. })) {
        let message = format!("`{group}/{name}` is no ip-address");
        let hint = "a workload looks at an address; name the resource of type ip-address";
        let problem = Diagnostic::error(Rule::BadValue, target.span, message);
        decoder.sink.report(problem.hint(hint));
        return None;
    }
    let every = spec.every.as_ref().map_or(EVERY, |every| every.value);
    if let Some(given) = spec.every.as_ref().filter(|it| it.value < EVERY_MIN) {
        let message = "a look more often than every 10 ms is a load of its own";
        decoder.sink.error(Rule::BadNumber, given.span, message);
    }
    Some(Workload {
        name: spec.name.as_ref()?.value.0.clone(),
        position: decoder.position(spec.span),
        from: machine?,
        kind: spec.kind.as_ref()?.value,
        target: (group, name),
        every,
    })
}

/// A third party: what a member sees of its own cluster, no client sees.
fn machine(
    from: &At<Name>,
    selecting: &Selecting<'_>,
    decoder: &mut Decoder<'_>,
) -> Option<String> {
    let name = &from.value.0;
    if !selecting.scope.nodes.check(name, from.span, decoder) {
        return None;
    }
    if selecting.lab.cluster.members.contains(name) {
        let message = format!("`{name}` is a member of the cluster");
        let hint = "a workload runs on a machine that is none; add one to `nodes` and list the \
                    cluster's `members`";
        let problem = Diagnostic::error(Rule::BadValue, from.span, message);
        decoder.sink.report(problem.hint(hint));
        return None;
    }
    Some(name.clone())
}
