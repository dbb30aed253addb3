//! Power, processes and the service control manager.

use std::time::Duration;

use base::{Generation, HaltReason, NetworkId, NodeId, PaxosTag, StartMode, Timestamp};
use bottom::txlog::FileName;
use node::{Event, NodeConfig};

use super::seat::Seat;
use super::{ForNode, Happening, Life, World};
use crate::checkers::{Change, Ended};
use crate::log::WorldEvent;
use crate::service::Service;

/// How long a machine takes from power to the start of the cluster service.
pub(crate) const BOOT: Duration = Duration::from_secs(20);
/// The tag that setup gives a database: above that of a blank disk, so that it counts.
pub(super) const SETUP_TAG: PaxosTag = PaxosTag {
    next_epoch: 1,
    last_epoch: 1,
    sequence: 1,
};
/// ClusSvcHangTimeout: how long the cluster service may hang.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a machine that shuts down in order waits for the cluster service.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(120);

impl<S: Service> World<S> {
    /// The power of a member goes: the process, the hosts and the cache of its disk are gone.
    pub fn power_off(&mut self, node: NodeId) {
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        if !seat.powered {
            return;
        }
        let was_running = seat.service.is_some();
        seat.disk.lose_power();
        self.end_life(node);
        let seat = &mut self.seats[node.index()];
        seat.powered = false;
        seat.frozen = false;
        seat.hung = false;
        seat.start_after_stop = false;
        // Whatever start was ordered before is void.
        seat.order = seat.order.wrapping_add(1);
        self.storage.lose_node(node);
        self.outside.lose_machine(node);
        if let Some(share) = &mut self.share {
            share.abandon(self.now, node);
        }
        self.world_event(WorldEvent::PowerOff(node));
        if was_running {
            self.changed(&Change::Ended {
                node,
                why: Ended::Power,
            });
        }
        self.surroundings_changed();
    }

    /// The power of a member comes back; it boots, and its cluster service starts.
    pub fn power_on(&mut self, node: NodeId) {
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        if seat.powered {
            return;
        }
        seat.powered = true;
        self.order_start(node, BOOT);
        self.world_event(WorldEvent::PowerOn(node));
        self.surroundings_changed();
    }

    /// The process of the cluster service dies; the machine stays, and the service control
    /// manager starts it again.
    pub fn kill_service(&mut self, node: NodeId) {
        let Some(seat) = self.seats.get(node.index()) else {
            return;
        };
        if seat.service.is_none() || seat.frozen {
            return;
        }
        let restart = seat.service_restart;
        self.end_process(node, Ended::Killed);
        self.world_event(WorldEvent::ServiceKilled(node));
        self.order_start(node, restart);
    }

    /// Nothing runs on the machine until it thaws.
    pub fn freeze(&mut self, node: NodeId) {
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        if !seat.powered || seat.frozen {
            return;
        }
        seat.frozen = true;
        self.world_event(WorldEvent::Frozen(node));
        self.changed(&Change::Frozen { node });
        self.surroundings_changed();
    }

    /// The process of the cluster service hangs; everything else on the machine goes on. After
    /// ClusSvcHangTimeout the machine acts (reference section 1.5).
    pub(super) fn hang(&mut self, node: NodeId) {
        let hangs = |seat: &&Seat<S>| seat.service.is_some() && !seat.frozen;
        let Some(life) = self.seats.get(node.index()).filter(hangs).map(|it| it.life) else {
            return;
        };
        self.freeze(node);
        self.seats[node.index()].hung = true;
        self.surroundings_changed();
        let at = self.now + HANG_TIMEOUT;
        self.queue.push(at, Happening::HungTooLong { node, life });
    }

    /// HangRecoveryAction: up to 2016 the machine stops and boots again, since then the process is
    /// killed.
    pub(super) fn hung_too_long(&mut self, node: NodeId, life: u32) {
        let seat = &self.seats[node.index()];
        if !seat.hung || seat.life != life {
            return;
        }
        if self.plan.generation <= Generation::V2016 {
            self.crash(node);
        } else {
            self.thaw(node);
            self.kill_service(node);
        }
    }

    /// The machine goes on where it was: what came in meanwhile comes in now, in its order.
    pub fn thaw(&mut self, node: NodeId) {
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        if !seat.frozen {
            return;
        }
        seat.frozen = false;
        seat.hung = false;
        seat.frames_held = 0;
        // A nanosecond apart, so that no shuffle changes the order of one node's own events.
        for (place, what) in (0_u64..).zip(std::mem::take(&mut seat.held)) {
            self.queue
                .push(self.now + Duration::from_nanos(place), what);
        }
        self.world_event(WorldEvent::Thawed(node));
        self.changed(&Change::Thawed { node });
        self.surroundings_changed();
        self.arm(node);
    }

    /// The service control manager asks the cluster service to stop; it stays stopped.
    pub fn stop_service(&mut self, node: NodeId) {
        self.world_event(WorldEvent::StopAsked(node));
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        // Whatever start was ordered before is void.
        seat.order = seat.order.wrapping_add(1);
        seat.start_after_stop = false;
        if seat.service.is_some() {
            seat.stopping = true;
            self.send_to_node(node, Duration::ZERO, ForNode::Event(Event::Stop));
        }
    }

    /// The cluster service is started, unless it runs.
    pub fn start_service(&mut self, node: NodeId) {
        self.order_start(node, Duration::ZERO);
    }

    /// The cluster service is started with an option; where it runs already, and only waits for
    /// others, it is stopped for that.
    pub fn start_service_with(&mut self, node: NodeId, start: StartMode) {
        if self.life(node) == Life::Running {
            self.stop_service(node);
        }
        if let Some(seat) = self.seats.get_mut(node.index()) {
            seat.start = start;
            self.order_start(node, Duration::ZERO);
        }
    }

    /// The machine shuts down in order and boots again.
    pub fn reboot(&mut self, node: NodeId) {
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        if !seat.powered {
            return;
        }
        seat.reboot = Some(BOOT);
        let running = seat.service.is_some();
        self.stop_service(node);
        let order = self.seats[node.index()].order;
        let patience = if running {
            SHUTDOWN_PATIENCE
        } else {
            Duration::ZERO
        };
        let at = self.now + patience;
        self.queue.push(at, Happening::ForceOff { node, order });
    }

    pub(super) fn force_off(&mut self, node: NodeId, order: u32) {
        let seat = &self.seats[node.index()];
        if seat.order == order && seat.reboot.is_some() {
            self.cycle(node);
        }
    }

    /// The machine goes off and boots again.
    fn cycle(&mut self, node: NodeId) {
        self.seats[node.index()].reboot = None;
        self.power_off(node);
        self.power_on(node);
    }

    /// The machine stops at once and boots again.
    pub fn crash(&mut self, node: NodeId) {
        if self
            .seats
            .get(node.index())
            .is_some_and(|seat| seat.powered)
        {
            self.cycle(node);
        }
    }

    /// The node's own disk refuses every write from now on, or no longer.
    pub fn set_disk_failing(&mut self, node: NodeId, failing: bool) {
        if let Some(seat) = self.seats.get_mut(node.index()) {
            seat.disk.set_failing(failing);
        }
    }

    /// A node's clock runs at another rate from now on.
    pub(super) fn set_clock_rate(&mut self, node: NodeId, ppm: i32) {
        let now = self.now;
        if let Some(seat) = self.seats.get_mut(node.index()) {
            seat.clock.set_rate(now, ppm.saturating_mul(1_000));
            self.arm(node);
        }
    }

    /// A node's wall clock stands this far from where it would.
    pub(super) fn set_wall_clock(&mut self, node: NodeId, millis: i64) {
        if let Some(seat) = self.seats.get_mut(node.index()) {
            seat.clock.jump_millis = millis;
        }
    }

    pub(super) fn halted(&mut self, node: NodeId, reason: HaltReason) {
        let restart = self.seats[node.index()].service_restart;
        self.end_process(node, Ended::Halted(reason));
        self.world_event(WorldEvent::ServiceEnded(node, reason));
        let seat = &mut self.seats[node.index()];
        if reason == HaltReason::Evicted {
            seat.disk.wipe();
        }
        let start_again = std::mem::take(&mut seat.start_after_stop);
        if seat.reboot.is_some() {
            self.cycle(node);
        } else if reason.is_unplanned() {
            self.order_start(node, restart);
        } else if start_again {
            self.order_start(node, Duration::ZERO);
        }
    }

    /// An administrator's set-up of a node that was added: its machine gets the cluster database
    /// as the member that was asked has it, and the cluster service starts.
    pub(super) fn set_up(&mut self, asked: NodeId, node: NodeId) {
        let asked = self.seats.get(asked.index());
        let Some(service) = asked.and_then(|seat| seat.service.as_ref()) else {
            return;
        };
        let image = middle::database::image(&service.picture().hive, SETUP_TAG);
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return;
        };
        if seat.service.is_none() {
            seat.disk.wipe();
            seat.disk.install(FileName::Hive, image);
            self.order_start(node, Duration::ZERO);
        }
    }

    fn end_process(&mut self, node: NodeId, why: Ended) {
        self.seats[node.index()].disk.lose_process();
        self.end_life(node);
        if let Some(share) = &mut self.share {
            share.close(node);
        }
        self.share_seen();
        self.changed(&Change::Ended { node, why });
    }

    /// The life of the service is over, and with it all that it had begun.
    fn end_life(&mut self, node: NodeId) {
        let seat = &mut self.seats[node.index()];
        seat.service = None;
        seat.life = seat.life.wrapping_add(1);
        seat.wake_at = Timestamp::NEVER;
        seat.wake_generation = seat.wake_generation.wrapping_add(1);
        seat.held.clear();
        seat.frames_held = 0;
        seat.stopping = false;
        seat.hosts.end_all(&mut self.outside);
        self.pictures[node.index()] = None;
        self.touched.remove(node);
    }

    fn order_start(&mut self, node: NodeId, after: Duration) {
        let seat = &mut self.seats[node.index()];
        seat.order = seat.order.wrapping_add(1);
        let order = seat.order;
        let start = Happening::Start { node, order };
        self.queue.push(self.now + after, start);
    }

    pub(super) fn start_ordered(&mut self, node: NodeId, order: u32) {
        let now = self.now;
        let seat = &mut self.seats[node.index()];
        if seat.order != order || !seat.powered {
            return;
        }
        if seat.service.is_some() {
            seat.start_after_stop = seat.stopping;
            return;
        }
        if seat.frozen {
            seat.held.push(Happening::Start { node, order });
            return;
        }
        seat.incarnation.0 += 1;
        let entropy = seat.draw_entropy();
        let config = NodeConfig {
            me: node,
            interfaces: seat.networks.clone(),
            generation: self.plan.generation,
            start: std::mem::take(&mut seat.start),
            trace_polls: self.trace_polls,
            defaults: self.plan.defaults.clone(),
        };
        let incarnation = seat.incarnation;
        let service = S::boot(config, incarnation, entropy, seat.clock.read(now));
        seat.service = Some(Box::new(service));
        seat.unlinked.clear();
        let networks = seat.networks.clone();
        self.world_event(WorldEvent::ServiceStarted(node));
        self.changed(&Change::Started { node, incarnation });
        self.settle(node);
        for network in networks {
            self.tell_link(node, network);
        }
    }

    /// Tells a node how the link of one of its adapters is, if it does not know.
    pub(super) fn tell_link(&mut self, node: NodeId, network: NetworkId) {
        let up = self.networks.is_linked(node.into(), network);
        let seat = &mut self.seats[node.index()];
        if up != seat.unlinked.contains(&network) {
            return;
        }
        seat.unlinked.retain(|it| *it != network);
        if !up {
            seat.unlinked.push(network);
        }
        self.give(node, Event::Interface { network, up });
    }
}
