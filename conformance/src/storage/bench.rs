//! The bench of one case: a unit, initiators in their roles, and the words that cases assert with.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use libiscsi::{Answer, Library};

use super::address::Address;
use super::answer::{self, GOOD, Want, is_unknown};
use super::initiator::{
    ALL, CLEAR, Initiator, Out, READ_KEYS, READ_RESERVATION, REGISTER, REGISTER_AND_IGNORE, RESERVE,
};
use crate::case::Stop;

/// The unit cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {why}")]
pub struct Unreachable {
    address: String,
    why: String,
}

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Logs in once, and asks whether the unit is there.
pub(super) fn reach(library: &Library, address: &Address) -> Result<(), Unreachable> {
    let unreachable = |why: String| Unreachable {
        address: address.to_string(),
        why,
    };
    // What the library says of a port where nobody listens is hard to understand.
    let refused = |error: io::Error| unreachable(format!("cannot connect: {error}"));
    let mut portals = address.portal.to_socket_addrs().map_err(refused)?;
    let portal = portals.next();
    let portal = portal.ok_or_else(|| unreachable("the host has no address".to_owned()))?;
    TcpStream::connect_timeout(&portal, CONNECT_MAX).map_err(refused)?;
    let mut one = Initiator::open(library, address, "observer", 1)
        .map_err(|error| unreachable(error.to_string()))?;
    let words = |stop| match stop {
        Stop::Failed(why) | Stop::Inconclusive(why) | Stop::NotApplicable(why) => why,
    };
    let answer = one.send(&[0x12, 0, 0, 0, 36, 0], &[], 36);
    let answer = answer.map_err(|stop| unreachable(words(stop)))?;
    // Peripheral qualifier 000b and device type 0: a disk is there.
    match answer.data.first() {
        Some(0) => Ok(()),
        Some(0x7f | 0x3f) => Err(unreachable(format!("there is no unit {}", address.lun))),
        Some(kind) => Err(unreachable(format!(
            "unit {} is no disk but of peripheral type {kind:02X}h",
            address.lun
        ))),
        None => Err(unreachable(format!(
            "INQUIRY is answered with {}",
            answer::words(&answer)
        ))),
    }
}

/// The six types of a persistent reservation.
pub(super) const TYPES: [u8; 6] = [1, 3, 5, 6, 7, 8];

/// The words for a type.
pub(super) fn type_words(kind: u8) -> &'static str {
    match kind {
        1 => "write exclusive",
        3 => "exclusive access",
        5 => "write exclusive, registrants only",
        6 => "exclusive access, registrants only",
        7 => "write exclusive, all registrants",
        8 => "exclusive access, all registrants",
        _ => "no type",
    }
}

/// Whether every registrant holds reservations of this type.
pub(super) const fn is_all(kind: u8) -> bool {
    matches!(kind, 7 | 8)
}

/// Whether registrants may do what the holder may.
pub(super) const fn is_for_registrants(kind: u8) -> bool {
    matches!(kind, 5..=8)
}

/// Whether others may read.
pub(super) const fn is_write_exclusive(kind: u8) -> bool {
    matches!(kind, 1 | 5 | 7)
}

/// Who acts: the first three in this order everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Registered, and holds the reservation if there is one.
    Holder,
    /// Registered.
    Registrant,
    /// Not registered.
    Outsider,
}

pub(super) const ROLES: [Role; 3] = [Role::Holder, Role::Registrant, Role::Outsider];

impl Role {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Registrant => "registrant",
            Self::Outsider => "outsider",
        }
    }

    /// The key that it registers, where it does.
    pub(super) const fn key(self) -> u64 {
        match self {
            Self::Holder => 0x0a0a_0a0a_0000_0001,
            Self::Registrant => 0x0b0b_0b0b_0000_0002,
            Self::Outsider => 0x0c0c_0c0c_0000_0003,
        }
    }
}

/// A key that nobody registers.
pub(super) const NOBODY: u64 = 0x0d0d_0d0d_0000_0004;

/// Registrations and reservation, as a bystander reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub generation: u32,
    /// In rising order.
    pub keys: Vec<u64>,
    /// Key and type.
    pub held: Option<(u64, u8)>,
}

/// One run of one case.
pub(super) struct Bench<'a> {
    library: &'a Library,
    address: &'a Address,
    observer: Initiator,
    actors: Vec<Initiator>,
    assertions: u32,
}

fn unable(error: &libiscsi::Error) -> Stop {
    Stop::Inconclusive(error.to_string())
}

impl<'a> Bench<'a> {
    /// Logs in four initiators, and takes the unit attentions that come with that.
    pub(super) fn open(library: &'a Library, address: &'a Address) -> Result<Self, Stop> {
        let open = |name: &str| {
            let mut one = Initiator::open(library, address, name, 1).map_err(|it| unable(&it))?;
            one.attentions()?;
            Ok::<_, Stop>(one)
        };
        let actors: Result<Vec<_>, _> = ROLES.iter().map(|role| open(role.word())).collect();
        Ok(Self {
            library,
            address,
            observer: open("observer")?,
            actors: actors?,
            assertions: 0,
        })
    }

    pub(super) fn assertions(&self) -> u32 {
        self.assertions
    }

    /// One more initiator.
    pub(super) fn another(&self, name: &str, qualifier: u16) -> Result<Initiator, Stop> {
        let one = Initiator::open(self.library, self.address, name, qualifier);
        let mut one = one.map_err(|it| unable(&it))?;
        one.attentions()?;
        Ok(one)
    }

    pub(super) fn actor(&mut self, role: Role) -> &mut Initiator {
        &mut self.actors[role as usize]
    }

    pub(super) fn observer(&mut self) -> &mut Initiator {
        &mut self.observer
    }

    /// Removes every registration that earlier cases or others left behind.
    pub(super) fn clean(&mut self) -> Result<(), Stop> {
        let answer = self.observer.reserve_in(READ_KEYS, ALL)?;
        if is_unknown(&answer) {
            let why = "the unit has no persistent reservations";
            return Err(Stop::NotApplicable(why.to_owned()));
        }
        if self.state()?.keys.is_empty() {
            return Ok(());
        }
        let key = NOBODY;
        let register = Out::new(REGISTER_AND_IGNORE, 0, key);
        self.prepare("register to clean up", |it| {
            it.observer.reserve_out(&register)
        })?;
        let clear = Out::new(CLEAR, key, 0);
        self.prepare("clear what is there", |it| it.observer.reserve_out(&clear))?;
        for actor in &mut self.actors {
            actor.attentions()?;
        }
        self.observer.attentions().map(drop)
    }

    /// Does what must work before a case can show anything.
    pub(super) fn prepare(
        &mut self,
        what: &str,
        step: impl FnOnce(&mut Self) -> Result<Answer, Stop>,
    ) -> Result<(), Stop> {
        let answer = step(self)?;
        if answer.status == GOOD {
            return Ok(());
        }
        let words = answer::words(&answer);
        Err(Stop::Inconclusive(format!("could not {what}: {words}")))
    }

    /// Registers a role's key.
    pub(super) fn register(&mut self, role: Role) -> Result<(), Stop> {
        let out = Out::new(REGISTER, 0, role.key());
        let what = format!("register the {}", role.word());
        self.prepare(&what, |it| it.actor(role).reserve_out(&out))
    }

    /// Has holder and registrant registered, and the holder hold a type if there is one.
    pub(super) fn arrange(&mut self, kind: Option<u8>) -> Result<(), Stop> {
        self.register(Role::Holder)?;
        self.register(Role::Registrant)?;
        let Some(kind) = kind else { return Ok(()) };
        let out = Out::new(RESERVE, Role::Holder.key(), 0).of_type(kind);
        self.prepare("reserve", |it| it.actor(Role::Holder).reserve_out(&out))
    }

    /// Registrations and reservation as a bystander reads them.
    pub(super) fn state(&mut self) -> Result<State, Stop> {
        let keys = self.observer.reserve_in(READ_KEYS, ALL)?;
        let held = self.observer.reserve_in(READ_RESERVATION, ALL)?;
        match (Self::keys(&keys), Self::reservation(&held)) {
            (Some((generation, mut keys)), Some(held)) => {
                keys.sort_unstable();
                Ok(State {
                    generation,
                    keys,
                    held,
                })
            }
            _ => Err(Stop::Failed(format!(
                "READ KEYS and READ RESERVATION are answered with {} and {}, or with data that \
                 cannot be read",
                answer::words(&keys),
                answer::words(&held)
            ))),
        }
    }

    /// PRGENERATION and keys, as READ KEYS tells them.
    pub(super) fn keys(answer: &Answer) -> Option<(u32, Vec<u64>)> {
        let data = &answer.data;
        let generation = u32::from_be_bytes(data.get(..4)?.try_into().ok()?);
        let length = u32::from_be_bytes(data.get(4..8)?.try_into().ok()?);
        let length = usize::try_from(length).ok()?;
        let list = data.get(8..8_usize.checked_add(length)?)?;
        let keys = list.chunks_exact(8).map(|key| {
            let key: [u8; 8] = key.try_into().unwrap_or_default();
            u64::from_be_bytes(key)
        });
        Some((generation, keys.collect()))
    }

    /// Key and type, as READ RESERVATION tells them.
    pub(super) fn reservation(answer: &Answer) -> Option<Option<(u64, u8)>> {
        let data = &answer.data;
        match u32::from_be_bytes(data.get(4..8)?.try_into().ok()?) {
            0 => Some(None),
            16 => {
                let key = u64::from_be_bytes(data.get(8..16)?.try_into().ok()?);
                Some(Some((key, data.get(21)? & 0x0f)))
            }
            _ => None,
        }
    }

    /// Asserts that something is so.
    pub(super) fn check(&mut self, what: &str, holds: bool) -> Result<(), Stop> {
        self.assertions += 1;
        if holds {
            Ok(())
        } else {
            Err(Stop::Failed(what.to_owned()))
        }
    }

    /// Asserts what an answer is.
    pub(super) fn expect(&mut self, what: &str, answer: &Answer, want: Want) -> Result<(), Stop> {
        let words = answer::words(answer);
        self.check(
            &format!("{what}: {words} instead of {want}"),
            want.takes(answer),
        )
    }

    /// Sends for a role, and asserts what the answer is.
    pub(super) fn out(&mut self, role: Role, out: &Out, want: Want) -> Result<(), Stop> {
        let answer = self.actor(role).reserve_out(out)?;
        let what = format!("action {} of the {}", out.action, role.word());
        self.expect(&what, &answer, want)
    }

    /// Asserts the unit attentions that wait for a role.
    pub(super) fn hears(&mut self, role: Role, wanted: &[u16]) -> Result<(), Stop> {
        let heard = self.actor(role).attentions()?;
        let list = |codes: &[u16]| match codes {
            [] => "no unit attention".to_owned(),
            codes => codes
                .iter()
                .map(|it| answer::attention(*it))
                .collect::<Vec<_>>()
                .join(", "),
        };
        let (word, heard_words, wanted_words) = (role.word(), list(&heard), list(wanted));
        self.check(
            &format!("the {word} meets {heard_words} instead of {wanted_words}"),
            heard == wanted,
        )
    }

    /// Asserts registrations and reservation.
    pub(super) fn stands(&mut self, keys: &[u64], held: Option<(u64, u8)>) -> Result<(), Stop> {
        let state = self.state()?;
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        let told = keys_words(&state.keys);
        self.check(
            &format!("registered is {told} instead of {}", keys_words(&keys)),
            state.keys == keys,
        )?;
        let (told, wanted) = (held_words(state.held), held_words(held));
        self.check(
            &format!("the reservation is {told} instead of {wanted}"),
            state.held == held,
        )
    }
}

fn keys_words(keys: &[u64]) -> String {
    match keys {
        [] => "nobody".to_owned(),
        keys => keys
            .iter()
            .map(|key| format!("{key:x}"))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn held_words(held: Option<(u64, u8)>) -> String {
    match held {
        None => "none".to_owned(),
        Some((key, kind)) => format!("type {kind} with key {key:x}"),
    }
}
