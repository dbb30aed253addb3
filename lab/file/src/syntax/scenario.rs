//! The scenario as the file has it: steps, actions, faults.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::json;

use super::drift::Drift;
use super::expectation::ExpectationSpec;
use super::macros::{record, words};
use super::number::Natural;
use super::plain::{AnyScalar, LunName, Name, ResourceName, Text};
use super::quantity::Fraction;
use super::random::RandomSpec;
use super::words::DirectoryWord;
use super::{At, ModelWord, OneOrMany, SelectorSpec, WitnessSpec};

record! {
    /// One step of the scenario. `fault`, `do`, `run`, `expect`, one of `steps`, `serial` and
    /// `parallel`, and `then` in one step happen in this order.
    StepSpec {
        /// Name of the step, for reports.
        optional name: At<Text>,
        /// Why it is there, for people who learn from the lab.
        optional explain: At<Text>,
        /// The rest of the step waits for this, by its own `within` and `for`, and is left out if
        /// it does not come true.
        optional when: ExpectationSpec,
        /// Something that goes wrong; returns at once.
        optional fault: FaultSpec,
        /// Something that an administrator does; returns when the cluster has answered.
        optional r#do as "do": At<ActionWord>,
        /// For `do`: the nodes.
        optional node: SelectorSpec,
        /// For `do`: the group.
        optional group: At<Name>,
        /// For `do`: the resource as `group/resource`.
        optional resource: At<ResourceName>,
        /// For `do: move`: the target node; left out: the best possible one.
        optional to: SelectorSpec,
        /// For `do: move`: true queues the move when the target cannot take the group now.
        optional queue: At<bool>,
        /// For `do: set`: the network whose property it is.
        optional network: SelectorSpec,
        /// For `do: set`: the resource type whose property it is, by the product's name.
        optional r#type as "type": At<Text>,
        /// For `do: set`: the property by its documented name; for `do: write-registry`: the key;
        /// for `do: write-volume` and `read-volume`: the page, 0 when left out.
        optional property: At<Text>,
        /// For `do: set`, `maintenance`, `write-registry` and `write-volume`: the value; for
        /// `do: read-volume`: what must be read.
        optional value: At<AnyScalar>,
        /// For `do: start`: form a cluster without enough votes if there is none to join; this
        /// node's database becomes the one that counts. Windows: Start-ClusterNode -FixQuorum.
        optional force_quorum: At<bool>,
        /// For `do: start`: only join, never form. Windows: Start-ClusterNode -PreventQuorum.
        optional prevent_quorum: At<bool>,
        /// For `do: start`: end the quarantine of the node and join (2016 and later). Windows:
        /// Start-ClusterNode -ClearQuarantine.
        optional clear_quarantine: At<bool>,
        /// For `do: quorum`: the new witness.
        optional witness: WitnessSpec,
        /// For `do: quorum`: `disk-only` if the witness disk is to count alone; left out: derived
        /// from the witness.
        optional model: At<ModelWord>,
        /// Lets so much time pass.
        optional run: At<Duration>,
        /// What must be true; several are judged side by side.
        optional expect: OneOrMany<ExpectationSpec>,
        /// Steps one after the other.
        optional steps: Vec<StepSpec>,
        /// Steps one after the other.
        optional serial: Vec<StepSpec>,
        /// Steps all at once; ends when the last one has ended.
        optional parallel: Vec<StepSpec>,
        /// Steps one after the other, several times.
        optional repeat: RepeatSpec,
        /// Faults that are drawn for a while.
        optional random: RandomSpec,
        /// What follows when the rest of the step has ended.
        optional then: OneOrMany<StepSpec>,
    }
    later { "ask" }
}

record! {
    /// Steps one after the other, several times.
    RepeatSpec {
        /// How often, 1 to 10000.
        required times: At<Natural>,
        /// The steps.
        required steps: Vec<StepSpec>,
    }
    later {}
}

/// What an administrator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActionWord {
    Move,
    Online,
    Offline,
    Fail,
    Pause,
    Drain,
    Resume,
    Start,
    Stop,
    Evict,
    Add,
    Quorum,
    Heal,
    Set,
    Maintenance,
    WriteRegistry,
    WriteVolume,
    ReadVolume,
}

words! {
    /// What an administrator does.
    ActionWord {
        "move" => Self::Move, "Moves a group. Windows: Move-ClusterGroup.";
        "online" => Self::Online,
            "Brings a group or resource online. Windows: Start-ClusterGroup and -ClusterResource.";
        "offline" => Self::Offline,
            "Takes a group or resource offline. Windows: Stop-ClusterGroup, Stop-ClusterResource.";
        "fail" => Self::Fail,
            "Declares a resource failed; its policy runs. Windows: Test-ClusterResourceFailure.";
        "pause" => Self::Pause, "Nodes take no more groups. Windows: Suspend-ClusterNode.";
        "drain" => Self::Drain,
            "As pause, and their groups move away. Windows: Suspend-ClusterNode -Drain.";
        "resume" => Self::Resume, "Ends pause and drain. Windows: Resume-ClusterNode.";
        "start" => Self::Start,
            "Starts the cluster service of nodes that are no members. Windows: Start-ClusterNode.";
        "stop" => Self::Stop,
            "Stops the cluster service of nodes in order. Windows: Stop-ClusterNode.";
        "evict" => Self::Evict,
            "Takes nodes out of the configuration. Windows: Remove-ClusterNode.";
        "add" => Self::Add,
            "Takes evicted nodes into the cluster again. Windows: Add-ClusterNode.";
        "quorum" => Self::Quorum,
            "Changes `witness` and `model` of the quorum. Windows: Set-ClusterQuorum.";
        "heal" => Self::Heal, "Undoes every fault still in force.";
        "set" => Self::Set,
            "Sets `property` of a group, a resource, a node, a network or else of the cluster.";
        "maintenance" => Self::Maintenance,
            "Turns maintenance mode of a disk on (`value: true`) or off. Windows: MaintenanceMode.";
        "write-registry" => Self::WriteRegistry,
            "Writes `value` under the key `property` of a node's registry, as a program would.";
        "write-volume" => Self::WriteVolume,
            "A program on `node` writes `value` to the cluster shared volume `resource`.";
        "read-volume" => Self::ReadVolume,
            "A program on `node` reads the volume `resource`, and has to find `value`.";
    }
    later { "upgrade" }
    instead_of_structure
        "write it straight into the step: `do: move`, and `group: name` on the next line"
}

record! {
    /// Something that goes wrong: one target and what happens to it.
    FaultSpec {
        /// The nodes: power-off, crash, pause, hang, reboot, stop-service, kill-service,
        /// monitor-kill, clock-jump, clock-drift.
        optional node: SelectorSpec,
        /// Whole networks: down, up, or `impair`.
        optional network: SelectorSpec,
        /// Adapters as `node/network`: down, up, or `impair`.
        optional nic: At<NicWord>,
        /// The ways between two sets of nodes, a list of two: down, up, or `impair`.
        optional link: Vec<SelectorSpec>,
        /// For `link`: only on these networks.
        optional networks: SelectorSpec,
        /// Sets of nodes that cannot reach each other.
        optional partition: PartitionSpec,
        /// A logical unit: offline, slow, preempt-reservation, clear-reservations.
        optional lun: At<LunName>,
        /// The way from nodes to an array: drop.
        optional path: PathSpec,
        /// A resource as `group/resource`: fail, hang; a file-share: remove-share.
        optional resource: At<ResourceName>,
        /// The nodes from which the witness cannot be reached: unreachable.
        optional witness: SelectorSpec,
        /// A service of the directory. `dns`: down, refuse-updates, lose-updates, slow. `ad`: down,
        /// skew, quota, disable, delete, strip-rights, change-password, take-name. `netbios`: down,
        /// take-name.
        optional directory: At<DirectoryWord>,
        /// For faults of a computer object and for take-name: the network name that is meant.
        optional account: At<Text>,
        /// For quota: how many computer objects who has no right to create them may have.
        optional count: At<Natural>,
        /// What happens.
        optional r#do as "do": At<FaultWord>,
        /// What happens to packets instead of down or up.
        optional impair: ImpairmentSpec,
        /// For slow: added to every answer.
        optional latency: At<Duration>,
        /// For clock-jump and skew: how far forward; clock-jump at least 1s.
        optional offset: At<Duration>,
        /// For clock-drift: how much faster the clock runs, or slower.
        optional drift: At<Drift>,
        /// For preempt-reservation: the node that takes it.
        optional by: SelectorSpec,
        /// Heals by itself after so long; left out: stays until `do: heal` or the end.
        optional r#for as "for": At<Duration>,
    }
    later { "array", "database" }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultWord {
    PowerOff,
    Crash,
    Pause,
    Reboot,
    StopService,
    KillService,
    MonitorKill,
    Down,
    Up,
    Drop,
    Offline,
    Slow,
    PreemptReservation,
    ClearReservations,
    Unreachable,
    Fail,
    Hang,
    RefuseUpdates,
    LoseUpdates,
    ClockJump,
    ClockDrift,
    Full,
    RemoveShare,
    Skew,
    Quota,
    Disable,
    Delete,
    StripRights,
    ChangePassword,
    TakeName,
}

impl FaultWord {
    /// Whether it happens to one network name in the directory.
    pub(crate) fn is_of_account(self) -> bool {
        matches!(
            self,
            Self::Disable
                | Self::Delete
                | Self::StripRights
                | Self::ChangePassword
                | Self::TakeName
        )
    }
}

words! {
    /// What goes wrong.
    FaultWord {
        "power-off" => Self::PowerOff, "Node: the power goes; `for` brings it back.";
        "crash" => Self::Crash, "Node: stops at once and boots again.";
        "pause" => Self::Pause, "Node: nothing runs on it, `for` ends that.";
        "reboot" => Self::Reboot, "Node: shuts down in order and boots again.";
        "stop-service" => Self::StopService,
            "Node: the cluster service is stopped; `for` starts it again.";
        "kill-service" => Self::KillService,
            "Node: the process of the cluster service dies; it is started again.";
        "monitor-kill" => Self::MonitorKill,
            "Node: the resource host processes die; the cluster service starts others.";
        "down" => Self::Down, "Network, adapter, link: carries nothing. Directory: is silent.";
        "up" => Self::Up, "Network, adapter, link: carries traffic again.";
        "drop" => Self::Drop, "Path: the nodes lose their way to the array.";
        "offline" => Self::Offline, "Logical unit: answers nothing.";
        "slow" => Self::Slow, "Logical unit, name server: answers late, by `latency`.";
        "preempt-reservation" => Self::PreemptReservation,
            "Logical unit: the node `by` takes the reservation away.";
        "clear-reservations" => Self::ClearReservations,
            "Logical unit: all registrations and the reservation disappear.";
        "unreachable" => Self::Unreachable, "Witness: cannot be reached.";
        "fail" => Self::Fail, "Resource: stops working, its checks answer false.";
        "hang" => Self::Hang,
            "Resource: its entry points do not return. Node: its cluster service hangs.";
        "remove-share" => Self::RemoveShare,
            "File share: somebody removes the share; its restart brings it back.";
        "refuse-updates" => Self::RefuseUpdates, "Directory: every registration is refused.";
        "lose-updates" => Self::LoseUpdates,
            "Directory: registrations are acknowledged and forgotten.";
        "clock-jump" => Self::ClockJump,
            "Node: its wall clock is set forward by `offset`. Backend `sim` only.";
        "clock-drift" => Self::ClockDrift,
            "Node: its clock runs faster or slower by `drift`. Backend `sim` only.";
        "full" => Self::Full,
            "Logical unit: has no room, refuses what is written. Backend `sim` only.";
        "skew" => Self::Skew, "Domain: its clock is ahead by `offset`.";
        "quota" => Self::Quota,
            "Domain: who has no right to create computer objects may have `count` of them.";
        "disable" => Self::Disable, "Domain: the computer object of `account` is disabled.";
        "delete" => Self::Delete, "Domain: the computer object of `account` is deleted.";
        "strip-rights" => Self::StripRights,
            "Domain: the cluster loses its rights on the computer object of `account`.";
        "change-password" => Self::ChangePassword,
            "Domain: the computer object of `account` gets another password.";
        "take-name" => Self::TakeName,
            "Domain, NetBIOS: another computer has the name `account`.";
    }
    later {
        "drain", "steal-lease", "deny", "leak",
        "truncate", "stale", "corrupt",
    }
}

/// Adapters as `node/network`, both sides selectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NicWord(pub(crate) crate::model::NicSelector);

impl super::decode::Plain for NicWord {
    fn what() -> String {
        "adapters as `node/network`".to_owned()
    }
    fn schema_id() -> Cow<'static, str> {
        "Nic".into()
    }
    fn schema() -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[^/]+/[^/]+$", "description": Self::what() })
    }
    fn read(scalar: &super::decode::Scalar<'_>) -> Result<Self, super::decode::Problem> {
        let Some((node, network)) = scalar.text.rsplit_once('/') else {
            let message = format!("`{}` names no adapter", scalar.text);
            return Err(
                super::decode::Problem::new(crate::rule::Rule::BadSelector, message)
                    .hint("write `node/network`, as in `n1/lan` or `owner-of(fs1)/lan`"),
            );
        };
        let node = super::selector::parse(node)?;
        let network = super::selector::parse(network)?;
        Ok(Self(crate::model::NicSelector { node, network }))
    }
}

record! {
    /// Sets of nodes that cannot reach each other.
    PartitionSpec {
        /// The sets, at least two.
        required between: Vec<SelectorSpec>,
        /// Only on these networks.
        optional networks: SelectorSpec,
    }
    later { "shape" }
}

record! {
    /// The way from nodes to an array.
    PathSpec {
        /// The array.
        required array: At<Name>,
        /// The portal, counted from zero; left out: all.
        optional portal: At<Natural>,
        /// The nodes; left out: all.
        optional from: SelectorSpec,
    }
    later {}
}

record! {
    /// What happens to packets.
    ImpairmentSpec {
        /// Added to the way of every packet.
        optional delay: At<Duration>,
        /// Up to so much more, drawn per packet.
        optional jitter: At<Duration>,
        /// Lost.
        optional loss: At<Fraction>,
        /// Delivered twice.
        optional duplicate: At<Fraction>,
        /// Overtaken by later ones.
        optional reorder: At<Fraction>,
    }
    later { "rate", "corrupt" }
}
