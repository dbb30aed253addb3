//! PDUs to a target that is logged in, and raw bytes between them: nothing panics, hangs or takes
//! memory without end, and what one session does leaves another working.

#![no_main]

use arbitrary::Arbitrary;
use fuzz::{connection, feed, login, target};
use libfuzzer_sys::fuzz_target;
use scsi::iscsi::frame::Framing;
use scsi::iscsi::pdu::{HEADER_BYTES, Header};

#[derive(Debug, Arbitrary)]
struct Input {
    digests: (bool, bool),
    initial_r2t: bool,
    piece: u16,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    /// A PDU with a right CmdSN.
    Pdu {
        header: [u8; HEADER_BYTES],
        /// A command that exists, rather than any bytes.
        cdb: Option<(u8, u16, u16)>,
        data: Vec<u8>,
        fill: u16,
    },
    /// Data-Out for the command of this tag.
    Data {
        tag: u8,
        transfer: u8,
        number: u8,
        offset: u16,
        bytes: u16,
        last: bool,
    },
    Raw(Vec<u8>),
}

const CODES: [u8; 12] = [
    0x28, 0x2a, 0x88, 0x8a, 0x5e, 0x5f, 0x12, 0x41, 0x42, 0x89, 0x83, 0x35,
];

fuzz_target!(|input: Input| {
    let mut target = target();
    let mut one = connection(false);
    let word = |on| if on { "CRC32C" } else { "None" };
    let keys = [
        ("HeaderDigest", word(input.digests.0)),
        ("DataDigest", word(input.digests.1)),
        ("InitialR2T", if input.initial_r2t { "Yes" } else { "No" }),
    ];
    assert!(feed(&mut one, &mut target, &login(1, &keys), 4096));
    assert!(one.nexus().is_some());
    let framing = Framing {
        header_digest: input.digests.0,
        data_digest: input.digests.1,
    };
    let mut number = 1_u32;
    for step in input.steps.iter().take(64) {
        let mut bytes = Vec::new();
        put(step, framing, &mut number, &mut bytes);
        if !feed(&mut one, &mut target, &bytes, usize::from(input.piece)) {
            break;
        }
    }
    one.close(&mut target);
    let mut other = connection(false);
    assert!(feed(&mut other, &mut target, &login(2, &[]), 4096));
    assert!(other.nexus().is_some(), "another initiator is locked out");
});

fn put(step: &Step, framing: Framing, number: &mut u32, bytes: &mut Vec<u8>) {
    match step {
        Step::Raw(raw) => bytes.extend_from_slice(raw),
        Step::Pdu {
            header,
            cdb,
            data,
            fill,
        } => {
            let mut header = Header(*header);
            header.0[4] = 0;
            header.put32(24, *number);
            if !header.is_immediate() && header.0[0] & 0x3f != 5 {
                *number = number.wrapping_add(1);
            }
            if let Some((code, lba, blocks)) = cdb {
                header.0[0] = 1;
                header.0[8..16].fill(0);
                header.0[32..48].fill(0);
                header.0[32] = CODES[usize::from(*code) % CODES.len()];
                header.put16(38, *lba % 4096);
                header.put16(44, *blocks % 64);
            }
            let mut data = data.clone();
            data.resize(data.len() + usize::from(*fill) % 9000, 0x5a);
            framing.put(bytes, header, &data);
        }
        Step::Data {
            tag,
            transfer,
            number,
            offset,
            bytes: length,
            last,
        } => {
            let opcode = scsi::iscsi::pdu::Opcode::DataOut;
            let mut header = Header::new(opcode, if *last { 0x80 } else { 0 }, u32::from(*tag));
            let none = *transfer == 0;
            header.put32(20, if none { u32::MAX } else { u32::from(*transfer) });
            header.put32(36, u32::from(*number));
            header.put32(40, u32::from(*offset));
            framing.put(bytes, header, &vec![1; usize::from(*length) % 9000]);
        }
    }
}
