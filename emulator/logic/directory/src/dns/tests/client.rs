//! A host against the server.

use super::*;
use crate::dns::client::{self, status};

fn carried<'a>(server: &'a mut Server) -> impl FnMut(&[u8]) -> Option<Vec<u8>> + 'a {
    move |bytes| send(server, bytes).messages.pop()
}

fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

#[test]
fn a_host_registers_its_addresses_and_replaces_them_later() {
    let mut server = server(Updates::Any);
    for addresses in [vec![ip(5), ip(6)], vec![ip(7)]] {
        let name = at("fs1.corp.example");
        let made =
            client::register_addresses(&mut carried(&mut server), 1, &name, 1200, &addresses);
        assert_eq!(made, status::SUCCESS);
        let answer = server
            .look_up(&client::question(9, &name, Rtype::A))
            .unwrap();
        assert_eq!(client::addresses(&answer), addresses);
    }
    let name = at("fs1.corp.example");
    let made = client::register_pointer(&mut carried(&mut server), 1, ip(7), 1200, &name);
    assert_eq!(made, status::SUCCESS);
    let found = ask(&mut server, "7.0.0.10.in-addr.arpa", Rtype::PTR);
    assert_eq!(found, ["7.0.0.10.in-addr.arpa 1200 PTR fs1.corp.example"]);
}

#[test]
fn each_refusal_has_its_number() {
    let name = at("fs1.corp.example");
    let mut secure = server(Updates::Secure);
    let refused = client::register_addresses(&mut carried(&mut secure), 1, &name, 60, &[ip(5)]);
    assert_eq!(refused, status::REFUSED);
    let silent = client::register_addresses(&mut |_| None, 1, &name, 60, &[ip(5)]);
    assert_eq!(silent, status::TIMEOUT);
    let nonsense = client::register_addresses(&mut |_| Some(vec![1]), 1, &name, 60, &[ip(5)]);
    assert_eq!(nonsense, status::BAD_PACKET);
    let elsewhere = at("fs1.example.net");
    let mut open = server(Updates::Any);
    let outside = client::register_addresses(&mut carried(&mut open), 1, &elsewhere, 60, &[ip(5)]);
    assert_eq!(outside, status::REFUSED, "nobody here knows the zone");
}
