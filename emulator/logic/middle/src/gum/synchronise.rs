//! From a quorate view to an open one: choose a source, bring everybody to its replica.

use std::sync::Arc;

use base::{NodeId, NodeSet, Outbox};

use super::{Gum, Message, Output, Phase, Snapshot, Standing};
use crate::Context;
use crate::database::Update;
use crate::membership::{Synchronised, UpdateKey, View};

impl Gum {
    /// The view has quorum. `witness` is the member that reconciled its replica with the witness
    /// copy after it had promised itself.
    pub(super) fn quorate(
        &mut self,
        cx: &Context<'_>,
        witness: Option<NodeId>,
        out: &mut Outbox<Output>,
    ) {
        if self.phase != Phase::Closed {
            return;
        }
        match witness {
            None => self.choose_source(cx, None, out),
            Some(node) => {
                self.phase = Phase::ExpectReconciled { node };
                if node == cx.facts.me {
                    let standing = Standing {
                        tag: cx.facts.tag,
                        applied: cx.facts.applied,
                        prepared: cx.facts.prepared.as_ref().map(|update| update.key),
                        synchronised: cx.facts.synchronised,
                    };
                    Self::to_all(cx, Message::Reconciled { standing }, out);
                }
            }
        }
        self.replay(cx, out);
    }

    pub(super) fn choose_source(
        &mut self,
        cx: &Context<'_>,
        fresh: Option<(NodeId, Standing)>,
        out: &mut Outbox<Output>,
    ) {
        let Some(view) = Self::view(cx) else { return };
        let ghosts = view.ghosts(fresh);
        if !ghosts.is_empty() {
            self.phase = Phase::Closed;
            out.push(Output::Remove { nodes: ghosts });
            return;
        }
        let source = view.source(fresh);
        self.source = Some(source);
        self.number = Self::next_number(cx, view, fresh);
        self.formed = view.active().is_empty();
        let forced = self.formed && self.forced;
        let forced = forced.then(|| cx.facts.tag.forced_epoch(cx.now.wall, cx.facts.me));
        // Whoever was brought to another view meanwhile must not seem to be beyond this one.
        self.number = self.number.max(forced.unwrap_or_default());
        if source != cx.facts.me {
            self.phase = Phase::ExpectSnapshot;
        } else if self.formed {
            self.phase = Phase::ExpectEpoch;
            out.push(Output::BeginEpoch { forced });
        } else {
            self.bring_together(cx, out);
        }
    }

    /// A number above every synchronisation that the members and the witness know of.
    fn next_number(cx: &Context<'_>, view: &View, fresh: Option<(NodeId, Standing)>) -> u64 {
        let reported = view.reports.values().map(|report| report.synchronised);
        let known = reported.chain(fresh.map(|(_, standing)| standing.synchronised));
        let known = known.chain([cx.facts.synchronised]);
        1 + known.map(|view| view.epoch).max().unwrap_or_default()
    }

    /// As source: send everybody, this node included, the replica.
    fn bring_together(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        // A cluster that forms starts with nothing owned by anybody.
        let objects = if self.formed {
            Arc::default()
        } else {
            Arc::clone(&cx.facts.objects)
        };
        let snapshot = Snapshot {
            hive: Arc::clone(&cx.facts.hive),
            tag: cx.facts.tag,
            objects,
            applied: cx.facts.applied,
            prepared: self.carried(cx),
            synchronised: self.synchronised_now(cx),
        };
        self.phase = Phase::ExpectSnapshot;
        self.awaiting = Self::members(cx);
        self.arm(cx);
        Self::to_all(cx, Message::Synchronise { snapshot }, out);
    }

    fn synchronised_now(&self, cx: &Context<'_>) -> Synchronised {
        Synchronised {
            epoch: self.number,
            members: Self::members(cx),
        }
    }

    /// What this node has agreed to and not seen committed: as it was sent at first, and once all
    /// members know durably of this view, as an update of this view.
    ///
    /// Were its old epoch kept, somebody outside this view might hold another update of the same
    /// number and a higher epoch, and win with it later although this one was committed. Were the
    /// new one given at once, a member that forgets this view in a crash could take part in
    /// another one whose update has a lower epoch.
    fn carried(&self, cx: &Context<'_>) -> Option<Update> {
        let agreed = cx.facts.prepared.clone()?;
        if cx.facts.synchronised != self.synchronised_now(cx) {
            return Some(agreed);
        }
        let key = UpdateKey {
            number: agreed.key.number,
            epoch: self.number,
            sender: cx.facts.me,
        };
        Some(Update { key, ..agreed })
    }

    pub(super) fn snapshot(&mut self, from: NodeId, snapshot: Snapshot, out: &mut Outbox<Output>) {
        if self.source == Some(from) {
            self.phase = Phase::ExpectInstalled;
            out.push(Output::Install { snapshot });
        }
    }

    /// The local replica is durable.
    pub(super) fn installed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        match (&self.phase, self.source) {
            (Phase::ExpectEpoch, _) => self.bring_together(cx, out),
            (Phase::ExpectInstalled, Some(source)) => {
                self.phase = Phase::ExpectOpen;
                let message = Message::Synchronised;
                out.push(Output::Send {
                    to: NodeSet::one(source),
                    message,
                });
            }
            _ => {}
        }
        self.replay(cx, out);
    }

    /// As source: one more member is there.
    pub(super) fn synchronised(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        out: &mut Outbox<Output>,
    ) {
        self.awaiting.remove(from);
        if !self.awaiting.is_empty() {
            return;
        }
        let agreed = cx.facts.prepared.as_ref();
        if agreed.is_some_and(|update| update.key.epoch != self.number) {
            self.bring_together(cx, out);
        } else {
            self.timers.clear(super::Timer::Reply as usize);
            let agreed = u64::from(cx.facts.prepared.is_some());
            let next = cx.facts.applied + agreed + 1;
            Self::to_all(cx, Message::Open { next }, out);
        }
    }

    /// Everybody is there.
    pub(super) fn open(&mut self, cx: &Context<'_>, next: u64, out: &mut Outbox<Output>) {
        if self.source == Some(cx.facts.me) {
            // The lock starts at the source; kept aside until the view is open here.
            self.early.push_front((
                cx.facts.me,
                Message::Lock {
                    served: Default::default(),
                    waiting: Vec::new(),
                    next,
                },
            ));
        }
        match &cx.facts.prepared {
            Some(update) => {
                let number = update.key.number;
                self.phase = Phase::ExpectLast { number };
                out.push(Output::Commit { number });
            }
            None => self.opened(cx, out),
        }
    }

    /// The view is open on this member.
    pub(super) fn opened(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        self.phase = Phase::Open;
        out.push(Output::Publish {
            ready: true,
            lock_owner: self.source,
        });
        out.push(Output::Opened {
            formed: self.formed,
        });
        self.replay(cx, out);
    }
}
