//! What this version can honour: one line per feature, `true` or `false`.
//!
//! A feature that says `false` is refused with the rule `not-supported`, whatever the backend.
//! Words that have no shape in the model yet are refused where the syntax lists them as `later`.

use crate::diagnostic::Diagnostic;
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::Decoder;

macro_rules! features {
    ($($feature:ident, $name:literal, $supported:literal;)+) => {
        /// Something that a lab file can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Feature {
            $($feature,)+
        }

        impl Feature {
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$feature => $name,)+
                }
            }

            pub(crate) fn is_supported(self) -> bool {
                match self {
                    $(Self::$feature => $supported,)+
                }
            }
        }
    };
}

features! {
    FaultNodePowerOff, "fault `node: power-off`", true;
    FaultNodeCrash, "fault `node: crash`", true;
    FaultNodePause, "fault `node: pause`", true;
    FaultNodeReboot, "fault `node: reboot`", true;
    FaultNodeStopService, "fault `node: stop-service`", true;
    FaultNodeKillService, "fault `node: kill-service`", true;
    FaultNodeMonitorKill, "fault `node: monitor-kill`", true;
    FaultNodeClockJump, "fault `node: clock-jump`", true;
    FaultNodeClockDrift, "fault `node: clock-drift`", true;
    FaultNodeHang, "fault `node: hang`", true;
    FaultLunFull, "fault `lun: full`", true;
    FaultNetwork, "fault `network: down` and `up`", true;
    FaultNic, "fault `nic: down` and `up`", true;
    FaultLink, "fault `link: down` and `up`", true;
    FaultImpair, "`impair`", true;
    FaultPartition, "fault `partition: between`", true;
    FaultLunOffline, "fault `lun: offline`", true;
    FaultLunSlow, "fault `lun: slow`", true;
    FaultLunPreempt, "fault `lun: preempt-reservation`", true;
    FaultLunClear, "fault `lun: clear-reservations`", true;
    FaultPathDrop, "fault `path: drop`", true;
    FaultResourceFail, "fault `resource: fail`", true;
    FaultResourceHang, "fault `resource: hang`", true;
    FaultShareRemoved, "fault `resource: remove-share`", true;
    FaultWitness, "fault `witness: unreachable`", true;
    FaultDirectory, "faults of the directory", true;
    DoMove, "`do: move`", true;
    DoOnline, "`do: online`", true;
    DoOffline, "`do: offline`", true;
    DoFail, "`do: fail`", true;
    DoPause, "`do: pause`", true;
    DoDrain, "`do: drain`", true;
    DoResume, "`do: resume`", true;
    DoStart, "`do: start`", true;
    DoStop, "`do: stop`", true;
    DoEvict, "`do: evict`", true;
    DoAdd, "`do: add`", true;
    DoQuorum, "`do: quorum`", true;
    DoHeal, "`do: heal`", true;
    DoSet, "`do: set`", true;
    DoMaintenance, "`do: maintenance`", true;
    DoWriteRegistry, "`do: write-registry`", true;
    DoVolume, "`do: write-volume` and `read-volume`", true;
    Parallel, "`parallel`", true;
    Repeat, "`repeat`", true;
    ExpectCluster, "an expectation on the cluster", true;
    ExpectGroup, "an expectation on groups", true;
    ExpectResource, "an expectation on a resource", true;
    ExpectNode, "an expectation on nodes", true;
    ExpectVolume, "an expectation on a cluster shared volume", true;
    ExpectNetwork, "an expectation on networks and adapters", true;
    ExpectWitness, "an expectation on the witness", true;
    ExpectVotes, "an expectation on votes", true;
    ExpectLun, "an expectation on a reservation", true;
    ExpectDns, "an expectation on a name", true;
    ExpectWorkload, "an expectation on a workload", true;
    ExpectEvent, "an expectation on events", true;
    ExpectLog, "an expectation on the log", true;
    SelectCoordinator, "the selector `coordinator`", true;
    ReservationsNone, "`reservations: none`", true;
}

/// Refuses a feature that this version does not support.
pub(crate) fn require(feature: Feature, span: Span, decoder: &mut Decoder<'_>) {
    if !feature.is_supported() {
        let message = format!("{} is not supported yet by this version", feature.name());
        decoder
            .sink
            .report(Diagnostic::error(Rule::NotSupported, span, message));
    }
}
