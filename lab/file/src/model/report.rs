//! How the lab wants to run, what must always hold, and what to write at the end.

/// Where and how the lab wants to run; a flag beats the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backend {
    /// The backend that the file asks for; absent: the command's default.
    pub default: Option<BackendKind>,
    /// The clock that the file asks for; absent: the backend's own.
    pub clock: Option<Clock>,
    /// The seed; absent: the same one every time.
    pub seed: Option<Seed>,
    /// How backend `local` gives machines their adapters; absent: it gives them none.
    pub expose: Option<Expose>,
}

/// How machines of backend `local` get adapters of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expose {
    /// A network namespace for each machine, with TAP and TUN devices.
    Tun,
}

/// The seed of a lab's random draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// This one.
    Fixed(u64),
    /// Another one every time; printed and stored.
    Random,
}

/// A way to run a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendKind {
    /// One process, virtual time.
    Sim,
    /// Real sockets and processes on this machine.
    Local,
    /// Containers.
    Docker,
}

/// Which clock a lab runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Jumps from event to event; `sim` only.
    Virtual,
    /// The machine's own.
    Wall,
}

/// The rules that must hold all the time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invariants {
    /// The rules in force, exceptions taken out.
    pub rules: Vec<Invariant>,
}

/// A rule that must hold all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// At most one node owns a group.
    SingleOwner,
    /// At most one node holds the reservation of a disk.
    OneReservationHolder,
    /// At most one part of a partitioned cluster is quorate.
    NoSplitBrain,
    /// No resource is online while what it depends on is not.
    DependencyOrder,
    /// The replicas of the cluster database end up equal.
    DbConverges,
    /// Epochs never go back.
    EpochMonotonic,
    /// No address is online twice.
    AddressUnique,
    /// No network name is online twice.
    NameOwnedOnce,
    /// The votes that a node counts add up.
    VotesAddUp,
    /// Nothing is left behind when the lab ends.
    NoLeaks,
}

impl Invariant {
    /// The `standard` set, in the order of the documentation.
    pub const STANDARD: [Self; 10] = [
        Self::SingleOwner,
        Self::OneReservationHolder,
        Self::NoSplitBrain,
        Self::DependencyOrder,
        Self::DbConverges,
        Self::EpochMonotonic,
        Self::AddressUnique,
        Self::NameOwnedOnce,
        Self::VotesAddUp,
        Self::NoLeaks,
    ];
}

/// What to write at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Formats that the file asks for, besides what `--report` always writes.
    pub formats: Vec<ReportFormat>,
}

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// JUnit XML.
    Junit,
}
