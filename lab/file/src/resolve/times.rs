//! Times of a regroup and of disk arbitration, within the bounds of the product's own properties.

use std::ops::RangeInclusive;
use std::time::Duration;

use base::Generation;

use super::cluster::since;
use crate::model::{DiskArbitration, Lab, Regroup};
use crate::rule::Rule;
use crate::syntax::{At, ClusterSpec, Decoder, DiskArbitrationSpec, RegroupSpec};

/// Resolves both.
pub(crate) fn resolve(spec: &ClusterSpec, lab: &mut Lab, decoder: &mut Decoder<'_>) {
    if let Some(given) = &spec.regroup {
        lab.cluster.regroup = regroup(given, decoder);
    }
    if let Some(given) = &spec.disk_arbitration {
        let span = given.every.as_ref().or(given.challenge.as_ref());
        if let Some(one) = span {
            let what = "`disk-arbitration`";
            since(Generation::V2008, what, one.span, lab, decoder);
        }
        lab.cluster.disk_arbitration = disk_arbitration(given, decoder);
    }
}

fn regroup(given: &RegroupSpec, decoder: &mut Decoder<'_>) -> Regroup {
    let (ms, s) = (Duration::from_millis, Duration::from_secs);
    whole_seconds("`opening`", &given.opening, decoder);
    whole_seconds("`stage`", &given.stage, decoder);
    Regroup {
        tick: within("`tick` is 50ms to 1s", &given.tick, ms(50)..=s(1), decoder),
        opening: within(
            "`opening` is 1s to 20s",
            &given.opening,
            s(1)..=s(20),
            decoder,
        ),
        stage: within("`stage` is 2s to 30s", &given.stage, s(2)..=s(30), decoder),
        halt: within(
            "`halt` is 100ms to 10s",
            &given.halt,
            ms(100)..=s(10),
            decoder,
        ),
    }
}

fn disk_arbitration(given: &DiskArbitrationSpec, decoder: &mut Decoder<'_>) -> DiskArbitration {
    let bounds = Duration::from_secs(1)..=Duration::from_secs(60);
    whole_seconds("`every`", &given.every, decoder);
    let every = within("`every` is 1s to 60s", &given.every, bounds, decoder);
    let usual = Generation::default().defaults().disk_arbitration_interval;
    let least = every.unwrap_or(usual) * 2;
    if let Some(challenge) = given.challenge.as_ref().filter(|it| it.value < least) {
        let message = "an owner that looks at its reservation once in `every` has to get two looks";
        let span = challenge.span;
        decoder.sink.error(Rule::BadNumber, span, message);
    }
    let challenge = given.challenge.as_ref().map(|it| it.value);
    DiskArbitration {
        every,
        challenge: challenge.or(every.map(|every| every * 2)),
    }
}

fn within(
    message: &str,
    given: &Option<At<Duration>>,
    bounds: RangeInclusive<Duration>,
    decoder: &mut Decoder<'_>,
) -> Option<Duration> {
    let given = given.as_ref()?;
    if !bounds.contains(&given.value) {
        decoder.sink.error(Rule::BadNumber, given.span, message);
    }
    Some(given.value)
}

/// The product keeps these times in seconds.
fn whole_seconds(what: &str, given: &Option<At<Duration>>, decoder: &mut Decoder<'_>) {
    if let Some(odd) = given.as_ref().filter(|it| it.value.subsec_nanos() != 0) {
        let message = format!("{what} is a whole number of seconds");
        decoder.sink.error(Rule::BadNumber, odd.span, message);
    }
}
