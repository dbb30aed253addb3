//! Ethernet frames between machines with adapters of their own: what a switch does, machine by
//! machine, members of the cluster or not.

use std::time::Duration;

use base::NetworkId;

use super::{Networks, Station, Stations};
use crate::net::impairment::Fate;

impl Networks {
    /// Machines with an adapter on a network, whether or not it has a link.
    #[must_use]
    pub fn attached(&self, network: NetworkId) -> Stations {
        let segment = self.segments.get(usize::from(network.0));
        segment.map_or(Stations::default(), |it| it.attached)
    }

    /// At which of the machines on the sender's own segment a frame arrives, and after how long;
    /// twice where the network repeats it.
    pub fn switch(
        &mut self,
        network: NetworkId,
        from: Station,
        to: Stations,
    ) -> Vec<(Station, Duration)> {
        let number = usize::from(network.0);
        let Some(linked) = self.linked.get(number).copied() else {
            return Vec::new();
        };
        let reached = |to: &Station| linked.contains(*to) && self.reaches(network, from, *to);
        let reached: Vec<Station> = to.iter().filter(reached).collect();
        let delay = self.segments[number].delay;
        if !self.impaired[number] {
            return reached.into_iter().map(|to| (to, delay)).collect();
        }
        let mut arrivals = Vec::new();
        for to in reached {
            let impairment = self.impairment(network, from, to);
            let Fate { copies, after } = impairment.draw(&mut self.bursts[number], &mut self.rng);
            let extra = after.into_iter().take(copies);
            arrivals.extend(extra.map(|extra| (to, delay + extra)));
        }
        arrivals
    }
}
