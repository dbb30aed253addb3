//! One iSCSI connection to the target: from bytes to bytes.
//!
//! Joins the session machine of `scsi` to the target. Not done here: sockets, and making blocks
//! durable; whoever drives it does both between the calls.

mod full;

use std::collections::BTreeSet;

use scsi::iscsi::frame::{Cut, Framing};
use scsi::iscsi::login::{LoggedIn, LoginProgress, LoginStatus, Policy, Responder};
use scsi::iscsi::negotiation::DEFAULT_SEGMENT_BYTES;
use scsi::iscsi::target::{CloseReason, Output, Session, Step};
use scsi::iscsi::text;
use scsi::{InitiatorPort, Lun, NexusId};

use full::Full;

use crate::config::PortId;
use crate::response::Response;
use crate::store::{Store, StoreError};
use crate::target::Target;

/// Where reservations that survive power loss are kept.
pub trait Vault {
    /// Replaces the record of a unit, atomically and durably: when it returns, the new record
    /// is what a restart finds. An empty record means that nothing survives.
    fn save(&mut self, lun: Lun, record: &[u8]) -> Result<(), SaveFailed>;
}

/// The record could not be saved; the unit fails closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reservations could not be saved")]
pub struct SaveFailed;

/// What a portal is to those who connect to it.
#[derive(Debug, Clone)]
pub struct Portal {
    /// The target port that it belongs to.
    pub port: PortId,
    /// Whom it lets in, and how it negotiates.
    pub policy: Policy,
    /// What discovery tells: addresses with their portal group tags, as `1.2.3.4:3260,1`.
    pub addresses: Vec<String>,
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The initiator was not let in.
    #[error("the login was refused: {0}")]
    Refused(LoginStatus),
    /// The session ended.
    #[error(transparent)]
    Session(CloseReason),
    /// A newer session of the same nexus has taken over, or the target was reset.
    #[error("a newer session of the same initiator port has taken over, or the target was reset")]
    Replaced,
}

/// How far the bytes have got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed: at least so many from the front of what is left.
    Need(usize),
    /// Enough has gathered to be sent; call again with the rest.
    Flush,
    /// Send what has gathered, then close.
    Close(Closed),
}

/// When so much has gathered it is sent before more is done.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

enum Phase {
    Login(Box<Responder>),
    /// A discovery session.
    Discovery(Box<Session>),
    Full(Box<Full>),
}

/// One iSCSI connection to the target.
pub struct Connection {
    portal: Portal,
    phase: Phase,
    login_output: Output,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("nexus", &self.nexus())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection just made to a portal. `entropy` is for the CHAP challenge.
    pub fn new(portal: Portal, handle: u16, entropy: [u8; 17]) -> Self {
        let login = Responder::new(portal.policy.clone(), handle, entropy);
        Self {
            portal,
            phase: Phase::Login(Box::new(login)),
            login_output: Output::default(),
        }
    }

    /// The target port that it came to.
    pub fn port(&self) -> PortId {
        self.portal.port
    }

    /// The nexus, once logged in.
    pub fn nexus(&self) -> Option<NexusId> {
        match &self.phase {
            Phase::Full(full) => Some(full.nexus),
            _ => None,
        }
    }

    /// The units that commands went to since the last call, for whoever makes units slow.
    pub fn take_touched(&mut self) -> BTreeSet<Lun> {
        match &mut self.phase {
            Phase::Full(full) => std::mem::take(&mut full.touched),
            _ => BTreeSet::new(),
        }
    }

    /// Whether this connection has asked for a cold reset: all connections are to be closed.
    pub fn has_reset_target(&self) -> bool {
        matches!(&self.phase, Phase::Full(full) if full.reset)
    }

    /// Whether a command is under way that ends without anything more from the initiator: call
    /// [`Self::look_again`] now and then.
    pub fn is_waiting(&self) -> bool {
        matches!(&self.phase, Phase::Full(full) if !full.sanitizes.is_empty())
    }

    /// Answers commands that have ended meanwhile.
    pub fn look_again<S: Store>(&mut self, target: &mut Target<S>) {
        if let Phase::Full(full) = &mut self.phase
            && full.is_current(target)
        {
            full.answer_sanitizes(target);
        }
    }

    /// Where bytes from the initiator belong before any others: the rest of a long data segment.
    /// What is put there is told by [`Self::landed`] and does not go to [`Self::receive`].
    pub fn landing(&mut self) -> Option<&mut [u8]> {
        match &mut self.phase {
            Phase::Full(full) => full.session.landing(),
            _ => None,
        }
    }

    /// So many bytes were put where they belong.
    pub fn landed(&mut self, bytes: usize) {
        if let Phase::Full(full) = &mut self.phase {
            full.session.landed(bytes);
        }
    }

    /// What is to be sent; whoever sends it clears it.
    pub fn output(&mut self) -> &mut Output {
        match &mut self.phase {
            Phase::Login(_) => &mut self.login_output,
            Phase::Discovery(session) => &mut session.output,
            Phase::Full(full) => &mut full.session.output,
        }
    }

    /// Takes bytes from the initiator; returns how many of them are done with.
    pub fn receive<S: Store>(
        &mut self,
        target: &mut Target<S>,
        vault: &mut impl Vault,
        bytes: &[u8],
    ) -> (usize, Progress) {
        let mut done = 0;
        loop {
            let rest = &bytes[done..];
            let (taken, progress) = match &mut self.phase {
                Phase::Login(_) => self.log_in(target, rest),
                Phase::Discovery(session) => discover(&self.portal, session, rest),
                Phase::Full(full) => full.step(target, vault, &self.portal, rest),
            };
            done += taken;
            match progress {
                Some(progress) => return (done, progress),
                None if self.output().len() >= OUTPUT_BYTES_MAX => return (done, Progress::Flush),
                None => {}
            }
        }
    }

    fn log_in<S: Store>(
        &mut self,
        target: &mut Target<S>,
        bytes: &[u8],
    ) -> (usize, Option<Progress>) {
        let Phase::Login(login) = &mut self.phase else {
            return (0, None);
        };
        let frame = match Framing::default().cut(bytes, DEFAULT_SEGMENT_BYTES as usize) {
            Ok(Cut::Frame(frame)) => frame,
            Ok(Cut::Need(length)) => return (0, Some(Progress::Need(length))),
            Err(_) => {
                return (
                    0,
                    Some(Progress::Close(Closed::Session(CloseReason::Protocol))),
                );
            }
        };
        match login.receive(&frame, &mut self.login_output.bytes) {
            LoginProgress::Continues => (frame.length, None),
            LoginProgress::Refused(status) => {
                (frame.length, Some(Progress::Close(Closed::Refused(status))))
            }
            LoginProgress::Done(login) => (frame.length, self.logged_in(target, &login)),
        }
    }

    /// What the login has said goes out first: digests begin after it.
    fn logged_in<S: Store>(
        &mut self,
        target: &mut Target<S>,
        login: &LoggedIn,
    ) -> Option<Progress> {
        let mut session = Session::new(login);
        session.output = std::mem::take(&mut self.login_output);
        if login.is_discovery {
            self.phase = Phase::Discovery(Box::new(session));
            return None;
        }
        let Some(nexus) = enter(target, &login.initiator, self.portal.port) else {
            let refused = Closed::Refused(LoginStatus::OutOfResources);
            return Some(Progress::Close(refused));
        };
        let number = target.session_number(nexus);
        self.phase = Phase::Full(Box::new(Full::new(session, nexus, number)));
        None
    }

    /// The units whose writes must be durable before the responses that wait are sent.
    pub fn unsynced(&self) -> Vec<Lun> {
        let Phase::Full(full) = &self.phase else {
            return Vec::new();
        };
        let mut luns: Vec<Lun> = full.unsynced.iter().map(|it| it.0).collect();
        luns.sort_unstable();
        luns.dedup();
        luns
    }

    /// The writes of a unit are durable now, or could not be made so.
    pub fn synced(&mut self, lun: Lun, outcome: Result<(), StoreError>) {
        let Phase::Full(full) = &mut self.phase else {
            return;
        };
        for (at, task, mut ending) in std::mem::take(&mut full.unsynced) {
            if at != lun {
                full.unsynced.push((at, task, ending));
                continue;
            }
            if let Err(error) = outcome {
                let failed = Response::sync_failed(error);
                ending.status = failed.status;
                ending.sense = failed.sense_bytes();
            }
            let place = full.session.begin();
            full.session.end(&task, place, &ending);
        }
    }

    /// Asks the initiator for a sign of life; `false` when the last one was not answered.
    pub fn ping(&mut self) -> bool {
        match &mut self.phase {
            Phase::Full(full) => full.session.ping(),
            _ => false,
        }
    }

    /// Asks the initiator to log out within a time, in seconds.
    pub fn ask_to_log_out(&mut self, seconds: u16) {
        if let Phase::Full(full) = &mut self.phase {
            full.session.ask_to_log_out(seconds);
        }
    }

    /// The connection is gone: the nexus is lost, unless a newer session has taken it over.
    pub fn close<S: Store>(self, target: &mut Target<S>) {
        if let Phase::Full(full) = self.phase
            && full.is_current(target)
        {
            target.detach(full.nexus);
        }
    }
}

/// Session reinstatement (RFC 7143 6.3.5): a standing session of the same nexus ends first.
fn enter<S: Store>(
    target: &mut Target<S>,
    initiator: &InitiatorPort,
    port: PortId,
) -> Option<NexusId> {
    if let Some(old) = target.session(initiator, port) {
        target.detach(old);
    }
    target.attach(initiator, port)
}

fn discover(portal: &Portal, session: &mut Session, bytes: &[u8]) -> (usize, Option<Progress>) {
    let (done, step) = session.step(bytes);
    let progress = match step {
        Step::Need(length) => Some(Progress::Need(length)),
        Step::Close(reason) => Some(Progress::Close(Closed::Session(reason))),
        Step::SendTargets { tag, .. } => {
            session.send_text(tag, &targets(portal));
            None
        }
        _ => None,
    };
    (done, progress)
}

fn targets(portal: &Portal) -> Vec<u8> {
    let mut told = Vec::new();
    text::push(&mut told, "TargetName", &portal.policy.target_name);
    portal
        .addresses
        .iter()
        .for_each(|it| text::push(&mut told, "TargetAddress", it));
    told
}
