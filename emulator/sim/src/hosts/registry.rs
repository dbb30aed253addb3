//! The registry and the key containers of a node's machine, and the checkpoints of resources in it.

use std::collections::BTreeMap;

use base::{HostId, ResourceId};
use top::rcm::HostReport;
use top::restype::{Checkpoint, CheckpointKey};

use super::{Hosts, Later, Steps, millis};

impl Hosts {
    /// What the machine's registry has.
    #[must_use]
    pub fn registry(&self) -> &BTreeMap<CheckpointKey, Vec<u8>> {
        &self.registry
    }

    /// A program writes into the registry; hosts that watch the key report it.
    pub(crate) fn write_registry(
        &mut self,
        key: CheckpointKey,
        data: Vec<u8>,
    ) -> Vec<(HostId, HostReport)> {
        self.registry.insert(key.clone(), data.clone());
        let mut reports = Vec::new();
        for (host, record) in &self.hosts {
            for (resource, instance) in &record.instances {
                if instance.watched.contains(&key) {
                    let report = HostReport::Saved {
                        resource: *resource,
                        key: key.clone(),
                        data: data.clone(),
                    };
                    reports.push((*host, report));
                }
            }
        }
        reports
    }

    /// Puts checkpoints in place and watches them from now on.
    pub(super) fn restore(
        &mut self,
        id: HostId,
        resource: ResourceId,
        checkpoints: Vec<Checkpoint>,
    ) -> Steps {
        let keys = checkpoints.iter().map(|it| it.key.clone()).collect();
        if let Some(instance) = self.instance(id, resource) {
            instance.watched = keys;
        }
        let saved = checkpoints.into_iter();
        let saved = saved.filter_map(|it| it.data.map(|data| (it.key, data)));
        self.registry.extend(saved);
        let failed = Vec::new();
        let report = HostReport::Restored { resource, failed };
        vec![(millis(5), Later::Report(report))]
    }

    /// What has to be said of watched checkpoints before Offline returns.
    pub(super) fn last_saves(&mut self, id: HostId, resource: ResourceId) -> Steps {
        let watched = self
            .instance(id, resource)
            .map(|it| std::mem::take(&mut it.watched));
        let saved = |key: CheckpointKey| {
            let data = self.registry.get(&key)?.clone();
            let report = HostReport::Saved {
                resource,
                key,
                data,
            };
            Some((millis(1), Later::Report(report)))
        };
        watched
            .unwrap_or_default()
            .into_iter()
            .filter_map(saved)
            .collect()
    }
}
