//! The documented properties: in which generations they are there, what they are when nobody has
//! set them, and which values the cluster takes. One row is one case.
//!
//! Not here: what the values lead to, which cases of the component show; properties whose default
//! the sources contradict each other about.

use super::ALL;
use crate::case::{Case, Mark, Source, Stop};
use crate::lab::Lab;
use crate::subject::{Of, Told};
use crate::trial::Trial;
use Owner::{Cluster, Group, Node, Resource, Type};
use base::Generation;
use base::Generation::{V2003, V2008, V2008R2, V2012, V2012R2, V2016, V2022};

pub(super) fn cases() -> Vec<Case> {
    TABLE.iter().map(case).collect()
}

/// What has the property.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Cluster,
    Node,
    Group,
    Resource,
    Type,
}

/// A documented property.
struct Row {
    owner: Owner,
    name: &'static str,
    /// The generations that have it.
    there: Span,
    /// Whether a source says that the others do not, so that they refuse it by name.
    nowhere_else: bool,
    /// What it is when nobody has set it.
    unset: fn(Generation) -> &'static str,
    /// Values that are taken, and then are there.
    taken: &'static [&'static str],
    /// Values that are refused with 87, ERROR_INVALID_PARAMETER. On a property that can only be
    /// read, every value is.
    refused: &'static [&'static str],
    source: &'static [Source],
}

/// 0xFFFFFFFF
const NONE: &str = "4294967295";
const GROUPS: &[Source] = &[("3", Mark::Stated)];
const RESOURCES: &[Source] = &[("1.1", Mark::Stated)];
const HEARTBEAT: &[Source] = &[("6.1", Mark::Stated)];
const VOTES: &[Source] = &[("4.2", Mark::Stated)];
const PLACEMENT: &[Source] = &[("3.1", Mark::Stated)];
const MODELS: &[Source] = &[("4.1", Mark::Stated)];
const FORCE: &[Source] = &[("4.3", Mark::Stated)];
const UPDATES: &[Source] = &[("6.2", Mark::Stated)];
const HOSTS: &[Source] = &[("1.5", Mark::Stated)];
const STATES: &[Source] = &[("1.3", Mark::Stated)];
const LATER_ROWS: &[Source] = &[("13", Mark::Excerpt)];

const fn row(
    owner: Owner,
    name: &'static str,
    there: Span,
    unset: fn(Generation) -> &'static str,
    source: &'static [Source],
) -> Row {
    let (taken, refused): (&[&str], &[&str]) = (&[], &[]);
    Row {
        owner,
        name,
        there,
        nowhere_else: true,
        unset,
        taken,
        refused,
        source,
    }
}

impl Row {
    /// `properties/` with owner and name, as `group-failover-period`.
    fn id(&self) -> String {
        let mut id = format!("properties/{:?}", self.owner).to_lowercase();
        let mut before = ' ';
        for letter in self.name.chars() {
            if letter.is_uppercase() && !before.is_uppercase() {
                id.push('-');
            }
            id.push(letter.to_ascii_lowercase());
            before = letter;
        }
        id
    }

    const fn takes(mut self, values: &'static [&'static str]) -> Self {
        self.taken = values;
        self
    }

    /// Nothing is known of the other generations.
    const fn at_least_there(mut self) -> Self {
        self.nowhere_else = false;
        self
    }

    const fn refuses(mut self, values: &'static [&'static str]) -> Self {
        self.refused = values;
        self
    }

    fn generations(&self) -> &'static [Generation] {
        let place = |generation| ALL.iter().position(|it| *it == generation);
        let range = place(self.there.0).zip(place(self.there.1));
        let there = range.and_then(|(first, last)| ALL.get(first..=last));
        there.filter(|_| !self.nowhere_else).unwrap_or(ALL)
    }

    fn of(&self) -> Of {
        match self.owner {
            Cluster => Of::Cluster,
            Node => Of::Node("n1".into()),
            Group => Of::Group("app".into()),
            Resource => Of::Resource("app".into(), "prog".into()),
            Type => Of::Type("Generic Application".into()),
        }
    }

    /// The action that sets it.
    fn set(&self, value: &str) -> String {
        let target = match self.owner {
            Node => "node: n1, ",
            Group => "group: app, ",
            Resource => "resource: app/prog, ",
            Type => "type: Generic Application, ",
            Cluster => "",
        };
        let name = self.name;
        format!("{{ do: set, {target}property: {name}, value: {value} }}")
    }
}

fn case(row: &'static Row) -> Case {
    let name = row.name;
    let title = match (row.taken, row.refused) {
        ([], []) => format!("{name} is there in its generations, with its documented default"),
        ([], _) => format!("{name} has its documented default and can only be read"),
        _ => format!("{name} has its documented default and takes its documented range"),
    };
    Case {
        id: row.id(),
        title,
        clauses: &["ARCH-5", "DM-1", "TOP-1"],
        source: row.source,
        generations: row.generations(),
        run: Box::new(move |trial| judged(trial, row)),
    }
}

fn judged(trial: &mut Trial<'_>, row: &Row) -> Result<(), Stop> {
    trial.form(&Lab::of(1).program(""))?;
    let generation = trial.generation();
    if !(row.there.0..=row.there.1).contains(&generation) {
        let told = trial.property(None, &row.of(), row.name)?;
        let text = format!("{} is not there, and the answer is {told:?}", row.name);
        return trial.check(&text, matches!(told, Told::Refused(..)));
    }
    trial.has(&row.of(), row.name, (row.unset)(generation))?;
    for value in row.refused {
        trial.refused(row.set(value), 87)?;
    }
    for value in row.taken {
        let told = trial.answer(row.set(value))?;
        trial.equal(&format!("the answer to {value}"), told, Told::Done)?;
        trial.has(&row.of(), row.name, value)?;
    }
    Ok(())
}

/// First and last.
type Span = (Generation, Generation);
const EVER: Span = (V2003, V2022);
const SINCE_2008: Span = (V2008, V2022);
const SINCE_2008R2: Span = (V2008R2, V2022);
const SINCE_2012: Span = (V2012, V2022);
const SINCE_2012R2: Span = (V2012R2, V2022);
const SINCE_2016: Span = (V2016, V2022);
const UP_TO_2008R2: Span = (V2003, V2008R2);

/// 3 in 2003, and later one.
fn restarts(generation: Generation) -> &'static str {
    if generation == V2003 { "3" } else { "1" }
}

/// Up to 2012 R2, and from 2016 on.
fn threshold(generation: Generation, since_2016: &'static str) -> &'static str {
    if generation < V2016 { "5" } else { since_2016 }
}

const TABLE: &[Row] = &[
    row(
        Cluster,
        "SameSubnetDelay",
        SINCE_2008,
        |_| "1000",
        HEARTBEAT,
    )
    .at_least_there()
    .takes(&["250", "2000"])
    .refuses(&["249", "2001", "0"]),
    row(
        Cluster,
        "SameSubnetThreshold",
        SINCE_2008,
        |it| threshold(it, "10"),
        HEARTBEAT,
    )
    .at_least_there()
    .takes(&["3", "10"])
    .refuses(&["2", "0", "121"]),
    row(
        Cluster,
        "CrossSubnetDelay",
        SINCE_2008,
        |_| "1000",
        HEARTBEAT,
    )
    .at_least_there()
    .takes(&["1000", "4000"])
    .refuses(&["249", "4001"]),
    row(
        Cluster,
        "CrossSubnetThreshold",
        SINCE_2008,
        |it| threshold(it, "20"),
        HEARTBEAT,
    )
    .at_least_there()
    .takes(&["10"])
    .refuses(&["2", "121"]),
    // The lab of the case says 0; the default is shown by the cases of dynamic quorum.
    row(Cluster, "DynamicQuorum", SINCE_2012, |_| "0", VOTES)
        .takes(&["1", "0"])
        .refuses(&["2"]),
    row(
        Cluster,
        "LowerQuorumPriorityNodeID",
        SINCE_2012R2,
        |_| "0",
        VOTES,
    )
    .takes(&["1", "0"]),
    row(
        Cluster,
        "ClusterEnforcedAntiAffinity",
        SINCE_2012,
        |_| "0",
        GROUPS,
    )
    .takes(&["1"])
    .refuses(&["2"]),
    row(
        Cluster,
        "ClusterGroupWaitDelay",
        SINCE_2008R2,
        |_| "120",
        GROUPS,
    )
    .takes(&["0", "3600"])
    .refuses(&["3601"]),
    row(
        Cluster,
        "GroupDependencyTimeout",
        SINCE_2016,
        |_| "600",
        GROUPS,
    )
    .takes(&["30"]),
    row(
        Cluster,
        "MinimumNeverPreemptPriority",
        SINCE_2012,
        |_| "3000",
        GROUPS,
    )
    .takes(&["2000"]),
    row(
        Cluster,
        "MinimumPreemptorPriority",
        SINCE_2012,
        |_| "1",
        GROUPS,
    )
    .takes(&["1000"]),
    row(Cluster, "DrainOnShutdown", SINCE_2012R2, |_| "1", GROUPS)
        .takes(&["0"])
        .refuses(&["2"]),
    row(
        Cluster,
        "DisableGroupPreferredOwnerRandomization",
        UP_TO_2008R2,
        |_| "0",
        PLACEMENT,
    )
    .takes(&["1"])
    .refuses(&["2"]),
    row(
        Cluster,
        "EnableResourceDllDeadlockDetection",
        UP_TO_2008R2,
        |_| "0",
        HOSTS,
    )
    .takes(&["1"])
    .refuses(&["2"]),
    row(
        Cluster,
        "ResourceDllDeadlockTimeout",
        UP_TO_2008R2,
        |_| "240",
        HOSTS,
    )
    .takes(&["180"])
    .refuses(&["179"]),
    row(Node, "NodeWeight", SINCE_2008, |_| "1", VOTES)
        .at_least_there()
        .refuses(&["2"]),
    row(Node, "DynamicWeight", SINCE_2012, |_| "1", VOTES).refuses(&["0", "1"]),
    row(Node, "NodeDrainStatus", SINCE_2012, |_| "0", STATES).refuses(&["0"]),
    row(Group, "FailoverThreshold", SINCE_2008, |_| NONE, GROUPS)
        .at_least_there()
        .takes(&["0", "5"]),
    row(Group, "FailoverPeriod", EVER, |_| "6", GROUPS)
        .takes(&["0", "1193"])
        .refuses(&["1194"]),
    row(Group, "AutoFailbackType", EVER, |_| "0", GROUPS)
        .takes(&["1"])
        .refuses(&["2"]),
    row(Group, "FailbackWindowStart", EVER, |_| NONE, GROUPS)
        .takes(&["0", "23"])
        .refuses(&["24"]),
    row(Group, "FailbackWindowEnd", EVER, |_| NONE, GROUPS)
        .takes(&["0", "23"])
        .refuses(&["24"]),
    row(Group, "Priority", SINCE_2012, |_| "2000", GROUPS)
        .takes(&["0", "1000", "3000"])
        .refuses(&["3001"]),
    row(Group, "ColdStartSetting", SINCE_2016, |_| "0", GROUPS)
        .takes(&["1", "2"])
        .refuses(&["3"]),
    row(Group, "AntiAffinityClassNames", EVER, |_| "", GROUPS),
    row(Resource, "RestartAction", EVER, |_| "2", RESOURCES)
        .takes(&["0", "1"])
        .refuses(&["3"]),
    row(Resource, "RestartThreshold", EVER, restarts, LATER_ROWS).takes(&["0", "7"]),
    row(Resource, "RestartPeriod", EVER, |_| "900000", RESOURCES).takes(&["60000"]),
    row(Resource, "RestartDelay", SINCE_2012, |_| "500", RESOURCES)
        .at_least_there()
        .refuses(&["1000"]),
    // Not less than RestartPeriod, which is 900000.
    row(
        Resource,
        "RetryPeriodOnFailure",
        EVER,
        |_| "3600000",
        RESOURCES,
    )
    .takes(&["900000", NONE])
    .refuses(&["899999"]),
    row(
        Resource,
        "LooksAlivePollInterval",
        EVER,
        |_| NONE,
        RESOURCES,
    )
    .takes(&["10", NONE])
    .refuses(&["9"]),
    row(Resource, "IsAlivePollInterval", EVER, |_| NONE, RESOURCES)
        .takes(&["10", NONE])
        .refuses(&["0", "9"]),
    row(Resource, "PendingTimeout", EVER, |_| "180000", RESOURCES)
        .takes(&["10"])
        .refuses(&["9"]),
    row(
        Resource,
        "DeadlockTimeout",
        SINCE_2008,
        |_| "300000",
        RESOURCES,
    )
    .takes(&["1000"])
    .refuses(&["999"]),
    row(Resource, "SeparateMonitor", EVER, |_| "0", RESOURCES)
        .takes(&["1"])
        .refuses(&["2"]),
    row(Type, "LooksAlivePollInterval", EVER, |_| "5000", RESOURCES)
        .takes(&["1000", "5000"])
        .refuses(&["0"]),
    row(Type, "IsAlivePollInterval", EVER, |_| "60000", RESOURCES)
        .takes(&["1000", "60000"])
        .refuses(&["0"]),
    row(Type, "PendingTimeout", SINCE_2008, |_| "180000", RESOURCES)
        .at_least_there()
        .takes(&["10000"]),
    row(Type, "DeadlockTimeout", SINCE_2008, |_| "300000", RESOURCES)
        .at_least_there()
        .takes(&["30000"])
        .refuses(&["29999"]),
    row(Cluster, "QuorumType", SINCE_2012, |_| "Majority", MODELS).refuses(&["1"]),
    row(Cluster, "QuorumTypeValue", SINCE_2012, |_| "1", MODELS).refuses(&["3"]),
    row(Cluster, "FixQuorum", SINCE_2008R2, |_| "0", FORCE)
        .at_least_there()
        .refuses(&["1"]),
    row(
        Cluster,
        "ShutdownTimeoutInMinutes",
        SINCE_2008R2,
        |_| "20",
        GROUPS,
    )
    .at_least_there()
    .takes(&["1"]),
    row(
        Cluster,
        "MessageBufferLength",
        SINCE_2012R2,
        |_| "50",
        UPDATES,
    )
    .takes(&["1", "1000"])
    .refuses(&["0", "1001"]),
    row(
        Cluster,
        "ClusSvcRegroupTickInMilliseconds",
        SINCE_2008,
        |_| "300",
        UPDATES,
    )
    .at_least_there()
    .takes(&["50", "1000"])
    .refuses(&["49", "1001"]),
    row(
        Cluster,
        "ClusSvcRegroupOpeningTimeout",
        SINCE_2008,
        |_| "5",
        UPDATES,
    )
    .at_least_there()
    .takes(&["1", "20"])
    .refuses(&["0", "21"]),
    row(
        Cluster,
        "ClusSvcRegroupStageTimeout",
        SINCE_2008,
        |_| "5",
        UPDATES,
    )
    .at_least_there()
    .takes(&["2", "30"])
    .refuses(&["1", "31"]),
    row(Group, "GroupType", SINCE_2008R2, |_| "107", GROUPS)
        .at_least_there()
        .refuses(&["100"]),
    row(
        Resource,
        "StatusInformation",
        SINCE_2012,
        |_| "0",
        RESOURCES,
    )
    .at_least_there()
    .refuses(&["1"]),
];
