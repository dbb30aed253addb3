//! Nodes in quarantine may not join (reference section 6.3; events 1675 and 1676).

use base::{NodeId, NodeSet, NodeStanding, Notice, Outbox};

use super::clique::Gossip;
use super::{Membership, Message, Output};
use crate::Context;

impl Membership {
    /// Whether `from` has to stay out; it is told so by the view's leader. If an administrator
    /// started it so that this ends, the leader sees to that, and the node knocks again.
    pub(super) fn quarantines(
        &mut self,
        cx: &Context<'_>,
        from: NodeId,
        gossip: &Gossip,
        out: &mut Outbox<Output>,
    ) -> bool {
        let quarantined = cx.facts.objects.standing(from) == NodeStanding::Quarantined;
        if !quarantined || gossip.active || !self.active {
            return false;
        }
        if !self.leads(cx) {
            return true;
        }
        if gossip.clears_quarantine {
            out.push(Output::ClearQuarantine { node: from });
            return true;
        }
        let known = self.turned_away.insert(from, gossip.incarnation);
        if known != Some(gossip.incarnation) {
            out.push(Output::Notice(Notice::JoinerQuarantined { node: from }));
        }
        out.push(Output::Send {
            to: NodeSet::one(from),
            message: Message::Quarantined,
        });
        true
    }

    /// The leader of the cluster that this node wants to join has turned it away.
    pub(super) fn told_of_quarantine(&mut self, out: &mut Outbox<Output>) {
        if !self.active && !std::mem::replace(&mut self.quarantined, true) {
            out.push(Output::Notice(Notice::Quarantined));
        }
    }
}
