//! What happens to datagrams on a bad way, in the style of netem.

use std::fmt;
use std::time::Duration;

use base::Rng;

/// Losses that come in bursts: two states, good and bad (Gilbert's model).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// Chance in a million, per datagram, that a bad time begins.
    pub begins: u32,
    /// Chance in a million, per datagram, that it ends.
    pub ends: u32,
    /// Loss in a million during it.
    pub loss: u32,
}

/// What happens to datagrams. Zero changes nothing; chances are in a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Impairment {
    /// Added to the way of every datagram.
    pub delay: Duration,
    /// Up to so much more, drawn for each.
    pub jitter: Duration,
    /// Lost.
    pub loss: u32,
    /// Delivered twice.
    pub duplicate: u32,
    /// Held back so that later ones overtake it.
    pub reorder: u32,
    /// Lost in bursts; one state for a whole network.
    pub burst: Option<Burst>,
}

/// How far a datagram is held back to be overtaken.
const HELD_BACK_MAX: Duration = Duration::from_millis(20);

/// What becomes of one datagram: so many copies, with so much extra delay each.
pub(super) struct Fate {
    pub(super) copies: usize,
    pub(super) after: [Duration; 2],
}

impl Impairment {
    /// Both, one after the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            delay: self.delay + other.delay,
            jitter: self.jitter + other.jitter,
            loss: either(self.loss, other.loss),
            duplicate: either(self.duplicate, other.duplicate),
            reorder: either(self.reorder, other.reorder),
            burst: self.burst.or(other.burst),
        }
    }

    pub(super) fn draw(self, bad_time: &mut bool, rng: &mut Rng) -> Fate {
        if self.loses(bad_time, rng) {
            return Fate {
                copies: 0,
                after: [Duration::ZERO; 2],
            };
        }
        let copies = 1 + usize::from(self.duplicate > 0 && rng.chance(self.duplicate));
        let after = [self.extra(rng), self.extra(rng)];
        Fate { copies, after }
    }

    fn loses(self, bad_time: &mut bool, rng: &mut Rng) -> bool {
        if let Some(burst) = self.burst {
            let turns = rng.chance(if *bad_time { burst.ends } else { burst.begins });
            *bad_time ^= turns;
            if *bad_time && rng.chance(burst.loss) {
                return true;
            }
        }
        self.loss > 0 && rng.chance(self.loss)
    }

    fn extra(self, rng: &mut Rng) -> Duration {
        let mut extra = self.delay;
        if !self.jitter.is_zero() {
            extra += part_of(self.jitter, rng);
        }
        if self.reorder > 0 && rng.chance(self.reorder) {
            extra += part_of(HELD_BACK_MAX, rng);
        }
        extra
    }
}

fn either(a: u32, b: u32) -> u32 {
    let (a, b) = (u64::from(a), u64::from(b));
    u32::try_from(a + b - a * b / 1_000_000).unwrap_or(1_000_000)
}

fn part_of(span: Duration, rng: &mut Rng) -> Duration {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX - 1);
    Duration::from_nanos(rng.below(nanos.saturating_add(1).max(1)))
}

impl fmt::Display for Impairment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let spans = [("delay", self.delay), ("jitter", self.jitter)];
        for (word, span) in spans.into_iter().filter(|(_, span)| !span.is_zero()) {
            parts.push(format!("{word} {span:?}"));
        }
        let chances = [
            ("loss", self.loss),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
            ("bursts", self.burst.map_or(0, |burst| burst.begins)),
        ];
        for (word, chance) in chances.into_iter().filter(|(_, chance)| *chance > 0) {
            parts.push(format!(
                "{word} {}.{:04} %",
                chance / 10_000,
                chance % 10_000
            ));
        }
        f.write_str(&parts.join(", "))
    }
}

impl From<&file::model::Impairment> for Impairment {
    fn from(given: &file::model::Impairment) -> Self {
        Self {
            delay: given.delay,
            jitter: given.jitter,
            loss: given.loss.per_million,
            duplicate: given.duplicate.per_million,
            reorder: given.reorder.per_million,
            burst: None,
        }
    }
}
