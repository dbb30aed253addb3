//! What messaging hears, says and puts on the wire; generic over the payload.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{NodeId, NodeSet, ViewId};

/// How a message travels (seed 001, Messaging). Its sender chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Reliable unicast to each addressee, in the order of the sends; to several it is the raw
    /// multicast.
    Unicast,
    /// Good-enough multicast: numbered within the view, kept until every member has it, and
    /// repaired when the view ends.
    GoodEnough,
    /// Good-enough multicast that is delivered nowhere before what its sender had delivered.
    Causal,
    /// The request of a round of multicast request-reply. Request ids of one sender ascend within
    /// a view.
    Request(u64),
    /// The reply to the request with this id; to its asker alone.
    Reply(u64),
}

/// A causal time stamp: how many multicasts of each other member its sender had delivered.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Stamp(pub BTreeMap<NodeId, u64>);

/// Which round a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// The request id.
    pub request: u64,
    /// The lowest request of the same asker that still waits for a reply: what is below is over.
    pub oldest: u64,
}

/// A good-enough multicast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multicast<P> {
    /// Its place among its sender's multicasts in the view, from 1.
    pub sequence: u64,
    /// Everything of its sender up to here is at every member.
    pub stable: u64,
    /// Members that the payload is for; all members receive the message.
    pub to: NodeSet,
    /// What has to be delivered first, if it is causal.
    pub after: Option<Stamp>,
    /// The round that it repairs, if it is a request again.
    pub round: Option<Round>,
    /// What it says.
    pub payload: Arc<P>,
}

/// What reliable unicast carries. Cheap to clone.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<P> {
    /// A message of its own.
    Message(Arc<P>),
    /// The reply to a request of the receiver.
    Reply {
        /// The request id.
        request: u64,
        /// The answer.
        payload: Arc<P>,
    },
    /// A good-enough multicast of the sender.
    Multicast(Arc<Multicast<P>>),
}

impl<P> Clone for Packet<P> {
    fn clone(&self) -> Self {
        match self {
            Self::Message(payload) => Self::Message(Arc::clone(payload)),
            Self::Reply { request, payload } => Self::Reply {
                request: *request,
                payload: Arc::clone(payload),
            },
            Self::Multicast(multicast) => Self::Multicast(Arc::clone(multicast)),
        }
    }
}

/// Where a member stands in the repair that ends its view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairReport {
    /// The view that it is still in.
    pub view: Option<ViewId>,
    /// How many multicasts of each member it has received in that view.
    pub received: BTreeMap<NodeId, u64>,
    /// Whose report of this repair it has.
    pub heard: NodeSet,
}

/// What travels between two nodes. Segments of another view are not acknowledged, so what is
/// meant for a newer view is sent again until the receiver is in it, and what belongs to an older
/// view dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment<P> {
    /// Packet `sequence` (from 1, per direction and view) with everything up to `acknowledged`
    /// received from the other side.
    Data {
        view: ViewId,
        sequence: u64,
        acknowledged: u64,
        packet: Packet<P>,
    },
    /// Everything up to `acknowledged` was received.
    Acknowledge { view: ViewId, acknowledged: u64 },
    /// A round's request on its first way; nobody acknowledges it but by the reply.
    Request {
        view: ViewId,
        round: Round,
        payload: Arc<P>,
    },
    /// The sender closes its view for the one named `next`.
    Repair { next: ViewId, report: RepairReport },
    /// A multicast of `origin` in `view` that the receiver lacks.
    Forward {
        next: ViewId,
        view: ViewId,
        origin: NodeId,
        multicast: Arc<Multicast<P>>,
    },
}

/// What messaging hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<P> {
    /// From any manager: deliver `payload` to every node of `to`, this node included if it is
    /// there. Nodes outside the view are left out.
    Send {
        service: Service,
        to: NodeSet,
        payload: P,
    },
    /// From the wire.
    Segment { from: NodeId, segment: Segment<P> },
    /// From membership: the view is about to be followed by `next` with these members. Nothing of
    /// it is sent any more; `Repaired` follows when this node has every multicast that somebody
    /// who goes along has.
    Repair { next: ViewId, members: NodeSet },
    /// From membership: the view fact changed; everything starts anew.
    ViewInstalled,
}

/// What messaging says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<P> {
    /// To netft; may be lost. Over the best route, or over every route that is up while the view
    /// ends: a route that has just failed may still count as the best.
    Transmit {
        to: NodeId,
        segment: Segment<P>,
        every_route: bool,
    },
    /// To the manager that the payload names; once.
    Deliver { from: NodeId, payload: Arc<P> },
    /// To the event log: a causal multicast of `from` was delivered after what its stamp names.
    Causal {
        view: ViewId,
        from: NodeId,
        sequence: u64,
        after: Stamp,
    },
    /// To membership: this member has acknowledged nothing for a long time although it is in the
    /// view.
    Unresponsive { peer: NodeId },
    /// To membership: the view that `next` follows is repaired on this node.
    Repaired { next: ViewId },
    /// To the event log: the view ended here with so many multicasts of each member delivered.
    Closed {
        view: ViewId,
        next: ViewId,
        delivered: BTreeMap<NodeId, u64>,
    },
}

wire::codec!(struct Stamp(counts));
wire::codec!(struct Round { request, oldest });
wire::codec!(struct Multicast<P> { sequence, stable, to, after, round, payload });
wire::codec!(enum Packet<P> {
    0 = Message(payload),
    1 = Reply { request, payload },
    2 = Multicast(multicast),
});
wire::codec!(struct RepairReport { view, received, heard });
wire::codec!(enum Segment<P> {
    0 = Data { view, sequence, acknowledged, packet },
    1 = Acknowledge { view, acknowledged },
    2 = Request { view, round, payload },
    3 = Repair { next, report },
    4 = Forward { next, view, origin, multicast },
});
