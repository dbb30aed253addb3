//! A planned stop: the vote of a node that goes is with the others before it does (reference
//! section 4.2: a graceful stop of the voter hands the vote over).

use std::time::Duration;

use base::{Generation, NodeSet, Outbox};

use super::{Output, Quorum, Timer, adjust};
use crate::Context;
use crate::database::Change;
use crate::object::StateChange;

/// How long a node that stops waits for that. Unsourced: a setting of this emulator.
const LEAVE_PATIENCE: Duration = Duration::from_secs(5);

impl Quorum {
    /// This node stops and runs nothing any more.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        self.leaving = true;
        let (node, life) = (cx.facts.me, cx.facts.incarnation);
        let staying = Self::staying(cx).without(node);
        let hands_over = !staying.is_empty() && cx.facts.ready;
        let weights = hands_over.then(|| adjust(&cx.facts.settings, staying, cx.rng));
        // Who goes without a word has left unplanned, which counts from 2016 on.
        let announced = cx.facts.settings.generation >= Generation::V2016;
        match weights {
            Some(mut changes) if self.forced.is_none() && (announced || !changes.is_empty()) => {
                changes.push(Change::State(StateChange::NodeLeaving { node, life }));
                let until = cx.now.mono + LEAVE_PATIENCE;
                self.timers.set(Timer::Leave as usize, until);
                out.push(Output::HandOver { changes });
            }
            _ => self.left(out),
        }
    }

    /// Members of the view that are not about to leave it. A word of an earlier life counts for
    /// nothing: an update that carries it may be completed only now.
    pub(super) fn staying(cx: &Context<'_>) -> NodeSet {
        let leaving = &cx.facts.objects.leaving;
        let reports = Self::view(cx).into_iter().flat_map(|view| &view.reports);
        let stays = reports.filter(|(node, it)| leaving.get(node) != Some(&it.incarnation));
        stays.map(|(node, _)| *node).collect()
    }

    /// Nothing keeps a node that stops any more.
    pub(super) fn left(&mut self, out: &mut Outbox<Output>) {
        if std::mem::take(&mut self.leaving) {
            out.push(Output::Left);
        }
    }
}
