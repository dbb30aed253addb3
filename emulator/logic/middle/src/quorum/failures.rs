//! What the event log hears of a cluster that is not formed, and of its witness share (reference
//! section 9: events 1092, 1562, 1564, 1573, 1652 and 1653).
//!
//! When the product gives up is unsourced. Here a node says so when it has waited for as long as an
//! arbitration may take, once in each life, and goes on looking for a cluster.

use base::{NodeSet, Notice, Outbox, ServiceEvent, WitnessVerdict};

use super::{Output, Quorum};
use crate::Context;
use crate::settings::Witness;

impl Quorum {
    /// Says something of this service once in its life.
    fn tell_once(&mut self, event: ServiceEvent, out: &mut Outbox<Output>) {
        if self.failures.insert(event) {
            out.push(Output::Notice(Notice::OfService { event }));
        }
    }

    /// This node has waited in vain for a cluster, by itself or with those that it reaches.
    pub(super) fn tell_not_formed(&mut self, cx: &Context<'_>, out: &mut Outbox<Output>) {
        let configured: NodeSet = cx.facts.settings.nodes.keys().copied().collect();
        let others = configured.without(cx.facts.me);
        let reached = others.intersection(cx.bottom.reachable);
        if reached != others {
            let nobody = reached.is_empty();
            let event = if nobody {
                ServiceEvent::NobodyReached
            } else {
                ServiceEvent::NotAllReached
            };
            self.tell_once(event, out);
        }
        self.tell_once(ServiceEvent::FormFailed, out);
    }

    /// The arbitration that this node was asked for is lost.
    pub(super) fn tell_not_arbitrated(
        &mut self,
        cx: &Context<'_>,
        verdict: WitnessVerdict,
        out: &mut Outbox<Output>,
    ) {
        if !self.arbitrating {
            return;
        }
        if cx.facts.settings.witness == Witness::Share {
            let event = ServiceEvent::WitnessNotArbitrated;
            out.push(Output::Notice(Notice::OfService { event }));
        }
        if verdict == WitnessVerdict::Unreachable && !cx.facts.active {
            self.tell_once(ServiceEvent::WitnessUnreachable, out);
        }
    }

    /// A witness that was held does not work any more.
    pub(super) fn tell_unhealthy(cx: &Context<'_>, out: &mut Outbox<Output>) {
        if cx.facts.settings.witness == Witness::Share {
            let event = ServiceEvent::WitnessUnhealthy;
            out.push(Output::Notice(Notice::OfService { event }));
        }
    }
}
