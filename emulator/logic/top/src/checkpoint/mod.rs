//! The checkpoint manager: registry keys and key containers of a resource follow it to the node
//! where it comes online.
//!
//! Clauses: seed 000, item 1 (Checkpoint Manager); seed 001, Resource Control Manager 4 and
//! Database Manager (checkpoint information is in the cluster database). Facts: reference section
//! 7: saved on change while online and at offline, restored before online, edits made while offline
//! are overwritten; events 1024 and 1121 when a restore fails, and the resource comes online all
//! the same. Not done here: watching keys and writing them, which is the host's affair; deleting
//! with the resource, because no command deletes one yet. `Checkpoints` is our name for the key.

mod messages;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base::{HostId, Manager, Notice, Outbox, ResourceId, Timestamp};
use middle::database::{Change, Hive, HiveChange, Value};
use middle::gum::{Failure, Ticket};

pub use messages::{FIRST_TICKET, Input, Output};

use crate::Context;
use crate::rcm::{HostCommand, HostReport};
use crate::restype::{Checkpoint, CheckpointKey, CheckpointKind};

/// Most bytes of one checkpoint. Unsourced: a bound of this project.
pub const CHECKPOINT_BYTES_MAX: usize = 256 * 1024;

/// Most saves that wait for the cluster's agreement.
const SAVES_MAX: usize = 1_024;

/// Content that is to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Save {
    resource: ResourceId,
    key: CheckpointKey,
    data: Vec<u8>,
}

/// The checkpoint manager of one node.
#[derive(Debug, Default)]
pub struct Checkpoints {
    /// Saves on their way through the cluster.
    proposed: BTreeMap<Ticket, Save>,
    /// Saves that were not agreed on; the next view tries them again. The newest content counts.
    waiting: BTreeMap<(ResourceId, CheckpointKey), Vec<u8>>,
    tickets: u64,
}

impl Checkpoints {
    fn restore(
        cx: &Context<'_>,
        resource: ResourceId,
        host: HostId,
        keys: Vec<CheckpointKey>,
    ) -> Output {
        let with_data = |key: CheckpointKey| Checkpoint {
            data: saved(&cx.middle.hive, resource, &key).map(<[u8]>::to_vec),
            key,
        };
        let checkpoints = keys.into_iter().map(with_data).collect();
        let command = HostCommand::Restore {
            resource,
            checkpoints,
        };
        Output::Host { host, command }
    }

    fn restored(resource: ResourceId, failed: Vec<CheckpointKey>, out: &mut Outbox<Output>) {
        for key in failed {
            let crypto = key.kind == CheckpointKind::Crypto;
            let notice = Notice::CheckpointNotRestored {
                resource,
                crypto,
                name: key.name,
            };
            out.push(Output::Notice(notice));
        }
        out.push(Output::Restored { resource });
    }

    fn save(&mut self, cx: &Context<'_>, save: Save, out: &mut Outbox<Output>) {
        let full = self.proposed.len() + self.waiting.len() >= SAVES_MAX;
        if save.data.len() > CHECKPOINT_BYTES_MAX || full {
            let name = &save.key.name;
            let what = format!("checkpoint `{name}` of resource {}", save.resource);
            out.push(Output::Notice(Notice::Refused {
                what: format!("{what} is too large, or too many wait"),
            }));
            return;
        }
        let known = saved(&cx.middle.hive, save.resource, &save.key);
        if known == Some(save.data.as_slice()) && self.proposed.is_empty() {
            return;
        }
        self.propose(save, out);
    }

    fn propose(&mut self, save: Save, out: &mut Outbox<Output>) {
        let ticket = Ticket(FIRST_TICKET + self.tickets);
        self.tickets += 1;
        let change = HiveChange::Set {
            key: key_of(save.resource, save.key.kind),
            name: save.key.name.clone(),
            value: Value::Binary(save.data.clone()),
        };
        self.proposed.insert(ticket, save);
        let changes = vec![Change::Hive(change)];
        out.push(Output::Propose { ticket, changes });
    }

    fn done(&mut self, ticket: Ticket, failure: Option<Failure>) {
        let Some(save) = self.proposed.remove(&ticket) else {
            return;
        };
        if failure.is_some() {
            let newer = self
                .proposed
                .values()
                .any(|other| (other.resource, &other.key) == (save.resource, &save.key));
            if !newer {
                self.waiting.insert((save.resource, save.key), save.data);
            }
        }
    }

    fn opened(&mut self, out: &mut Outbox<Output>) {
        for save in std::mem::take(&mut self.proposed).into_values() {
            self.waiting.insert((save.resource, save.key), save.data);
        }
        for ((resource, key), data) in std::mem::take(&mut self.waiting) {
            let save = Save {
                resource,
                key,
                data,
            };
            self.propose(save, out);
        }
    }
}

impl Manager for Checkpoints {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Restore {
                resource,
                host,
                keys,
            } => out.push(Self::restore(cx, resource, host, keys)),
            Input::Host { report, .. } => match report {
                HostReport::Restored { resource, failed } => {
                    Self::restored(resource, failed, out);
                }
                HostReport::Saved {
                    resource,
                    key,
                    data,
                } => {
                    let save = Save {
                        resource,
                        key,
                        data,
                    };
                    self.save(cx, save, out);
                }
                _ => {}
            },
            Input::Done { ticket, result } => self.done(ticket, result.err()),
            Input::Opened => self.opened(out),
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn expire(&mut self, _cx: &mut Context<'_>, _out: &mut Outbox<Output>) {}

    fn check(&self, _cx: &Context<'_>) {
        let saves = self.proposed.len() + self.waiting.len();
        assert!(saves <= SAVES_MAX, "saves are bounded");
    }
}

/// The key below which a resource's checkpoints of one kind stand.
fn key_of(resource: ResourceId, kind: CheckpointKind) -> String {
    format!("Checkpoints\\{resource}\\{}", kind.label())
}

/// What the cluster database has of a checkpoint.
fn saved<'a>(hive: &'a Hive, resource: ResourceId, key: &CheckpointKey) -> Option<&'a [u8]> {
    match hive.value(&key_of(resource, key.kind), &key.name)? {
        Value::Binary(bytes) => Some(bytes),
        _ => None,
    }
}
