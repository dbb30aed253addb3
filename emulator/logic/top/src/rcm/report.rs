//! Proposals to the global update manager: settled states, owners and administrators' changes.
//!
//! One proposal is under way at a time; what comes up meanwhile goes into the next one with its
//! newest state. A state that the object table already shows is never proposed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use base::limits::{CHANGES_MAX, PROPOSALS_MAX};
use base::{ResourceId, ResourceState, Timestamp};
use middle::database::Change;
use middle::gum::{Failure, Ticket};
use middle::object::{ObjectTable, StateChange};

use super::commands::Origin;
use super::deadlines::Due;
use super::turn::Turn;
use super::{Output, Rcm};
use crate::api::AdminCommand;

/// How soon a proposal that met a full queue is sent again.
const BUSY_WAIT: Duration = Duration::from_millis(100);

/// What follows when a proposal was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The applied update says it all.
    Nothing,
    /// Orphaned groups were placed.
    Placed,
    /// An administrator's command takes effect and is answered.
    Act {
        origin: Origin,
        command: AdminCommand,
    },
}

/// Changes that belong together.
#[derive(Clone, Debug)]
struct Item {
    changes: Vec<Change>,
    then: Then,
}

/// Everything that was not yet agreed on by the cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    queue: VecDeque<Item>,
    outstanding: Option<(Ticket, Vec<Item>)>,
    tickets: u64,
    /// What the object table shows, or will once the outstanding proposal is applied.
    reported: BTreeMap<ResourceId, ResourceState>,
    /// Resources whose state may differ from it.
    touched: BTreeSet<ResourceId>,
    /// No proposal before.
    pub(super) not_before: Timestamp,
    /// The time it is entered under in the deadlines.
    pub(super) armed: Timestamp,
}

impl Report {
    pub(super) fn new() -> Self {
        Self {
            armed: Timestamp::NEVER,
            ..Self::default()
        }
    }

    /// A resource's state may have changed.
    pub(super) fn touch(&mut self, id: ResourceId) {
        self.touched.insert(id);
    }

    /// The group changed hands: all its resources count as offline.
    pub(super) fn assume_offline(&mut self, id: ResourceId) {
        self.reported.insert(id, ResourceState::Offline);
        self.touched.insert(id);
    }

    /// Queues changes.
    pub(super) fn push(&mut self, changes: Vec<Change>, then: Then) {
        self.queue.push_back(Item { changes, then });
    }

    /// Whether nothing more may be queued.
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() >= PROPOSALS_MAX
    }

    /// Whether a placement of orphans is on its way.
    pub(super) fn is_placing(&self) -> bool {
        let sent = self.outstanding.iter().flat_map(|(_, items)| items);
        self.queue
            .iter()
            .chain(sent)
            .any(|item| item.then == Then::Placed)
    }

    /// Whether anything waits to be sent.
    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.touched.is_empty()
    }

    fn read(&mut self, objects: &ObjectTable) {
        self.reported = objects
            .resources
            .iter()
            .map(|(id, row)| (*id, row.state))
            .collect();
    }
}

impl Rcm {
    /// Sends what has come up, unless a proposal is under way or no view is open.
    pub(super) fn flush(&mut self, turn: &mut Turn<'_, '_>) {
        let waits = self.report.outstanding.is_some() || turn.now() < self.report.not_before;
        if !self.open || self.report.is_idle() || waits {
            return;
        }
        let (mut items, mut count) = (Vec::new(), 0);
        while let Some(item) = self.report.queue.pop_front() {
            if count + item.changes.len() > CHANGES_MAX && count > 0 {
                self.report.queue.push_front(item);
                break;
            }
            count += item.changes.len();
            items.push(item);
        }
        let states = self.changed_states(turn, CHANGES_MAX.saturating_sub(count));
        items.push(Item {
            changes: states,
            then: Then::Nothing,
        });
        let changes: Vec<Change> = items.iter().flat_map(|i| i.changes.clone()).collect();
        if !changes.is_empty() {
            self.report.tickets += 1;
            let ticket = Ticket(self.report.tickets);
            self.report.outstanding = Some((ticket, items));
            turn.say(Output::Propose { ticket, changes });
        }
    }

    /// Settled states of owned groups that the object table does not show yet.
    fn changed_states(&mut self, turn: &Turn<'_, '_>, room: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        for id in std::mem::take(&mut self.report.touched) {
            let Some(record) = self.resources.get(&id) else {
                continue;
            };
            let (group, state) = (record.group, record.state);
            let owned = self.owners.get(&group) == Some(&turn.me())
                && self.groups.get(&group).is_some_and(|group| !group.foreign);
            let known = self.report.reported.get(&id).copied().unwrap_or_default();
            if state.is_pending() || !owned || known == state {
                continue;
            }
            if changes.len() >= room {
                self.report.touched.insert(id);
                continue;
            }
            self.report.reported.insert(id, state);
            changes.push(Change::State(StateChange::Resource {
                resource: id,
                group,
                state,
            }));
        }
        changes
    }

    /// A proposal ended.
    pub(super) fn proposal_done(
        &mut self,
        turn: &mut Turn<'_, '_>,
        ticket: Ticket,
        failure: Option<Failure>,
    ) {
        let known = self
            .report
            .outstanding
            .take_if(|(known, _)| *known == ticket);
        let Some((_, items)) = known else {
            return;
        };
        match failure {
            None => items
                .into_iter()
                .for_each(|item| self.carried_out(turn, item.then)),
            Some(Failure::Busy) => self.send_again(turn, items),
            Some(failure) => {
                // Until the next view opens nothing can be proposed.
                self.open = false;
                self.end_items(turn, items, failure == Failure::NotReady);
            }
        }
    }

    fn carried_out(&mut self, turn: &mut Turn<'_, '_>, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Placed => self.place_orphans(turn),
            Then::Act { origin, command } if command.is_read() => {
                self.carry_out_here(turn, origin, command);
            }
            Then::Act { origin, command } => {
                self.act(turn, &command);
                self.answer_done(turn, origin);
            }
        }
    }

    fn send_again(&mut self, turn: &mut Turn<'_, '_>, items: Vec<Item>) {
        for mut item in items.into_iter().rev() {
            // States are looked up anew, everything else is sent as it was.
            item.changes.retain(|change| !is_state(change));
            if !item.changes.is_empty() {
                self.report.queue.push_front(item);
            }
        }
        self.reread_states(turn);
        self.report.not_before = turn.now() + BUSY_WAIT;
        let at = Some(self.report.not_before);
        self.deadlines
            .arm(Due::Proposal, &mut self.report.armed, at);
    }

    /// Nothing of these items happens, or nobody knows; commands are answered accordingly.
    fn end_items(&mut self, turn: &mut Turn<'_, '_>, items: Vec<Item>, definite: bool) {
        for item in items {
            if let Then::Act { origin, .. } = item.then {
                self.answer_no_quorum(turn, origin, definite);
            }
        }
        self.reread_states(turn);
        self.retry_leaving();
    }

    /// Drops what was not sent when the view closes.
    pub(super) fn drop_unsent(&mut self, turn: &mut Turn<'_, '_>) {
        let items = std::mem::take(&mut self.report.queue).into();
        self.end_items(turn, items, true);
    }

    /// A view opened: the object table is the truth, and whatever was under way has ended.
    pub(super) fn restart_report(&mut self, turn: &mut Turn<'_, '_>) {
        self.drop_unsent(turn);
        if let Some((_, items)) = self.report.outstanding.take() {
            self.end_items(turn, items, false);
        }
        self.report.not_before = Timestamp::ZERO;
        self.deadlines
            .arm(Due::Proposal, &mut self.report.armed, None);
    }

    fn reread_states(&mut self, turn: &Turn<'_, '_>) {
        self.report.read(&turn.middle().objects);
        self.report.touched.extend(self.resources.keys().copied());
    }
}

fn is_state(change: &Change) -> bool {
    matches!(change, Change::State(StateChange::Resource { .. }))
}
