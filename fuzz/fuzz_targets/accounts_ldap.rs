//! Bytes of an LDAP connection of an administrator and of the ping: every message is answered or
//! ends the connection, and the journal brings the same directory back.

#![no_main]

use accounts::ldap::{Connection, datagram};
use accounts::store::Store;
use fuzz::accounts::{BIND, NOW, domain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut store, mut rng) = domain();
    let mut journal = store.snapshot();
    drop(store.take_journal());
    let mut connection = Connection::new();
    connection.receive(&mut store, BIND, NOW, &mut rng);
    for piece in bytes.chunks(bytes.len().div_ceil(3).max(1)) {
        if connection.receive(&mut store, piece, NOW, &mut rng).close {
            break;
        }
    }
    let _answer = datagram(&store, bytes, NOW);
    journal.extend(store.take_journal());
    let back = Store::replay(&journal).expect("what was written can be read");
    assert_eq!(back.snapshot(), store.snapshot());
    let _damaged = Store::replay(bytes);
});
