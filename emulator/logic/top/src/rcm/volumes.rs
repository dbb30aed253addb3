//! Cluster shared volumes: what csvfs has to know of them, and what programs read and write there.
//!
//! Clauses: seed 001 (CSVFS, through the cluster abstractions above it). A shared volume is a
//! Physical Disk resource; its owner is the coordinator. Reads and writes of programs come in as
//! administrators' requests, because a node has no programs of its own here.

use std::collections::BTreeMap;

use base::{DiskId, NodeId, ResourceId, ResourceState, StateChangeCause};
use bottom::clusdisk::PAGE_BYTES;
use bottom::csvfs::{IoRefusal, IoResult, PageIo, Phase, Role};
use middle::database::{Change, HiveChange, Value};

use super::commands::{Origin, Refusal, answer};
use super::model::{Model, ResourceSettings};
use super::owner::members;
use super::report::Then;
use super::turn::Turn;
use super::{Output, Rcm};
use crate::api::{AdminReply, code};

/// Reads and writes of programs that are under way at once.
const REQUESTS_MAX: usize = 64;
/// Whether an administrator has everything go through the coordinator; our name.
const REDIRECTED: &str = "RedirectedAccess";
/// Whether the volume is in maintenance mode; our name for where that is kept.
pub(super) const MAINTENANCE: &str = "MaintenanceMode";

/// What is known of shared volumes.
#[derive(Clone, Debug, Default)]
pub(super) struct Volumes {
    /// Resources that are disks of shared volumes.
    disks: Vec<(ResourceId, DiskId)>,
    /// As last told.
    told: BTreeMap<DiskId, Role>,
    requests: BTreeMap<u64, Origin>,
    tickets: u64,
}

impl Volumes {
    pub(super) fn read(&mut self, model: &Model) {
        let disk = |(id, settings): (&ResourceId, &ResourceSettings)| {
            Some((*id, settings.parameters.shared_disk()?))
        };
        self.disks = model.resources.iter().filter_map(disk).collect();
    }

    fn disk(&self, id: ResourceId) -> Option<DiskId> {
        let known = self.disks.iter().find(|(known, _)| *known == id);
        known.map(|(_, disk)| *disk)
    }
}

impl Rcm {
    /// Tells csvfs what the cluster makes of its volumes, if that has changed.
    pub(super) fn tell_roles(&mut self, turn: &mut Turn<'_, '_>) {
        if self.volumes.disks.is_empty() && self.volumes.told.is_empty() {
            return;
        }
        let disks = self.volumes.disks.iter();
        let roles: BTreeMap<DiskId, Role> = disks
            .map(|(id, disk)| (*disk, self.role(turn, *id)))
            .collect();
        if roles != self.volumes.told {
            self.volumes.told.clone_from(&roles);
            turn.say(Output::Roles { roles });
        }
    }

    fn role(&self, turn: &Turn<'_, '_>, id: ResourceId) -> Role {
        let members = members(turn);
        let settings = self.model.resources.get(&id);
        let group = settings.map(|settings| settings.group);
        let row = group.and_then(|group| turn.middle().objects.groups.get(&group));
        let lives = |owner: &NodeId| members.contains(*owner) && !self.suspended;
        let owner = row.map(|row| row.owner).filter(lives);
        let state = if owner == Some(turn.me()) {
            self.state_of(id)
        } else {
            let row = turn.middle().objects.resources.get(&id);
            row.map_or(ResourceState::Offline, |row| row.state)
        };
        let key = ResourceSettings::key(id);
        let flag = |name| turn.middle().hive.dword(&key, name).unwrap_or(0) != 0;
        let cause = row.map(|row| row.cause).unwrap_or_default();
        Role {
            owner,
            phase: match state {
                ResourceState::Online => Phase::Online,
                ResourceState::Failed => Phase::Failed,
                _ => Phase::Down,
            },
            redirected: flag(REDIRECTED),
            maintenance: flag(MAINTENANCE),
            planned: matches!(cause, StateChangeCause::Move | StateChangeCause::Shutdown),
            members,
        }
    }

    /// What the cluster agrees on before maintenance mode of a shared volume changes: every member
    /// has to stop using it.
    pub(super) fn maintenance_changes(
        &self,
        turn: &Turn<'_, '_>,
        id: ResourceId,
        on: bool,
    ) -> Vec<Change> {
        let key = ResourceSettings::key(id);
        let is_on = turn.middle().hive.dword(&key, MAINTENANCE).unwrap_or(0) != 0;
        if self.volumes.disk(id).is_none() || is_on == on {
            return Vec::new();
        }
        let (name, value) = (MAINTENANCE.to_owned(), Value::Dword(u32::from(on)));
        vec![Change::Hive(HiveChange::Set { key, name, value })]
    }

    /// Maintenance mode ends when the disk is no longer online.
    pub(super) fn end_maintenance(&mut self, turn: &Turn<'_, '_>, id: ResourceId) {
        let changes = self.maintenance_changes(turn, id, false);
        if !changes.is_empty() {
            self.report.push(changes, Then::Nothing);
        }
    }

    /// Judges a program's read or write before it is taken on.
    pub(super) fn judge_volume_io(&self, id: ResourceId, io: &PageIo) -> Result<(), Refusal> {
        let name = self.model.resource_name(id);
        self.group_of(id)?;
        let refuse = |code, reason: String| Err(Refusal(code, reason));
        if self.volumes.disk(id).is_none() {
            let reason = format!("resource {name} is no cluster shared volume");
            return refuse(code::INVALID_REQUEST, reason);
        }
        match io {
            PageIo::Write { data, .. } if data.len() > PAGE_BYTES as usize => {
                let reason = format!("a page has {PAGE_BYTES} bytes, not {}", data.len());
                refuse(code::INVALID_PARAMETER, reason)
            }
            _ if self.volumes.requests.len() >= REQUESTS_MAX => {
                let reason = "too many reads and writes are under way".to_owned();
                refuse(code::BUSY, reason)
            }
            _ => Ok(()),
        }
    }

    /// A program on this node reads or writes; the answer follows.
    pub(super) fn volume_io(
        &mut self,
        turn: &mut Turn<'_, '_>,
        origin: Origin,
        id: ResourceId,
        mut io: PageIo,
    ) {
        let Some(disk) = self.volumes.disk(id) else {
            return;
        };
        if let PageIo::Write { data, .. } = &mut io {
            data.resize(PAGE_BYTES as usize, 0);
        }
        self.volumes.tickets += 1;
        let ticket = self.volumes.tickets;
        self.volumes.requests.insert(ticket, origin);
        turn.say(Output::VolumeIo { ticket, disk, io });
    }

    /// A program's read or write has ended.
    pub(super) fn volume_io_done(
        &mut self,
        turn: &mut Turn<'_, '_>,
        ticket: u64,
        result: IoResult,
    ) {
        let Some(origin) = self.volumes.requests.remove(&ticket) else {
            return;
        };
        match result {
            IoResult::Read { data: bytes } => answer(turn, origin, AdminReply::Data { bytes }),
            IoResult::Written | IoResult::Opened { .. } => self.answer_done(turn, origin),
            IoResult::Refused(why) => {
                let code = match why {
                    IoRefusal::Maintenance => code::MAINTENANCE_MODE,
                    IoRefusal::NoSuchPage => code::INVALID_PARAMETER,
                    IoRefusal::TooMany => code::BUSY,
                    IoRefusal::NotOnline | IoRefusal::TimedOut | IoRefusal::NotCoordinator => {
                        code::NOT_READY
                    }
                };
                self.refuse(turn, origin, Refusal(code, why.label().to_owned()));
            }
        }
    }
}
