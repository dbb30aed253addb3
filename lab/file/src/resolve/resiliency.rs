//! Isolation and quarantine: how patient the cluster is with nodes that it loses.

use std::time::Duration;

use base::Generation;

use super::cluster::since;
use crate::model::{Lab, Resiliency};
use crate::rule::Rule;
use crate::syntax::{At, ClusterSpec, Decoder, ResiliencyWord};

/// The longest that a node may keep its virtual machines.
const PERIOD_MAX: Duration = Duration::from_secs(24 * 3_600);
/// The longest quarantine.
const QUARANTINE_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

pub(super) fn resolve(spec: &ClusterSpec, lab: &Lab, decoder: &mut Decoder<'_>) -> Resiliency {
    let Some(given) = &spec.resiliency else {
        return Resiliency::default();
    };
    since(Generation::V2016, "`resiliency`", given.span, lab, decoder);
    let quarantine = given.quarantine.as_ref();
    let level = |word: &At<ResiliencyWord>| match word.value {
        ResiliencyWord::SpecialHeartbeat => 1,
        ResiliencyWord::Always => 2,
    };
    let after = quarantine.and_then(|it| it.after.as_ref());
    let lasts = quarantine.and_then(|it| it.r#for.as_ref());
    Resiliency {
        level: given.level.as_ref().map(level),
        period: seconds(given.period.as_ref(), PERIOD_MAX, "24h", decoder),
        quarantine_after: after.map(|count| count.value.0),
        quarantine_for: seconds(lasts, QUARANTINE_MAX, "30d", decoder),
    }
}

/// The product keeps whole seconds.
fn seconds(
    given: Option<&At<Duration>>,
    most: Duration,
    most_words: &str,
    decoder: &mut Decoder<'_>,
) -> Option<Duration> {
    let given = given?;
    if given.value.subsec_nanos() != 0 || given.value > most {
        let message = format!("this is whole seconds, at most {most_words}");
        decoder.sink.error(Rule::BadNumber, given.span, message);
    }
    Some(given.value)
}
