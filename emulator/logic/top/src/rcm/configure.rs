//! What an administrator changes of the cluster itself: its nodes and its quorum model.
//!
//! Facts: reference sections 4.1 (models), 4.3 (evict) and 9 (event 1011). A change is worked out
//! on a copy of the cluster database, and the difference is what is proposed: all of it or
//! nothing. That an evicted member ends is membership's to see; what a changed model means for the
//! votes is quorum's.

use base::{NodeId, QuorumModel, ResourceId};
use middle::database::{Change, Hive, HiveChange, Value};
use middle::object::{InterfaceRow, StateChange};
use middle::quorum::count;
use middle::settings::{NodeSettings, Settings, Witness};

use super::Rcm;
use super::commands::Refusal;
use super::model::{CORE_GROUP, ResourceSettings};
use super::owner::members;
use super::turn::Turn;
use crate::api::code;
use crate::restype::ResourceParameters;

impl Rcm {
    /// The member that a node is evicted at: any but the node itself, which ends.
    pub(super) fn evicting_member(
        &self,
        turn: &Turn<'_, '_>,
        node: NodeId,
    ) -> Result<NodeId, Refusal> {
        let others = members(turn).without(node);
        if others.contains(turn.me()) {
            return Ok(turn.me());
        }
        others.first().ok_or_else(|| {
            let reason = "the only member cannot be evicted: stop the cluster instead".to_owned();
            Refusal(code::INVALID_STATE, reason)
        })
    }

    /// Everything that names the node goes: its key, its place among owners, its pause.
    pub(super) fn judge_evict(
        &self,
        turn: &Turn<'_, '_>,
        node: NodeId,
    ) -> Result<Vec<Change>, Refusal> {
        let facts = turn.middle();
        if !facts.settings.nodes.contains_key(&node) {
            let reason = format!("there is no node {node}");
            return Err(Refusal(code::NODE_NOT_FOUND, reason));
        }
        let mut hive = (*facts.hive).clone();
        let key = NodeSettings::key(node);
        hive.apply(&HiveChange::DeleteKey { key });
        if hive.dword("", "LowerQuorumPriorityNodeID") == Some(node.number().into()) {
            hive.set("", "LowerQuorumPriorityNodeID", Value::Dword(0));
        }
        self.forget_owner(&mut hive, node);
        let rows = facts.objects.interfaces.keys();
        let rows =
            rows.filter(|(of, _)| *of == node)
                .map(|(node, network)| StateChange::Interface {
                    node: *node,
                    network: *network,
                    row: InterfaceRow::SOUND,
                });
        let paused = StateChange::NodePaused {
            node,
            paused: false,
        };
        let states = rows.chain([paused]).map(Change::State);
        Ok(facts
            .hive
            .changes_to(&hive)
            .map(Change::Hive)
            .chain(states)
            .collect())
    }

    fn forget_owner(&self, hive: &mut Hive, node: NodeId) {
        let (gone, keys) = (node.to_string(), hive.keys().clone());
        for (key, values) in keys {
            for (name, value) in values {
                let list = matches!(name.as_str(), "PossibleOwners" | "PreferredOwners");
                match value {
                    Value::Texts(mut owners) if list && owners.contains(&gone) => {
                        owners.retain(|owner| *owner != gone);
                        hive.set(&key, &name, Value::Texts(owners));
                    }
                    Value::Dword(owner)
                        if name == "DefaultOwner" && owner == u32::from(node.number()) =>
                    {
                        let key = key.clone();
                        hive.apply(&HiveChange::Unset { key, name });
                    }
                    _ => {}
                }
            }
        }
    }

    /// A node is configured; it joins when its service starts.
    pub(super) fn judge_add(
        &self,
        turn: &Turn<'_, '_>,
        node: NodeId,
        settings: &NodeSettings,
    ) -> Result<Vec<Change>, Refusal> {
        let facts = turn.middle();
        let taken = facts.settings.nodes.iter();
        let taken = taken.map(|(id, known)| (id, known.name.as_str()));
        let mut taken = taken.filter(|(id, name)| **id == node || *name == settings.name);
        if let Some((_, name)) = taken.next() {
            let reason = format!("{name} is a node of this cluster already");
            return Err(Refusal(code::NODE_ALREADY_MEMBER, reason));
        }
        let mut settings = settings.clone();
        if facts.settings.dynamic_quorum {
            // It votes once it is a member; a vote that nobody casts yet could be one too many.
            settings.dynamic_weight = 0;
        }
        let mut hive = (*facts.hive).clone();
        settings.write(&mut hive, node);
        Ok(facts.hive.changes_to(&hive).map(Change::Hive).collect())
    }

    /// Another witness, or another weight of the one there is. What the view must not lose by it
    /// is its quorum: the new witness votes once it is online.
    pub(super) fn judge_quorum(
        &self,
        turn: &Turn<'_, '_>,
        witness: Witness,
        disk_only: bool,
    ) -> Result<Vec<Change>, Refusal> {
        let facts = turn.middle();
        if disk_only && !matches!(witness, Witness::Disk(_)) {
            let reason = "only a disk can count alone".to_owned();
            return Err(Refusal(code::INVALID_PARAMETER, reason));
        }
        self.refuse_in_use(turn, witness)?;
        let mut hive = (*facts.hive).clone();
        for name in ["Disk", "Share", "Cloud"] {
            let (key, name) = ("Quorum".to_owned(), name.to_owned());
            hive.apply(&HiveChange::Unset { key, name });
        }
        if let Some((name, number)) = witness.value() {
            hive.set("Quorum", name, Value::Dword(number));
        }
        let kind = if disk_only { "No Majority" } else { "Majority" };
        hive.set("Quorum", "Type", Value::Text(kind.to_owned()));
        let same = witness == facts.settings.witness;
        if !same {
            // Its vote comes when dynamic quorum gives it one.
            hive.set("", "WitnessDynamicWeight", Value::Dword(0));
            self.change_witness_resource(turn, &mut hive, witness);
        }
        let after = Settings::read(&hive);
        let held = same && self.holds_witness(turn);
        let tally = count(&after, members(turn), held);
        if !tally.has_quorum() {
            let reason = if after.model == QuorumModel::DiskOnly {
                "make the disk the witness of a majority first, and online".to_owned()
            } else {
                let (have, needed) = (tally.have, tally.needed);
                format!("the members would have {have} votes of {needed} needed")
            };
            return Err(Refusal(code::INVALID_STATE, reason));
        }
        Ok(facts.hive.changes_to(&hive).map(Change::Hive).collect())
    }

    /// A disk that a role uses cannot be the witness.
    fn refuse_in_use(&self, turn: &Turn<'_, '_>, witness: Witness) -> Result<(), Refusal> {
        let Witness::Disk(disk) = witness else {
            return Ok(());
        };
        let own = self.witness_resource(turn);
        let user = self.model.resources.iter();
        let used = |it: &ResourceParameters| match it {
            ResourceParameters::PhysicalDisk { disk, .. } => Some(*disk),
            _ => None,
        };
        let user = user.filter(|(id, it)| used(&it.parameters) == Some(disk) && Some(**id) != own);
        match user.map(|(_, settings)| &settings.name).next() {
            None => Ok(()),
            Some(name) => {
                let reason = format!("resource {name} uses that disk");
                Err(Refusal(code::INVALID_REQUEST, reason))
            }
        }
    }

    /// The old witness resource of the core group goes, the new one comes.
    fn change_witness_resource(&self, turn: &Turn<'_, '_>, hive: &mut Hive, witness: Witness) {
        let Some(core) = self.model.groups.get(&CORE_GROUP) else {
            return;
        };
        let mut core = core.clone();
        if let Some(old) = self.witness_resource(turn) {
            core.resources.retain(|id| *id != old);
            let key = ResourceSettings::key(old);
            hive.apply(&HiveChange::DeleteKey { key });
        }
        let (name, parameters) = match witness {
            Witness::None => return core.write(hive, CORE_GROUP),
            Witness::Disk(disk) => (
                format!("Cluster Disk {}", disk.0 + 1),
                ResourceParameters::PhysicalDisk {
                    disk,
                    shared: false,
                },
            ),
            Witness::Share => (
                "File Share Witness".to_owned(),
                ResourceParameters::FileShareWitness,
            ),
            Witness::Cloud => ("Cloud Witness".to_owned(), ResourceParameters::CloudWitness),
        };
        // A number that no witness had before: the old one may still be on its way offline.
        let known = self.model.resources.keys().map(|id| u32::from(id.0));
        let last = hive.dword("Quorum", "LastResource");
        let next = 1 + known.chain(last).max().unwrap_or_default();
        hive.set("Quorum", "LastResource", Value::Dword(next));
        let id = ResourceId(u16::try_from(next).unwrap_or(u16::MAX));
        core.resources.push(id);
        core.write(hive, CORE_GROUP);
        let settings = ResourceSettings::new(name, CORE_GROUP, parameters, &self.defaults);
        settings.write(hive, id);
    }
}
