//! The witness file is locked in turn, kept current and given back.

use std::time::Duration;

use base::{IoId, Manager, NodeId, Now, Outbox, PaxosTag, Rng, Timestamp};

use super::{Input, Output, Share, ShareOutcome, ShareRequest};
use crate::{Context, Facts};

struct Bench {
    share: Share,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        Self {
            share: Share::new(Duration::from_secs(6)),
            now: Timestamp::ZERO,
        }
    }

    fn call(&mut self, input: Option<Input>) -> Vec<Output> {
        let (facts, mut rng, mut out) = (Facts::default(), Rng::new(1, 1), Outbox::default());
        let me = NodeId::new(1).expect("a valid node");
        let now = Now {
            mono: self.now,
            ..Now::default()
        };
        let mut cx = Context {
            now,
            me,
            facts: &facts,
            rng: &mut rng,
        };
        match input {
            Some(input) => self.share.handle(&mut cx, input, &mut out),
            None => self.share.expire(&mut cx, &mut out),
        }
        self.share.check(&cx);
        out.drain().collect()
    }

    fn done(&mut self, io: u64, outcome: ShareOutcome) -> Vec<Output> {
        self.call(Some(Input::Done {
            io: IoId(io),
            outcome,
        }))
    }

    fn hold(&mut self) {
        self.call(Some(Input::Arbitrate {
            owns_core_group: true,
        }));
        self.done(1, ShareOutcome::Done);
        let said = self.done(2, ShareOutcome::Read(None));
        assert_eq!(
            said,
            [
                Output::Held { tag: None },
                remembers(Some(PaxosTag::default()))
            ]
        );
    }
}

fn remembers(tag: Option<PaxosTag>) -> Output {
    Output::Remembers { tag }
}

fn asked(outputs: &[Output]) -> Vec<ShareRequest> {
    let request = |output: &Output| match output {
        Output::Share { request, .. } => Some(*request),
        _ => None,
    };
    outputs.iter().filter_map(request).collect()
}

#[test]
fn the_core_groups_owner_goes_first_and_others_wait_six_seconds() {
    let mut owner = Bench::new();
    let said = owner.call(Some(Input::Arbitrate {
        owns_core_group: true,
    }));
    assert_eq!(asked(&said), [ShareRequest::Lock]);
    let mut other = Bench::new();
    assert!(
        other
            .call(Some(Input::Arbitrate {
                owns_core_group: false
            }))
            .is_empty()
    );
    assert_eq!(
        other.share.deadline(),
        Some(Timestamp::ZERO + Duration::from_secs(6))
    );
    other.now = Timestamp::ZERO + Duration::from_secs(6);
    assert_eq!(asked(&other.call(None)), [ShareRequest::Lock]);
}

#[test]
fn a_file_that_another_node_holds_is_lost() {
    let mut bench = Bench::new();
    bench.call(Some(Input::Arbitrate {
        owns_core_group: true,
    }));
    assert_eq!(
        bench.done(1, ShareOutcome::Held),
        [Output::Lost { unreachable: false }]
    );
}

#[test]
fn a_held_file_is_checked_and_its_loss_is_reported() {
    let mut bench = Bench::new();
    bench.hold();
    bench.now = bench.share.deadline().expect("the check is armed");
    assert_eq!(asked(&bench.call(None)), [ShareRequest::Lock]);
    let said = bench.done(3, ShareOutcome::Unreachable);
    assert_eq!(said, [Output::Failed, remembers(None)]);
    assert!(!bench.share.is_held());
}

#[test]
fn a_file_that_another_node_opened_meanwhile_is_reported_as_lost() {
    let mut bench = Bench::new();
    bench.hold();
    bench.now = bench.share.deadline().expect("the check is armed");
    bench.call(None);
    let said = bench.done(3, ShareOutcome::Held);
    assert_eq!(said, [Output::Failed, remembers(None)]);
}

#[test]
fn a_lock_that_may_have_been_granted_is_given_back_until_the_server_confirms_it() {
    let mut bench = Bench::new();
    bench.call(Some(Input::Arbitrate {
        owns_core_group: true,
    }));
    let said = bench.done(1, ShareOutcome::Unreachable);
    assert_eq!(said, [Output::Lost { unreachable: true }]);
    for io in 2..5 {
        bench.now = bench.share.deadline().expect("another try is armed");
        assert_eq!(asked(&bench.call(None)), [ShareRequest::Unlock]);
        bench.done(io, ShareOutcome::Unreachable);
    }
    bench.now = bench.share.deadline().expect("another try is armed");
    bench.call(None);
    bench.done(5, ShareOutcome::Done);
    assert_eq!(bench.share.deadline(), None);
}

#[test]
fn the_newest_tag_is_written_after_the_one_in_flight() {
    let mut bench = Bench::new();
    bench.hold();
    let tag = |sequence| PaxosTag {
        sequence,
        ..PaxosTag::default()
    };
    assert_eq!(
        asked(&bench.call(Some(Input::Remember(tag(1))))),
        [ShareRequest::Write(tag(1))]
    );
    assert!(bench.call(Some(Input::Remember(tag(2)))).is_empty());
    assert!(bench.call(Some(Input::Remember(tag(3)))).is_empty());
    let said = bench.done(3, ShareOutcome::Done);
    assert_eq!(asked(&said), [ShareRequest::Write(tag(3))]);
    assert!(said.contains(&remembers(Some(tag(1)))));
}

#[test]
fn a_release_that_overtakes_the_lock_still_unlocks() {
    let mut bench = Bench::new();
    bench.call(Some(Input::Arbitrate {
        owns_core_group: true,
    }));
    assert!(bench.call(Some(Input::Release)).is_empty());
    assert_eq!(
        asked(&bench.done(1, ShareOutcome::Done)),
        [ShareRequest::Unlock]
    );
}
