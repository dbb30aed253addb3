//! Bytes at ports 88 and 464, and tokens of contexts: whatever comes is answered or left, never a
//! ticket or a context for who has proven nothing.

#![no_main]

use accounts::gss::{Acceptor, Step};
use accounts::kerberos::{self, Transport};
use fuzz::accounts::{NOW, domain};
use libfuzzer_sys::fuzz_target;
use std::net::Ipv4Addr;

fuzz_target!(|bytes: &[u8]| {
    let (mut store, mut rng) = domain();
    for transport in [Transport::Datagram, Transport::Stream] {
        let answer = kerberos::answer(&mut store, bytes, transport, NOW, &mut rng);
        // AS-REP and TGS-REP begin with these tags; only errors may be the answer.
        assert!(!answer.is_some_and(|answer| matches!(answer.first(), Some(0x6b | 0x6d))));
    }
    let local = Ipv4Addr::LOCALHOST.into();
    kerberos::answer_password(&mut store, bytes, local, NOW, &mut rng);
    let mut acceptor = Acceptor::new(store.controller().expect("a domain has a controller"));
    for piece in bytes.chunks(bytes.len().div_ceil(2).max(1)) {
        let step = acceptor.accept(&mut store, piece, NOW, &mut rng);
        assert!(!matches!(step, Step::Established(_)));
    }
    let mut whole = Acceptor::new(store.controller().expect("a domain has a controller"));
    let step = whole.accept(&mut store, bytes, NOW, &mut rng);
    assert!(!matches!(step, Step::Established(_)));
});
