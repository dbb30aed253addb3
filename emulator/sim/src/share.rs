//! The witness share: one file that one node at a time has open.
//!
//! The server closes the file of a node whose process ended at once, and that of a node which it
//! cannot reach any more after a while; how long is unsourced, so it is a constant of this model.

use std::time::Duration;

use base::{NodeId, NodeSet, PaxosTag, Timestamp};
use bottom::share::{ShareOutcome, ShareRequest};
use plan::ShareHost;

use crate::FaultId;
use crate::net::{Networks, Station};

/// One way of a request or its outcome.
pub(crate) const SHARE_DELAY: Duration = Duration::from_micros(300);
/// How long a node waits for a server that does not answer.
pub const SHARE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the server keeps the file open for a node that it cannot reach.
const SESSION_TIMEOUT: Duration = Duration::from_secs(3);

/// The file server of the witness share, with its one file.
#[derive(Debug)]
pub struct Share {
    host: ShareHost,
    /// The server's machine, where the lab models it.
    station: Option<Station>,
    unreachable: Vec<(FaultId, NodeSet)>,
    tag: Option<PaxosTag>,
    holder: Option<NodeId>,
    lost_since: Option<Timestamp>,
    /// The holder's machine stopped: whatever runs there now is not who opened the file.
    orphaned: bool,
}

impl Share {
    /// A new, empty file.
    #[must_use]
    pub fn new(host: ShareHost, members: usize) -> Self {
        let station = match host {
            ShareHost::Machine(place) => u8::try_from(members + place).ok().map(Station),
            ShareHost::Network(_) => None,
        };
        Self {
            host,
            station,
            unreachable: Vec::new(),
            tag: None,
            holder: None,
            lost_since: None,
            orphaned: false,
        }
    }

    /// The node that has the file open.
    #[must_use]
    pub fn holder(&self) -> Option<NodeId> {
        self.holder
    }

    /// The tag in the file.
    #[must_use]
    pub fn tag(&self) -> Option<PaxosTag> {
        self.tag
    }

    /// From now on these nodes do not reach the server, until the fault heals.
    pub fn cut_off(&mut self, fault: FaultId, nodes: NodeSet) {
        self.unreachable.push((fault, nodes));
    }

    /// Takes what a fault did away.
    pub fn heal(&mut self, fault: FaultId) {
        self.unreachable.retain(|(owner, _)| *owner != fault);
    }

    /// The machine of the server, by place among those that are no members.
    #[must_use]
    pub fn machine(&self) -> Option<usize> {
        match self.host {
            ShareHost::Machine(place) => Some(place),
            ShareHost::Network(_) => None,
        }
    }

    /// Whether a node and the server can exchange packets.
    #[must_use]
    pub fn reaches(&self, node: NodeId, networks: &Networks) -> bool {
        if self.unreachable.iter().any(|(_, from)| from.contains(node)) {
            return false;
        }
        let me = Station::from(node);
        match (&self.host, self.station) {
            (ShareHost::Network(network), _) => networks.gets_to(me, *network),
            (ShareHost::Machine(_), Some(server)) => networks.exchange(me, server),
            (ShareHost::Machine(_), None) => false,
        }
    }

    /// Power, process or network of some node changed: `alive` tells whether the holder's machine
    /// answers the server.
    pub fn refresh(&mut self, now: Timestamp, alive: impl Fn(NodeId) -> bool) {
        self.break_lost_session(now);
        let gone = self.holder.is_some_and(|holder| !alive(holder)) || self.orphaned;
        self.lost_since = match (gone, self.lost_since) {
            (true, since) => since.or(Some(now)),
            (false, _) => None,
        };
    }

    /// A node's cluster service ended while its machine runs on: its open file is closed.
    pub fn close(&mut self, node: NodeId) {
        if self.holder == Some(node) {
            self.free();
        }
    }

    /// A node's machine stopped: the server does not hear of it and waits for a while.
    pub fn abandon(&mut self, now: Timestamp, node: NodeId) {
        if self.holder == Some(node) {
            self.orphaned = true;
            self.lost_since.get_or_insert(now);
        }
    }

    fn free(&mut self) {
        self.holder = None;
        self.lost_since = None;
        self.orphaned = false;
    }

    /// Carries out a request that has reached the server.
    pub fn execute(&mut self, now: Timestamp, node: NodeId, request: ShareRequest) -> ShareOutcome {
        self.break_lost_session(now);
        let mine = self.holder == Some(node);
        match request {
            ShareRequest::Lock if self.holder.is_none() || mine => {
                self.free();
                self.holder = Some(node);
                ShareOutcome::Done
            }
            ShareRequest::Lock => ShareOutcome::Held,
            ShareRequest::Read => ShareOutcome::Read(self.tag),
            ShareRequest::Write(tag) if mine => {
                self.tag = Some(tag);
                ShareOutcome::Done
            }
            ShareRequest::Write(_) => ShareOutcome::Unreachable,
            ShareRequest::Unlock => {
                self.close(node);
                ShareOutcome::Done
            }
        }
    }

    fn break_lost_session(&mut self, now: Timestamp) {
        if self
            .lost_since
            .is_some_and(|since| now.since(since) >= SESSION_TIMEOUT)
        {
            self.free();
        }
    }
}

#[cfg(test)]
mod tests {
    use base::NetworkId;

    use super::*;

    fn node(number: u8) -> NodeId {
        NodeId::new(number).unwrap()
    }

    fn share() -> Share {
        Share::new(ShareHost::Network(NetworkId(0)), 2)
    }

    #[test]
    fn one_node_at_a_time_has_the_file_open() {
        let mut share = share();
        let now = Timestamp::ZERO;
        let done = ShareOutcome::Done;
        assert_eq!(share.execute(now, node(1), ShareRequest::Lock), done);
        let second = share.execute(now, node(2), ShareRequest::Lock);
        assert_eq!(second, ShareOutcome::Held);
        assert_eq!(share.execute(now, node(1), ShareRequest::Unlock), done);
        assert_eq!(share.execute(now, node(2), ShareRequest::Lock), done);
    }

    #[test]
    fn a_lost_holder_keeps_the_file_for_a_while_and_cannot_write_afterwards() {
        let mut share = share();
        let later = |seconds| Timestamp::ZERO + Duration::from_secs(seconds);
        share.execute(later(0), node(1), ShareRequest::Lock);
        share.refresh(later(10), |_| false);
        let early = share.execute(later(11), node(2), ShareRequest::Lock);
        assert_eq!(early, ShareOutcome::Held);
        let late = share.execute(later(13), node(2), ShareRequest::Lock);
        assert_eq!(late, ShareOutcome::Done);
        let write = ShareRequest::Write(PaxosTag::default());
        let stale = share.execute(later(14), node(1), write);
        assert_eq!(stale, ShareOutcome::Unreachable);
    }

    #[test]
    fn the_file_of_a_machine_that_stopped_and_booted_again_is_closed_after_a_while() {
        let mut share = share();
        let later = |seconds| Timestamp::ZERO + Duration::from_secs(seconds);
        share.execute(later(0), node(1), ShareRequest::Lock);
        share.abandon(later(10), node(1));
        share.refresh(later(11), |_| true);
        let early = share.execute(later(12), node(2), ShareRequest::Lock);
        assert_eq!(early, ShareOutcome::Held);
        let late = share.execute(later(13), node(2), ShareRequest::Lock);
        assert_eq!(late, ShareOutcome::Done);
    }

    #[test]
    fn a_holder_that_comes_back_in_time_keeps_the_file() {
        let mut share = share();
        let later = |seconds| Timestamp::ZERO + Duration::from_secs(seconds);
        share.execute(later(0), node(1), ShareRequest::Lock);
        share.refresh(later(10), |_| false);
        share.refresh(later(12), |_| true);
        let second = share.execute(later(20), node(2), ShareRequest::Lock);
        assert_eq!(second, ShareOutcome::Held);
    }
}
