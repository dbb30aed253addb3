//! One history: random steps under attack, then quiet, then the reckoning.

use std::time::Duration;

use base::{NodeId, Rng};

use crate::cluster::Cluster;
use crate::oracle::Violation;
use crate::regroup::quorum;

/// Steps under attack, per node.
const STEPS: usize = 2_500;
/// Rounds of quiet within which the cluster has to be whole again.
const ROUNDS: usize = 60;

/// What is tried, and which fault is planted.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: u8,
    /// A witness disk votes too.
    pub(crate) witness: bool,
    pub(crate) disks_lie: bool,
    pub(crate) minority_is_enough: bool,
    pub(crate) reports_are_blank: bool,
    pub(crate) views_are_mixed: bool,
    pub(crate) repairs_are_skipped: bool,
    pub(crate) witness_forgets: bool,
}

impl Plan {
    pub(crate) fn new(nodes: u8) -> Self {
        Self {
            nodes,
            witness: false,
            disks_lie: false,
            minority_is_enough: false,
            reports_are_blank: false,
            views_are_mixed: false,
            repairs_are_skipped: false,
            witness_forgets: false,
        }
    }
}

/// Plays the history of `seed`. Answers how many updates were acknowledged under attack.
pub(crate) fn run(seed: u64, plan: &Plan) -> Result<usize, Violation> {
    let mut cluster = Cluster::new(seed, plan);
    cluster.look()?;
    cluster.start_regroup();
    for _ in 0..STEPS * usize::from(plan.nodes) {
        step(&mut cluster);
        cluster.look()?;
    }
    let acknowledged = cluster.oracle.acknowledged();
    settle(&mut cluster)?;
    reckon(&cluster)?;
    everybody_can_change_something(&mut cluster)?;
    reckon(&cluster)?;
    Ok(acknowledged)
}

fn pick(rng: &mut Rng, nodes: u8) -> Option<NodeId> {
    let number = u8::try_from(rng.below(nodes.into())).ok()?;
    NodeId::new(number + 1)
}

fn step(cluster: &mut Cluster) {
    let Some(node) = pick(&mut cluster.rng, cluster.plan.nodes) else {
        return;
    };
    let fault = cluster.faults_per_ten_thousand;
    match cluster.rng.below(10_000) {
        0..4_200 => {
            cluster.step_network(true);
        }
        4_200..5_800 => {
            if let Some(member) = cluster.members.get_mut(&node) {
                member.step_disk();
            }
        }
        5_800..6_600 => cluster.step_witness(node),
        6_600..7_000 => {
            cluster.propose(node);
        }
        7_000..8_000 => {
            let millis = cluster.rng.below(120);
            cluster.advance(Duration::from_millis(millis));
        }
        8_000..9_800 => cluster.step_regroup(node),
        9_800..9_880 => cluster.boot(node),
        9_880..9_900 if cluster.is_stuck() => cluster.start_regroup(),
        dice if dice < 9_900 + fault => cluster.start_regroup(),
        dice if dice < 9_900 + 2 * fault => cluster.crash(node),
        _ => {}
    }
}

/// No more faults: all nodes come up and meet in one view.
fn settle(cluster: &mut Cluster) -> Result<(), Violation> {
    for round in 0..ROUNDS {
        let down = !cluster.down.is_empty();
        cluster.nodes().iter().for_each(|node| cluster.boot(node));
        if round == 0 || down {
            let all = cluster.nodes();
            let quorum = quorum(&cluster.plan, all).ok_or("all nodes together have no quorum")?;
            cluster.regroup_with(quorum);
        }
        quiet_round(cluster)?;
        if cluster.regroup.is_none() && cluster.members.values().all(|m| m.facts.ready) {
            return Ok(());
        }
    }
    Err("the nodes did not open a view together".into())
}

/// Everything that waits is done once.
fn quiet_round(cluster: &mut Cluster) -> Result<(), Violation> {
    for node in cluster.nodes().iter() {
        cluster.step_regroup(node);
        cluster.step_witness(node);
        while let Some(member) = cluster.members.get_mut(&node) {
            if member.disk_queue.is_empty() {
                break;
            }
            member.step_disk();
        }
        cluster.look()?;
    }
    while cluster.step_network(false) {
        cluster.look()?;
    }
    cluster.advance(Duration::from_millis(100));
    cluster.look()
}

fn reckon(cluster: &Cluster) -> Result<(), Violation> {
    let Some(first) = cluster.members.values().next() else {
        return Err("nobody is left".into());
    };
    for member in cluster.members.values() {
        let (ours, theirs) = (&member.facts, &first.facts);
        if ours.tag != theirs.tag || ours.hive != theirs.hive {
            return Err(format!(
                "{:?} and {:?} differ in the hive",
                ours.me, theirs.me
            ));
        }
        if ours.objects != theirs.objects || ours.applied != theirs.applied {
            return Err(format!(
                "{:?} and {:?} differ in the tables",
                ours.me, theirs.me
            ));
        }
        cluster
            .oracle
            .settled(member.era, &ours.hive, &ours.objects)?;
    }
    Ok(())
}

fn everybody_can_change_something(cluster: &mut Cluster) -> Result<(), Violation> {
    let nodes = cluster.nodes();
    let tickets: Vec<_> = nodes
        .iter()
        .filter_map(|node| cluster.propose(node))
        .collect();
    for _ in 0..ROUNDS {
        quiet_round(cluster)?;
    }
    let mut done = tickets.iter().map(|t| cluster.oracle.is_acknowledged(*t));
    if done.all(|done| done) {
        return Ok(());
    }
    Err("a change in an open view was never carried out".into())
}
