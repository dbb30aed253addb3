//! What a network name's host does in the directory while the name is online, and what it reports.

use std::time::Duration;

use base::{HostId, ResourceId};
use top::rcm::{HostReport, ResourceParameters};

use super::{Hosts, Instance, Later, Outside, Steps, Surroundings};

impl Hosts {
    /// The records of a name that is still online are sent once more.
    pub(crate) fn register(
        &mut self,
        id: HostId,
        resource: ResourceId,
        attempt: u64,
        around: &mut Surroundings<'_>,
    ) -> Steps {
        let node = self.node;
        let Some(instance) = self.instance(id, resource) else {
            return Vec::new();
        };
        if instance.attempt != attempt || !instance.runs {
            return Vec::new();
        }
        let parameters = &instance.spec.parameters;
        let outside = &mut *around.outside;
        outside.register_again(node, resource, parameters, around.networks, around.clocks);
        registered(resource, instance, outside)
    }

    /// What a network name says beside the answer of a check: that it has lost its registration, or
    /// what the directory has of it.
    pub(super) fn health(
        &mut self,
        id: HostId,
        resource: ResourceId,
        thorough: bool,
        alive: bool,
        around: &mut Surroundings<'_>,
    ) -> Steps {
        let node = self.node;
        let Some(instance) = self.instance(id, resource).filter(|it| it.runs) else {
            return Vec::new();
        };
        let parameters = &instance.spec.parameters;
        let report = match (alive, thorough) {
            (false, _) => instance.spec.lost_registration(),
            (true, false) => None,
            (true, true) => {
                let outside = &mut *around.outside;
                outside.examine(node, resource, parameters, around.networks, around.clocks);
                outside.take_report(resource).map(|outcome| outcome.report)
            }
        };
        let report = report.map(|report| HostReport::Name { resource, report });
        report
            .map(|report| (Duration::ZERO, Later::Report(report)))
            .into_iter()
            .collect()
    }
}

/// What a network name says of what it did in the directory, and when it does so again. What the
/// cluster database will keep of its computer object the instance knows from now on.
pub(super) fn registered(
    resource: ResourceId,
    instance: &mut Instance,
    outside: &mut Outside,
) -> Steps {
    let Some(outcome) = outside.take_report(resource) else {
        return Vec::new();
    };
    if let (ResourceParameters::NetworkName { settings, .. }, Some(account)) =
        (&mut instance.spec.parameters, &outcome.report.account)
    {
        settings.account.clone_from(account);
    }
    let (attempt, report) = (instance.attempt, outcome.report);
    let told = (!report.is_empty()).then(|| {
        let report = HostReport::Name { resource, report };
        (outcome.delay, Later::Report(report))
    });
    let again = outside.names().registered_again_after();
    let again = again.filter(|_| instance.runs);
    let again = again.map(|after| (after, Later::Register { resource, attempt }));
    told.into_iter().chain(again).collect()
}
