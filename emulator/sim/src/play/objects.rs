//! Claims about shared volumes, networks and adapters, as the live members have them.

use base::{DiskId, InterfaceState, NetworkState, NodeSet, VolumeState};
use file::model::{NicSelector, Selector, VolumeWord};
use node::Picture;

use super::claim::{Found, Judge, text};
use crate::checkers::is_active;
use crate::stage::Stage;

impl<W: Stage> Judge<'_, W> {
    pub(super) fn volume(
        &mut self,
        group: &str,
        resource: &str,
        nodes: Option<&Selector>,
        is: VolumeWord,
    ) -> Found {
        let asked = match nodes {
            Some(nodes) => self.asked(Some(nodes))?,
            None => self.session.world().live(),
        };
        let plan = self.session.world().plan();
        let disk: Option<DiskId> = plan.names.resource(group, resource).and_then(|id| {
            let settings = plan.model.resources.get(&id);
            settings.and_then(|settings| settings.parameters.shared_disk())
        });
        let disk = disk.ok_or_else(|| format!("{group}/{resource} is no shared volume"))?;
        if asked.is_empty() {
            return Err("no node runs that could reach the volume".to_owned());
        }
        for node in asked.iter() {
            let picture = self.session.world().picture(node);
            let fact = picture.and_then(|it| it.volumes.get(&disk)).copied();
            let state = fact.unwrap_or_default().state;
            if !fits(state, is) {
                let name = plan.names.of_node(node);
                return Err(format!("{group}/{resource} is {state} on {name}"));
            }
        }
        Ok(())
    }

    pub(super) fn networks(&mut self, networks: &Selector, is: NetworkState) -> Found {
        let picked = self.session.networks(Some(networks)).map_err(text)?;
        let names = &self.session.world().plan().names;
        for network in picked {
            let state = self.member()?.networks.get(&network).copied();
            let state = state.unwrap_or(NetworkState::Up);
            if state != is {
                let network = names.of_network(network);
                return Err(format!("network {network} is {}", state.label()));
            }
        }
        Ok(())
    }

    pub(super) fn nics(&mut self, nics: &NicSelector, is: InterfaceState) -> Found {
        let networks = self.session.networks(Some(&nics.network)).map_err(text)?;
        let nodes: NodeSet = self.asked(Some(&nics.node))?;
        let plan = self.session.world().plan();
        for node in nodes.iter() {
            let adapters = plan.member(node).into_iter();
            let adapters = adapters.flat_map(|member| &member.machine.adapters);
            for (network, _) in adapters.filter(|(network, _)| networks.contains(network)) {
                let state = self.member()?.interfaces.get(&(node, *network)).copied();
                let state = state.unwrap_or(InterfaceState::Up);
                if state != is {
                    let (node, network) =
                        (plan.names.of_node(node), plan.names.of_network(*network));
                    return Err(format!("{node}/{network} is {}", state.label()));
                }
            }
        }
        Ok(())
    }

    /// What a member of the newest quorate view shows: all of them show the same.
    fn member(&self) -> Result<&Picture, String> {
        let world = self.session.world();
        let live = world.live();
        let pictures = live.iter().filter_map(|node| world.picture(node));
        pictures
            .filter(|picture| is_active(picture))
            .max_by_key(|picture| picture.view.map(|(view, _)| view.epoch))
            .ok_or_else(|| "no running node belongs to a view with quorum".to_owned())
    }
}

fn fits(state: VolumeState, word: VolumeWord) -> bool {
    match word {
        VolumeWord::Offline => state == VolumeState::Offline,
        VolumeWord::Direct => state == VolumeState::Direct,
        VolumeWord::FileSystemRedirected => state == VolumeState::FileSystemRedirected,
        VolumeWord::BlockRedirected => state == VolumeState::BlockRedirected,
        VolumeWord::Paused => matches!(state, VolumeState::Paused { .. }),
        VolumeWord::Maintenance => state == VolumeState::Maintenance,
        VolumeWord::Inaccessible => state == VolumeState::Inaccessible,
        VolumeWord::DiskFailed => state == VolumeState::DiskFailed,
    }
}
