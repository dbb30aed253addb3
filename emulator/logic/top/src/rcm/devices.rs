//! What the cluster disk driver and the client of the witness share report, as answers to entry
//! points: a Physical Disk and a File Share Witness are not run by hosts.
//!
//! Facts: reference sections 2 (Physical Disk, File Share Witness) and 5; events 1038, 1562.

use base::{ResourceId, ResourceState};
use bottom::{clusdisk, share};
use middle::settings::Witness;

use super::model::CORE_GROUP;
use super::resource::{Entry, Place, Timer};
use super::turn::Turn;
use super::{EntryResult, Output, Rcm};

impl Rcm {
    /// A disk or the share finished what it was asked for.
    fn worked(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, result: EntryResult) {
        self.progressed(turn, id, result);
        self.pump(turn, id);
    }

    /// The cluster disk driver reports on a disk that a resource here may stand for.
    pub(super) fn disk_report(&mut self, turn: &mut Turn<'_, '_>, report: &clusdisk::DiskReport) {
        let is_witness = turn.middle().settings.witness == Witness::Disk(report.disk);
        if is_witness && report.report == clusdisk::Report::Held {
            self.witness_got(turn);
        }
        let Some(id) = self.resource_at(Place::Disk(report.disk)) else {
            return;
        };
        match &report.report {
            // The reservation is had; the disk is online once its volume can be used.
            clusdisk::Report::Held if self.state_of(id) == ResourceState::OnlinePending => {
                let (disk, request) = (report.disk, clusdisk::Request::Check);
                turn.say(Output::Disk { disk, request });
            }
            clusdisk::Report::ArbitrationLost { .. }
                if self.state_of(id) == ResourceState::OnlinePending =>
            {
                self.worked(turn, id, EntryResult::Failure { code: 0 });
            }
            clusdisk::Report::Lost => self.disk_lost(turn, id),
            clusdisk::Report::Released => self.disk_released(turn, id),
            clusdisk::Report::Checked { ok } => self.disk_checked(turn, id, *ok),
            clusdisk::Report::Held
            | clusdisk::Report::ArbitrationLost { .. }
            | clusdisk::Report::Attached { .. }
            | clusdisk::Report::Fenced
            | clusdisk::Report::Table { .. }
            | clusdisk::Report::SharedFile(_)
            | clusdisk::Report::Read { .. }
            | clusdisk::Report::Written { .. } => {}
        }
    }

    /// Ownership was lost unexpectedly (event 1038): no poll is waited for.
    fn disk_lost(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        if self.state_of(id) == ResourceState::Online {
            self.fail(turn, id);
        }
    }

    fn disk_released(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let Some(resource) = self.resources.get_mut(&id) else {
            return;
        };
        if resource.terminating.is_some() {
            resource.call = None;
            resource.clear(Timer::Call);
            self.terminated(turn, id);
            self.pump(turn, id);
        } else if resource.state == ResourceState::OfflinePending {
            self.worked(turn, id, EntryResult::Success);
        }
    }

    /// The root of the volume was listed, for Online or for IsAlive, or could not be.
    fn disk_checked(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId, ok: bool) {
        let result = if ok {
            EntryResult::Success
        } else {
            EntryResult::Failure { code: 0 }
        };
        let call = self.resources.get(&id).and_then(|resource| resource.call);
        if let Some(call) = call.filter(|call| call.entry == Entry::IsAlive) {
            self.returned(turn, id, call.id, result);
        } else if self.state_of(id) == ResourceState::OnlinePending {
            self.worked(turn, id, result);
        }
    }

    /// The client of the witness share reports.
    pub(super) fn share_report(&mut self, turn: &mut Turn<'_, '_>, report: share::Output) {
        let result = match report {
            share::Output::Held { .. } => {
                self.share_healthy = true;
                self.witness_got(turn);
                EntryResult::Success
            }
            share::Output::Lost { .. } => EntryResult::Failure { code: 0 },
            share::Output::Failed => {
                self.share_healthy = false;
                return;
            }
            share::Output::Share { .. } | share::Output::Remembers { .. } => return,
        };
        if let Some(id) = self.resource_at(Place::Share)
            && self.state_of(id) == ResourceState::OnlinePending
        {
            self.worked(turn, id, result);
        }
    }

    fn resource_at(&self, place: Place) -> Option<ResourceId> {
        self.resources
            .iter()
            .find(|(_, resource)| resource.place == place)
            .map(|(id, _)| *id)
    }
}

pub(super) fn owns_core_group(turn: &Turn<'_, '_>) -> bool {
    let row = turn.middle().objects.groups.get(&CORE_GROUP);
    row.is_some_and(|row| row.owner == turn.me())
}
