//! Codecs of what nodes say about themselves, for whoever watches a node in another process.

use base::{
    InterfaceState, NetworkState, Notice, RegroupStage, ResourceEvent, ServerChange, ServiceEvent,
    VolumeFault, VolumeState, WitnessVerdict,
};

use crate::codec;

codec!(enum RegroupStage { 0 = Opening, 1 = Closing, 2 = Pruning });
codec!(enum WitnessVerdict { 0 = Won, 1 = Lost, 2 = Unreachable });
codec!(enum NetworkState { 0 = Unavailable, 1 = Down, 2 = Partitioned, 3 = Up });
codec!(enum InterfaceState { 0 = Unavailable, 1 = Failed, 2 = Unreachable, 3 = Up });
codec!(enum ServerChange { 0 = Came, 1 = Went, 2 = Changed });
codec!(enum VolumeFault { 0 = Missing, 1 = Unreadable, 2 = Corrupt });
codec!(enum VolumeState {
    0 = Offline, 1 = Direct, 2 = FileSystemRedirected, 3 = BlockRedirected,
    4 = Paused { expected }, 5 = Maintenance, 6 = Inaccessible, 7 = DiskFailed,
});
codec!(enum ResourceEvent {
    0 = ProgramNotStarted, 1 = ServiceNotOpened, 2 = ServiceNotStarted, 3 = ServiceFailed,
    4 = NoInterface, 5 = AddressUnhealthy, 6 = TypeControlTimedOut, 7 = WitnessNotOnline,
});
codec!(enum ServiceEvent {
    0 = ConnectivityIncomplete, 1 = JoinFailed, 2 = DatabaseNotWritten, 3 = FormFailed,
    4 = NoConnectivity, 5 = ConnectivityLost, 6 = WitnessNotUpdated, 7 = ConfigurationOutdated,
    8 = WitnessUnhealthy, 9 = WitnessNotArbitrated, 10 = OnlyRestrictedNetwork,
    11 = WitnessUnreachable, 12 = NotAllReached, 13 = NobodyReached,
});
codec!(enum Notice {
    0 = ServiceStarted { incarnation },
    1 = Halted { reason },
    2 = InterfaceChanged { network, up },
    3 = RouteUp { network, peer },
    4 = RouteDown { network, peer, last_heard },
    5 = PeerLost { peer, last_heard },
    6 = PeerFound { peer },
    7 = Regroup { epoch, stage },
    8 = ViewInstalled { view, members },
    9 = Joined { formed },
    10 = NodeRemoved { node },
    11 = NodeAdded { node },
    12 = QuorumCounted { have, needed, total, held },
    13 = WitnessNeeded { have, needed },
    14 = WitnessArbitrated { verdict },
    15 = WitnessFailed,
    16 = DiskChallenged { disk },
    17 = DiskHeld { disk },
    18 = DiskArbitrationLost { disk },
    19 = DiskLost { disk },
    20 = DiskReleased { disk },
    21 = LockOwner { owner },
    22 = UpdateCommitted { tag },
    23 = Reconciled { tag },
    24 = GroupMoved { group, from, to, cause },
    25 = GroupState { group, state },
    26 = ResourceState { resource, from, to, cause },
    27 = LooksAliveFailed { resource },
    28 = IsAliveFailed { resource },
    29 = IsAliveAsked { resource, after_looks_alive },
    30 = LooksAliveAsked { resource },
    31 = RestartScheduled { resource, attempt, delay },
    32 = RestartsExhausted { resource },
    33 = FailoversExhausted { group },
    34 = NoOwnerAvailable { group },
    35 = EntryPointTimedOut { resource },
    36 = HostExited { host },
    37 = Refused { what },
    38 = ViewClosed { view, next, delivered },
    39 = CausallyDelivered { view, from, sequence, after },
    40 = DiskWithoutReservations { disk },
    41 = VolumeFailed { disk, fault },
    42 = NetworkState { network, state },
    43 = InterfaceState { node, network, state },
    44 = ConnectionAccepted { peer },
    45 = ConnectionSecured { peer },
    46 = ConnectionRefused { peer, reason },
    47 = HandshakeTimedOut { peer },
    48 = FramesRefused { total },
    49 = AntiAffinityConflict { group, with },
    50 = GroupWaits { group, on },
    51 = DrainMoveFailed { group },
    52 = DrainEnded { completed },
    53 = CheckpointNotRestored { resource, crypto, name },
    54 = VirtualServer { name, node, change },
    55 = FailureSignalled { resource },
    90 = NetworkName { resource, event, status },
    60 = AddressInUse { resource },
    61 = ShareNotCreated { resource, code },
    62 = ShareNotFound { resource },
    70 = NodeEvicted { node },
    71 = QuorumForced { have, needed, total },
    80 = SharedVolume { disk, state },
    81 = MoveQueued { group, to },
    82 = QueuedMoveFailed { group },
    83 = GroupPreempted { group, by },
    84 = DiskAppeared { disk, signature },
    100 = OfResource { resource, event },
    101 = OfService { event },
    102 = GroupIncomplete { group },
    103 = ConnectionRestored { peer },
});
