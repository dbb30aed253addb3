//! What administrators ask for beside the first deeds: another quorum, nodes that only join; and
//! programs that use shared volumes.
//!
//! Each kind is drawn from random streams of its own, so that a seed keeps every act that it had
//! before. Not drawn: ForceQuorum, because two sides are what it asks for and most rules excuse
//! them; eviction, because a node that is down then has to be cleaned up by hand before it can come
//! back.

use std::time::Duration;

use base::{NodeId, QuorumModel, ResourceId, Rng};
use middle::settings::Witness;
use plan::Plan;

use super::draw::QUIET;
use super::{Act, Deed};

/// Random stream of these requests; each kind has the next one.
const STREAM: u64 = 0x410;

/// Kinds of requests; each is on or off for a whole seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Quorum,
    Prevent,
    Volumes,
}

const KINDS: [Kind; 3] = [Kind::Quorum, Kind::Prevent, Kind::Volumes];

/// The requests of a seed, those of each kind by time.
pub(super) fn acts(seed: u64, plan: &Plan, length: Duration) -> Vec<(Duration, Act)> {
    let drawer = |kind: Kind| Drawer {
        rng: Rng::new(seed, STREAM + kind as u64),
        plan,
        kind,
    };
    let drawn = KINDS.into_iter().map(|kind| drawer(kind).acts(length));
    let deeds = drawn.flatten();
    deeds.map(|(at, deed)| (at, Act::Deed(deed))).collect()
}

struct Drawer<'a> {
    rng: Rng,
    plan: &'a Plan,
    kind: Kind,
}

impl Drawer<'_> {
    fn acts(mut self, length: Duration) -> Vec<(Duration, Deed)> {
        let mut acts = Vec::new();
        if !self.rng.chance(150_000) {
            return acts;
        }
        let gap_max = self.rng.pick(&[60, 200, 900]).copied().unwrap_or(60);
        let mut at = QUIET;
        loop {
            at += Duration::from_millis(self.rng.between(1_000, gap_max * 1_000));
            if at >= length {
                return acts;
            }
            match self.kind {
                Kind::Quorum => acts.push((at, self.quorum())),
                Kind::Prevent => acts.extend(self.node().map(|it| (at, Deed::PreventQuorum(it)))),
                Kind::Volumes => acts.extend(self.use_volume().map(|deed| (at, deed))),
            }
        }
    }

    fn node(&mut self) -> Option<NodeId> {
        let nodes: Vec<NodeId> = self.plan.all().iter().collect();
        self.rng.pick(&nodes).copied()
    }

    /// Another witness, of those that the lab has, or none.
    fn quorum(&mut self) -> Deed {
        let planned = self.plan.settings.witness;
        match (planned, self.rng.below(3)) {
            (Witness::Disk(_), 0) => Deed::SetQuorum(planned, true),
            (_, 1) => Deed::SetQuorum(Witness::None, false),
            _ => Deed::SetQuorum(planned, false),
        }
    }

    /// A program on some node writes a page of a shared volume, or reads it.
    fn use_volume(&mut self) -> Option<Deed> {
        let node = self.node()?;
        let resources = self.plan.model.resources.iter();
        let volumes = resources.filter(|(_, it)| it.parameters.shared_disk().is_some());
        let volumes: Vec<ResourceId> = volumes.map(|(id, _)| *id).collect();
        let volume = self.rng.pick(&volumes).copied()?;
        let value = Some(self.rng.bits()).filter(|value| value % 2 == 0);
        Some(Deed::UseVolume(volume, node, value))
    }
}

/// The request that brings the quorum back that the lab has.
pub(super) fn planned_quorum(plan: &Plan) -> Deed {
    let disk_only = plan.settings.model == QuorumModel::DiskOnly;
    Deed::SetQuorum(plan.settings.witness, disk_only)
}
