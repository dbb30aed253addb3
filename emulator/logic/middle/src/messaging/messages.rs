//! What messaging hears, says and puts on the wire; generic over the payload.

use std::sync::Arc;

use base::{NodeId, NodeSet, ViewId};

/// What travels between two members of a view. Segments of another view are not acknowledged, so
/// what is meant for a newer view is sent again until the receiver is in it, and what belongs to
/// an older view dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment<P> {
    /// Message `sequence` (from 1, per direction and view) with everything up to `acknowledged`
    /// received from the other side.
    Data {
        view: ViewId,
        sequence: u64,
        acknowledged: u64,
        payload: Arc<P>,
    },
    /// Everything up to `acknowledged` was received.
    Acknowledge { view: ViewId, acknowledged: u64 },
}

/// What messaging hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<P> {
    /// From any manager: deliver `payload` to every node of `to`, this node included if it is
    /// there, in the order of the sends. Nodes outside the view are left out.
    Send { to: NodeSet, payload: P },
    /// From the wire.
    Segment { from: NodeId, segment: Segment<P> },
    /// From membership: the view fact changed; every conversation starts anew.
    ViewInstalled,
}

/// What messaging says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<P> {
    /// To netft, over the best route; may be lost.
    Transmit { to: NodeId, segment: Segment<P> },
    /// To the manager that the payload names; once, in the sender's order.
    Deliver { from: NodeId, payload: Arc<P> },
    /// To membership: this member has acknowledged nothing for a long time although it is in the
    /// view.
    Unresponsive { peer: NodeId },
}

wire::codec!(enum Segment<P> {
    0 = Data { view, sequence, acknowledged, payload },
    1 = Acknowledge { view, acknowledged },
});
