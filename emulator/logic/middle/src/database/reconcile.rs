//! Bringing the local replica and the copy on the witness disk together (seed 001, Quorum Manager
//! 7: reconciles all replicas by Paxos tag).

use base::{DiskId, Outbox, PaxosTag};
use bottom::clusdisk;

use super::install::Installation;
use super::replica::Replica;
use super::witness::Progress;
use super::{Database, Output};
use crate::Context;

/// What is missing until both are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reconcile {
    /// The slots are being read.
    Reading,
    /// This was read, and the local replica it is compared with has to be settled.
    Found { copy: Option<Replica> },
    /// The copy was newer: the local replica has to become durably what it says.
    Adopting,
    /// The copy was older or absent: this version has to be on the disk.
    Writing { version: u64 },
}

impl Database {
    pub(super) fn witness_held(&mut self, disk: DiskId) {
        self.witness.load(disk);
        self.reconcile = Some(Reconcile::Reading);
    }

    pub(super) fn witness_released(&mut self, cx: &Context<'_>) {
        self.witness.unload();
        self.reconcile = None;
        // Quorum hears of the loss in this same moment; look when it has decided.
        self.recheck = Some(cx.now.mono);
    }

    /// The witness share was opened or written by this node, or is its no longer.
    pub(super) fn share_remembers(&mut self, cx: &Context<'_>, tag: Option<PaxosTag>) {
        if self.share.is_some() && tag.is_none() {
            // Quorum hears of the loss in this same moment; look when it has decided.
            self.recheck = Some(cx.now.mono);
        }
        self.share = tag;
    }

    /// The copy is unloaded, the node goes on (seed 001, Database Manager 7).
    pub(super) fn witness_failed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        self.witness_released(cx);
        out.push(Output::WitnessFailed);
    }

    pub(super) fn witness_report(
        &mut self,
        cx: &Context<'_>,
        disk: DiskId,
        report: clusdisk::Report,
        out: &mut Outbox<Output>,
    ) {
        match self.witness.report(disk, report) {
            Progress::None | Progress::Written => {}
            Progress::Found(copy) => self.reconcile = Some(Reconcile::Found { copy }),
            Progress::Failed => self.witness_failed(cx, out),
        }
    }

    /// Compares what was read with the local replica.
    pub(super) fn compare(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let found = |reconcile: &mut Reconcile| matches!(reconcile, Reconcile::Found { .. });
        let Some(Reconcile::Found { copy }) = self.reconcile.take_if(found) else {
            return;
        };
        self.reconcile = Some(Reconcile::Adopting);
        let trusted = self.is_installed(cx) || was_active(cx);
        let own = self.replica.synchronised;
        match copy {
            Some(copy) if trusted && copy.synchronised.is_beyond(cx.facts.me, own) => {
                self.leave(cx, out);
            }
            Some(copy) if trusted && copy.tag > self.replica.tag => {
                self.catch_up(cx, &copy, out);
            }
            Some(copy) if !trusted && copy.standing() > self.replica.standing() => {
                self.adopt(copy, out);
            }
            Some(copy) if copy == self.replica.durable() => {
                let version = self.witness.is_current();
                self.reconcile = Some(Reconcile::Writing { version });
            }
            Some(_) | None => {
                let version = self.witness.changed();
                self.reconcile = Some(Reconcile::Writing { version });
            }
        }
    }

    /// An active member has agreed to whatever its views have committed beyond it, and its volatile
    /// tables need that update too.
    fn catch_up(&mut self, cx: &Context<'_>, copy: &Replica, out: &mut Outbox<Output>) {
        if self.replica.prepared_number() == Some(copy.applied) {
            self.commit(copy.applied, out);
        } else {
            self.leave(cx, out);
        }
    }

    /// Others went on without this active member. Its volatile tables are worth nothing, and taking
    /// the copy would hide that: it leaves the copy alone and rejoins.
    fn leave(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        self.witness_released(cx);
        out.push(Output::LeftBehind);
    }

    /// Whether this node has taken over the replica of its view's source: from then on that is the
    /// truth, whatever was agreed to elsewhere before.
    fn is_installed(&self, cx: &Context<'_>) -> bool {
        let view = cx.facts.view.as_ref().map(|view| view.id);
        view.is_some() && self.installed_in == view
    }

    fn adopt(&mut self, mut copy: Replica, out: &mut Outbox<Output>) {
        copy.synchronised = copy.synchronised.max(self.replica.synchronised);
        let installation = Installation {
            replica: copy,
            request: None,
        };
        self.replace(installation, out);
    }

    /// Says so once nothing is missing.
    pub(super) fn reconciled(&mut self, out: &mut Outbox<Output>) {
        let done = match &self.reconcile {
            None | Some(Reconcile::Reading | Reconcile::Found { .. }) => false,
            Some(Reconcile::Adopting) => self.pending.is_empty(),
            Some(Reconcile::Writing { version }) => self.witness.written() >= Some(*version),
        };
        if done {
            let adopted = self.reconcile.take() == Some(Reconcile::Adopting);
            out.push(Output::WitnessReplica {
                tag: self.replica.tag,
                adopted,
            });
        }
    }
}

/// Whether this node brought an active member's replica into the view.
fn was_active(cx: &Context<'_>) -> bool {
    let view = cx.facts.view.as_deref();
    view.and_then(|view| view.reports.get(&cx.facts.me))
        .is_some_and(|report| report.active)
}
