//! Everything that an initiator can do with a reservation, as the matrix sends it.

use super::bench::{Bench, NOBODY, Role, is_all};
use super::initiator::{
    ALL, CLEAR, Move, Out, PREEMPT, PREEMPT_AND_ABORT, READ_FULL_STATUS, READ_KEYS,
    READ_RESERVATION, REGISTER, REGISTER_AND_IGNORE, RELEASE, REPORT_CAPABILITIES, RESERVE,
};
use crate::case::Stop;
use libiscsi::Answer;

/// Whose key a PREEMPT names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victim {
    Role(Role),
    Zero,
    Unknown,
}

impl Victim {
    pub(super) const fn key(self) -> u64 {
        match self {
            Self::Role(role) => role.key(),
            Self::Zero => 0,
            Self::Unknown => NOBODY,
        }
    }
}

/// One thing that an initiator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// PERSISTENT RESERVE IN with this service action.
    Read(u8),
    /// REGISTER with the right key, zero when there is none.
    Register,
    RegisterWithWrongKey,
    RegisterAndIgnore,
    Unregister,
    UnregisterByIgnore,
    ReserveSame,
    ReserveOther,
    Release,
    ReleaseOtherType,
    Clear,
    Preempt {
        abort: bool,
        victim: Victim,
    },
    /// REGISTER AND MOVE to the outsider.
    Move {
        unregister: bool,
    },
}

const VICTIMS: [(Victim, &str); 4] = [
    (Victim::Role(Role::Holder), "the-holder"),
    (Victim::Role(Role::Registrant), "the-registrant"),
    (Victim::Zero, "key-zero"),
    (Victim::Unknown, "an-unknown-key"),
];

/// The key that a registration is changed to.
pub(super) const CHANGED: u64 = 0x0e0e_0e0e_0000_0005;

/// Every action with its name.
pub(super) fn all() -> Vec<(Action, String)> {
    let named = |(action, name): (Action, &str)| (action, name.to_owned());
    let simple = [
        (Action::Read(READ_KEYS), "read-keys"),
        (Action::Read(READ_RESERVATION), "read-reservation"),
        (Action::Read(REPORT_CAPABILITIES), "report-capabilities"),
        (Action::Read(READ_FULL_STATUS), "read-full-status"),
        (Action::Register, "register"),
        (Action::RegisterWithWrongKey, "register-with-a-wrong-key"),
        (Action::RegisterAndIgnore, "register-and-ignore"),
        (Action::Unregister, "unregister"),
        (Action::UnregisterByIgnore, "unregister-by-ignore"),
        (Action::ReserveSame, "reserve"),
        (Action::ReserveOther, "reserve-another-type"),
        (Action::Release, "release"),
        (Action::ReleaseOtherType, "release-another-type"),
        (Action::Clear, "clear"),
        (Action::Move { unregister: false }, "register-and-move"),
        (Action::Move { unregister: true }, "register-and-move-away"),
    ];
    let preempts = [(false, "preempt"), (true, "preempt-and-abort")];
    let preempts = preempts.into_iter().flat_map(|(abort, word)| {
        VICTIMS.map(|(victim, whom)| (Action::Preempt { abort, victim }, format!("{word}-{whom}")))
    });
    simple.into_iter().map(named).chain(preempts).collect()
}

/// Another type than this one, of the same family so that only the type tells them apart.
pub(super) const fn other_type(kind: u8) -> u8 {
    match kind {
        1 => 5,
        3 => 6,
        5 => 1,
        6 => 3,
        7 => 8,
        _ => 7,
    }
}

/// The type that an action names while `held` is the type of the reservation.
pub(super) const fn named_type(action: Action, held: Option<u8>) -> u8 {
    let kind = match held {
        Some(kind) => kind,
        None => 5,
    };
    match action {
        Action::ReserveOther | Action::ReleaseOtherType | Action::Preempt { .. } => {
            other_type(kind)
        }
        _ => kind,
    }
}

impl Action {
    /// The PERSISTENT RESERVE OUT that a role sends, where it has a basic parameter list.
    fn out(self, role: Role, held: Option<u8>) -> Option<Out> {
        let own = match role {
            Role::Outsider => 0,
            role => role.key(),
        };
        // Whoever has no key shows one that somebody else might have.
        let shown = role.key();
        let out = match self {
            Self::Read(_) | Self::Move { .. } => return None,
            Self::Register => Out::new(REGISTER, own, CHANGED),
            Self::RegisterWithWrongKey => Out::new(REGISTER, NOBODY, CHANGED),
            Self::RegisterAndIgnore => Out::new(REGISTER_AND_IGNORE, NOBODY, CHANGED),
            Self::Unregister => Out::new(REGISTER, own, 0),
            Self::UnregisterByIgnore => Out::new(REGISTER_AND_IGNORE, 0, 0),
            Self::ReserveSame | Self::ReserveOther => Out::new(RESERVE, shown, 0),
            Self::Release | Self::ReleaseOtherType => Out::new(RELEASE, shown, 0),
            Self::Clear => Out::new(CLEAR, shown, 0),
            Self::Preempt { abort, victim } => {
                let action = if abort { PREEMPT_AND_ABORT } else { PREEMPT };
                Out::new(action, shown, victim.key())
            }
        };
        Some(out.of_type(named_type(self, held)))
    }

    /// Has a role do it.
    pub(super) fn perform(
        self,
        bench: &mut Bench<'_>,
        role: Role,
        held: Option<u8>,
    ) -> Result<Answer, Stop> {
        match (self, self.out(role, held)) {
            (_, Some(out)) => bench.actor(role).reserve_out(&out),
            (Self::Read(action), None) => bench.actor(role).reserve_in(action, ALL),
            (action, None) => {
                let port = bench.actor(Role::Outsider).relative_port()?;
                let it = Move {
                    key: role.key(),
                    other: CHANGED,
                    unregister: action == Self::Move { unregister: true },
                    port,
                    transport_id: bench.actor(Role::Outsider).transport_id(),
                };
                let kind = named_type(action, held);
                bench.actor(role).register_and_move(kind, &it)
            }
        }
    }

    /// Whether a target may lack it; the answer tells.
    pub(super) const fn is_optional(self) -> bool {
        matches!(self, Self::Read(READ_FULL_STATUS) | Self::Move { .. })
    }
}

/// Whether a role holds a reservation of this type.
pub(super) const fn holds(role: Role, kind: u8) -> bool {
    match role {
        Role::Holder => true,
        Role::Registrant => is_all(kind),
        Role::Outsider => false,
    }
}
