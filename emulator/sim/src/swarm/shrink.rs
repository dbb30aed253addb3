//! Reduces a failing plan: acts are taken out as long as the same rule still breaks.

use super::{Failure, Outcome, SwarmPlan, run_caught};

/// Most plans that one reduction plays.
const TRIALS_MAX: usize = 4_000;

/// What is left of a failing plan.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The acts that are still needed, counted from one as the whole plan prints them.
    pub acts: Vec<usize>,
    /// What became of the plan with these acts.
    pub outcome: Outcome,
    /// How many plans were played.
    pub trials: usize,
}

/// Reduces a plan to acts of which none can be left out alone; nothing when the plan does not fail.
/// `heard` hears of every smaller plan that still fails, as the number of its acts.
pub fn shrink(plan: &SwarmPlan, heard: impl FnMut(usize)) -> Option<Shrunk> {
    shrink_by(plan, heard, run_caught)
}

/// Minimising delta debugging: ever smaller parts are left out, and whatever is not missed stays
/// out.
fn shrink_by(
    plan: &SwarmPlan,
    mut heard: impl FnMut(usize),
    mut run: impl FnMut(&SwarmPlan) -> Outcome,
) -> Option<Shrunk> {
    let mut outcome = run(plan);
    let wanted = outcome.failure.clone()?;
    let mut acts: Vec<usize> = (1..=plan.acts.len()).collect();
    let mut trials = 1;
    let mut part = acts.len().div_ceil(2).max(1);
    while !acts.is_empty() && trials < TRIALS_MAX {
        let mut start = 0;
        let before = acts.len();
        while start < acts.len() && trials < TRIALS_MAX {
            let mut fewer = acts.clone();
            fewer.drain(start..(start + part).min(acts.len()));
            let tried = run(&plan.only(&fewer));
            trials += 1;
            if tried.failure.as_ref().is_some_and(|it| same(it, &wanted)) {
                (acts, outcome) = (fewer, tried);
                heard(acts.len());
            } else {
                start += part;
            }
        }
        if part == 1 && acts.len() == before {
            break;
        }
        part = part.div_ceil(2).min(acts.len().max(1));
    }
    Some(Shrunk {
        acts,
        outcome,
        trials,
    })
}

/// Whether two failures break the same rule.
fn same(one: &Failure, other: &Failure) -> bool {
    one.kind == other.kind && one.invariant == other.invariant
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::plan;
    use super::*;
    use crate::report::{FailureKind, Millis};

    fn failing(fails: bool, invariant: &str) -> Outcome {
        let failure = Failure {
            kind: FailureKind::Safety,
            invariant: Some(invariant.to_owned()),
            clause: None,
            at: Millis(0.0),
            what: String::new(),
        };
        Outcome {
            seed: 1,
            trace: String::new(),
            nodes: 2,
            elapsed: Millis(0.0),
            failure: fails.then_some(failure),
        }
    }

    /// A plan with at least ten acts.
    fn long_plan() -> SwarmPlan {
        let plans = (1..).map(|seed| plan(seed, None, Duration::from_secs(3_600)));
        let mut long = plans.into_iter().filter(|plan| plan.acts.len() >= 10);
        long.next().unwrap()
    }

    #[test]
    fn what_is_left_is_just_what_the_failure_needs() {
        let whole = long_plan();
        let needed = [whole.acts[2].clone(), whole.acts[8].clone()];
        let breaks = |plan: &SwarmPlan| {
            let all = needed.iter().all(|it| plan.acts.contains(it));
            failing(all, "one-primary")
        };
        let mut sizes = Vec::new();
        let shrunk = shrink_by(&whole, |size| sizes.push(size), breaks).unwrap();
        assert_eq!(shrunk.acts, [3, 9]);
        assert_eq!(sizes.last(), Some(&2));
        assert!(shrunk.outcome.failure.is_some());
        assert_eq!(whole.only(&shrunk.acts).acts, needed);
    }

    #[test]
    fn a_plan_that_fails_otherwise_is_no_smaller_version_of_it() {
        let whole = long_plan();
        let count = whole.acts.len();
        let breaks = |plan: &SwarmPlan| {
            let rule = if plan.acts.len() == count {
                "durability"
            } else {
                "epochs"
            };
            failing(true, rule)
        };
        assert_eq!(shrink_by(&whole, |_| {}, breaks).unwrap().acts.len(), count);
    }

    #[test]
    fn a_plan_that_does_not_fail_is_not_reduced() {
        assert!(shrink_by(&long_plan(), |_| {}, |_| failing(false, "")).is_none());
        let nothing_needed = shrink_by(&long_plan(), |_| {}, |_| failing(true, "votes"));
        assert_eq!(nothing_needed.unwrap().acts, Vec::<usize>::new());
    }
}
