//! An initiator with a session, and persistent reservation commands as bytes.

use libiscsi::{Answer, Error, Function, Library, Login, Session};

use super::address::Address;
use super::answer::{UNIT_ATTENTION, attention};
use crate::case::Stop;

/// Service actions of PERSISTENT RESERVE OUT.
pub(super) const REGISTER: u8 = 0;
pub(super) const RESERVE: u8 = 1;
pub(super) const RELEASE: u8 = 2;
pub(super) const CLEAR: u8 = 3;
pub(super) const PREEMPT: u8 = 4;
pub(super) const PREEMPT_AND_ABORT: u8 = 5;
pub(super) const REGISTER_AND_IGNORE: u8 = 6;
pub(super) const REGISTER_AND_MOVE: u8 = 7;
pub(super) const REPLACE_LOST: u8 = 8;

/// Service actions of PERSISTENT RESERVE IN.
pub(super) const READ_KEYS: u8 = 0;
pub(super) const READ_RESERVATION: u8 = 1;
pub(super) const REPORT_CAPABILITIES: u8 = 2;
pub(super) const READ_FULL_STATUS: u8 = 3;

/// Flags of the parameter list.
pub(super) const APTPL: u8 = 1;
pub(super) const ALL_TG_PT: u8 = 4;
pub(super) const SPEC_I_PT: u8 = 8;

/// What is read at most: room for a hundred and more long descriptors.
pub(super) const ALL: u16 = u16::MAX;

/// A PERSISTENT RESERVE OUT command with a basic parameter list.
#[derive(Debug, Clone, Default)]
pub(super) struct Out {
    pub action: u8,
    pub key: u64,
    /// SERVICE ACTION RESERVATION KEY.
    pub other: u64,
    pub kind: u8,
    pub scope: u8,
    pub flags: u8,
    /// What follows the 24 bytes.
    pub more: Vec<u8>,
}

impl Out {
    pub(super) fn new(action: u8, key: u64, other: u64) -> Self {
        Self {
            action,
            key,
            other,
            ..Self::default()
        }
    }

    /// With a type.
    pub(super) fn of_type(mut self, kind: u8) -> Self {
        self.kind = kind;
        self
    }

    pub(super) fn flagged(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
    }

    fn list(&self) -> Vec<u8> {
        let mut list = Vec::with_capacity(24 + self.more.len());
        list.extend_from_slice(&self.key.to_be_bytes());
        list.extend_from_slice(&self.other.to_be_bytes());
        list.extend_from_slice(&[0, 0, 0, 0, self.flags, 0, 0, 0]);
        list.extend_from_slice(&self.more);
        list
    }
}

/// A REGISTER AND MOVE command.
#[derive(Debug, Clone)]
pub(super) struct Move {
    pub key: u64,
    pub other: u64,
    /// Whether the sender's registration goes.
    pub unregister: bool,
    /// Relative target port identifier of the receiver.
    pub port: u16,
    pub transport_id: Vec<u8>,
}

impl Move {
    fn list(&self) -> Vec<u8> {
        let mut list = Vec::with_capacity(24 + self.transport_id.len());
        list.extend_from_slice(&self.key.to_be_bytes());
        list.extend_from_slice(&self.other.to_be_bytes());
        list.extend_from_slice(&[0, u8::from(self.unregister) << 1]);
        list.extend_from_slice(&self.port.to_be_bytes());
        let length = u32::try_from(self.transport_id.len()).unwrap_or(u32::MAX);
        list.extend_from_slice(&length.to_be_bytes());
        list.extend_from_slice(&self.transport_id);
        list
    }
}

/// The command descriptor block of PERSISTENT RESERVE OUT.
pub(super) fn out_cdb(action: u8, scope_and_type: u8, length: usize) -> [u8; 10] {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let [a, b, c, d] = length;
    [0x5f, action, scope_and_type, 0, 0, a, b, c, d, 0]
}

/// One designator of VPD page 83h (SPC-4 7.8.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Designator {
    /// What it names: 0 the unit, 1 the target port, 2 the target.
    pub association: u8,
    pub kind: u8,
    pub bytes: Vec<u8>,
}

/// Names of initiators start with this.
const NAME: &str = "iqn.2024-01.looksalive:conformance-";
/// The random part of every initiator session identifier here.
const ISID: u32 = 0x00a1_1ce5;

/// An initiator with a session.
#[derive(Debug)]
pub(super) struct Initiator {
    library: Library,
    login: Login,
    lun: u16,
    session: Option<Session>,
}

/// Why an initiator has no session.
fn silent(error: &Error) -> Stop {
    Stop::Failed(error.to_string())
}

impl Initiator {
    /// Logs in; unit attentions stay where they are.
    pub(super) fn open(
        library: &Library,
        address: &Address,
        name: &str,
        qualifier: u16,
    ) -> Result<Self, Error> {
        let login = Login {
            portal: address.portal.clone(),
            target: address.target.clone(),
            initiator: format!("{NAME}{name}"),
            isid: ISID,
            qualifier,
            credentials: address.credentials.clone(),
        };
        let session = Session::open(library, &login)?;
        Ok(Self {
            library: library.clone(),
            login,
            lun: address.lun,
            session: Some(session),
        })
    }

    /// Sends a command that reads up to `data_in_max` bytes, or writes, or does neither.
    pub(super) fn send(
        &mut self,
        cdb: &[u8],
        data_out: &[u8],
        data_in_max: usize,
    ) -> Result<Answer, Stop> {
        let session = self.session.as_mut();
        let session = session.ok_or_else(|| Stop::Inconclusive("no session".to_owned()))?;
        let answer = session.command(self.lun, cdb, data_out, data_in_max);
        answer.map_err(|error| {
            let code = cdb.first().copied().unwrap_or_default();
            Stop::Failed(format!("the command {code:02X}h got {error}"))
        })
    }

    pub(super) fn test_unit_ready(&mut self) -> Result<Answer, Stop> {
        self.send(&[0; 6], &[], 0)
    }

    /// Takes every waiting unit attention.
    pub(super) fn attentions(&mut self) -> Result<Vec<u16>, Stop> {
        let mut found = Vec::new();
        for _ in 0..16 {
            match self.test_unit_ready()?.sense {
                Some((UNIT_ATTENTION, code)) => found.push(code),
                _ => return Ok(found),
            }
        }
        let last = found.last().copied().unwrap_or_default();
        let last = attention(last);
        Err(Stop::Failed(format!(
            "unit attentions have no end; the last is {last}"
        )))
    }

    pub(super) fn reserve_in(&mut self, action: u8, allocation: u16) -> Result<Answer, Stop> {
        let [high, low] = allocation.to_be_bytes();
        let cdb = [0x5e, action, 0, 0, 0, 0, 0, high, low, 0];
        self.send(&cdb, &[], usize::from(allocation))
    }

    pub(super) fn reserve_out(&mut self, out: &Out) -> Result<Answer, Stop> {
        let list = out.list();
        let cdb = out_cdb(out.action, out.scope << 4 | out.kind, list.len());
        self.send(&cdb, &list, 0)
    }

    pub(super) fn register_and_move(&mut self, kind: u8, it: &Move) -> Result<Answer, Stop> {
        let list = it.list();
        let cdb = out_cdb(REGISTER_AND_MOVE, kind, list.len());
        self.send(&cdb, &list, 0)
    }

    pub(super) fn manage(&mut self, function: Function) -> Result<u32, Stop> {
        let session = self.session.as_mut();
        let session = session.ok_or_else(|| Stop::Inconclusive("no session".to_owned()))?;
        session
            .manage(self.lun, function)
            .map_err(|error| silent(&error))
    }

    /// How long a block is, in bytes.
    pub(super) fn block_bytes(&mut self) -> Result<usize, Stop> {
        let answer = self.send(&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[], 8)?;
        let length = answer.data.get(4..8).and_then(|it| it.try_into().ok());
        let length: Option<[u8; 4]> = length;
        match length.map(u32::from_be_bytes) {
            Some(length @ 512..=65536) => Ok(usize::try_from(length).unwrap_or(512)),
            _ => Err(Stop::Failed(
                "READ CAPACITY tells no block length".to_owned(),
            )),
        }
    }

    /// Reads the first block.
    pub(super) fn read_block(&mut self) -> Result<Answer, Stop> {
        let length = self.block_bytes()?;
        self.send(&[0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0], &[], length)
    }

    /// Writes the first block.
    pub(super) fn write_block(&mut self, data: &[u8]) -> Result<Answer, Stop> {
        self.send(&[0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0], data, 0)
    }

    /// Ends the session with a logout.
    pub(super) fn log_out(&mut self) -> Result<(), Stop> {
        match self.session.take() {
            Some(session) => session.logout().map_err(|error| silent(&error)),
            None => Ok(()),
        }
    }

    /// Breaks the connection without a logout.
    pub(super) fn drop_connection(&mut self) {
        self.session = None;
    }

    /// Logs in again: the same nexus, if the target port is the same.
    pub(super) fn log_in(&mut self) -> Result<(), Stop> {
        let session = Session::open(&self.library, &self.login);
        self.session = Some(session.map_err(|error| silent(&error))?);
        Ok(())
    }

    /// Logs in with another session identifier: another nexus. An older session ends.
    pub(super) fn log_in_as(&mut self, qualifier: u16) -> Result<(), Stop> {
        self.login.qualifier = qualifier;
        self.log_in()
    }

    /// Logs in again while the session stands, which the target must end then.
    pub(super) fn reinstate(&mut self) -> Result<(), Stop> {
        let old = self.session.take();
        let outcome = self.log_in();
        drop(old);
        outcome
    }

    /// The relative target port identifier of the port that the session is with.
    pub(super) fn relative_port(&mut self) -> Result<u16, Stop> {
        let page = self.identification()?;
        let port = page
            .iter()
            .find(|one| one.association == 1 && one.kind == 4);
        let bytes = port.and_then(|one| one.bytes.get(2..4)?.try_into().ok());
        let none = "page 83h tells no relative target port identifier";
        let bytes: [u8; 2] = bytes.ok_or_else(|| Stop::NotApplicable(none.to_owned()))?;
        Ok(u16::from_be_bytes(bytes))
    }

    /// The designators of VPD page 83h; none where the unit has no such page.
    pub(super) fn identification(&mut self) -> Result<Vec<Designator>, Stop> {
        let answer = self.send(&[0x12, 1, 0x83, 0x10, 0, 0], &[], 4096)?;
        let mut rest = answer.data.get(4..).unwrap_or_default();
        let mut found = Vec::new();
        while let [_, second, _, length, after @ ..] = rest {
            let length = usize::from(*length).min(after.len());
            let (bytes, next) = after.split_at(length);
            found.push(Designator {
                association: second >> 4 & 3,
                kind: second & 0x0f,
                bytes: bytes.to_vec(),
            });
            rest = next;
        }
        Ok(found)
    }

    /// The initiator port name: iSCSI name and session identifier.
    pub(super) fn port_name(&self) -> String {
        let (name, isid) = (&self.login.initiator, self.login.isid);
        format!("{name},i,0x80{isid:06x}{:04x}", self.login.qualifier)
    }

    /// The TransportID with the session identifier (format 01b), padded as it must be.
    pub(super) fn transport_id(&self) -> Vec<u8> {
        transport_id(0x45, &self.port_name())
    }

    /// The TransportID of the name alone (format 00b), which stands for every session of it.
    pub(super) fn device_transport_id(&self) -> Vec<u8> {
        transport_id(0x05, &self.login.initiator)
    }
}

fn transport_id(first: u8, name: &str) -> Vec<u8> {
    let mut text = name.as_bytes().to_vec();
    text.push(0);
    text.resize(text.len().next_multiple_of(4).max(20), 0);
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut id = vec![first, 0, length[0], length[1]];
    id.append(&mut text);
    id
}
