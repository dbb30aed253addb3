//! A domain with an administrator and a computer, the same in every run.

use std::sync::LazyLock;

use accounts::store::{Call, Caller, Domain, Name, NewObject, Store};
use base::{Rng, WallTime};

/// The time of every run.
pub const NOW: WallTime = WallTime(1_800_000_000_000);

/// A simple bind as the administrator.
pub const BIND: &[u8] = b"\x30\x31\x02\x01\x01\x60\x2c\x02\x01\x03\x04\x1a\
    administrator@corp.example\x80\x0bSecret.1234";

/// The domain, and what random bytes come from. Keys are derived once: that takes far longer than
/// what is done with them.
#[must_use]
pub fn domain() -> (Store, Rng) {
    static MADE: LazyLock<(Store, Rng)> = LazyLock::new(make);
    MADE.clone()
}

fn make() -> (Store, Rng) {
    let mut rng = Rng::new(5, 0);
    let domain = Domain::new("corp.example", "CORP", "dc1", &mut rng);
    let place = domain.computers();
    let mut store = Store::provision(domain, NOW, &mut rng);
    let administrator = store.by_account("administrator").map(|object| object.guid);
    let mut call = Call::new(Caller::System, NOW, &mut rng);
    add(&mut store, &place, &mut call);
    let administrator = administrator.expect("a domain has an administrator");
    store.set_password(administrator, "Secret.1234", &call).expect("the lab may set passwords");
    (store, rng)
}

fn add(store: &mut Store, place: &Name, call: &mut Call<'_>) {
    let new = NewObject {
        name: place.child("CN", "VS1"),
        attributes: vec![("objectClass".to_owned(), vec![b"computer".to_vec()])],
    };
    store.create(&new, call).expect("the lab may create computers");
}
