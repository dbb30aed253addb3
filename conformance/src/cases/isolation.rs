//! What a resource host that hangs does to its own resources and to others.

use super::{EVENTUALLY, PROGRAM, SAMPLE, SINCE_2008, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use base::{Notice, ResourceState};

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_hung_call_ends_after_the_deadlock_timeout(),
        a_separate_monitor_protects_the_others(),
    ]
}

fn a_hung_call_ends_after_the_deadlock_timeout() -> Case {
    Case {
        id: "isolation/a-hung-call-ends-after-the-deadlock-timeout".into(),
        title: "A health check that hangs ends its host after DeadlockTimeout, and the resource \
            is restarted"
            .into(),
        clauses: &["RCM-12", "ARCH-4"],
        source: &[("1.1", Mark::Stated), ("1.5", Mark::Excerpt)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            let timeout = secs(300);
            let (mark, start) = (trial.mark(), trial.seen().at);
            trial.fault(format!("{{ resource: {PROGRAM}, do: hang }}"))?;
            trial.run(timeout + secs(10));
            let ended = trial.first(mark, "the end of the host", |notice| {
                matches!(notice, Notice::HostExited { .. })
            })?;
            let bounds = (timeout, timeout + secs(7));
            trial.between("the end of the host", ended.saturating_sub(start), bounds)?;
            trial.first(mark, "the call that timed out", |notice| {
                matches!(notice, Notice::EntryPointTimedOut { .. })
            })?;
            trial.within(EVENTUALLY, "the group is online again", |seen| {
                seen.online("app")
            })?;
            let up = trial.seen().all_up(["n1", "n2"]);
            trial.check("both cluster services run on", up)
        }),
    }
}

fn a_separate_monitor_protects_the_others() -> Case {
    Case {
        id: "isolation/a-separate-monitor-protects-the-others".into(),
        title: "A resource that hangs in a monitor of its own leaves the others alone".into(),
        clauses: &["RCM-12", "MON-2"],
        source: &[("1.1", Mark::Stated), ("1.5", Mark::Excerpt)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let other =
                "{ resources: { calm: { type: generic-application, command: sleep 86400 } } }";
            let policy = "monitor: separate, deadlock: 60s";
            trial.form(&Lab::of(2).program(policy).group("other", other))?;
            let mark = trial.mark();
            trial.fault(format!("{{ resource: {PROGRAM}, do: hang }}"))?;
            trial.stays(secs(180), "the other resource is online", |seen| {
                seen.state("other/calm") == ResourceState::Online
            })?;
            trial.first(mark, "the end of the hung host", |notice| {
                matches!(notice, Notice::HostExited { .. })
            })?;
            Ok(())
        }),
    }
}
