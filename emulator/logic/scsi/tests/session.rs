//! Both ends of iSCSI against each other, with a device that keeps one buffer of bytes.

use proptest::prelude::*;
use scsi::iscsi::chap::Credentials;
use scsi::iscsi::frame::{Cut, Framing};
use scsi::iscsi::initiator::{ConnectionError, Event, Initiator};
use scsi::iscsi::login::{Identity, LoginError, LoginProgress, LoginStatus, Policy, Responder};
use scsi::iscsi::negotiation::Parameters;
use scsi::iscsi::pdu::{Header, Opcode};
use scsi::iscsi::target::{CloseReason, Ending, Managed, Session, Step};
use scsi::{Command, InitiatorPort, Isid, Lun, Outcome, Status};

const TARGET: &str = "iqn.2024-01.example:array";

fn secret(name: &str, secret: &str) -> Credentials {
    Credentials {
        name: name.into(),
        secret: secret.into(),
    }
}

fn policy() -> Policy {
    Policy {
        target_name: TARGET.into(),
        portal_group: 1,
        initiator: None,
        target: None,
        parameters: Parameters::default(),
    }
}

fn identity() -> Identity {
    Identity {
        initiator: InitiatorPort::new("iqn.2024-01.example:n1", Isid([0x80, 0, 0, 0, 0, 1])),
        target_name: Some(TARGET.into()),
        credentials: None,
        expected_of_target: None,
        parameters: Parameters::default(),
    }
}

/// A target with one unit of bytes, 512 a block, behind the session machine.
struct Pair {
    initiator: Initiator,
    login: Responder,
    session: Option<Session>,
    medium: Vec<u8>,
    refused: Option<LoginStatus>,
    closed: Option<CloseReason>,
}

impl Pair {
    fn new(policy: Policy, identity: Identity) -> Self {
        Self {
            initiator: Initiator::connect(identity, [3; 17]),
            login: Responder::new(policy, 1, [9; 17]),
            session: None,
            medium: vec![0; 1 << 20],
            refused: None,
            closed: None,
        }
    }

    /// Carries bytes both ways until neither end has anything to say.
    fn settle(&mut self) -> Result<Vec<Event>, ConnectionError> {
        let mut events = Vec::new();
        loop {
            let said = std::mem::take(&mut self.initiator.output);
            let answered = self.hear(&said);
            let done = self.initiator.receive(&answered)?;
            assert_eq!(done, answered.len(), "the target sent half a PDU");
            events.extend(self.initiator.events());
            if self.initiator.output.is_empty() {
                return Ok(events);
            }
        }
    }

    fn hear(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        while !bytes.is_empty() && self.refused.is_none() && self.closed.is_none() {
            match &mut self.session {
                None => {
                    let Ok(Cut::Frame(frame)) = Framing::default().cut(bytes, 8192) else {
                        break;
                    };
                    match self.login.receive(&frame, &mut out) {
                        LoginProgress::Continues => {}
                        LoginProgress::Done(login) => self.session = Some(Session::new(&login)),
                        LoginProgress::Refused(status) => self.refused = Some(status),
                    }
                    bytes = &bytes[frame.length..];
                }
                Some(session) => {
                    let (done, step) = session.step(bytes);
                    self.closed = serve(session, &mut self.medium, step);
                    bytes = &bytes[done..];
                }
            }
        }
        if let Some(session) = &mut self.session {
            out.append(&mut session.output.take());
        }
        out
    }

    fn run(&mut self, command: &Command) -> Outcome {
        let tag = self
            .initiator
            .submit(Lun(0), command)
            .expect("room for a command");
        let events = self.settle().expect("a connection");
        let mut done = events.into_iter().filter_map(|event| match event {
            Event::Done(it, outcome) if it == tag => Some(outcome),
            _ => None,
        });
        done.next().expect("an outcome")
    }
}

fn good(wanted: usize) -> Ending {
    Ending {
        status: Status::Good,
        sense: Vec::new(),
        wanted: wanted as u64,
    }
}

fn range(cdb: &[u8; 16]) -> std::ops::Range<usize> {
    let lba = usize::try_from(u64::from_be_bytes(cdb[2..10].try_into().unwrap())).unwrap();
    let blocks = usize::try_from(u32::from_be_bytes(cdb[10..14].try_into().unwrap())).unwrap();
    lba * 512..(lba + blocks) * 512
}

fn serve(session: &mut Session, medium: &mut [u8], step: Step<'_>) -> Option<CloseReason> {
    match step {
        Step::Need(_) => panic!("half a PDU"),
        Step::Handled => {}
        Step::Command(command) => {
            let range = range(&command.cdb);
            let wanted = if command.task.writes { range.len() } else { 0 };
            if !Session::is_complete(&command, wanted as u64) {
                session.gather(&command, wanted as u64);
                return None;
            }
            let at = session.begin();
            if command.task.reads {
                session.output.bytes.extend_from_slice(&medium[range]);
            } else if command.task.writes {
                medium[range].copy_from_slice(command.data);
            }
            session.end(&command.task, at, &good(wanted));
        }
        Step::Gathered(transfer) => {
            let range = range(&transfer.cdb);
            medium[range.clone()].copy_from_slice(transfer.data());
            let at = session.begin();
            session.end(&transfer.task, at, &good(range.len()));
        }
        Step::Garbled(transfer) => {
            let at = session.begin();
            let failed = Ending {
                status: Status::CheckCondition,
                ..good(0)
            };
            session.end(&transfer.task, at, &failed);
        }
        Step::Manage(request) => session.managed(&request, Managed::Complete),
        Step::SendTargets { tag, .. } => {
            session.send_text(
                tag,
                b"TargetName=a\0TargetAddress=1.2.3.4:3260,1\0TargetName=b\0",
            );
        }
        Step::Close(reason) => return Some(reason),
    }
    None
}

fn write(lba: u64, data: Vec<u8>) -> Command {
    let blocks = u32::try_from(data.len() / 512).unwrap();
    Command::Write {
        lba,
        blocks,
        data,
        fua: false,
    }
}

fn read(lba: u64, blocks: u32) -> Command {
    Command::Read {
        lba,
        blocks,
        block_bytes: 512,
    }
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|at| (at * 7 + at / 251).to_le_bytes()[0])
        .collect()
}

#[test]
fn what_was_written_is_read_under_every_shape_of_transfer() {
    for shape in 0..64_u32 {
        let bit = |at: u32| shape >> at & 1 == 1;
        let parameters = Parameters {
            header_digest: bit(0),
            data_digest: bit(1),
            initial_r2t: bit(2),
            immediate_data: bit(3),
            receive_bytes_max: if bit(4) { 1024 } else { 262_144 },
            first_burst_bytes: 2048,
            max_burst_bytes: if bit(5) { 4096 } else { 65_536 },
            ..Parameters::default()
        };
        let own = Policy {
            parameters,
            ..policy()
        };
        let mut pair = Pair::new(
            own,
            Identity {
                parameters,
                ..identity()
            },
        );
        assert_eq!(pair.settle(), Ok(vec![Event::LoggedIn]), "{parameters:?}");
        for blocks in [1_usize, 2, 5, 9, 200] {
            let data = pattern(blocks * 512);
            assert_eq!(pair.run(&write(3, data.clone())), Outcome::Good(Vec::new()));
            let back = pair.run(&read(3, u32::try_from(blocks).unwrap()));
            assert_eq!(back, Outcome::Good(data), "{parameters:?}");
        }
    }
}

#[test]
fn many_commands_at_once_come_out_one_by_one() {
    let mut pair = Pair::new(policy(), identity());
    pair.settle().unwrap();
    let mut sent = 0;
    while pair
        .initiator
        .submit(Lun(0), &write(8, pattern(300 * 512)))
        .is_some()
    {
        sent += 1;
    }
    assert!(sent >= 100, "the window holds only {sent}");
    let done = pair.settle().unwrap();
    assert_eq!(done.len(), sent);
}

#[test]
fn one_way_and_mutual_chap_let_the_right_ones_in() {
    let own = Policy {
        initiator: Some(secret("user", "open sesame")),
        target: Some(secret("array", "close sesame")),
        ..policy()
    };
    let right = Identity {
        credentials: Some(secret("user", "open sesame")),
        ..identity()
    };
    assert_eq!(
        Pair::new(own.clone(), right.clone()).settle(),
        Ok(vec![Event::LoggedIn])
    );
    let both = Identity {
        expected_of_target: Some(secret("array", "close sesame")),
        ..right
    };
    assert_eq!(
        Pair::new(own.clone(), both.clone()).settle(),
        Ok(vec![Event::LoggedIn])
    );
    for wrong in [secret("user", "guess"), secret("other", "open sesame")] {
        let mut pair = Pair::new(
            own.clone(),
            Identity {
                credentials: Some(wrong),
                ..identity()
            },
        );
        assert_eq!(pair.settle(), Err(LoginError::Refused(0x0201).into()));
    }
    let mut without = Pair::new(own.clone(), identity());
    assert_eq!(without.settle(), Err(LoginError::Refused(0x0201).into()));
    let doubting = Identity {
        expected_of_target: Some(secret("array", "guess")),
        ..both
    };
    assert_eq!(
        Pair::new(own, doubting).settle(),
        Err(LoginError::TargetNotProven.into())
    );
}

#[test]
fn a_target_that_needs_no_proof_cannot_pass_for_one_that_gives_it() {
    let both = Identity {
        credentials: Some(secret("user", "open sesame")),
        expected_of_target: Some(secret("array", "close sesame")),
        ..identity()
    };
    assert_eq!(
        Pair::new(policy(), both).settle(),
        Err(LoginError::TargetNotProven.into())
    );
}

#[test]
fn an_unknown_target_is_not_found() {
    let lost = Identity {
        target_name: Some("iqn.2024-01.example:other".into()),
        ..identity()
    };
    assert_eq!(
        Pair::new(policy(), lost).settle(),
        Err(LoginError::Refused(0x0203).into())
    );
}

#[test]
fn discovery_tells_targets_and_takes_no_commands() {
    let mut pair = Pair::new(
        policy(),
        Identity {
            target_name: None,
            ..identity()
        },
    );
    assert_eq!(pair.settle(), Ok(vec![Event::LoggedIn]));
    pair.initiator.send_targets();
    let address = vec!["1.2.3.4:3260,1".to_owned()];
    let told = vec![("a".to_owned(), address), ("b".to_owned(), Vec::new())];
    assert_eq!(pair.settle(), Ok(vec![Event::Targets(told)]));
    pair.initiator
        .submit(Lun(0), &Command::TestUnitReady)
        .unwrap();
    assert_eq!(pair.settle(), Err(ConnectionError::Rejected(4)));
}

#[test]
fn pings_functions_and_logout_are_answered() {
    let mut pair = Pair::new(policy(), identity());
    pair.settle().unwrap();
    let ping = pair.initiator.ping();
    let reset = pair.initiator.manage(Lun(0), 5, None);
    assert_eq!(
        pair.settle(),
        Ok(vec![Event::Pong(ping), Event::Managed(reset, 0)])
    );
    let session = pair.session.as_mut().unwrap();
    assert!(
        session.ping() && !session.ping(),
        "the second ping finds the first unanswered"
    );
    pair.settle().unwrap();
    pair.settle().unwrap();
    assert!(pair.session.as_mut().unwrap().ping(), "the answer came");
    pair.initiator.log_out();
    let events = pair.settle().unwrap();
    assert!(events.contains(&Event::LoggedOut), "{events:?}");
    assert_eq!(pair.closed, Some(CloseReason::Logout));
}

/// A login PDU by hand, for what our own initiator never sends.
fn login_pdu(flags: u8, text: &[u8], change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = Header::new(Opcode::Login, flags, 1);
    header.0[0] |= 0x40;
    change(&mut header);
    let mut out = Vec::new();
    Framing::default().put(&mut out, header, text);
    out
}

fn refusal(pdu: &[u8]) -> Option<LoginStatus> {
    let mut pair = Pair::new(policy(), identity());
    pair.hear(pdu);
    pair.refused
}

#[test]
fn logins_that_make_no_sense_are_refused_with_their_status() {
    let named = b"InitiatorName=iqn.a\0TargetName=iqn.2024-01.example:array\0";
    let refused = |flags, text: &[u8]| refusal(&login_pdu(flags, text, |_| {}));
    assert_eq!(refused(0x87, named), None);
    assert_eq!(
        refused(0x87, b"TargetName=x\0"),
        Some(LoginStatus::NotFound)
    );
    assert_eq!(
        refused(0x87, b"InitiatorName=iqn.a\0"),
        Some(LoginStatus::MissingParameter)
    );
    assert_eq!(
        refused(0x87, b"SessionType=Strange\0"),
        Some(LoginStatus::SessionType)
    );
    assert_eq!(
        refused(0x85, named),
        Some(LoginStatus::InitiatorError),
        "to the same stage"
    );
    assert_eq!(
        refused(0x8f, named),
        Some(LoginStatus::InvalidDuringLogin),
        "from the last"
    );
    assert_eq!(
        refused(0x8b, named),
        Some(LoginStatus::InitiatorError),
        "from no stage"
    );
    assert_eq!(
        refused(0xc7, named),
        Some(LoginStatus::InitiatorError),
        "to be continued, done"
    );
    assert_eq!(refused(0x87, &[0xff; 9]), Some(LoginStatus::InitiatorError));
    let version = login_pdu(0x87, named, |header| header.0[3] = 1);
    assert_eq!(refusal(&version), Some(LoginStatus::UnsupportedVersion));
    let joining = login_pdu(0x87, named, |header| header.put16(14, 7));
    assert_eq!(refusal(&joining), Some(LoginStatus::NoSuchSession));
}

#[test]
fn text_may_be_spread_over_several_login_pdus() {
    let mut pair = Pair::new(policy(), identity());
    pair.hear(&login_pdu(0x44, b"InitiatorName=iqn.a\0TargetNa", |_| {}));
    pair.hear(&login_pdu(0x87, b"me=iqn.2024-01.example:array\0", |_| {}));
    assert_eq!(pair.refused, None);
    assert!(pair.session.is_some());
}

fn logged_in() -> Pair {
    let mut pair = Pair::new(policy(), identity());
    pair.settle().unwrap();
    pair
}

#[test]
fn a_command_number_outside_the_window_is_ignored_and_a_gap_is_not() {
    for (number, closed) in [
        (1_000_000, None),
        (0, None),
        (5, Some(CloseReason::Protocol)),
    ] {
        let mut pair = logged_in();
        let mut header = Header::new(Opcode::NopOut, 0x80, 77);
        header.put32(24, number);
        let mut out = Vec::new();
        Framing::default().put(&mut out, header, &[]);
        let answered = pair.hear(&out);
        assert_eq!(
            (pair.closed, answered.is_empty()),
            (closed, closed.is_none()),
            "{number}"
        );
    }
}

proptest! {
    /// Nothing from outside makes either end panic, hang or grow.
    #[test]
    fn garbage_ends_in_an_answer_or_a_closed_connection(
        noise in prop::collection::vec(any::<u8>(), 0..400),
        opcode in 0_u8..64,
        logged: bool,
        fields in prop::collection::vec((1_usize..48, any::<u8>()), 0..12),
        data in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut pair = Pair::new(policy(), identity());
        if logged {
            pair.settle().unwrap();
        }
        let mut header = Header([0; 48]);
        header.0[0] = opcode | 0x40;
        fields.iter().filter(|it| !(4..8).contains(&it.0)).for_each(|it| header.0[it.0] = it.1);
        // The test's device takes every command for a transfer; keep it within its medium.
        header.0[32..48].fill(0);
        let mut out = Vec::new();
        Framing::default().put(&mut out, header, &data);
        pair.hear(&out);
        let mut other = Initiator::connect(identity(), [1; 17]);
        let _outcome = other.receive(&noise);
        let _outcome = pair.initiator.receive(&out);
    }
}
