//! PERSISTENT RESERVE IN: service actions and what they return (fact sheet sections 2 and 4).

use super::{ReservationKey, ReservationType};
use crate::bytes::{Malformed, be16, be32, be64};
use crate::cdb::{Cdb, opcode};
use crate::identity::TransportId;

/// A service action of PERSISTENT RESERVE IN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum InAction {
    /// All registered keys.
    ReadKeys = 0,
    /// The reservation, if there is one.
    ReadReservation = 1,
    /// What the target can do.
    ReportCapabilities = 2,
    /// Every registration with its initiator and target port.
    ReadFullStatus = 3,
}

impl InAction {
    /// The command descriptor block, with room for `allocation` bytes.
    pub fn cdb(self, allocation: u16) -> Cdb {
        Cdb::new(opcode::PERSISTENT_RESERVE_IN, 10)
            .with(1, &[self as u8])
            .with(7, &allocation.to_be_bytes())
    }
}

const fn malformed(why: &'static str) -> Malformed {
    Malformed {
        what: "PERSISTENT RESERVE IN data",
        why,
    }
}

/// Generation and the body, cut to the length that the header tells or to what is there.
fn body(bytes: &[u8]) -> Result<(u32, &[u8], bool), Malformed> {
    let rest = bytes.get(8..).ok_or(malformed("below 8 bytes"))?;
    let told = usize::try_from(be32(bytes, 4)).unwrap_or(usize::MAX);
    Ok((
        be32(bytes, 0),
        rest.get(..told).unwrap_or(rest),
        told > rest.len(),
    ))
}

/// What READ KEYS returns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys {
    /// PRGENERATION.
    pub generation: u32,
    /// One key a registration, repeated where several share one.
    pub keys: Vec<ReservationKey>,
    /// Whether more registrations exist than the allocation length had room for.
    pub truncated: bool,
}

impl Keys {
    /// Reads the answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (generation, body, truncated) = body(bytes)?;
        let keys = body
            .chunks_exact(8)
            .filter_map(|key| ReservationKey::new(be64(key, 0)));
        Ok(Self {
            generation,
            keys: keys.collect(),
            truncated,
        })
    }
}

/// What READ RESERVATION returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reservation {
    /// PRGENERATION.
    pub generation: u32,
    /// The holder's key and the type; the key is absent for types 7 and 8. `None`: the unit is
    /// not reserved.
    pub held: Option<(Option<ReservationKey>, ReservationType)>,
}

impl Reservation {
    /// Reads the answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (generation, body, _) = body(bytes)?;
        if body.is_empty() {
            return Ok(Self {
                generation,
                held: None,
            });
        }
        let &scope_and_type = body.get(13).ok_or(malformed("reservation cut short"))?;
        let kind = ReservationType::from_code(scope_and_type & 0x0f)
            .ok_or(malformed("unknown reservation type"))?;
        Ok(Self {
            generation,
            held: Some((ReservationKey::new(be64(body, 0)), kind)),
        })
    }

    /// The holder's key, where one nexus holds it.
    pub fn holder(&self) -> Option<ReservationKey> {
        self.held.and_then(|(key, _)| key)
    }
}

/// One registration as READ FULL STATUS tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registrant {
    /// The key.
    pub key: ReservationKey,
    /// Whether it holds the reservation.
    pub is_holder: bool,
    /// The reservation's type, told for holders.
    pub kind: Option<ReservationType>,
    /// The relative target port identifier; `None` when registered for all ports.
    pub target_port: Option<u16>,
    /// The initiator port.
    pub initiator: TransportId,
}

/// What READ FULL STATUS returns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FullStatus {
    /// PRGENERATION.
    pub generation: u32,
    /// The registrations that the allocation length had room for.
    pub registrants: Vec<Registrant>,
    /// Whether there are more.
    pub truncated: bool,
}

impl FullStatus {
    /// Reads the answer; a last descriptor that is cut short is left out.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (generation, mut rest, truncated) = body(bytes)?;
        let mut registrants = Vec::new();
        while let Some((head, tail)) = rest.split_at_checked(24) {
            let length = usize::try_from(be32(head, 20)).unwrap_or(usize::MAX);
            let Some((id, tail)) = tail.split_at_checked(length) else {
                break;
            };
            registrants.push(registrant(head, id)?);
            rest = tail;
        }
        Ok(Self {
            generation,
            registrants,
            truncated,
        })
    }
}

fn registrant(head: &[u8], id: &[u8]) -> Result<Registrant, Malformed> {
    let flags = head.get(12).copied().unwrap_or(0);
    let code = head.get(13).copied().unwrap_or(0) & 0x0f;
    let is_holder = flags & 1 != 0;
    Ok(Registrant {
        key: ReservationKey::new(be64(head, 0)).ok_or(malformed("registration with key zero"))?,
        is_holder,
        kind: if is_holder {
            ReservationType::from_code(code)
        } else {
            None
        },
        target_port: (flags & 2 == 0).then(|| be16(head, 18)),
        initiator: TransportId::parse(id)
            .map_err(|_| malformed("unreadable TransportID"))?
            .0,
    })
}
