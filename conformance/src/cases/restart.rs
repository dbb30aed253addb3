//! The ladder that a failing resource climbs: restart, failover, failed, one more try.

use super::{
    EVENTUALLY, PROGRAM, SAMPLE, SINCE_2008, break_once, enters, fails_over, restarts_in_place,
    secs,
};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::observation::Observation;
use crate::trial::Trial;
use base::{Generation, GroupState, Notice, ResourceState};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        threshold_restarts_then_failover(),
        default_threshold(),
        threshold_of_zero(),
        restart_without_failover(),
        no_restart(),
        period_forgets_old_failures(),
        delay_before_restart(),
        failover_threshold(),
        failover_threshold_default(),
        failover_period_forgets_old_failovers(),
        one_more_try_after_the_retry_period(),
    ]
}

fn threshold_restarts_then_failover() -> Case {
    Case {
        id: "restart/threshold-then-failover".into(),
        title: "RestartThreshold failures are mended in place; the next one moves the group".into(),
        clauses: &["RCM-2", "RCM-8", "SVC-4", "TOP-2"],
        source: &[("1.1", Mark::Stated), ("1.2", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program("restart: { limit: 3, within: 15m }"))?;
            for _ in 0..3 {
                restarts_in_place(trial, PROGRAM, "app")?;
            }
            fails_over(trial, PROGRAM, "app")
        }),
    }
}

fn default_threshold() -> Case {
    Case {
        id: "restart/one-restart-by-default".into(),
        title: "A resource is restarted once in place by default, then its group moves".into(),
        clauses: &["RCM-2"],
        source: &[("13", Mark::Excerpt)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            restarts_in_place(trial, PROGRAM, "app")?;
            fails_over(trial, PROGRAM, "app")
        }),
    }
}

fn threshold_of_zero() -> Case {
    Case {
        id: "restart/threshold-of-zero".into(),
        title: "With a RestartThreshold of zero the first failure moves the group".into(),
        clauses: &["RCM-2", "RCM-8"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program("restart: { limit: 0 }"))?;
            fails_over(trial, PROGRAM, "app")
        }),
    }
}

/// The program has failed and neither it nor its group goes anywhere.
fn given_up(owner: String) -> impl FnMut(&Observation) -> bool {
    move |seen| {
        let group = seen.groups.get("app");
        seen.state(PROGRAM) == ResourceState::Failed
            && group.is_some_and(|group| group.owner.as_ref() == Some(&owner))
    }
}

fn restart_without_failover() -> Case {
    Case {
        id: "restart/restart-without-failover".into(),
        title: "With RestartAction restart-only an exhausted resource stays failed where it is"
            .into(),
        clauses: &["RCM-2", "RCM-5"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program("restart: { on-failure: restart, limit: 1 }"))?;
            restarts_in_place(trial, PROGRAM, "app")?;
            let owner = trial.owner("app")?;
            break_once(trial, PROGRAM)?;
            trial.run(secs(5));
            trial.stays(
                secs(600),
                "the program stays failed where it is",
                given_up(owner),
            )
        }),
    }
}

fn no_restart() -> Case {
    Case {
        id: "restart/no-restart".into(),
        title: "With RestartAction none a failed resource is left failed".into(),
        clauses: &["RCM-2", "RCM-5"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program("restart: { on-failure: do-nothing }"))?;
            let owner = trial.owner("app")?;
            let mark = break_once(trial, PROGRAM)?;
            trial.run(secs(5));
            trial.stays(
                secs(600),
                "the program stays failed where it is",
                given_up(owner),
            )?;
            let restarts = |notice: &Notice| matches!(notice, Notice::RestartScheduled { .. });
            let restarts = trial.events(mark, restarts);
            trial.equal("the number of restarts", restarts.len(), 0)
        }),
    }
}

fn period_forgets_old_failures() -> Case {
    Case {
        id: "restart/period-forgets-old-failures".into(),
        title: "A failure after the end of RestartPeriod counts from one again".into(),
        clauses: &["RCM-2"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program("restart: { limit: 1, within: 2m }"))?;
            restarts_in_place(trial, PROGRAM, "app")?;
            trial.run(secs(150));
            restarts_in_place(trial, PROGRAM, "app")?;
            fails_over(trial, PROGRAM, "app")
        }),
    }
}

fn delay_before_restart() -> Case {
    Case {
        id: "restart/delay".into(),
        title: "RestartDelay, half a second, lies between a failure and the restart".into(),
        clauses: &["RCM-2"],
        source: &[("1.1", Mark::Stated)],
        generations: &[
            Generation::V2012,
            Generation::V2012R2,
            Generation::V2016,
            Generation::V2019,
            Generation::V2022,
        ],
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            let id = trial.id(PROGRAM)?;
            let mark = break_once(trial, PROGRAM)?;
            trial.needs(EVENTUALLY, "the program is online again", |seen| {
                seen.online("app")
            })?;
            let failed = trial.first(mark, "the failure", enters(id, ResourceState::Failed))?;
            let pending = enters(id, ResourceState::OnlinePending);
            let pending = trial.first(mark, "the restart", pending)?;
            let bounds = (Duration::from_millis(500), Duration::from_millis(1_000));
            trial.between("the restart", pending.saturating_sub(failed), bounds)
        }),
    }
}

const NO_RESTART: &str = "restart: { limit: 0 }";

/// Breaks the program; the group must be left failed on its node.
fn is_left_failed(trial: &mut Trial<'_>) -> Result<(), Stop> {
    let owner = trial.owner("app")?;
    let mark = break_once(trial, PROGRAM)?;
    trial.run(secs(5));
    trial.stays(
        secs(300),
        "the group stays failed where it is",
        given_up(owner),
    )?;
    let state = trial.seen().group_state("app");
    trial.equal("the state of the group", state, GroupState::Failed)?;
    trial.first(mark, "the end of the failovers", |notice| {
        matches!(notice, Notice::FailoversExhausted { .. })
    })?;
    Ok(())
}

fn failover_threshold() -> Case {
    Case {
        id: "restart/failover-threshold".into(),
        title: "A group that used up its FailoverThreshold is left failed where it is".into(),
        clauses: &["RCM-2", "RCM-6"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let group = "failover: { limit: 1, within: 6h },";
            trial.form(&Lab::of(3).program_in_group(group, NO_RESTART))?;
            fails_over(trial, PROGRAM, "app")?;
            is_left_failed(trial)
        }),
    }
}

fn failover_threshold_default() -> Case {
    Case {
        id: "restart/failover-threshold-default".into(),
        title: "By default a group fails over one time less than there are nodes".into(),
        clauses: &["RCM-2"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(NO_RESTART))?;
            fails_over(trial, PROGRAM, "app")?;
            fails_over(trial, PROGRAM, "app")?;
            is_left_failed(trial)
        }),
    }
}

fn failover_period_forgets_old_failovers() -> Case {
    Case {
        id: "restart/failover-period-forgets-old-failovers".into(),
        title: "A failover after the end of FailoverPeriod counts from one again".into(),
        clauses: &["RCM-2"],
        source: &[("3", Mark::Stated), ("13", Mark::Inferred)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let group = "failover: { limit: 1, within: 1h },";
            trial.form(&Lab::of(2).program_in_group(group, NO_RESTART))?;
            fails_over(trial, PROGRAM, "app")?;
            trial.run(secs(61 * 60));
            fails_over(trial, PROGRAM, "app")?;
            is_left_failed(trial)
        }),
    }
}

fn one_more_try_after_the_retry_period() -> Case {
    Case {
        id: "restart/one-more-try-after-the-retry-period".into(),
        title: "A group that gave up is brought online once more after RetryPeriodOnFailure".into(),
        clauses: &["RCM-2"],
        source: &[("1.1", Mark::Stated), ("1.2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let policy = "restart: { limit: 0, within: 1m, retry-after: 10m }";
            trial.form(&Lab::of(2).program_in_group("failover: { limit: 0 },", policy))?;
            let id = trial.id(PROGRAM)?;
            let mark = break_once(trial, PROGRAM)?;
            trial.run(secs(11 * 60));
            let failed = trial.first(mark, "the failure", enters(id, ResourceState::Failed))?;
            let pending = enters(id, ResourceState::OnlinePending);
            let pending = trial.first(mark, "the retry", pending)?;
            let bounds = (secs(598), secs(605));
            trial.between("the retry", pending.saturating_sub(failed), bounds)?;
            let online = trial.seen().online("app");
            trial.check("the group is online", online)
        }),
    }
}
