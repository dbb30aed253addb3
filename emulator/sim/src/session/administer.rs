//! What an administrator does to the nodes of the cluster, to their machines and to its quorum.

use base::{NodeId, NodeSet, NodeState, StartMode};
use file::model::{self, Action, Selector, StartOption};
use middle::settings::{NodeSettings, Witness};
use top::api::AdminCommand;
use top::restype::{CheckpointKey, CheckpointKind};

use super::{Session, Unfit};
use crate::stage::Stage;
use crate::world::Life;

impl<W: Stage> Session<W> {
    /// What an action on nodes or on the quorum asks of the cluster; what it asks of machines is
    /// done.
    pub(super) fn administer(&mut self, action: &Action) -> Result<Vec<AdminCommand>, Unfit> {
        Ok(match action {
            Action::Start { nodes, option } => {
                self.start(nodes, *option)?;
                Vec::new()
            }
            Action::Stop(nodes) => {
                for node in self.nodes(nodes)? {
                    self.world.stop_service(node)?;
                }
                Vec::new()
            }
            Action::Evict(nodes) => {
                self.for_each(nodes, |node| AdminCommand::EvictNode { node })?
            }
            Action::Add(nodes) => self.additions(nodes)?,
            Action::Quorum { witness, disk_only } => {
                vec![self.quorum_change(witness, *disk_only)?]
            }
            Action::WriteRegistry { nodes, key, value } => {
                for node in self.nodes(nodes)? {
                    let key = CheckpointKey {
                        kind: CheckpointKind::Registry,
                        name: key.clone(),
                    };
                    let data = value.clone().into_bytes();
                    self.world.write_registry(node, key, data)?;
                }
                Vec::new()
            }
            _ => Vec::new(),
        })
    }

    /// Starts the cluster service of nodes that are no active members.
    fn start(&mut self, nodes: &Selector, option: StartOption) -> Result<(), Unfit> {
        let nodes = self.nodes(nodes)?;
        let name = |node| self.world.plan().names.of_node(node);
        for node in &nodes {
            if self.world.life(*node) == Life::Off {
                return Err(Unfit::NoPower(name(*node)));
            }
            let picture = self.world.picture(*node);
            if picture.is_some_and(|it| it.state != NodeState::Joining) {
                return Err(Unfit::UpAlready(name(*node)));
            }
        }
        let listed: NodeSet = nodes.iter().copied().collect();
        let start = match option {
            StartOption::Plain => StartMode::Normal,
            StartOption::ForceQuorum => StartMode::ForceQuorum { nodes: listed },
            StartOption::PreventQuorum => StartMode::PreventQuorum,
            StartOption::ClearQuarantine => StartMode::ClearQuarantine,
        };
        for node in nodes {
            let prevented = start == StartMode::Normal && self.needs_prevent_quorum(node);
            let start = if prevented {
                StartMode::PreventQuorum
            } else {
                start
            };
            self.world.start_service(node, start)?;
        }
        Ok(())
    }

    /// Whether the cluster database tells tools to start a node so that it only joins
    /// (NeedsPreventQuorum; reference section 4.3).
    fn needs_prevent_quorum(&self, node: NodeId) -> bool {
        let key = NodeSettings::key(node);
        let live = self.world.live();
        let active = live.iter().filter_map(|it| self.world.picture(it));
        let mut active = active.filter(|it| it.ready);
        active.any(|it| it.hive.dword(&key, "NeedsPreventQuorum") == Some(1))
    }

    /// Takes nodes into the configuration as the lab file describes them.
    fn additions(&mut self, nodes: &Selector) -> Result<Vec<AdminCommand>, Unfit> {
        let nodes = self.nodes(nodes)?;
        self.world.can_set_up()?;
        let planned = &self.world.plan().settings.nodes;
        let command = |node| {
            let settings = planned.get(&node)?.clone();
            Some(AdminCommand::AddNode { node, settings })
        };
        Ok(nodes.into_iter().filter_map(command).collect())
    }

    fn quorum_change(
        &self,
        witness: &model::Witness,
        disk_only: bool,
    ) -> Result<AdminCommand, Unfit> {
        let names = &self.world.plan().names;
        let witness = match witness {
            model::Witness::None => Witness::None,
            model::Witness::Disk(lun) => {
                let disk = names.disk(lun);
                Witness::Disk(disk.ok_or_else(|| Unfit::Unknown(format!("unit `{lun}`")))?)
            }
            model::Witness::Share(_) => Witness::Share,
            model::Witness::Cloud(_) => Witness::Cloud,
        };
        Ok(AdminCommand::SetQuorum { witness, disk_only })
    }
}
