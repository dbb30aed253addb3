//! What must come of each action: the fact sheet's tables of section 5 and 8, worked out.

use super::action::{Action, CHANGED, Victim, holds, named_type};
use super::answer::{
    INVALID_FIELD_IN_LIST, INVALID_RELEASE, REGISTRATIONS_PREEMPTED, RESERVATIONS_PREEMPTED,
    RESERVATIONS_RELEASED, Want,
};
use super::bench::{Role, is_all};

/// Key by role, zero for none; holder and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub keys: [u64; 3],
    pub held: Option<(Role, u8)>,
}

impl Standing {
    pub(super) const fn before(kind: Option<u8>) -> Self {
        Self {
            keys: [Role::Holder.key(), Role::Registrant.key(), 0],
            held: match kind {
                Some(kind) => Some((Role::Holder, kind)),
                None => None,
            },
        }
    }

    /// Who is registered, as READ KEYS tells it.
    pub(super) fn registered(&self) -> Vec<u64> {
        self.keys.into_iter().filter(|key| *key != 0).collect()
    }

    /// Key and type as READ RESERVATION tells them.
    pub(super) fn reservation(&self) -> Option<(u64, u8)> {
        let (holder, kind) = self.held?;
        let key = self.keys[holder as usize];
        Some((if is_all(kind) { 0 } else { key }, kind))
    }
}

/// What must come of an action.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub answer: Want,
    /// By how much PRGENERATION grows; absent where it is left open.
    pub counted: Option<u32>,
    /// What stands afterwards; absent where sources differ.
    pub standing: Option<Standing>,
    /// What each role is told.
    pub told: [Option<u16>; 3],
}

/// What must come of it when a role does something while this stands.
pub(super) fn outcome(action: Action, role: Role, kind: Option<u8>) -> Outcome {
    let before = Standing::before(kind);
    let registered = before.keys[role as usize] != 0;
    match action {
        Action::Read(_) => nothing(Want::Good, before),
        Action::RegisterWithWrongKey => nothing(Want::Conflict, before),
        Action::Register | Action::RegisterAndIgnore => register(role, before),
        Action::Unregister | Action::UnregisterByIgnore if !registered => Outcome {
            counted: None,
            ..nothing(Want::Good, before)
        },
        _ if !registered => nothing(Want::Conflict, before),
        Action::Unregister | Action::UnregisterByIgnore => unregister(role, before),
        Action::ReserveSame | Action::ReserveOther => reserve(action, role, before),
        Action::Release | Action::ReleaseOtherType => release(action, role, before),
        Action::Clear => clear(role, before),
        Action::Preempt { victim, .. } => preempt(action, victim, role, before),
        Action::Move { unregister } => relocate(unregister, role, before),
    }
}

/// It is answered so and changes nothing.
const fn nothing(answer: Want, before: Standing) -> Outcome {
    Outcome {
        answer,
        counted: Some(0),
        standing: Some(before),
        told: [None; 3],
    }
}

/// It succeeds, counts, and this stands.
const fn done(after: Standing) -> Outcome {
    Outcome {
        answer: Want::Good,
        counted: Some(1),
        standing: Some(after),
        told: [None; 3],
    }
}

fn register(role: Role, mut standing: Standing) -> Outcome {
    standing.keys[role as usize] = CHANGED;
    done(standing)
}

fn unregister(role: Role, before: Standing) -> Outcome {
    let mut after = before;
    after.keys[role as usize] = 0;
    let mut told = [None; 3];
    match before.held {
        // Another registrant still holds it.
        Some((_, kind)) if is_all(kind) => {
            after.held = Some((other_registrant(role), kind));
        }
        Some((holder, kind)) if holder == role => {
            after.held = None;
            if matches!(kind, 5 | 6) {
                told[other_registrant(role) as usize] = Some(RESERVATIONS_RELEASED);
            }
        }
        _ => {}
    }
    Outcome {
        told,
        ..done(after)
    }
}

/// Holder and registrant are each other's only peer.
const fn other_registrant(role: Role) -> Role {
    match role {
        Role::Holder => Role::Registrant,
        _ => Role::Holder,
    }
}

fn reserve(action: Action, role: Role, before: Standing) -> Outcome {
    let named = named_type(action, before.held.map(|held| held.1));
    match before.held {
        None => Outcome {
            counted: Some(0),
            ..done(Standing {
                held: Some((role, named)),
                ..before
            })
        },
        Some((_, kind)) if holds(role, kind) && kind == named => nothing(Want::Good, before),
        Some(_) => nothing(Want::Conflict, before),
    }
}

fn release(action: Action, role: Role, before: Standing) -> Outcome {
    let named = named_type(action, before.held.map(|held| held.1));
    match before.held {
        Some((_, kind)) if !holds(role, kind) => nothing(Want::Good, before),
        None => nothing(Want::Good, before),
        Some((_, kind)) if kind != named => nothing(Want::Illegal(INVALID_RELEASE), before),
        Some((_, kind)) => {
            let mut told = [None; 3];
            if !matches!(kind, 1 | 3) {
                told[other_registrant(role) as usize] = Some(RESERVATIONS_RELEASED);
            }
            let after = Standing {
                held: None,
                ..before
            };
            Outcome {
                told,
                counted: Some(0),
                ..done(after)
            }
        }
    }
}

fn clear(role: Role, _: Standing) -> Outcome {
    let mut told = [None; 3];
    told[other_registrant(role) as usize] = Some(RESERVATIONS_PREEMPTED);
    let after = Standing {
        keys: [0; 3],
        held: None,
    };
    Outcome {
        told,
        ..done(after)
    }
}

fn preempt(action: Action, victim: Victim, role: Role, before: Standing) -> Outcome {
    let named = named_type(action, before.held.map(|held| held.1));
    let other = other_registrant(role);
    match (victim, before.held) {
        (Victim::Unknown, _) => nothing(Want::Conflict, before),
        // Sources differ on how to refuse it.
        (Victim::Zero, None) => nothing(Want::ConflictOrIllegal, before),
        (Victim::Zero, Some((_, kind))) if !is_all(kind) => {
            nothing(Want::Illegal(INVALID_FIELD_IN_LIST), before)
        }
        // Everybody but the sender goes, and the sender holds the new type.
        (Victim::Zero, Some(_)) => removed(other, Some((role, named)), before),
        (Victim::Role(whom), Some((holder, kind))) if whom == role => {
            let stays = holder == role && !is_all(kind);
            let after = Standing {
                held: Some((role, named)),
                ..before
            };
            let mut told = [None; 3];
            told[other as usize] = Some(RESERVATIONS_RELEASED);
            Outcome {
                told,
                standing: stays.then_some(after),
                ..done(after)
            }
        }
        // The sender names its own key without holding anything: sources differ on its own.
        (Victim::Role(whom), None) if whom == role => Outcome {
            standing: None,
            ..done(before)
        },
        (Victim::Role(whom), Some((holder, kind))) if whom == holder && !is_all(kind) => {
            removed(whom, Some((role, named)), before)
        }
        (Victim::Role(whom), Some((_, kind))) if is_all(kind) => {
            removed(whom, Some((role, kind)), before)
        }
        (Victim::Role(whom), held) => removed(whom, held, before),
    }
}

/// One registration goes, and this is held.
fn removed(whom: Role, held: Option<(Role, u8)>, before: Standing) -> Outcome {
    let mut after = Standing { held, ..before };
    after.keys[whom as usize] = 0;
    let mut told = [None; 3];
    told[whom as usize] = Some(REGISTRATIONS_PREEMPTED);
    Outcome {
        told,
        ..done(after)
    }
}

/// The reservation goes to the outsider.
fn relocate(unregister: bool, role: Role, before: Standing) -> Outcome {
    match before.held {
        Some((holder, kind)) if holder == role && !is_all(kind) => {
            let mut after = before;
            after.keys[Role::Outsider as usize] = CHANGED;
            if unregister {
                after.keys[role as usize] = 0;
            }
            after.held = Some((Role::Outsider, kind));
            done(after)
        }
        None => nothing(Want::ConflictOrIllegal, before),
        Some(_) => nothing(Want::Conflict, before),
    }
}
