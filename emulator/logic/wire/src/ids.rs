//! Codecs of `base`'s ids, states and times.

use base::{
    CallId, ConnectionRefusal, DiskId, GroupId, GroupState, HaltReason, HostId, Incarnation, IoId,
    NetworkId, NodeId, NodeSet, NodeStanding, NodeState, PaxosTag, QuorumModel, QuorumState,
    RequestId, ResourceId, ResourceState, StateChangeCause, Timestamp, ViewId, WallTime,
};

use crate::{Codec, DecodeError, Reader, Sample, Source, Writer, codec};

codec!(struct NetworkId(number));
codec!(struct GroupId(number));
codec!(struct ResourceId(number));
codec!(struct DiskId(number));
codec!(struct HostId(number));
codec!(struct CallId(number));
codec!(struct IoId(number));
codec!(struct RequestId(number));
codec!(struct Incarnation(number));
codec!(struct NodeSet(bits));
codec!(struct Timestamp(nanoseconds));
codec!(struct WallTime(milliseconds));
codec!(struct ViewId { epoch, coordinator, incarnation });
codec!(struct PaxosTag { next_epoch, last_epoch, sequence });
codec!(enum ResourceState {
    0 = Offline, 1 = OnlinePending, 2 = Online, 3 = OfflinePending, 4 = Failed,
});
codec!(enum GroupState {
    0 = Online, 1 = Offline, 2 = Failed, 3 = PartialOnline, 4 = Pending,
});
codec!(enum NodeState { 0 = Up, 1 = Down, 2 = Paused, 3 = Joining });
codec!(enum NodeStanding { 0 = Normal, 1 = Isolated, 2 = Quarantined });
codec!(enum QuorumModel {
    0 = NodeMajority, 1 = NodeAndDiskMajority, 2 = NodeAndFileShareMajority, 3 = DiskOnly,
});
codec!(enum QuorumState { 0 = Absent, 1 = Arbitrating, 2 = Held });
codec!(enum StateChangeCause {
    0 = Unknown, 1 = Move, 2 = Failover, 3 = FailedMove, 4 = Shutdown,
});
codec!(enum ConnectionRefusal {
    0 = Version, 1 = ClusterName, 2 = NodeName, 3 = Unproven,
});
codec!(enum HaltReason {
    0 = QuorumLost, 1 = RemovedFromMembership, 2 = DatabaseFailed, 3 = DatabaseUnreadable,
    4 = UpdateFailed, 5 = Stopped, 6 = ForcedElsewhere, 7 = Evicted,
});

impl Codec for NodeId {
    fn encode(&self, writer: &mut Writer) {
        self.number().encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::new(u8::decode(reader)?).ok_or(DecodeError::OutOfRange { of: "NodeId" })
    }
}

impl Sample for NodeId {
    fn sample(source: &mut Source<'_>) -> Self {
        let number = source.byte() % 64 + 1;
        Self::new(number).unwrap_or_else(|| unreachable!("1 to 64"))
    }
}
