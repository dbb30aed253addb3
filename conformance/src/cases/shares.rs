//! File shares: their health is whether clients can see them.

use super::{ALL, EVENTUALLY, SINCE_2008, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;
use base::{Notice, ResourceState};

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_share_that_cannot_be_seen_fails_both_checks_and_comes_back(),
        a_share_that_is_gone_is_reported(),
    ]
}

const SHARE: &str = "fs/share";

/// A group `fs` with a share under a network name.
fn with_share() -> Lab {
    let resources = "ip: { type: ip-address, address: 10.10.1.101 }, \
                     name: { type: network-name, name: FS1, depends: ip }, \
                     share: { type: file-share, path: 'D:\\data', depends: name }";
    Lab::of(3).group("fs", &format!("{{ resources: {{ {resources} }} }}"))
}

/// Somebody removes the share behind its resource's back.
fn remove(trial: &mut Trial<'_>) -> Result<usize, Stop> {
    trial.needs(secs(120), "the share is online", |seen| {
        seen.state(SHARE) == ResourceState::Online
    })?;
    let mark = trial.mark();
    trial.fault(format!("{{ resource: {SHARE}, do: remove-share }}"))?;
    Ok(mark)
}

fn a_share_that_cannot_be_seen_fails_both_checks_and_comes_back() -> Case {
    Case {
        id: "shares/a-share-that-cannot-be-seen-fails-both-checks-and-comes-back".into(),
        title: "A share that somebody removes is missed by LooksAlive and then by IsAlive, fails, \
                and is there again after its restart; one that can be seen stays online"
            .into(),
        clauses: &["OS-1", "SHARE-1", "SHARE-2", "SHARE-3"],
        source: &[],
        generations: ALL,
        run: Box::new(|trial| {
            trial.form(&with_share())?;
            let failed = |notice: &Notice| {
                matches!(
                    notice,
                    Notice::LooksAliveFailed { .. } | Notice::IsAliveFailed { .. }
                )
            };
            trial.run(secs(150));
            let early = trial.events(0, failed).len();
            trial.equal("checks that said no of a share that is there", early, 0)?;
            let mark = remove(trial)?;
            trial.within(secs(30), "LooksAlive says no", |seen| {
                seen.since(mark)
                    .any(|said| matches!(said.notice, Notice::LooksAliveFailed { .. }))
            })?;
            trial.within(secs(30), "IsAlive says no", |seen| {
                seen.since(mark)
                    .any(|said| matches!(said.notice, Notice::IsAliveFailed { .. }))
            })?;
            trial.within(EVENTUALLY, "the share is online", |seen| {
                seen.state(SHARE) == ResourceState::Online
            })?;
            let mark = trial.mark();
            trial.run(secs(150));
            let late = trial.events(mark, failed).len();
            trial.equal("checks that said no after the restart", late, 0)
        }),
    }
}

fn a_share_that_is_gone_is_reported() -> Case {
    Case {
        id: "shares/a-share-that-is-gone-is-reported".into(),
        title: "A share that is not found under its network name is event 1055".into(),
        clauses: &["SHARE-1"],
        source: &[("2", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&with_share())?;
            let mark = remove(trial)?;
            trial.within(secs(60), "event 1055 is logged", |seen| {
                seen.since(mark)
                    .any(|said| said.notice.event_id() == Some(1055))
            })
        }),
    }
}
