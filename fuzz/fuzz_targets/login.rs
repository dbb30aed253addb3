//! Logins of every kind, with and without CHAP: refused or let in, never stuck, and nobody gets in
//! without the secret.

#![no_main]

use arbitrary::Arbitrary;
use fuzz::{connection, feed, target};
use libfuzzer_sys::fuzz_target;
use scsi::iscsi::frame::Framing;
use scsi::iscsi::pdu::{Header, IMMEDIATE, Opcode};

#[derive(Debug, Arbitrary)]
struct Input {
    chap: bool,
    piece: u16,
    requests: Vec<Request>,
    raw: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
struct Request {
    flags: u8,
    version: (u8, u8),
    isid: u8,
    tsih: u16,
    words: Vec<(u8, String)>,
    text: Vec<u8>,
}

const KEYS: [&str; 24] = [
    "InitiatorName",
    "TargetName",
    "SessionType",
    "AuthMethod",
    "CHAP_A",
    "CHAP_N",
    "CHAP_R",
    "CHAP_I",
    "CHAP_C",
    "HeaderDigest",
    "DataDigest",
    "MaxConnections",
    "InitialR2T",
    "ImmediateData",
    "MaxRecvDataSegmentLength",
    "MaxBurstLength",
    "FirstBurstLength",
    "MaxOutstandingR2T",
    "ErrorRecoveryLevel",
    "DefaultTime2Wait",
    "DefaultTime2Retain",
    "OFMarker",
    "TaskReporting",
    "SendTargets",
];

fuzz_target!(|input: Input| {
    let mut target = target();
    let mut one = connection(input.chap);
    let mut bytes = Vec::new();
    for request in input.requests.iter().take(16) {
        let mut text = Vec::new();
        for (key, value) in request.words.iter().take(16) {
            let key = KEYS[usize::from(*key) % KEYS.len()];
            let value = match (key, value.is_empty()) {
                ("TargetName", true) => fuzz::NAME,
                ("InitiatorName", true) => "iqn.2024-01.example:n",
                ("AuthMethod", true) => "CHAP,None",
                ("CHAP_A", true) => "5",
                ("CHAP_N", true) => "user",
                _ => value,
            };
            text.extend_from_slice(format!("{key}={value}\0").as_bytes());
        }
        text.extend_from_slice(&request.text);
        text.truncate(8192);
        let mut header = Header::new(Opcode::Login, request.flags, 0);
        header.0[0] |= IMMEDIATE;
        (header.0[2], header.0[3]) = request.version;
        header.0[13] = request.isid;
        header.put16(14, request.tsih);
        Framing::default().put(&mut bytes, header, &text);
    }
    bytes.extend_from_slice(&input.raw);
    feed(&mut one, &mut target, &bytes, usize::from(input.piece));
    // The challenge is 07 sixteen times over; the fuzzer would have to invert MD5.
    assert!(
        !input.chap || one.nexus().is_none(),
        "let in without the secret"
    );
});
