//! Resource host processes of this node: started when first needed, killed when they hang.
//!
//! Facts: reference sections 1.1 (one monitor per node, SeparateMonitor) and 1.5 (a call that does
//! not return kills its host; every resource in it restarts; the offender moves to its own host;
//! the last is unsourced and a behaviour of this project).

use std::collections::{BTreeMap, BTreeSet};

use base::{HostId, Notice, ResourceId, ResourceState};

use super::resource::{Phase, Place, Timer};
use super::state::Cause;
use super::turn::Turn;
use super::{EntryPoint, HostCommand, HostReport, Output, Rcm};

/// What a host process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum HostState {
    /// It does not run.
    #[default]
    Stopped,
    /// It was asked to start.
    Starting,
    /// It takes calls.
    Running,
    /// It was asked to die.
    Dying,
}

/// One host process.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub state: HostState,
    /// Instances that were made in this life of the process.
    pub opened: BTreeSet<ResourceId>,
}

/// All host processes by number.
pub(super) type Hosts = BTreeMap<HostId, Host>;

impl Rcm {
    /// Whether a host takes calls; starts it if it does not run.
    pub(super) fn host_runs(&mut self, turn: &mut Turn<'_, '_>, host: HostId) -> bool {
        let record = self.hosts.entry(host).or_default();
        if record.state == HostState::Stopped {
            record.state = HostState::Starting;
            let command = HostCommand::Start;
            turn.say(Output::Host { host, command });
        }
        record.state == HostState::Running
    }

    /// Handles a host's report.
    pub(super) fn host_report(
        &mut self,
        turn: &mut Turn<'_, '_>,
        host: HostId,
        report: HostReport,
    ) {
        match report {
            HostReport::Started => self.host_started(turn, host),
            HostReport::Returned {
                call,
                resource,
                result,
            } => self.returned(turn, resource, call, result),
            HostReport::Status { resource, result } => self.status(turn, resource, result),
            HostReport::Controlled {
                call,
                resource,
                output,
            } => self.control_returned(turn, resource, call, output),
            // For the checkpoint manager.
            HostReport::Restored { .. } | HostReport::Saved { .. } => {}
            HostReport::Signalled { resource } => self.signalled(turn, resource),
            HostReport::Name { resource, report } => self.name_reported(turn, resource, &report),
            HostReport::Exited => self.host_exited(turn, host),
        }
    }

    fn host_started(&mut self, turn: &mut Turn<'_, '_>, host: HostId) {
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        if record.state == HostState::Starting {
            record.state = HostState::Running;
            for id in self.resources_in(host) {
                self.pump(turn, id);
            }
        }
    }

    /// A process ended: whatever it ran ended with it, and the restart policy applies to each.
    fn host_exited(&mut self, turn: &mut Turn<'_, '_>, host: HostId) {
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        let killed = record.state == HostState::Dying;
        *record = Host::default();
        turn.notice(Notice::HostExited { host });
        for id in self.resources_in(host) {
            self.exited_under(turn, id, killed);
        }
    }

    /// A resource that only waited for a killed host to go starts the next one.
    fn exited_under(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, killed: bool) {
        let waited = self.resources.get(&id).is_some_and(|resource| {
            resource.state == ResourceState::OnlinePending
                && resource.phase == Phase::Begin
                && resource.call.is_none()
        });
        if waited && killed {
            self.pump(turn, id);
        } else {
            self.lose_host(turn, id);
        }
    }

    fn lose_host(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        resource.forget_calls();
        let (group, state) = (resource.group, resource.state);
        self.unsettled.insert(group);
        self.control_lost(turn, id);
        match state {
            ResourceState::Online | ResourceState::OnlinePending => self.broke(turn, id),
            ResourceState::OfflinePending => self.transition(turn, id, Cause::WentOffline),
            ResourceState::Offline | ResourceState::Failed => self.arm_resource(id),
        }
    }

    /// An entry point did not return in time (event 1230).
    pub(super) fn hung(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        self.tell_type_control(turn, id);
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        turn.notice(Notice::EntryPointTimedOut { resource: id });
        resource.clear(Timer::Call);
        resource.clear(Timer::Terminate);
        match resource.place {
            Place::Host(host) => {
                resource.isolated = true;
                self.kill_host(turn, host);
            }
            // There is no process to kill: the driver's answer is not waited for any longer.
            Place::Disk(_) | Place::Share if resource.terminating.is_some() => {
                self.lose_host(turn, id);
            }
            Place::Disk(_) | Place::Share => {
                resource.call = None;
                self.fail(turn, id);
            }
        }
    }

    fn kill_host(&mut self, turn: &mut Turn<'_, '_>, host: HostId) {
        let record = self.hosts.entry(host).or_default();
        if matches!(record.state, HostState::Starting | HostState::Running) {
            record.state = HostState::Dying;
            let command = HostCommand::Kill;
            turn.say(Output::Host { host, command });
        }
    }

    /// A process that never came up is killed, so that the next attempt starts another.
    pub(super) fn kill_if_starting(&mut self, turn: &mut Turn<'_, '_>, host: HostId) {
        let state = self.hosts.get(&host).map(|record| record.state);
        if state == Some(HostState::Starting) {
            self.kill_host(turn, host);
        }
    }

    /// Removes a resource's instance from a host. Nothing waits for the answer.
    pub(super) fn close(&mut self, turn: &mut Turn<'_, '_>, resource: ResourceId, host: HostId) {
        let Some(record) = self.hosts.get_mut(&host) else {
            return;
        };
        if record.opened.remove(&resource) {
            let command = HostCommand::Call {
                call: self.next_call(),
                resource,
                entry: EntryPoint::Close,
            };
            turn.say(Output::Host { host, command });
        }
    }

    fn resources_in(&self, host: HostId) -> Vec<ResourceId> {
        self.resources
            .iter()
            .filter(|(_, resource)| resource.place == Place::Host(host))
            .map(|(id, _)| *id)
            .collect()
    }
}
