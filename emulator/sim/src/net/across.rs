//! Ways through routers: machines without a common segment reach each other between two segments
//! that a router joins.

use std::time::Duration;

use base::{NetworkId, NodeId, NodeSet};

use super::{Arrival, Networks, Router, Rule, Station, Stations};

impl Networks {
    /// Whether a machine gets to a segment: by an adapter of its own, or through a router.
    #[must_use]
    pub fn gets_to(&self, station: Station, network: NetworkId) -> bool {
        let joins = |router: &&Router| router.joins.contains(&network);
        let joined = self.routers.iter().filter(joins).flat_map(|it| &it.joins);
        self.is_linked(station, network)
            || joined.into_iter().any(|it| self.is_linked(station, *it))
    }

    /// Whether a machine reaches another one from this segment through a router.
    pub(super) fn is_across(&self, network: NetworkId, from: Station, to: Station) -> bool {
        let there = self.segments[usize::from(network.0)].attached.contains(to);
        !there && self.reaches(network, from, to)
    }

    /// The segments at the far ends of the routers that a segment is joined by, in ascending order.
    fn beyond(&self, network: NetworkId) -> Vec<NetworkId> {
        let joins = |router: &&Router| router.joins.contains(&network);
        let joined = self.routers.iter().filter(joins).flat_map(|it| &it.joins);
        let mut beyond: Vec<NetworkId> = joined.filter(|it| **it != network).copied().collect();
        beyond.sort_unstable();
        beyond.dedup();
        beyond
    }

    /// Whom a machine reaches from a segment through routers, those on the segment left out.
    pub(super) fn reach_across(&self, network: NetworkId, me: Station) -> Stations {
        let mut reach = Stations::default();
        for far in self.beyond(network) {
            let mut there = self.linked[usize::from(far.0)];
            for (_, rule) in &self.rules {
                if let Rule::Cut {
                    from,
                    to,
                    network: on,
                } = rule
                    && (*on == network || *on == far)
                    && from.contains(me)
                {
                    there.0 &= !to.0;
                }
            }
            reach = reach.union(there);
        }
        Stations(reach.0 & !self.segments[usize::from(network.0)].attached.0)
    }

    /// Sends a datagram to one machine through a router.
    pub(super) fn route_across(
        &mut self,
        network: NetworkId,
        from: NodeId,
        to: NodeId,
        arrivals: &mut Vec<Arrival>,
    ) {
        let ends = self.beyond(network).into_iter();
        let mut ends = ends.filter(|far| self.is_linked(to.into(), *far));
        let Some(far) = ends.next() else { return };
        for after in self.ways_across((network, far), from.into(), to.into()) {
            arrivals.push(Arrival {
                network: far,
                to: NodeSet::one(to),
                after,
            });
        }
    }

    /// After how long a packet that a machine sends to another one beyond a router arrives; twice
    /// where the network repeats it, never where there is no way.
    pub fn switch_across(
        &mut self,
        (near, far): (NetworkId, NetworkId),
        from: Station,
        to: Station,
    ) -> Vec<Duration> {
        if self.is_across(near, from, to) && self.is_linked(to, far) {
            self.ways_across((near, far), from, to)
        } else {
            Vec::new()
        }
    }

    fn ways_across(
        &mut self,
        (network, far): (NetworkId, NetworkId),
        from: Station,
        to: Station,
    ) -> Vec<Duration> {
        let joins = |it: &&Router| it.joins.contains(&network) && it.joins.contains(&far);
        let link = self.routers.iter().find(joins).map(|router| router.link);
        let near = self.impairment(network, from, to);
        let all = near
            .and(self.impairment(far, from, to))
            .and(link.unwrap_or_default());
        let fate = all.draw(&mut self.bursts[usize::from(far.0)], &mut self.rng);
        let ways =
            self.segments[usize::from(network.0)].delay + self.segments[usize::from(far.0)].delay;
        let extra = fate.after.into_iter().take(fate.copies);
        extra.map(|extra| ways + extra).collect()
    }
}
