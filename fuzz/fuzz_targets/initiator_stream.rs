//! Whatever a target says, the initiator ends commands or the connection, and nothing else.

#![no_main]

use arbitrary::Arbitrary;
use fuzz::identity;
use libfuzzer_sys::fuzz_target;
use scsi::iscsi::frame::Framing;
use scsi::iscsi::initiator::Initiator;
use scsi::iscsi::pdu::{HEADER_BYTES, Header, Opcode};
use scsi::{Command, Lun};

#[derive(Debug, Arbitrary)]
struct Input {
    login: Vec<(u8, Vec<u8>)>,
    logged_in: bool,
    pdus: Vec<([u8; HEADER_BYTES], Option<u8>, Vec<u8>)>,
    raw: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let mut initiator = Initiator::connect(identity(1), [3; 17]);
    let mut bytes = Vec::new();
    for (flags, text) in input.login.iter().take(8) {
        let header = Header::new(Opcode::LoginResponse, *flags, 0);
        Framing::default().put(&mut bytes, header, text);
    }
    if input.logged_in {
        for flags in [0x81, 0x87] {
            let mut header = Header::new(Opcode::LoginResponse, flags, 0);
            header.put16(14, 1);
            header.put32(32, 64);
            Framing::default().put(&mut bytes, header, &[]);
        }
    }
    if initiator.receive(&bytes).is_err() {
        return;
    }
    let read = Command::Read {
        lba: 0,
        blocks: 8,
        block_bytes: 512,
    };
    let write = Command::Write {
        lba: 0,
        blocks: 200,
        data: vec![1; 102_400],
        fua: false,
    };
    let mut sent = 0;
    for command in [read, write, Command::TestUnitReady] {
        sent += usize::from(initiator.submit(Lun(0), &command).is_some());
    }
    let mut bytes = Vec::new();
    for (header, tag, data) in input.pdus.iter().take(32) {
        let mut header = Header(*header);
        header.0[4] = 0;
        if let Some(tag) = tag {
            header.put32(16, u32::from(*tag % 4));
        }
        Framing::default().put(&mut bytes, header, data);
    }
    bytes.extend_from_slice(&input.raw);
    let _ = initiator.receive(&bytes);
    let ended = initiator.events().count();
    assert!(
        ended <= bytes.len() / HEADER_BYTES + sent + 2,
        "events out of nothing"
    );
});
