//! The file system of a cluster shared volume is written by one node at a time, the coordinator,
//! and there is at most one of them (CSV-2, CSV-3): the coordinator is the holder of the disk's
//! reservation, and no two members of one view believe to be it.

use base::{DiskId, NodeId};

use super::{Change, Checker, Scene, is_active};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct SharedVolume;

impl Checker for SharedVolume {
    fn name(&self) -> &'static str {
        "shared-volume"
    }

    fn clause(&self) -> &'static str {
        "TIER-12"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let disk_name = |disk: &DiskId| scene.plan.names.of_disk(*disk);
        if let Change::FileSystemWritten { disk, node, holder } = change
            && *holder != Some(*node)
        {
            return Err(format!(
                "node {node} wrote to the file system of {}, which {} holds",
                disk_name(disk),
                holder.map_or("nobody".to_owned(), |holder| format!("node {holder}"))
            ));
        }
        let Change::Picture(new) = change else {
            return Ok(());
        };
        let coordinates = |picture: &node::Picture, disk: &DiskId| {
            let fact = picture.volumes.get(disk);
            fact.is_some_and(|fact| fact.is_coordinator)
        };
        let view = new.view.filter(|_| is_active(new));
        for disk in new.volumes.keys().filter(|disk| coordinates(new, disk)) {
            let same = |it: &&node::Picture| {
                it.node != new.node && is_active(it) && it.view == view && it.applied == new.applied
            };
            let mut others = scene.shown(change).filter(same);
            if let Some(other) = others.find(|it| coordinates(it, disk)) {
                let (one, other): (NodeId, NodeId) = (new.node, other.node);
                return Err(format!(
                    "nodes {one} and {other} both coordinate {}",
                    disk_name(disk)
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base::VolumeState;
    use bottom::csvfs::VolumeFact;

    use super::super::testing::{Stage, active, node};
    use super::*;

    fn coordinates(by: u8) -> node::Picture {
        let mut picture = active(by, 1, &[1, 2]);
        let fact = VolumeFact {
            state: VolumeState::Direct,
            is_coordinator: true,
        };
        picture.volumes.insert(DiskId(0), fact);
        picture
    }

    #[test]
    fn two_coordinators_of_one_view_are_found() {
        let mut stage = Stage::new(SharedVolume);
        stage.shows(coordinates(1));
        assert_eq!(stage.verdict(), Ok(()));
        stage.shows(coordinates(2));
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_file_system_written_by_another_node_than_the_holder_is_found() {
        let mut stage = Stage::new(SharedVolume);
        let written = |by| Change::FileSystemWritten {
            disk: DiskId(0),
            node: node(by),
            holder: Some(node(1)),
        };
        stage.sees(&written(1));
        assert_eq!(stage.verdict(), Ok(()));
        stage.sees(&written(2));
        assert!(stage.verdict().is_err());
    }
}
