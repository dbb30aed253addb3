//! Resource hosts as processes: apart from the service, started by it, and started again.

use super::{EVENTUALLY, PROGRAM, SAMPLE, SINCE_2008, enters, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use base::{Generation, Notice, ResourceState};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        the_end_of_a_host_is_not_the_end_of_the_service(),
        the_end_of_the_service_ends_its_hosts(),
        a_slow_online_fails_after_the_pending_timeout(),
        a_slow_online_within_the_pending_timeout_succeeds(),
        nobody_watches_calls_in_2003(),
    ]
}

fn the_end_of_a_host_is_not_the_end_of_the_service() -> Case {
    Case {
        id: "monitor/the-end-of-a-host-is-not-the-end-of-the-service".into(),
        title: "When the processes of the resource hosts die, event 1146 is logged, the service \
                goes on, and starts others that take the resources up again"
            .into(),
        clauses: &["MON-1", "ARCH-4"],
        source: &[("1.1", Mark::Stated), ("9", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: n1 },";
            trial.form(&Lab::of(2).program_in_group(owners, "restart: { limit: 5 }"))?;
            let id = trial.id(PROGRAM)?;
            let mark = trial.mark();
            trial.fault("{ node: n1, do: monitor-kill }")?;
            trial.run(secs(20));
            let ended = trial.events(mark, |it| it.event_id() == Some(1146));
            trial.check("event 1146 is logged", !ended.is_empty())?;
            let halted = trial.events(mark, |it| matches!(it, Notice::Halted { .. }));
            trial.equal("services that ended", halted.len(), 0)?;
            trial.within(EVENTUALLY, "the program runs again", |seen| {
                seen.online("app")
            })?;
            let back = trial.events(mark, enters(id, ResourceState::Online));
            trial.check("it came online anew", !back.is_empty())?;
            let owner = trial.owner("app")?;
            trial.equal("the owner", owner.as_str(), "n1")
        }),
    }
}

fn the_end_of_the_service_ends_its_hosts() -> Case {
    Case {
        id: "monitor/the-end-of-the-service-ends-its-hosts".into(),
        title: "Resource hosts are children of the cluster service: they end with it".into(),
        clauses: &["MON-1"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            let owner = trial.owner("app")?;
            trial.fault(format!("{{ node: {owner}, do: kill-service }}"))?;
            trial.within(secs(10), "the program no longer runs there", |seen| {
                let runs = seen.resource(PROGRAM).map(|it| &it.running_on);
                runs.is_none_or(|nodes| !nodes.contains(&owner))
            })?;
            trial.within(EVENTUALLY, "the program runs again, once", |seen| {
                seen.online("app") && seen.running(PROGRAM) == 1
            })
        }),
    }
}

const PENDING: &str = "pending: 30s, restart: { on-failure: do-nothing }";

fn slow_online(trial: &mut crate::Trial<'_>, by: Duration) -> Result<usize, crate::Stop> {
    trial.form(&Lab::of(2).program(PENDING))?;
    trial.act("{ do: offline, group: app }")?;
    trial.needs(secs(60), "the program is offline", |seen| {
        seen.state(PROGRAM) == ResourceState::Offline
    })?;
    trial.slow(PROGRAM, by)?;
    let mark = trial.mark();
    trial.act("{ do: online, group: app }")?;
    Ok(mark)
}

fn a_slow_online_fails_after_the_pending_timeout() -> Case {
    Case {
        id: "monitor/a-slow-online-fails-after-the-pending-timeout".into(),
        title: "A resource that says nothing while it comes online fails after PendingTimeout, \
                before DeadlockTimeout"
            .into(),
        clauses: &["TOP-2", "RCM-5"],
        source: &[("1.1", Mark::Stated), ("10", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            let mark = slow_online(trial, secs(90))?;
            trial.run(secs(40));
            let id = trial.id(PROGRAM)?;
            let pending = enters(id, ResourceState::OnlinePending);
            let pending = trial.first(mark, "the begin of the online", pending)?;
            let failed = trial.first(mark, "the failure", enters(id, ResourceState::Failed))?;
            let took = failed.saturating_sub(pending);
            trial.between("the failure", took, (secs(30), secs(31)))
        }),
    }
}

fn a_slow_online_within_the_pending_timeout_succeeds() -> Case {
    Case {
        id: "monitor/a-slow-online-within-the-pending-timeout-succeeds".into(),
        title: "A resource that takes less than PendingTimeout to come online is pending, then \
                online"
            .into(),
        clauses: &["TOP-2", "RCM-5"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let mark = slow_online(trial, secs(20))?;
            trial.run(secs(10));
            let state = trial.seen().state(PROGRAM);
            trial.equal("the state meanwhile", state, ResourceState::OnlinePending)?;
            let group = trial.seen().group_state("app");
            trial.equal("the state of the group", group, base::GroupState::Pending)?;
            trial.within(secs(15), "the program is online", |seen| seen.online("app"))?;
            let id = trial.id(PROGRAM)?;
            let failed = trial.events(mark, enters(id, ResourceState::Failed));
            trial.equal("failures", failed.len(), 0)
        }),
    }
}

fn nobody_watches_calls_in_2003() -> Case {
    Case {
        id: "monitor/nobody-watches-calls-in-2003".into(),
        title: "Without EnableResourceDllDeadlockDetection a call of 2003 may hang for good; with \
                it, the host ends after ResourceDllDeadlockTimeout, 240 seconds"
            .into(),
        clauses: &["RCM-12", "MON-1"],
        source: &[("1.5", Mark::Stated)],
        generations: &[Generation::V2003],
        run: Box::new(|trial| {
            let exited = |notice: &Notice| matches!(notice, Notice::HostExited { .. });
            trial.form(&Lab::of(2).program(""))?;
            let mark = trial.mark();
            trial.fault(format!("{{ resource: {PROGRAM}, do: hang }}"))?;
            trial.run(secs(900));
            let ended = trial.events(mark, exited);
            trial.equal("hosts that ended", ended.len(), 0)?;
            trial.form(&Lab::of(2).program(""))?;
            trial.act("{ do: set, property: EnableResourceDllDeadlockDetection, value: 1 }")?;
            trial.run(secs(5));
            let (mark, start) = (trial.mark(), trial.seen().at);
            trial.fault(format!("{{ resource: {PROGRAM}, do: hang }}"))?;
            trial.run(secs(260));
            let ended = trial.first(mark, "the end of the host", exited)?;
            let took = ended.saturating_sub(start);
            trial.between("the end of the host", took, (secs(240), secs(247)))
        }),
    }
}
