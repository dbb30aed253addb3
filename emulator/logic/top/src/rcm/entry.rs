//! Calling entry points: one at a time per resource, Terminate excepted, whoever runs it.
//!
//! Facts: reference sections 1.1 (PendingTimeout bounds the gap between status reports and ends
//! in Terminate), 1.2 and 1.4. A Physical Disk is brought online by arbitration and taken offline
//! by giving its reservation back; a File Share Witness likewise by its lock.

use base::{CallId, NetworkId, ResourceId, ResourceState};
use bottom::{clusdisk, share};

use super::devices::owns_core_group;
use super::resource::{Call, Entry, Phase, Place, Resource, Restoring, Timer};
use super::state::Cause;
use super::turn::Turn;
use super::{EntryPoint, EntryResult, HostCommand, Output, Rcm, hosts};
use crate::restype::{self, Checks, ResourceParameters, ResourceSpec};

impl Rcm {
    /// Calls the next entry point of a resource, if one is wanted and none is in the way.
    pub(super) fn pump(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let Some(resource) = self.resources.get(&id) else {
            return;
        };
        let opening = matches!(
            resource.call,
            Some(Call {
                entry: Entry::Open,
                ..
            })
        );
        if resource.terminate && resource.terminating.is_none() && !opening {
            self.call_terminate(turn, id);
            return;
        }
        if resource.call.is_some() || resource.terminating.is_some() || resource.terminate {
            return;
        }
        match (resource.state, resource.phase) {
            (ResourceState::OnlinePending, Phase::Begin) => self.begin_online(turn, id),
            (ResourceState::OfflinePending, Phase::Begin) => self.begin_offline(turn, id),
            _ if resource.control.is_some() => self.call_control(turn, id),
            (ResourceState::Online, _) => self.poll_next(turn, id),
            _ => {}
        }
    }

    fn begin_online(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let interface_is_down = self.interface_is_down(id);
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        match resource.place {
            Place::Disk(disk) => {
                resource.phase = Phase::Working;
                let request = clusdisk::Request::Arbitrate;
                turn.say(Output::Disk { disk, request });
            }
            Place::Share => {
                resource.phase = Phase::Working;
                let owns_core_group = owns_core_group(turn);
                let request = share::Input::Arbitrate { owns_core_group };
                turn.say(Output::Share { request });
            }
            Place::Host(_) if interface_is_down => self.fail(turn, id),
            Place::Host(host) => {
                if self.host_runs(turn, host) {
                    self.begin_in_host(turn, id, host);
                }
            }
        }
    }

    fn begin_in_host(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, host: base::HostId) {
        let Some(spec) = self.spec(turn, id) else {
            return;
        };
        let record = self.hosts.entry(host).or_default();
        if record.opened.insert(id) {
            self.call(turn, id, Entry::Open, EntryPoint::Open(spec));
        } else if self.restore(turn, id, host) {
            // Online follows when the checkpoints are in place.
        } else {
            self.call(turn, id, Entry::Online, EntryPoint::Online(spec));
        }
    }

    /// Has the resource's checkpoints brought to this node before it comes online; whether that is
    /// still to be waited for.
    fn restore(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, host: base::HostId) -> bool {
        let keys = self
            .model
            .resources
            .get(&id)
            .map(|it| it.checkpoints.clone());
        let keys = keys.unwrap_or_default();
        let Some(record) = self.resources.get_mut(&id).filter(|_| !keys.is_empty()) else {
            return false;
        };
        if record.checkpoints == Restoring::Wanted {
            record.checkpoints = Restoring::Asked;
            let resource = id;
            turn.say(Output::Restore {
                resource,
                host,
                keys,
            });
        }
        record.checkpoints == Restoring::Asked
    }

    /// The checkpoints of a resource are in place.
    pub(super) fn restored(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        if let Some(record) = self.resources.get_mut(&id)
            && record.checkpoints == Restoring::Asked
        {
            record.checkpoints = Restoring::Done;
            self.pump(turn, id);
        }
    }

    /// What Online hands to the host: the settings completed by the providers that are online, or,
    /// for a name with RegisterAllProvidersIP, by all that it depends on.
    fn spec(&self, turn: &Turn<'_, '_>, id: ResourceId) -> Option<ResourceSpec> {
        let settings = self.model.resources.get(&id)?;
        let shown = match settings.parameters.publishes_all() {
            true => settings.dependencies.providers().collect(),
            false => self.online_providers(id),
        };
        let providers: Vec<&ResourceParameters> = shown
            .iter()
            .filter_map(|provider| self.model.resources.get(provider))
            .map(|provider| &provider.parameters)
            .collect();
        let parameters = restype::at_online(&settings.parameters, &providers);
        Some(ResourceSpec {
            name: settings.name.clone(),
            checks: Checks::of(&parameters, turn.middle().settings.generation),
            parameters,
        })
    }

    fn begin_offline(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        match resource.place {
            Place::Host(_) => self.call(turn, id, Entry::Offline, EntryPoint::Offline),
            Place::Disk(disk) => {
                resource.phase = Phase::Working;
                let request = clusdisk::Request::Release;
                turn.say(Output::Disk { disk, request });
            }
            Place::Share => {
                let request = share::Input::Release;
                turn.say(Output::Share { request });
                self.transition(turn, id, Cause::WentOffline);
            }
        }
    }

    /// Sends an entry point to a resource's host and starts its deadlock timer.
    pub(super) fn call(
        &mut self,
        turn: &mut Turn<'_, '_>,
        resource: ResourceId,
        entry: Entry,
        point: EntryPoint,
    ) {
        let call = self.next_call();
        let now = turn.now();
        let Some(record) = self.resources.get_mut(&resource) else {
            return;
        };
        record.call = Some(Call { id: call, entry });
        if let Some(timeout) = record.deadlock_timeout {
            record.set(Timer::Call, now + timeout);
        }
        if matches!(entry, Entry::Online | Entry::Offline) {
            record.phase = Phase::Called;
        }
        if let Place::Host(host) = record.place {
            let command = HostCommand::Call {
                call,
                resource,
                entry: point,
            };
            turn.say(Output::Host { host, command });
        }
        self.arm_resource(resource);
    }

    pub(super) fn next_call(&mut self) -> CallId {
        self.calls += 1;
        CallId(self.calls)
    }

    /// Ends a resource at once, as soon as its host lets us.
    pub(super) fn terminate(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        if let Some(resource) = self.resources.get_mut(&id) {
            resource.terminate = true;
            self.pump(turn, id);
        }
    }

    fn call_terminate(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let call = self.next_call();
        let now = turn.now();
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        resource.terminate = false;
        match resource.place {
            Place::Host(host) if !is_open(&self.hosts, host, id) => {
                self.terminated(turn, id);
                return;
            }
            Place::Host(host) => {
                let command = HostCommand::Call {
                    call,
                    resource: id,
                    entry: EntryPoint::Terminate,
                };
                turn.say(Output::Host { host, command });
            }
            Place::Disk(disk) => {
                let request = clusdisk::Request::Release;
                turn.say(Output::Disk { disk, request });
            }
            Place::Share => {
                let request = share::Input::Release;
                turn.say(Output::Share { request });
                self.terminated(turn, id);
                return;
            }
        }
        resource.terminating = Some(call);
        if let Some(timeout) = resource.deadlock_timeout {
            resource.set(Timer::Terminate, now + timeout);
        }
        self.arm_resource(id);
    }

    /// Terminate is over: the resource is down.
    pub(super) fn terminated(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        resource.terminating = None;
        resource.clear(Timer::Terminate);
        self.unsettled.insert(resource.group);
        if resource.state == ResourceState::OfflinePending {
            self.transition(turn, id, Cause::WentOffline);
        } else {
            self.arm_resource(id);
        }
    }

    /// An entry point returned. Answers to calls that are no longer in flight are ignored.
    pub(super) fn returned(
        &mut self,
        turn: &mut Turn<'_, '_>,
        id: ResourceId,
        call: CallId,
        result: EntryResult,
    ) {
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        if resource.terminating == Some(call) {
            self.terminated(turn, id);
            self.pump(turn, id);
            return;
        }
        let Some(done) = resource.call.filter(|known| known.id == call) else {
            return;
        };
        resource.call = None;
        resource.clear(Timer::Call);
        match done.entry {
            Entry::Open => self.opened_instance(turn, id, result),
            Entry::Online | Entry::Offline => self.progressed(turn, id, result),
            Entry::LooksAlive | Entry::IsAlive => self.answered(turn, id, done.entry, result),
            Entry::Control => self.controlled(turn, id, result, Vec::new()),
        }
        // A call that came back late may be all that a move or a restart waited for.
        if let Some(resource) = self.resources.get(&id)
            && resource.is_down()
        {
            self.unsettled.insert(resource.group);
        }
        self.arm_resource(id);
        self.pump(turn, id);
    }

    fn opened_instance(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, result: EntryResult) {
        if let EntryResult::Failure { .. } = result {
            if let Some(Resource {
                place: Place::Host(host),
                ..
            }) = self.resources.get(&id)
            {
                self.hosts.entry(*host).or_default().opened.remove(&id);
            }
            if self.state_of(id) == ResourceState::OnlinePending {
                self.fail(turn, id);
            }
        }
    }

    /// SetResourceStatus: a pending resource still works, or has finished.
    pub(super) fn status(
        &mut self,
        turn: &mut Turn<'_, '_>,
        id: ResourceId,
        result: Option<EntryResult>,
    ) {
        let timeout = self.pending_timeout(id);
        let now = turn.now();
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        if !resource.state.is_pending() || resource.phase == Phase::Begin {
            return;
        }
        match result {
            None | Some(EntryResult::Pending) => {
                resource.set(Timer::Pending, now + timeout);
                self.arm_resource(id);
            }
            Some(ended) => self.progressed(turn, id, ended),
        }
    }

    /// Online or Offline came to a result, by returning or by its worker.
    pub(super) fn progressed(
        &mut self,
        turn: &mut Turn<'_, '_>,
        id: ResourceId,
        result: EntryResult,
    ) {
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        // What was begun and then overtaken by Terminate ends without a word.
        let overtaken = resource.terminate || resource.terminating.is_some();
        if resource.phase == Phase::Begin || overtaken {
            return;
        }
        match (resource.state, result) {
            (_, EntryResult::Pending) => resource.phase = Phase::Working,
            (ResourceState::OnlinePending, EntryResult::Success) => {
                self.transition(turn, id, Cause::CameOnline);
            }
            (ResourceState::OnlinePending, EntryResult::Watched) => {
                self.transition(turn, id, Cause::CameOnline);
                self.watch(id);
            }
            (ResourceState::OnlinePending, EntryResult::Failure { code })
                if self.make_room(turn, id, code) => {}
            (ResourceState::OnlinePending, EntryResult::Failure { code }) => {
                self.tell_not_online(turn, id, code);
                self.fail(turn, id);
            }
            (ResourceState::OfflinePending, EntryResult::Success | EntryResult::Watched) => {
                self.transition(turn, id, Cause::WentOffline);
            }
            (ResourceState::OfflinePending, EntryResult::Failure { .. }) => {
                self.terminate(turn, id);
            }
            _ => {}
        }
    }

    /// A pending resource said nothing for too long.
    pub(super) fn pending_too_long(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let timeout = self.pending_timeout(id);
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        if let Place::Host(host) = resource.place {
            self.kill_if_starting(turn, host);
        }
        match self.state_of(id) {
            ResourceState::OnlinePending => self.fail(turn, id),
            ResourceState::OfflinePending => {
                // Terminate ends it; if that hangs as well, its own deadlock timer does.
                if let Some(resource) = self.resources.get_mut(&id) {
                    resource.set(Timer::Pending, turn.now() + timeout);
                    if resource.terminating.is_none() {
                        self.terminate(turn, id);
                    }
                }
            }
            ResourceState::Offline | ResourceState::Online | ResourceState::Failed => {}
        }
    }

    /// A resource fails and is terminated (reference section 1.2).
    pub(super) fn fail(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        self.broke(turn, id);
        self.terminate(turn, id);
    }

    /// A resource fails although nothing of it runs any more; its policy decides what follows.
    pub(super) fn broke(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        self.transition(turn, id, Cause::Broke);
        self.apply_policy(turn, id);
    }

    /// Whether it is an address on a network whose interface is down here.
    pub(super) fn interface_is_down(&self, id: ResourceId) -> bool {
        !self.networks_down.is_empty()
            && self
                .network_of(id)
                .is_some_and(|network| self.networks_down.contains(&network))
    }

    /// The network of an address resource.
    pub(super) fn network_of(&self, id: ResourceId) -> Option<NetworkId> {
        match self.model.resources.get(&id)?.parameters {
            ResourceParameters::IpAddress { network, .. }
            | ResourceParameters::Ipv6Address { network, .. } => Some(network),
            _ => None,
        }
    }

    pub(super) fn state_of(&self, id: ResourceId) -> ResourceState {
        self.resources
            .get(&id)
            .map_or(ResourceState::Offline, |resource| resource.state)
    }
}

fn is_open(records: &hosts::Hosts, host: base::HostId, id: ResourceId) -> bool {
    records
        .get(&host)
        .is_some_and(|record| record.opened.contains(&id))
}
