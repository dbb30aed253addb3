//! The record of a unit's reservations that survives power loss (APTPL).
//!
//! Own format: magic, version, reservation, registrations with their TransportIDs, CRC-32C over
//! all of it. A record that is not exactly as written is refused, and its unit stays not ready:
//! a target that forgot who may write must not guess (fact sheet section 10).

use scsi::{ReservationKey, ReservationType, TransportId, be16, be32, be64};

use super::{Held, REGISTRANTS_MAX, Registration, Reservations};
use crate::config::PortId;
use crate::nexus::Nexuses;

const MAGIC: &[u8; 8] = b"LOOKSPR1";
const HEADER: usize = 16;
const ENTRY: usize = 16;
const NO_HOLDER: u32 = u32::MAX;

/// Why a saved reservation record cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The record is not a reservation record of this version, or it is cut short or damaged.
    #[error("the record is damaged or not a reservation record of this version")]
    Damaged,
    /// The record names a target port that the target does not have.
    #[error("the record names target port {0}, which the target does not have")]
    Port(u16),
    /// The record has more registrations than there is room for.
    #[error("the record has more registrations than there is room for")]
    TooMany,
}

/// A record as read, before its initiator ports have got nexus numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    kind: Option<ReservationType>,
    holder: Option<usize>,
    entries: Vec<(ReservationKey, bool, PortId, TransportId)>,
}

/// Writes the state down; empty where nothing is to survive.
pub(crate) fn encode(state: &Reservations, nexuses: &Nexuses) -> Vec<u8> {
    if !state.persist {
        return Vec::new();
    }
    let held_by = |holder| state.registrations.iter().position(|it| it.nexus == holder);
    let holder = state.held.and_then(|held| held.holder).and_then(held_by);
    let mut record = MAGIC.to_vec();
    record.extend([state.held.map_or(0, |held| held.kind as u8), 0]);
    record.extend(
        u16::try_from(state.registrations.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes(),
    );
    record.extend(
        holder
            .and_then(|at| u32::try_from(at).ok())
            .unwrap_or(NO_HOLDER)
            .to_be_bytes(),
    );
    for registration in &state.registrations {
        let nexus = nexuses.get(registration.nexus);
        let id = nexus.initiator.to_bytes();
        record.extend(registration.key.value().to_be_bytes());
        record.extend([u8::from(registration.all_ports), 0]);
        record.extend(nexus.port.relative().to_be_bytes());
        record.extend(u32::try_from(id.len()).unwrap_or(u32::MAX).to_be_bytes());
        record.extend(id);
    }
    record.extend(crc32c::crc32c(&record).to_be_bytes());
    record
}

/// Reads a record that [`encode`] wrote.
pub(crate) fn decode(record: &[u8]) -> Result<Image, ImageError> {
    let (body, sum) = record.split_last_chunk::<4>().ok_or(ImageError::Damaged)?;
    let intact = body.len() >= HEADER
        && body.starts_with(MAGIC)
        && crc32c::crc32c(body) == u32::from_be_bytes(*sum);
    if !intact {
        return Err(ImageError::Damaged);
    }
    let count = usize::from(be16(body, 10));
    if count > REGISTRANTS_MAX {
        return Err(ImageError::TooMany);
    }
    let mut rest = &body[HEADER..];
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(entry(&mut rest).ok_or(ImageError::Damaged)?);
    }
    let holder = usize::try_from(be32(body, 12))
        .ok()
        .filter(|at| *at < count);
    let kind = ReservationType::from_code(body[8]);
    let one_holder = kind.is_some_and(|kind| !kind.is_all_registrants());
    if !rest.is_empty() || one_holder != holder.is_some() || (kind.is_some() && count == 0) {
        return Err(ImageError::Damaged);
    }
    Ok(Image {
        kind,
        holder,
        entries,
    })
}

fn entry(rest: &mut &[u8]) -> Option<(ReservationKey, bool, PortId, TransportId)> {
    let (head, tail) = rest.split_at_checked(ENTRY)?;
    let length = usize::try_from(be32(head, 12)).ok()?;
    let (id, tail) = tail.split_at_checked(length)?;
    *rest = tail;
    let key = ReservationKey::new(be64(head, 0))?;
    let port = PortId::from_relative(be16(head, 10))?;
    Some((key, head[8] != 0, port, TransportId::parse(id).ok()?.0))
}

impl Image {
    /// The state, with a number for every initiator port in it.
    pub(crate) fn restore(
        self,
        nexuses: &mut Nexuses,
        ports: usize,
    ) -> Result<Reservations, ImageError> {
        let mut registrations = Vec::with_capacity(self.entries.len());
        for (key, all_ports, port, id) in self.entries {
            if usize::from(port.0) >= ports {
                return Err(ImageError::Port(port.relative()));
            }
            let nexus = nexuses.number(&id, port).ok_or(ImageError::TooMany)?;
            registrations.push(Registration {
                nexus,
                key,
                all_ports,
            });
        }
        let holder = self.holder.map(|at| registrations[at].nexus);
        let held = self.kind.map(|kind| Held { kind, holder });
        Ok(Reservations {
            generation: 0,
            registrations,
            held,
            persist: true,
        })
    }
}
