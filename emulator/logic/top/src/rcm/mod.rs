//! The resource control manager: groups, resources, dependencies, restart, failover, failback.
//!
//! Clauses: seed 001, Resource Control Manager; seed 000, Resource Monitor. Facts: reference
//! sections 1, 2, 3 and 13. Publishes what runs on this node (`crate::Facts`); reads view, object
//! table, hive, settings and disk facts.
//!
//! Every node runs the groups that the object table gives it and reports their settled states by
//! global updates. An owner decides where its own group goes, because it has to take it offline
//! first anyway; the view's leader decides for groups without a living owner. While a view is being
//! agreed on nothing is decided or proposed, and what runs goes on running.
//!
//! Absent: who is isolated or quarantined (`middle::resilience`).

mod act;
mod commands;
mod configure;
mod control;
mod deadlines;
mod dependencies;
mod derived;
mod devices;
mod drain;
mod entry;
mod events;
mod failback;
mod failover;
mod gate;
mod group;
mod hold;
mod hosts;
mod invariants;
mod isolated;
mod judge;
mod messages;
pub mod model;
mod names;
mod orphans;
mod owner;
mod persist;
mod placement;
mod policy;
mod poll;
mod preempt;
mod properties;
mod queue;
mod reload;
mod report;
mod resource;
mod room;
mod servers;
mod state;
mod stop;
mod subnet;
#[cfg(test)]
mod tests;
mod tree;
mod turn;
mod volumes;
mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::{
    Defaults, GroupId, Manager, NetworkId, NodeId, NodeSet, Outbox, RequestId, ResourceId,
    Timestamp,
};

pub use crate::restype::{
    NameReport, NameSettings, ResourceKind, ResourceParameters, ResourceSpec,
};
pub use messages::{EntryPoint, EntryResult, HostCommand, HostReport, Input, Message, Output};
pub use subnet::is_elsewhere;
pub use tree::{Dependencies, DependencyError};

use crate::Context;
use deadlines::{Deadlines, Due};
pub use drain::DrainStatus;
use group::Group;
use hosts::Hosts;
use model::Model;
use policy::Window;
use report::Report;
use resource::{Resource, Timer};
use servers::Server;
use turn::Turn;
use volumes::Volumes;

/// The resource control manager of one node.
#[derive(Debug)]
pub struct Rcm {
    defaults: Defaults,
    trace_polls: bool,
    /// Groups and resources as configured.
    model: Arc<Model>,
    /// The view is open: decisions and proposals may be made.
    open: bool,
    /// When this node saw the cluster form.
    formed_at: Option<Timestamp>,
    /// Members of the last open view.
    members: NodeSet,
    /// Owners as last seen in the object table.
    owners: BTreeMap<GroupId, NodeId>,
    /// Until when groups must not start because a node outside the view may still run them; known
    /// to every member, because a group may move on before it has started anywhere.
    haunted: BTreeMap<GroupId, Timestamp>,
    /// Failovers of each group because of its resources.
    failovers: BTreeMap<GroupId, Window>,
    /// Owners chosen within one placement.
    planned: BTreeMap<GroupId, NodeId>,
    /// Groups of which it was said that nobody can own them.
    unplaceable: BTreeSet<GroupId>,
    /// Groups whose virtual machines run on an isolated node, as last told.
    unmonitored: BTreeSet<GroupId>,
    /// What runs in hosts has ended because the rest of the cluster may be going on without this
    /// node; see `gate`.
    suspended: bool,
    /// The time the end of the wait for quorum is entered under in the deadlines.
    limbo_armed: Timestamp,
    /// The time the placement is entered under in the deadlines.
    placement_armed: Timestamp,
    /// Groups that this node owns, or has just lost.
    groups: BTreeMap<GroupId, Group>,
    /// Their resources.
    resources: BTreeMap<ResourceId, Resource>,
    /// Groups to look at before the call ends.
    unsettled: BTreeSet<GroupId>,
    hosts: Hosts,
    /// Entry points called so far.
    calls: u64,
    deadlines: Deadlines,
    report: Report,
    /// Requests that came in here and wait for the answer of another node.
    asked: BTreeMap<RequestId, NodeId>,
    /// Networks that this node is on; empty until the settings are known.
    networks: Vec<NetworkId>,
    /// Networks whose interface is down on this node.
    networks_down: BTreeSet<NetworkId>,
    /// The lock on the witness share works, as far as is known.
    share_healthy: bool,
    /// The witness was got for quorum and not through its resource.
    witness_lent: bool,
    /// The view was open when quorum wanted the witness.
    lent_while_open: bool,
    /// Virtual servers that are online, by their name resource.
    servers: BTreeMap<ResourceId, Server>,
    volumes: Volumes,
    drain: DrainStatus,
    /// The time the end of a stop is entered under in the deadlines.
    stop_armed: Timestamp,
    stopping: bool,
    stopped: bool,
    /// What runs here changed in this call.
    changed: bool,
}

impl Rcm {
    /// A manager that owns nothing. `defaults` are the documented timings of the node's
    /// generation, with what the lab overrides.
    #[must_use]
    pub fn new(defaults: Defaults) -> Self {
        Self {
            defaults,
            trace_polls: false,
            model: Arc::default(),
            open: false,
            formed_at: None,
            members: NodeSet::EMPTY,
            owners: BTreeMap::new(),
            haunted: BTreeMap::new(),
            failovers: BTreeMap::new(),
            planned: BTreeMap::new(),
            unplaceable: BTreeSet::new(),
            unmonitored: BTreeSet::new(),
            suspended: false,
            limbo_armed: Timestamp::NEVER,
            placement_armed: Timestamp::NEVER,
            groups: BTreeMap::new(),
            resources: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            hosts: Hosts::new(),
            calls: 0,
            deadlines: Deadlines::default(),
            report: Report::new(),
            asked: BTreeMap::new(),
            networks: Vec::new(),
            networks_down: BTreeSet::new(),
            share_healthy: false,
            witness_lent: false,
            lent_while_open: false,
            servers: BTreeMap::new(),
            volumes: Volumes::default(),
            drain: DrainStatus::default(),
            stop_armed: Timestamp::NEVER,
            stopping: false,
            stopped: false,
            changed: false,
        }
    }

    /// Whether each LooksAlive and IsAlive is told to the event log, for timing cases. Off by
    /// default: an idle cluster would say little else.
    pub fn set_trace_polls(&mut self, trace: bool) {
        self.trace_polls = trace;
    }

    /// What ends every call: groups settle, news is proposed, and what runs is published.
    fn finish(&mut self, turn: &mut Turn<'_, '_>) {
        self.settle(turn);
        self.end_drain_if_done(turn);
        self.flush(turn);
        self.stop_if_done(turn);
        self.tell_roles(turn);
        if std::mem::take(&mut self.changed) {
            let running = self
                .resources
                .iter()
                .map(|(id, record)| (*id, record.state));
            let running = running.collect();
            turn.say(Output::Publish { running });
        }
    }

    fn resource_due(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let now = turn.now();
        while let Some(timer) = self.resources.get_mut(&id).and_then(|r| r.pop_due(now)) {
            match timer {
                Timer::LooksAlive | Timer::IsAlive => self.poll_due(turn, id, timer),
                Timer::Pending => self.pending_too_long(turn, id),
                Timer::Call | Timer::Terminate => self.hung(turn, id),
                Timer::Restart => self.let_start(id, false),
                Timer::Retry => self.let_start(id, true),
            }
        }
        self.arm_resource(id);
    }

    fn group_due(&mut self, turn: &mut Turn<'_, '_>, id: GroupId) {
        let now = turn.now();
        while let Some(timer) = self.groups.get_mut(&id).and_then(|g| g.pop_due(now)) {
            match timer {
                group::Timer::Gate => self.gate_due(turn, id),
                group::Timer::Failback => self.failback_due(turn, id),
                group::Timer::Dependencies => {
                    self.unsettled.insert(id);
                }
            }
        }
        self.arm_group(id);
    }
}

impl Manager for Rcm {
    type Context<'a> = Context<'a>;
    type Input = Input;
    type Output = Output;

    fn handle(&mut self, cx: &mut Context<'_>, input: Input, out: &mut Outbox<Output>) {
        let turn = &mut Turn::new(cx, out);
        match input {
            Input::Opened { formed } => self.opened(turn, formed),
            Input::Undecided => self.undecided(turn),
            Input::Closed => self.closed(turn),
            Input::Quorum { state } => self.quorum_changed(turn, state),
            Input::Applied { update } => self.applied(turn, &update),
            Input::Done { ticket, result } => self.proposal_done(turn, ticket, result.err()),
            Input::Host { host, report } => self.host_report(turn, host, report),
            Input::Restored { resource } => self.restored(turn, resource),
            Input::Disk { report } => self.disk_report(turn, &report),
            Input::VolumeIo { ticket, result } => self.volume_io_done(turn, ticket, result),
            Input::Share { report } => self.share_report(turn, report),
            Input::Command { request, command } => self.command(turn, request, command),
            Input::Message { from, message } => self.message(turn, from, message),
            Input::WitnessNeeded => self.witness_needed(turn),
            Input::WitnessFailed => self.witness_failed(turn),
            Input::Stop => self.stop(turn),
            Input::Interface { network, up } => self.interface_changed(turn, network, up),
        }
        self.finish(turn);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| at)
    }

    fn expire(&mut self, cx: &mut Context<'_>, out: &mut Outbox<Output>) {
        let turn = &mut Turn::new(cx, out);
        let now = turn.now();
        while let Some((at, due)) = self.deadlines.first()
            && at <= now
        {
            match due {
                Due::Placement => {
                    self.deadlines.arm(due, &mut self.placement_armed, None);
                    self.place_orphans(turn);
                }
                Due::Limbo => self.limbo_due(),
                Due::Stop => self.stop_anyway(turn),
                Due::Proposal => self.deadlines.arm(due, &mut self.report.armed, None),
                Due::Group(id) => self.group_due(turn, id),
                Due::Resource(id) => self.resource_due(turn, id),
            }
        }
        self.finish(turn);
    }

    fn check(&self, _cx: &Context<'_>) {
        self.assert_invariants();
    }
}
