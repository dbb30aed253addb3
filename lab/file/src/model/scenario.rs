//! The scenario: steps, faults, actions.

use std::time::Duration;

use super::{Action, DirectoryFault, Expectation, LunRef, NicSelector, RandomFaults, Selector};
use crate::position::Position;

/// One step of the scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The name that the file gives it.
    pub name: Option<String>,
    /// Where the file has it.
    pub position: Position,
    /// The step in one line, as the file words it; for reports.
    pub text: String,
    /// Why it is there, for people who learn from the lab.
    pub explain: Option<String>,
    /// What it does.
    pub kind: StepKind,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// Steps that run only once a condition holds; if it does not in its time, they are left out.
    When {
        /// What has to be true, and until when.
        condition: Box<Expectation>,
        /// The steps, one after the other.
        steps: Vec<Step>,
    },
    /// Judge; the expectations of one step are judged side by side.
    Expect(Vec<Expectation>),
    /// Break something; returns at once.
    Fault(Fault),
    /// Do what an administrator would do; returns when the cluster has answered.
    Do(Action),
    /// Let time pass.
    Run(Duration),
    /// One after the other. A step of the file with several of `fault`, `do`, `run`, `expect`,
    /// `then` becomes such a list in that order.
    Serial(Vec<Step>),
    /// All at once; ends when the last one has ended.
    Parallel(Vec<Step>),
    /// Faults are drawn for a while; ends when all have healed.
    Random(RandomFaults),
    /// One after the other, so many times.
    Repeat {
        /// How often, at least once.
        times: u32,
        /// What.
        steps: Vec<Step>,
    },
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Where the file has it.
    pub position: Position,
    /// What.
    pub kind: FaultKind,
    /// Heals by itself after so long; absent: stays until `do: heal` or the end.
    pub heal_after: Option<Duration>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// Nodes.
    Node {
        /// Which.
        nodes: Selector,
        /// What.
        fault: NodeFault,
    },
    /// A whole network segment goes down or comes up.
    Network {
        /// Which.
        networks: Selector,
        /// Down or up.
        to: UpDown,
    },
    /// All traffic on a segment is impaired.
    ImpairNetwork {
        /// Which.
        networks: Selector,
        /// How.
        impairment: Impairment,
    },
    /// Adapters go down or come up.
    Nic {
        /// Which.
        nics: NicSelector,
        /// Down or up.
        to: UpDown,
    },
    /// All traffic of adapters is impaired.
    ImpairNic {
        /// Which.
        nics: NicSelector,
        /// How.
        impairment: Impairment,
    },
    /// The ways between two sets of nodes go down or come up, in both directions.
    Link {
        /// The two ends.
        between: (Selector, Selector),
        /// On these networks; absent: on all.
        networks: Option<Selector>,
        /// Down or up.
        to: UpDown,
    },
    /// The ways between two sets of nodes are impaired, in both directions.
    ImpairLink {
        /// The two ends.
        between: (Selector, Selector),
        /// On these networks; absent: on all.
        networks: Option<Selector>,
        /// How.
        impairment: Impairment,
    },
    /// Sets of nodes cannot reach each other.
    Partition(Partition),
    /// A logical unit.
    Lun {
        /// Which.
        lun: LunRef,
        /// What.
        fault: LunFault,
    },
    /// Nodes lose their way to an array.
    PathDrop(PathEnds),
    /// A resource.
    Resource {
        /// Its group.
        group: String,
        /// Its name.
        resource: String,
        /// What.
        fault: ResourceFault,
    },
    /// A service of the directory.
    Directory(DirectoryFault),
    /// Nodes cannot reach the witness.
    WitnessUnreachable {
        /// The nodes.
        from: Selector,
    },
}

/// What goes wrong with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeFault {
    /// The power goes; `for` brings it back and the machine boots.
    PowerOff,
    /// The machine stops at once and boots again.
    Crash,
    /// Nothing runs on the machine; it goes on later where it was.
    Pause,
    /// The machine shuts down in order and boots again.
    Reboot,
    /// The cluster service is stopped; `for` starts it again.
    StopService,
    /// The process of the cluster service dies; it is started again by itself.
    KillService,
    /// The processes of the resource hosts die; the cluster service starts others.
    KillMonitors,
    /// The wall clock is set forward; `for` sets it back.
    ClockJump {
        /// By so much, in whole seconds.
        offset: Duration,
    },
    /// The clock runs at another rate; `for` ends that.
    ClockDrift {
        /// Faster by so many parts in a million; slower, if below zero.
        ppm: i32,
    },
    /// The process of the cluster service hangs, and everything else on the machine goes on; after
    /// ClusSvcHangTimeout the machine does what HangRecoveryAction says.
    Hang,
}

/// Down or up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpDown {
    /// Carries nothing.
    Down,
    /// Carries traffic again.
    Up,
}

/// Part of a million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability {
    /// 0 to 1,000,000; 0.01 % is 100.
    pub per_million: u32,
}

/// What happens to packets. Zero changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Impairment {
    /// Added to the way of every packet, each direction.
    pub delay: Duration,
    /// Up to so much more, drawn per packet.
    pub jitter: Duration,
    /// Lost.
    pub loss: Probability,
    /// Delivered twice.
    pub duplicate: Probability,
    /// Overtaken by later ones.
    pub reorder: Probability,
}

/// Sets of nodes that cannot reach each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// The sets, at least two; a node in none of them reaches everyone.
    pub between: Vec<Selector>,
    /// On these networks; absent: on all.
    pub networks: Option<Selector>,
}

/// What goes wrong with a logical unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LunFault {
    /// Answers nothing.
    Offline,
    /// Has no room: refuses what is written.
    Full,
    /// Answers late.
    Slow {
        /// By so much.
        latency: Duration,
    },
    /// A node takes the reservation away from its holder.
    PreemptReservation {
        /// The node.
        by: Selector,
    },
    /// All registrations and the reservation disappear.
    ClearReservations,
}

/// The way from nodes to an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathEnds {
    /// The array.
    pub array: String,
    /// The portal, counted from zero; absent: all.
    pub portal: Option<u32>,
    /// The nodes; absent: all.
    pub from: Option<Selector>,
}

/// What goes wrong with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceFault {
    /// What it stands for stops working: LooksAlive and IsAlive answer false. A restart repairs it
    /// unless `for` keeps it broken.
    Fail,
    /// Its entry points do not return.
    Hang,
    /// Somebody removes the share; the resource's next Online brings it back.
    RemoveShare,
}
