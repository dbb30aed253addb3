//! The target: nexuses come and go, commands are carried out.

mod manage;

use scsi::{InitiatorPort, Lun, NexusId, Sense, TransportId, asc};

use crate::array::{Holding, Picture};
use crate::attention::Attention;
use crate::config::{Config, ConfigError, PortId, UNITS_MAX};
use crate::device::{self, Call};
use crate::nexus::Nexuses;
use crate::reservation::image::{self, ImageError};
use crate::reservation::{Consequences, Refusal};
use crate::response::{Obligation, Response};
use crate::store::Store;
use crate::task::{Fate, TaskTag, Tasks};
use crate::unit::Unit;

/// A command as it comes from a nexus.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who sends it; must be attached.
    pub nexus: NexusId,
    /// The unit; `None` for a number that no unit can have.
    pub lun: Option<Lun>,
    /// The command descriptor block.
    pub cdb: &'a [u8],
    /// The data that came with it.
    pub data_out: &'a [u8],
    /// How many bytes of data the sender has for it: more than have come where the command does
    /// not want them, and what WRITE SAME and COMPARE AND WRITE hold their own count against.
    pub offered: u64,
}

/// A target with its units. Everything it does is a function of the calls made to it.
#[derive(Debug, Clone)]
pub struct Target<S> {
    pub(crate) config: Config,
    /// By logical unit number.
    pub(crate) units: Vec<Option<Unit<S>>>,
    pub(crate) nexuses: Nexuses,
    tasks: Tasks,
    /// Kept between commands to spare allocations.
    consequences: Consequences,
}

impl<S: Store> Target<S> {
    /// A target just switched on, its units in the order of the stores. Saved reservations are
    /// put back with [`Self::restore`] before the first nexus attaches.
    pub fn new(config: Config, stores: Vec<S>) -> Result<Self, ConfigError> {
        config.check(stores.len())?;
        let mut units: Vec<_> = (0..UNITS_MAX).map(|_| None).collect();
        for (unit, store) in config.units.iter().zip(stores) {
            units[usize::from(unit.lun.0)] = Some(Unit::new(unit.clone(), store));
        }
        let (nexuses, tasks) = (Nexuses::default(), Tasks::default());
        Ok(Self {
            config,
            units,
            nexuses,
            tasks,
            consequences: Consequences::default(),
        })
    }

    /// Puts reservations back that an [`Obligation::Save`] once saved. On an error the unit stays
    /// not ready until it is given a good record: it must not act as if nobody were registered.
    pub fn restore(&mut self, lun: Lun, record: &[u8]) -> Result<(), ImageError> {
        let ports = self.config.port_groups.len();
        let nexuses = &mut self.nexuses;
        let Some(unit) = self
            .units
            .get_mut(usize::from(lun.0))
            .and_then(Option::as_mut)
        else {
            return Ok(());
        };
        let read = if record.is_empty() {
            Ok(crate::reservation::Reservations::default())
        } else {
            image::decode(record).and_then(|image| image.restore(nexuses, ports))
        };
        unit.reservations_unknown = read.is_err();
        unit.reservations = read?;
        Ok(())
    }

    /// A session of `initiator` starts at `port`. The number is the old one when the initiator
    /// port has been here before. `None`: the target has no such port or remembers too many.
    pub fn attach(&mut self, initiator: &InitiatorPort, port: PortId) -> Option<NexusId> {
        if usize::from(port.0) >= self.config.port_groups.len() {
            return None;
        }
        let known = self.nexuses.find(initiator, port);
        let id = known.or_else(|| self.new_nexus(TransportId::from(initiator), port))?;
        let nexus = self.nexuses.get_mut(id);
        let again = nexus.known;
        nexus.initiator.isid = Some(initiator.isid);
        (nexus.attached, nexus.known) = (true, true);
        nexus.sessions = nexus.sessions.wrapping_add(1);
        let what = if again {
            Attention::NexusLoss
        } else {
            Attention::PowerOnOrReset
        };
        self.units_mut().for_each(|unit| unit.tell(id, what));
        Some(id)
    }

    /// The session of a nexus is gone: what it had waiting is aborted and its RESERVE ends. Its
    /// registrations stay.
    pub fn detach(&mut self, nexus: NexusId) {
        self.nexuses.get_mut(nexus).attached = false;
        self.tasks.abort(false, |owner, _| owner == nexus);
        self.units_mut().for_each(|unit| unit.lose_nexus(nexus));
    }

    /// The how-manieth session of the nexus it is: a connection that was replaced by a newer one
    /// of the same nexus must not act for it any more.
    pub fn session_number(&self, nexus: NexusId) -> u32 {
        self.nexuses.get(nexus).sessions
    }

    /// Whether a session of the nexus stands.
    pub fn is_attached(&self, nexus: NexusId) -> bool {
        (nexus.0 as usize) < self.nexuses.len() && self.nexuses.get(nexus).attached
    }

    /// The nexus of `initiator` at `port` while its session stands.
    pub fn session(&self, initiator: &InitiatorPort, port: PortId) -> Option<NexusId> {
        self.nexuses
            .find(initiator, port)
            .filter(|id| self.is_attached(*id))
    }

    /// A number for an initiator port that has none; one that nobody needs any more if need be.
    pub(crate) fn new_nexus(&mut self, id: TransportId, port: PortId) -> Option<NexusId> {
        let units = &self.units;
        let registered = |nexus| {
            units
                .iter()
                .flatten()
                .any(|unit| unit.reservations.is_registered(nexus))
        };
        let nexus = self.nexuses.add(id, port, |nexus| !registered(nexus))?;
        self.units_mut().for_each(|unit| unit.forget(nexus));
        Some(nexus)
    }

    /// Carries out a command; the data that it returns is appended to `data_in`.
    pub fn execute(&mut self, request: Request<'_>, data_in: &mut Vec<u8>) -> Response {
        match self.check_attention(&request) {
            Ok(()) => self.execute_enabled(request, data_in),
            Err(refusal) => self.ended(request.lun, Err(refusal)),
        }
    }

    /// Carries out a command that has met its unit attention, if there was one, before.
    fn execute_enabled(&mut self, request: Request<'_>, data_in: &mut Vec<u8>) -> Response {
        let start = data_in.len();
        let ended = self.perform(request, data_in);
        if ended.is_err() {
            data_in.truncate(start);
        }
        self.ended(request.lun, ended)
    }

    fn perform(
        &mut self,
        request: Request<'_>,
        data_in: &mut Vec<u8>,
    ) -> Result<Obligation, Refusal> {
        let command = device::find(request.cdb)?;
        self.check_access(&request, command)?;
        let call = Call {
            request,
            command,
            start: data_in.len(),
            data_in,
        };
        device::perform(self, call)
    }

    fn ended(&self, lun: Option<Lun>, ended: Result<Obligation, Refusal>) -> Response {
        match ended {
            Ok(obligation) => Response {
                obligation,
                ..Response::GOOD
            },
            Err(refusal) => {
                let descriptor_sense = self.descriptor_sense(lun);
                Response {
                    descriptor_sense,
                    ..Response::from(refusal)
                }
            }
        }
    }

    /// A unit attention is told before anything else, except to the commands that only ask.
    fn check_attention(&mut self, request: &Request<'_>) -> Result<(), Refusal> {
        let asks = request
            .cdb
            .first()
            .is_some_and(|code| device::ignores_attention(*code));
        if asks {
            return Ok(());
        }
        let unit = self.unit_mut(request.lun).ok_or(asc::UNSUPPORTED_UNIT)?;
        match unit.take_attention(request.nexus) {
            Some(attention) => Err(Sense::attention(attention.additional()).into()),
            None => Ok(()),
        }
    }

    fn check_access(
        &self,
        request: &Request<'_>,
        command: &device::Command,
    ) -> Result<(), Refusal> {
        let unit = self.unit(request.lun);
        if let Some(unit) = unit {
            if !command.exists_on(&unit.config) {
                return Err(asc::INVALID_OPERATION_CODE.into());
            }
            unit.guard(request.nexus, command.guard(request.cdb))?;
        }
        command.check_reserved_bits(request.cdb)?;
        if let Some((unit, work)) = unit.and_then(|it| Some((it, it.sanitizing.as_ref()?)))
            && !command.passes_sanitize()
        {
            return Err(work.sense(unit.config.blocks).into());
        }
        match unit {
            Some(unit) if command.needs_medium => {
                unit.path(self.nexuses.get(request.nexus).port).check()?;
                unit.ready()
            }
            _ => Ok(()),
        }
    }

    /// A command that must wait for its data: looked at now as far as it can be, and remembered.
    /// `Err` is its end. A sender may have no more than `limit` waiting.
    pub fn admit(
        &mut self,
        request: Request<'_>,
        tag: TaskTag,
        limit: usize,
    ) -> Result<(), Response> {
        if self.tasks.count(request.nexus) >= limit {
            return Err(Response::with_status(scsi::Status::TaskSetFull));
        }
        let looked = self.look_at(&request);
        looked.map_err(|refusal| self.ended(request.lun, Err(refusal)))?;
        self.tasks
            .enter(request.nexus, tag, request.lun.unwrap_or_default());
        Ok(())
    }

    fn look_at(&mut self, request: &Request<'_>) -> Result<(), Refusal> {
        self.check_attention(request)?;
        let command = device::find(request.cdb)?;
        self.check_access(request, command)
    }

    /// The data of a command that waits is complete: carries it out. `None`: it was aborted, and
    /// nothing is sent.
    pub fn resume(
        &mut self,
        request: Request<'_>,
        tag: TaskTag,
        data_in: &mut Vec<u8>,
    ) -> Option<Response> {
        match self.tasks.leave(request.nexus, tag) {
            Fate::Runs => Some(self.execute_enabled(request, data_in)),
            Fate::Told => Some(Response::with_status(scsi::Status::TaskAborted)),
            Fate::Silent => None,
        }
    }

    pub(crate) fn attached(&self) -> impl Iterator<Item = NexusId> {
        self.nexuses
            .iter()
            .filter(|(_, nexus)| nexus.attached)
            .map(|(id, _)| id)
    }

    /// The reservations of a unit could not be saved: it is not ready from now on, and this is
    /// the answer to the command that wanted it.
    pub fn save_failed(&mut self, lun: Lun) -> Response {
        if let Some(unit) = self.unit_mut(Some(lun)) {
            unit.reservations_unknown = true;
        }
        Response::save_failed()
    }

    /// The numbers of all units.
    pub fn luns(&self) -> Vec<Lun> {
        self.units
            .iter()
            .flatten()
            .map(|unit| unit.config.lun)
            .collect()
    }

    /// Where a unit keeps its blocks, for those who only look.
    pub fn store(&self, lun: Lun) -> Option<&S> {
        self.unit(Some(lun)).map(|unit| &unit.store)
    }

    /// Where a unit keeps its blocks.
    pub fn store_mut(&mut self, lun: Lun) -> Option<&mut S> {
        self.unit_mut(Some(lun)).map(|unit| &mut unit.store)
    }

    pub(crate) fn unit(&self, lun: Option<Lun>) -> Option<&Unit<S>> {
        self.units.get(usize::from(lun?.0)).and_then(Option::as_ref)
    }

    pub(crate) fn unit_mut(&mut self, lun: Option<Lun>) -> Option<&mut Unit<S>> {
        self.units
            .get_mut(usize::from(lun?.0))
            .and_then(Option::as_mut)
    }

    pub(crate) fn units_mut(&mut self) -> impl Iterator<Item = &mut Unit<S>> {
        self.units.iter_mut().flatten()
    }

    fn descriptor_sense(&self, lun: Option<Lun>) -> bool {
        self.unit(lun)
            .is_some_and(|unit| unit.modes.descriptor_sense)
    }

    /// How many bytes of data a command asks its initiator for; none for what is not known.
    pub fn data_out_bytes(&self, lun: Option<Lun>, cdb: &[u8]) -> u64 {
        match (self.unit(lun), device::find(cdb)) {
            (Some(unit), Ok(command)) => device::data_out_bytes(unit, command, cdb),
            _ => 0,
        }
    }

    /// Acts on what a reservation action asks for, and says what must be saved before GOOD.
    pub(crate) fn settle(
        &mut self,
        lun: Lun,
        save: bool,
        act: impl FnOnce(&mut Unit<S>, &mut Consequences) -> Result<(), Refusal>,
    ) -> Result<Obligation, Refusal> {
        let mut consequences = std::mem::take(&mut self.consequences);
        let unit = self.unit_mut(Some(lun)).ok_or(asc::UNSUPPORTED_UNIT)?;
        let outcome = act(unit, &mut consequences);
        unit.reservations.check();
        let saving = save || unit.reservations.persist;
        for (nexus, attention) in consequences.attentions.drain(..) {
            unit.tell(nexus, attention);
        }
        if !consequences.aborted.is_empty() {
            let tell = self.tells_aborted(lun);
            let gone = &consequences.aborted;
            self.tasks
                .abort(tell, |owner, at| at == lun && gone.contains(&owner));
            consequences.aborted.clear();
        }
        self.consequences = consequences;
        outcome?;
        Ok(if saving {
            self.saving(lun)
        } else {
            Obligation::None
        })
    }

    fn saving(&self, lun: Lun) -> Obligation {
        match self.unit(Some(lun)) {
            Some(unit) => Obligation::Save(lun, image::encode(&unit.reservations, &self.nexuses)),
            None => Obligation::None,
        }
    }
}

impl<S: Store> Target<S> {
    /// All target ports.
    pub(crate) fn ports(&self) -> std::ops::Range<PortId> {
        let count = u16::try_from(self.config.port_groups.len()).unwrap_or(u16::MAX);
        PortId(0)..PortId(count)
    }

    /// The controller restarts without power loss: sessions end, reservations stay.
    pub fn restart(&mut self) {
        for nexus in self.attached().collect::<Vec<_>>() {
            self.detach(nexus);
        }
        self.units_mut().for_each(Unit::reset);
    }

    /// Whether the fault stands that refuses to save reservations.
    pub fn save_is_broken(&self, lun: Lun) -> bool {
        self.unit(Some(lun))
            .is_some_and(|unit| unit.faults.save_fails)
    }

    /// Who is registered with and holds a unit; empty for a unit that does not exist.
    pub fn picture(&self, lun: Lun) -> Picture {
        let Some(unit) = self.unit(Some(lun)) else {
            return Picture::default();
        };
        let state = &unit.reservations;
        let holding = |it: &crate::reservation::Registration| Holding {
            nexus: it.nexus,
            initiator: self.nexuses.get(it.nexus).initiator.name.clone(),
            key: it.key,
            is_holder: state.is_holder(it.nexus),
        };
        Picture {
            generation: state.generation,
            kind: state.held.map(|held| held.kind),
            registrations: state.registrations.iter().map(holding).collect(),
            reserved_by: unit.reserved.map(|nexus| self.initiator(nexus)),
        }
    }

    /// The initiator port of a nexus.
    pub fn initiator(&self, nexus: NexusId) -> InitiatorPort {
        let id = &self.nexuses.get(nexus).initiator;
        InitiatorPort::new(id.name.clone(), id.isid.unwrap_or_default())
    }
}
