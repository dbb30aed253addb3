//! Faults that are drawn: what may happen, how often and for how long.

use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::model::{Lab, RandomFault, RandomFaults, ResourceKind, Witness};
use crate::rule::Rule;
use crate::syntax::{At, BetweenSpec, Decoder, Natural, PickSpec, RandomSpec};

/// How long a fault lasts where the file does not say.
const HEALS_AFTER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

pub(super) fn resolve(
    spec: &RandomSpec,
    lab: &Lab,
    decoder: &mut Decoder<'_>,
) -> Option<RandomFaults> {
    let lasts = spec.r#for.as_ref()?.value;
    let every = between(spec.every.as_ref()?, decoder)?;
    let heals_after = match &spec.lasts {
        Some(lasts) => between(lasts, decoder)?,
        None => HEALS_AFTER,
    };
    let picks = picks(spec.pick.as_ref()?, lab, decoder);
    let members = lab.cluster.members.len();
    let given = spec.keep.as_ref().and_then(|keep| keep.members.as_ref());
    if let Some(keep) = given.filter(|keep| to_count(keep) > members) {
        let message = format!("the cluster has {members} members");
        decoder.sink.error(Rule::BadNumber, keep.span, message);
    }
    Some(RandomFaults {
        lasts,
        every,
        heals_after,
        picks,
        keep_members: given.map_or(members / 2 + 1, to_count),
    })
}

fn to_count(number: &At<Natural>) -> usize {
    usize::try_from(number.value.0).unwrap_or(usize::MAX)
}

fn between(spec: &BetweenSpec, decoder: &mut Decoder<'_>) -> Option<(Duration, Duration)> {
    let spans = spec.between.as_ref()?;
    let [shortest, longest] = spans.as_slice() else {
        let message = "a span is drawn between two, the shortest and the longest";
        decoder.sink.report(
            Diagnostic::error(Rule::BadStep, spec.span, message)
                .hint("write `{ between: [20s, 5m] }`"),
        );
        return None;
    };
    if shortest.value > longest.value || longest.value.is_zero() {
        let message = "the first of the two spans is the shorter one, and the second is not zero";
        decoder.sink.error(Rule::BadNumber, longest.span, message);
        return None;
    }
    Some((shortest.value, longest.value))
}

fn picks(spec: &PickSpec, lab: &Lab, decoder: &mut Decoder<'_>) -> Vec<(RandomFault, u32)> {
    let given = [
        (RandomFault::Crash, &spec.crash),
        (RandomFault::Pause, &spec.pause),
        (RandomFault::KillService, &spec.kill_service),
        (RandomFault::KillMonitors, &spec.monitor_kill),
        (RandomFault::ClockJump, &spec.clock_jump),
        (RandomFault::Partition, &spec.partition),
        (RandomFault::NetworkDown, &spec.network_down),
        (RandomFault::Impair, &spec.impair),
        (RandomFault::LunOffline, &spec.lun_offline),
        (RandomFault::WitnessUnreachable, &spec.witness_unreachable),
        (RandomFault::ResourceFail, &spec.resource_fail),
    ];
    let mut picks = Vec::new();
    for (fault, weight) in given {
        let Some(weight) = weight.as_ref().filter(|weight| weight.value.0 > 0) else {
            continue;
        };
        if let Some(missing) = missing(fault, lab) {
            let message = format!("`{}` needs {missing}", fault.label());
            decoder.sink.error(Rule::BadFault, weight.span, message);
        }
        picks.push((fault, weight.value.0));
    }
    if picks.is_empty() && !spec.broken {
        let message = "nothing can be drawn";
        decoder.sink.report(
            Diagnostic::error(Rule::BadStep, spec.span, message)
                .hint("give at least one fault a weight, as in `pick: { crash: 1 }`"),
        );
    }
    picks
}

/// What the lab lacks for a fault.
fn missing(fault: RandomFault, lab: &Lab) -> Option<&'static str> {
    let mut resources = lab.cluster.groups.iter().flat_map(|group| &group.resources);
    match fault {
        RandomFault::WitnessUnreachable if lab.cluster.witness == Witness::None => {
            Some("a witness")
        }
        RandomFault::ResourceFail if resources.next().is_none() => Some("a resource"),
        RandomFault::LunOffline => {
            let disk = |it: &crate::model::Resource| {
                matches!(
                    it.kind,
                    ResourceKind::PhysicalDisk { .. } | ResourceKind::ClusterSharedVolume { .. }
                )
            };
            (!resources.any(disk)).then_some("a disk of a group")
        }
        _ => None,
    }
}
