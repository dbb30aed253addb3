//! The faults: each stands between a node and its machine.

use std::sync::Arc;

use base::{NodeId, Notice, StateChangeCause};
use middle::database::{Hive, Value};
use node::{Effect, Picture};
use runtime::Between;
use top::api::AdminReply;

/// The fault of this name; nothing for `honest`.
pub(crate) fn with(name: &str) -> Box<dyn Between> {
    match name {
        "says-yes" => Box::new(SaysYes),
        "other-database" => Box::new(OtherDatabase),
        "never-halts" => Box::new(NeverHalts),
        "asks-half-as-often" => Box::<AsksHalfAsOften>::default(),
        "forgets-causes" => Box::new(ForgetsCauses),
        "honest" => Box::new(Honest),
        other => unreachable!("no fault is called {other}"),
    }
}

/// Nothing is wrong.
#[derive(Debug)]
struct Honest;

impl Between for Honest {}

/// Whatever is refused is said to be done.
#[derive(Debug)]
struct SaysYes;

impl Between for SaysYes {
    fn effect(&mut self, effect: Effect) -> Option<Effect> {
        Some(match effect {
            Effect::Reply { request, .. } => Effect::Reply {
                request,
                reply: AdminReply::Done,
            },
            other => other,
        })
    }
}

/// The second node has another database under the same tag.
#[derive(Debug)]
struct OtherDatabase;

impl Between for OtherDatabase {
    fn picture(&mut self, mut picture: Picture) -> Picture {
        if Some(picture.node) == NodeId::new(2) {
            let mut hive = Hive::default();
            hive.set("", "ClusterName", Value::Text("another".into()));
            picture.hive = Arc::new(hive);
        }
        picture
    }
}

/// A service that is to end goes on.
#[derive(Debug)]
struct NeverHalts;

impl Between for NeverHalts {
    fn effect(&mut self, effect: Effect) -> Option<Effect> {
        Some(effect).filter(|it| !matches!(it, Effect::Halt(_)))
    }
}

/// Every other LooksAlive is left out.
#[derive(Debug, Default)]
struct AsksHalfAsOften {
    asked: u32,
}

impl Between for AsksHalfAsOften {
    fn effect(&mut self, effect: Effect) -> Option<Effect> {
        if let Effect::Notice(Notice::LooksAliveAsked { .. }) = effect {
            self.asked += 1;
            return Some(effect).filter(|_| self.asked.is_multiple_of(2));
        }
        Some(effect)
    }
}

/// Every move of a group is said to be a failover.
#[derive(Debug)]
struct ForgetsCauses;

impl Between for ForgetsCauses {
    fn effect(&mut self, effect: Effect) -> Option<Effect> {
        Some(match effect {
            Effect::Notice(Notice::GroupMoved {
                group, from, to, ..
            }) => Effect::Notice(Notice::GroupMoved {
                group,
                from,
                to,
                cause: StateChangeCause::Failover,
            }),
            other => other,
        })
    }
}
