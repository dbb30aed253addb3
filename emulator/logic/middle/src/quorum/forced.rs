//! An administrator's word instead of votes (ForceQuorum, reference section 4.3), and how it ends.

use base::{Generation, Outbox};

use super::{Output, Quorum, State, Tally, count};
use crate::Context;
use crate::membership::View;
use crate::settings::Settings;

/// The count by an administrator's word and whether it holds; none without one. From 2008 on the
/// word alone is enough, in 2003 the majority of the nodes that it names.
pub(super) fn forced_count(
    settings: &Settings,
    view: &View,
    certain: Tally,
) -> Option<(Tally, bool)> {
    let listed = view.forced()?;
    if settings.generation >= Generation::V2008 {
        return Some((certain, true));
    }
    let mut among = settings.clone();
    among.nodes.retain(|node, _| listed.contains(*node));
    let tally = count(&among, view.members, false);
    Some((tally, tally.has_quorum()))
}

impl Quorum {
    /// As decider of a view that rests on an administrator's word: whether it has enough votes by
    /// now, with which the word ends by itself.
    pub(super) fn unforce(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let Some(view) = Self::view(cx).filter(|_| self.forced.is_some()) else {
            return;
        };
        let held = self.witness_known_held(cx);
        let tally = count(&cx.facts.settings, view.members, held);
        let decides = view.source(None) == cx.facts.me && self.state == State::Held;
        if decides && tally.has_quorum() && cx.facts.ready {
            self.forced = None;
            let (to, message) = (view.members, self.decision(tally, true));
            out.push(Output::Send { to, message });
        }
    }
}
