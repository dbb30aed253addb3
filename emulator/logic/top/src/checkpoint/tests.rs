use std::sync::Arc;

use base::{NodeId, Now, Rng};

use super::*;
use crate::testing;

const APP: ResourceId = ResourceId(4);
const HOST: HostId = HostId(0);

fn key() -> CheckpointKey {
    CheckpointKey {
        kind: CheckpointKind::Registry,
        name: "HKLM/Software/Demo".into(),
    }
}

/// A manager with the facts that it sees; what is proposed is applied when a test says so.
struct Bench {
    manager: Checkpoints,
    facts: middle::Facts,
}

impl Bench {
    fn new() -> Self {
        let me = NodeId::new(1).expect("1 to 64");
        Self {
            manager: Checkpoints::default(),
            facts: testing::facts(me),
        }
    }

    fn handle(&mut self, input: Input) -> Vec<Output> {
        let mut out = Outbox::default();
        let bottom = bottom::Facts::default();
        let mut cx = Context {
            now: Now::default(),
            me: self.facts.me,
            bottom: &bottom,
            middle: &self.facts,
            rng: &mut Rng::new(1, 1),
        };
        self.manager.handle(&mut cx, input, &mut out);
        self.manager.check(&cx);
        out.drain().collect()
    }

    fn saved(&mut self, data: &[u8]) -> Vec<Output> {
        self.handle(Input::Host {
            host: HOST,
            report: HostReport::Saved {
                resource: APP,
                key: key(),
                data: data.to_vec(),
            },
        })
    }

    fn apply(&mut self, outputs: &[Output]) -> Option<Ticket> {
        let mut last = None;
        for output in outputs {
            if let Output::Propose { ticket, changes } = output {
                for change in changes {
                    if let Change::Hive(change) = change {
                        Arc::make_mut(&mut self.facts.hive).apply(change);
                    }
                }
                last = Some(*ticket);
            }
        }
        last
    }

    fn restore(&mut self) -> Option<Vec<u8>> {
        let keys = vec![key()];
        let outputs = self.handle(Input::Restore {
            resource: APP,
            host: HOST,
            keys,
        });
        match outputs.as_slice() {
            [
                Output::Host {
                    command: HostCommand::Restore { checkpoints, .. },
                    ..
                },
            ] => checkpoints.first().and_then(|it| it.data.clone()),
            other => unreachable!("one command, not {other:?}"),
        }
    }
}

#[test]
fn what_a_host_saves_is_restored_elsewhere() {
    let mut bench = Bench::new();
    assert_eq!(bench.restore(), None, "nothing was saved yet");
    let outputs = bench.saved(b"one");
    let ticket = bench.apply(&outputs).expect("a proposal");
    let result = Ok(base::PaxosTag::default());
    bench.handle(Input::Done { ticket, result });
    assert_eq!(bench.restore(), Some(b"one".to_vec()));
}

#[test]
fn what_has_not_changed_is_not_proposed_again() {
    let mut bench = Bench::new();
    let outputs = bench.saved(b"one");
    let ticket = bench.apply(&outputs).expect("a proposal");
    let result = Ok(base::PaxosTag::default());
    bench.handle(Input::Done { ticket, result });
    assert_eq!(bench.saved(b"one"), []);
}

#[test]
fn a_save_that_met_a_regroup_is_proposed_again_with_its_newest_content() {
    let mut bench = Bench::new();
    let first = bench.saved(b"one");
    let second = bench.saved(b"two");
    for outputs in [first, second] {
        for output in outputs {
            if let Output::Propose { ticket, .. } = output {
                let result = Err(Failure::ViewChanged);
                bench.handle(Input::Done { ticket, result });
            }
        }
    }
    let again = bench.handle(Input::Opened);
    assert_eq!(again.len(), 1);
    bench.apply(&again);
    assert_eq!(bench.restore(), Some(b"two".to_vec()));
}

#[test]
fn a_restore_that_failed_is_told_and_the_resource_comes_online_all_the_same() {
    let mut bench = Bench::new();
    let outputs = bench.handle(Input::Host {
        host: HOST,
        report: HostReport::Restored {
            resource: APP,
            failed: vec![key()],
        },
    });
    let ids: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Notice(notice) => notice.event_id(),
            _ => None,
        })
        .collect();
    assert_eq!(ids, [1024]);
    assert_eq!(outputs.last(), Some(&Output::Restored { resource: APP }));
}

#[test]
fn what_is_too_large_is_refused_in_words() {
    let mut bench = Bench::new();
    let outputs = bench.saved(&vec![0; CHECKPOINT_BYTES_MAX + 1]);
    assert!(matches!(
        outputs.as_slice(),
        [Output::Notice(Notice::Refused { .. })]
    ));
}
