//! The event log of a node, and its replication: every member's log shows the events of all.
//!
//! Clauses: seed 000, item 1 (Event Log Replication Manager). Facts: reference section 9 (ids and
//! levels). What a member says while it is cut off stays in its own log: events are offered when
//! they happen, not afterwards. Whether later generations still replicate is unsourced, so a
//! property of the cluster, `EnableEventLogReplication`, switches it; it is on by default.
//! Not done here: what is written where (shell), and notices without an event number.

mod line;
mod messages;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use base::{Manager, Notice, Outbox, Timestamp};

pub use line::{ClusterLogLevel, LineStamp, cluster_log_line, component, log_level};
pub use messages::{EventRecord, Input, Level, Message, Output};
pub use text::level;

use crate::Context;

/// Events that a node keeps, its own and others'; the oldest go first.
pub const EVENTS_MAX: usize = 512;

/// The event-log replication manager of one node.
#[derive(Debug, Default)]
pub struct EventLog {
    events: Arc<Vec<EventRecord>>,
    numbers: u64,
}

impl EventLog {
    fn noticed(&mut self, cx: &Context<'_>, notice: &Notice, out: &mut Outbox<Output>) {
        let Some(id) = notice.event_id() else {
            return;
        };
        self.numbers += 1;
        let record = EventRecord {
            node: cx.me,
            incarnation: cx.middle.incarnation,
            number: self.numbers,
            at: cx.now.wall,
            id,
            level: level(id),
            text: text::words(notice, cx.middle),
        };
        let members = cx.middle.view.as_ref().map(|view| view.members);
        let others = members.unwrap_or_default().without(cx.me);
        if cx.middle.ready && !others.is_empty() && is_replicated(cx) {
            let message = Message::Offer {
                record: record.clone(),
            };
            out.push(Output::Send {
                to: others,
                message,
            });
        }
        self.keep(record, out);
    }

    fn keep(&mut self, record: EventRecord, out: &mut Outbox<Output>) {
        let events = Arc::make_mut(&mut self.events);
        if events.len() >= EVENTS_MAX {
            events.drain(..EVENTS_MAX / 4);
        }
        events.push(record);
        out.push(Output::Publish {
            events: Arc::clone(&self.events),
        });
    }
}

fn is_replicated(cx: &Context<'_>) -> bool {
    let hive = &cx.middle.hive;
    hive.dword("", "EnableEventLogReplication") != Some(0)
}

impl Manager for EventLog {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        match input {
            Input::Noticed(notice) => self.noticed(cx, &notice, out),
            Input::Message {
                from,
                message: Message::Offer { record },
            } => {
                // Nobody speaks for another node.
                if record.node == from && from != cx.me {
                    self.keep(record, out);
                }
            }
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    fn expire(&mut self, _cx: &mut Context<'_>, _out: &mut Outbox<Output>) {}

    fn check(&self, _cx: &Context<'_>) {
        assert!(self.events.len() <= EVENTS_MAX, "the log is bounded");
    }
}
