//! What becomes of network names in the directory: into the event log, and into the cluster
//! database, where the next owner finds the computer object and its password.
//!
//! Facts: directory fact sheet, sections 1.2 and 8. Deliberately not done here: deciding whether a
//! failure keeps a name offline, which its host has done when it answers Online. A report that
//! cannot be agreed on is lost; the next time the name comes online mends what follows from that.

use base::{Notice, ResourceId};

use super::Rcm;
use super::model::{ResourceSettings, network_name};
use super::report::Then;
use super::turn::Turn;
use crate::restype::NameReport;

impl Rcm {
    /// A network name's host tells what became of it.
    pub(super) fn name_reported(
        &mut self,
        turn: &mut Turn<'_, '_>,
        resource: ResourceId,
        report: &NameReport,
    ) {
        if !self.resources.contains_key(&resource) {
            return;
        }
        for event in &report.events {
            turn.notice(Notice::NetworkName {
                resource,
                event: event.number,
                status: event.status,
            });
        }
        let hive = &turn.middle().hive;
        let changes = network_name::reported(hive, &ResourceSettings::key(resource), report);
        if !changes.is_empty() && !self.report.is_full() {
            self.report.push(changes, Then::Nothing);
        }
    }
}
