//! Time of a running lab: what comes in is taken in, what is due is done.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use base::{IoId, NodeId, ResourceId, Timestamp};
use bottom::share::ShareOutcome;
use runtime::fabric::FromFabric;
use sim::world::Stop;
use top::rcm::NameReport;

use super::Live;
use super::input::{ConnectionId, Input};
use crate::LabError;

/// What will be done a while later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Later {
    /// The file server of the witness share has not answered.
    ShareSilent { node: NodeId, io: IoId },
    /// A machine that is no member gets its adapters back.
    StartNic(usize),
    /// A target that has ended is started again.
    StartTarget(usize),
    /// A cluster service that hangs has hung for as long as it may.
    HungTooLong { node: NodeId, life: u32 },
    /// A node that was added is set up once the member that was asked shows it.
    SetUp {
        asked: NodeId,
        node: NodeId,
        until: Timestamp,
    },
    /// A network name's host reports what it did in the directory.
    NameReport {
        node: NodeId,
        resource: ResourceId,
        report: NameReport,
    },
    /// The network name behind this connection registers again.
    Register(ConnectionId),
}

/// Longest sleep, so that waiting for ever is no overflow.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

impl Live {
    pub(super) fn run(&mut self, limit: Timestamp) -> Stop {
        let before = self.changes;
        loop {
            while let Some(input) = self.next_input() {
                self.take(input);
            }
            self.do_due();
            if self.changes != before {
                return Stop::Changed;
            }
            let now = self.clock.mono();
            if now >= limit {
                return Stop::Time;
            }
            let until = self.next_due().unwrap_or(limit).min(limit);
            let wait = self.clock.real(until.since(now)).min(SLEEP_MAX);
            match self.inbox.recv_timeout(wait) {
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    fn next_input(&mut self) -> Option<Input> {
        let aside = self.put_aside.pop_front();
        aside.or_else(|| self.inbox.try_recv().ok())
    }

    pub(super) fn do_later(&mut self, after: Duration, what: Later) {
        self.later.push((self.clock.mono() + after, what));
    }

    fn do_due(&mut self) {
        let now = self.clock.mono();
        if let Err(error) = self.start_due(now) {
            self.complain(&error);
        }
        self.force_off_due(now);
        let due = |(at, _): &(Timestamp, Later)| *at <= now;
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(due);
        self.later = later;
        for (_, what) in due {
            match what {
                Later::ShareSilent { node, io } => {
                    let outcome = ShareOutcome::Unreachable;
                    self.fabric.tell(node, &FromFabric::Share { io, outcome });
                }
                Later::SetUp { asked, node, until } => {
                    self.set_up_once_shown(asked, node, until);
                }
                Later::StartNic(station) => self.power_nic_on(station),
                Later::StartTarget(place) => self.restart_target(place),
                Later::HungTooLong { node, life } => self.hung_too_long(node, life),
                Later::NameReport {
                    node,
                    resource,
                    report,
                } => self.report_name(node, resource, report),
                Later::Register(connection) => self.register_again(connection),
            }
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        let seats = self.seats.iter();
        let orders = seats.flat_map(|seat| [seat.start_at, seat.force_off_at]);
        let later = self.later.iter().map(|(at, _)| *at);
        orders.flatten().chain(later).min()
    }

    /// Says in the lab's own log what went wrong with a part of it.
    pub(super) fn complain(&mut self, error: &LabError) {
        self.note(&error.to_string());
    }
}
