//! What fuzz targets share: a small target with one disk, and an initiator that logs in to it.

use scsi::iscsi::login::{Identity, Policy};
use scsi::iscsi::negotiation::Parameters;
use scsi::iscsi::pdu::{Header, IMMEDIATE, Opcode};
use scsi::iscsi::{chap::Credentials, frame::Framing, text};
use scsi::{InitiatorPort, Isid, Lun};
use target::{
    Config, Connection, MemoryStore, PortId, Portal, Progress, SaveFailed, Target, UnitConfig,
    Vault,
};

/// The target's name.
pub const NAME: &str = "iqn.2024-01.example:fuzz";
/// How many target ports there are.
pub const PORTS: usize = 2;
/// How large the disk is, in blocks.
pub const BLOCKS: u64 = 4096;

/// Forgets everything: what survives power loss is not what is looked at here.
#[derive(Debug)]
pub struct Forgetful;

impl Vault for Forgetful {
    fn save(&mut self, _: Lun, _: &[u8]) -> Result<(), SaveFailed> {
        Ok(())
    }
}

/// A target with one thin disk.
pub fn target() -> Target<MemoryStore> {
    let config = Config {
        name: NAME.into(),
        port_groups: vec![1, 2],
        units: vec![UnitConfig::disk(Lun(0), BLOCKS, "fuzz")],
    };
    Target::new(config, vec![MemoryStore::default()]).expect("a good configuration")
}

/// What a target agrees to.
pub fn policy(chap: bool) -> Policy {
    let user = |name: &str| Credentials {
        name: name.into(),
        secret: "secret".into(),
    };
    Policy {
        target_name: NAME.into(),
        portal_group: 1,
        initiator: chap.then(|| user("user")),
        target: chap.then(|| user("array")),
        parameters: Parameters {
            // Small limits are met sooner.
            receive_bytes_max: 8192,
            first_burst_bytes: 4096,
            max_burst_bytes: 8192,
            ..Parameters::default()
        },
    }
}

/// A connection to the target, not logged in.
pub fn connection(chap: bool) -> Connection {
    let portal = Portal {
        port: PortId(0),
        policy: policy(chap),
        addresses: vec!["127.0.0.1:3260,1".into()],
    };
    Connection::new(portal, 1, [7; 17])
}

/// Who logs in.
pub fn identity(number: u8) -> Identity {
    Identity {
        initiator: InitiatorPort::new("iqn.2024-01.example:n", Isid([0x80, 0, 0, 0, 0, number])),
        target_name: Some(NAME.into()),
        credentials: None,
        expected_of_target: None,
        parameters: Parameters::default(),
    }
}

/// A login request that asks for everything at once.
pub fn login(isid: u8, keys: &[(&str, &str)]) -> Vec<u8> {
    let mut words = Vec::new();
    text::push(&mut words, "InitiatorName", "iqn.2024-01.example:n");
    text::push(&mut words, "TargetName", NAME);
    keys.iter()
        .for_each(|(key, value)| text::push(&mut words, key, value));
    // From the operational stage to full feature.
    let mut header = Header::new(Opcode::Login, 0x87, 0);
    header.0[0] |= IMMEDIATE;
    header.0[8..14].copy_from_slice(&[0x80, 0, 0, 0, 0, isid]);
    header.put32(24, 1);
    let mut bytes = Vec::new();
    Framing::default().put(&mut bytes, header, &words);
    bytes
}

/// Hands bytes to a connection as a shell does, in pieces of so many bytes; checks what every
/// shell relies on. `false`: the connection has ended.
pub fn feed(
    connection: &mut Connection,
    target: &mut Target<MemoryStore>,
    mut bytes: &[u8],
    piece: usize,
) -> bool {
    let mut held: Vec<u8> = Vec::new();
    loop {
        let (done, progress) = connection.receive(target, &mut Forgetful, &held);
        assert!(done <= held.len());
        held.drain(..done);
        for lun in connection.unsynced() {
            target
                .store_mut(lun)
                .into_iter()
                .for_each(MemoryStore::sync);
            connection.synced(lun, Ok(()));
        }
        connection.look_again(target);
        // Bounded whatever is asked for: one answer, and what was gathered before it.
        assert!(connection.output().len() < 64 << 20);
        connection.output().clear(0);
        match progress {
            Progress::Close(_) => return false,
            Progress::Flush => continue,
            Progress::Need(length) => {
                assert!(length < 1 << 20, "a PDU of {length} bytes is waited for");
                if bytes.is_empty() {
                    return true;
                }
            }
        }
        bytes = land(connection, bytes);
        let (now, later) = bytes.split_at(piece.clamp(1, bytes.len().max(1)).min(bytes.len()));
        held.extend_from_slice(now);
        bytes = later;
    }
}

/// Puts bytes where a long data segment wants them.
fn land<'a>(connection: &mut Connection, bytes: &'a [u8]) -> &'a [u8] {
    let Some(place) = connection.landing() else {
        return bytes;
    };
    let (now, later) = bytes.split_at(place.len().min(bytes.len()));
    place[..now.len()].copy_from_slice(now);
    connection.landed(now.len());
    later
}
