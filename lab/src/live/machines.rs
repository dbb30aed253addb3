//! Power, processes and the service control manager, as in the simulator's world.

use std::time::Duration;

use base::{Generation, NodeId, NodeSet, Timestamp};
use sim::Unable;
use sim::checkers::{Change, Ended};
use sim::log::WorldEvent;

use super::Live;
use super::seat::{Seat, Start};
use super::targets;
use super::time::Later;
use crate::LabError;
use crate::ledger::Deed;

/// How long a machine takes from power to the start of the cluster service. A process starts at
/// once; this stands for the firmware and the operating system that it does not have.
const BOOT: Duration = Duration::from_secs(2);
/// How long a machine that shuts down in order waits for the cluster service.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(120);
/// ClusSvcHangTimeout: how long the cluster service may hang.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an array that has died takes to come back.
const ARRAY_RESTART: Duration = Duration::from_secs(1);

impl Live {
    /// Members whose machines answer others.
    pub(super) fn awake(&self) -> NodeSet {
        let awake = |it: &&Seat| it.powered && (!it.frozen || it.hung);
        let awake = self.seats.iter().filter(awake);
        awake.map(|seat| seat.id).collect()
    }

    pub(super) fn seat(&self, node: NodeId) -> Option<&Seat> {
        self.seats.get(node.index())
    }

    fn seat_mut(&mut self, node: NodeId) -> Option<&mut Seat> {
        self.seats.get_mut(node.index())
    }

    /// Starts the services that are due.
    pub(super) fn start_due(&mut self, now: Timestamp) -> Result<(), LabError> {
        let due = |seat: &&Seat| seat.start_at.is_some_and(|at| at <= now);
        let due: Vec<NodeId> = self.seats.iter().filter(due).map(|it| it.id).collect();
        due.into_iter().try_for_each(|node| self.start(node))
    }

    fn start(&mut self, node: NodeId) -> Result<(), LabError> {
        let nic = self.sockets_of(node.index());
        let portals = self.targets.iter();
        let portals = portals.map(|it| format!("{}={}", it.name(), it.reach().from_nodes));
        let start = Start {
            folder: &self.folder,
            nic,
            portals: portals.collect(),
            clock: self.clock,
            names: &self.plan.names.nodes,
            trace_polls: self.options.trace_polls,
            trace_frames: self.options.record_frames,
            inbox: &self.sender,
        };
        let Some(seat) = self.seats.get_mut(node.index()) else {
            return Ok(());
        };
        seat.start_at = None;
        if !seat.powered || seat.runs() {
            seat.start_after_stop = seat.stopping;
            return Ok(());
        }
        let what = format!("node {}", seat.name);
        let deed = Deed::Process { what };
        let started = self.ledger.enter(&deed, || Ok(seat.start(&start)));
        started.map_err(LabError::system("cannot write the ledger"))??;
        self.say(WorldEvent::ServiceStarted(node));
        self.surroundings_changed();
        Ok(())
    }

    /// The service of a node has ended by itself or was killed by somebody.
    pub(super) fn ended(&mut self, node: NodeId, life: u32) {
        let Some(seat) = self.seat_mut(node).filter(|seat| seat.life == life) else {
            return;
        };
        let (halted, restart) = (seat.halted, seat.service_restart);
        let start_again = std::mem::take(&mut seat.start_after_stop);
        let reboot = seat.reboot;
        self.bury(node);
        if let Some(share) = &mut self.share {
            share.close(node);
        }
        let (event, why) = match halted {
            Some(reason) => (
                WorldEvent::ServiceEnded(node, reason),
                Ended::Halted(reason),
            ),
            None => (WorldEvent::ServiceKilled(node), Ended::Killed),
        };
        self.judge(&Change::Ended { node, why });
        self.say(event);
        if halted == Some(base::HaltReason::Evicted) {
            self.clean_up(node);
        }
        if reboot {
            self.cycle(node);
        } else if halted.is_none_or(base::HaltReason::is_unplanned) {
            self.order_start(node, restart);
        } else if start_again {
            self.order_start(node, Duration::ZERO);
        }
        self.surroundings_changed();
    }

    pub(super) fn power_off(&mut self, node: NodeId) {
        let Some(seat) = self.seat_mut(node).filter(|seat| seat.powered) else {
            return;
        };
        seat.powered = false;
        seat.frozen = false;
        seat.hung = false;
        seat.start_after_stop = false;
        seat.start_at = None;
        seat.force_off_at = None;
        seat.power_off();
        self.power_nic_off(node.index());
        self.forget_hosts(node);
        if let Some(share) = &mut self.share {
            share.abandon(self.clock.mono(), node);
        }
        let why = Ended::Power;
        self.judge(&Change::Ended { node, why });
        self.say(WorldEvent::PowerOff(node));
        self.surroundings_changed();
    }

    pub(super) fn power_on(&mut self, node: NodeId) {
        let Some(seat) = self.seat_mut(node).filter(|seat| !seat.powered) else {
            return;
        };
        seat.powered = true;
        seat.power_on();
        self.power_nic_on(node.index());
        self.order_start(node, BOOT);
        self.say(WorldEvent::PowerOn(node));
        self.surroundings_changed();
    }

    /// The machine stops at once and boots again.
    pub(super) fn cycle(&mut self, node: NodeId) {
        if let Some(seat) = self.seat_mut(node) {
            seat.reboot = false;
        }
        self.power_off(node);
        self.power_on(node);
    }

    /// The process of the service dies; the machine stays.
    pub(super) fn kill_service(&mut self, node: NodeId) {
        if let Some(seat) = self.seat(node).filter(|seat| seat.runs() && !seat.frozen) {
            let life = seat.life;
            self.ended(node, life);
        }
    }

    pub(super) fn set_frozen(&mut self, node: NodeId, frozen: bool) -> Result<(), LabError> {
        let fits = |seat: &&mut Seat| seat.powered && seat.frozen != frozen;
        let Some(seat) = self.seat_mut(node).filter(fits) else {
            return Ok(());
        };
        seat.set_frozen(frozen)?;
        self.freeze_nic(node, frozen);
        let (event, change) = if frozen {
            (WorldEvent::Frozen(node), Change::Frozen { node })
        } else {
            (WorldEvent::Thawed(node), Change::Thawed { node })
        };
        self.judge(&change);
        self.say(event);
        self.surroundings_changed();
        Ok(())
    }

    /// The process of the cluster service hangs; what else runs on the machine goes on. After
    /// ClusSvcHangTimeout the machine acts, as in the simulator.
    pub(super) fn hang(&mut self, node: NodeId) -> Result<(), Unable> {
        let fits = |seat: &&mut Seat| seat.runs() && !seat.frozen;
        let Some(seat) = self.seat_mut(node).filter(fits) else {
            return Ok(());
        };
        let life = seat.life;
        match seat.hang() {
            None => return Err(self.unable("let the cluster service of a machine hang alone")),
            Some(Err(why)) => return Err(self.unable(&why.to_string())),
            Some(Ok(())) => {}
        }
        self.judge(&Change::Frozen { node });
        self.say(WorldEvent::Frozen(node));
        self.surroundings_changed();
        self.do_later(HANG_TIMEOUT, Later::HungTooLong { node, life });
        Ok(())
    }

    /// HangRecoveryAction: up to 2016 the machine stops and boots again, since then the process is
    /// killed.
    pub(super) fn hung_too_long(&mut self, node: NodeId, life: u32) {
        let still = |seat: &&Seat| seat.hung && seat.life == life;
        if self.seat(node).filter(still).is_none() {
            return;
        }
        if let Err(error) = self.set_frozen(node, false) {
            self.complain(&error);
        }
        if self.plan.generation <= Generation::V2016 {
            self.cycle(node);
        } else {
            self.kill_service(node);
        }
    }

    pub(super) fn stop_service(&mut self, node: NodeId) {
        self.say(WorldEvent::StopAsked(node));
        let Some(seat) = self.seat_mut(node) else {
            return;
        };
        seat.start_at = None;
        seat.start_after_stop = false;
        if seat.runs() {
            seat.stopping = true;
            seat.ask_to_stop();
        }
    }

    pub(super) fn order_start(&mut self, node: NodeId, after: Duration) {
        let at = self.clock.mono() + after;
        if let Some(seat) = self.seat_mut(node) {
            seat.start_at = Some(at);
        }
    }

    /// The machine shuts down in order and boots again.
    pub(super) fn reboot(&mut self, node: NodeId) {
        let now = self.clock.mono();
        let Some(seat) = self.seat_mut(node).filter(|seat| seat.powered) else {
            return;
        };
        seat.reboot = true;
        let runs = seat.runs();
        seat.force_off_at = Some(if runs { now + SHUTDOWN_PATIENCE } else { now });
        self.stop_service(node);
    }

    pub(super) fn force_off_due(&mut self, now: Timestamp) {
        let due = |seat: &&Seat| seat.force_off_at.is_some_and(|at| at <= now);
        let due: Vec<NodeId> = self.seats.iter().filter(due).map(|it| it.id).collect();
        due.into_iter().for_each(|node| self.cycle(node));
    }

    /// A target process has died: its array has lost power, and gets it back.
    pub(super) fn target_ended(&mut self, place: usize) {
        let Some(target) = self.targets.get_mut(place) else {
            return;
        };
        target.reap();
        let text = format!("array {} has lost power", target.name());
        self.note(&text);
        self.do_later(ARRAY_RESTART, Later::StartTarget(place));
    }

    pub(super) fn restart_target(&mut self, place: usize) {
        match self.start_target_again(place) {
            Ok(name) => {
                self.ailing.clear();
                self.note(&format!("array {name} has power again"));
                self.surroundings_changed();
            }
            Err(error) => {
                self.complain(&error);
                self.do_later(ARRAY_RESTART, Later::StartTarget(place));
            }
        }
    }

    fn start_target_again(&mut self, place: usize) -> Result<String, LabError> {
        let lab = targets::Lab {
            plan: &self.plan,
            folder: &self.folder,
            inbox: &self.sender,
        };
        let Some(target) = self.targets.get_mut(place) else {
            return Ok(String::new());
        };
        let name = target.name().to_owned();
        let what = format!("target {name}");
        let start = || Ok(target.restart(&lab, place));
        let started = self.ledger.enter(&Deed::Process { what }, start);
        started.map_err(LabError::system("cannot write the ledger"))??;
        Ok(name)
    }

    fn bury(&mut self, node: NodeId) {
        if let Some(seat) = self.seat_mut(node) {
            seat.bury();
        }
        self.forget_hosts(node);
    }
}
