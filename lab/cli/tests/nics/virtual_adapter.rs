//! The virtual adapter: what travels through it survives the networks below it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::Test;
use crate::machine::Lab;

pub(crate) const TESTS: &[Test] = &[
    (
        "a_tcp_stream_survives_the_loss_of_either_network",
        a_tcp_stream_survives_the_loss_of_either_network,
    ),
    (
        "the_virtual_adapter_reaches_every_member_and_nobody_else",
        the_virtual_adapter_reaches_every_member_and_nobody_else,
    ),
];

/// The virtual adapter of n2.
const PEER: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 2);
/// Detection takes half a second; the rest is what TCP takes to send again.
const PAUSE_MAX: Duration = Duration::from_secs(6);

/// Bytes go from n1 to n2 and back on one connection, all the time; first the network that carries
/// them goes, silently, then it comes back and the other one is unplugged.
fn a_tcp_stream_survives_the_loss_of_either_network() {
    let lab = Lab::up();
    let n1 = lab.machine("n1");
    let (stop, stopped) = mpsc::channel::<()>();
    let (beat, beats) = mpsc::channel();
    let stream = std::thread::scope(|scope| {
        let talking = scope.spawn(|| n1.within(move || talk(&stopped, &beat)));
        let flows = |what: &str| {
            while beats.try_recv().is_ok() {}
            beats.recv_timeout(PAUSE_MAX).expect(what);
        };
        flows("before anything");
        // Both carry heartbeats; a stream is far more.
        let (lan, heart) = (n1.sent("lan"), n1.sent("heart"));
        std::thread::sleep(Duration::from_secs(1));
        let grown = (n1.sent("lan") - lan, n1.sent("heart") - heart);
        let [carries, other] = if grown.0 > grown.1 {
            ["lan", "heart"]
        } else {
            ["heart", "lan"]
        };
        let cut = "{ partition: { between: [n1, n2], networks: [NETWORK] }, for: 3s }";
        lab.does(&["fault", &cut.replace("NETWORK", carries)]);
        flows("while its network is cut");
        let before = n1.sent(other);
        std::thread::sleep(Duration::from_secs(1));
        assert!(n1.sent(other) > before + 10_000, "{other} carries it now");
        lab.bench.wait("the cut is healed", |shown| {
            shown["faults"].as_array().unwrap().is_empty()
        });
        std::thread::sleep(Duration::from_secs(1));
        lab.does(&["fault", &format!("{{ network: {other}, do: down }}")]);
        flows("while the other network is down");
        drop(stop);
        talking.join().unwrap()
    });
    assert!(
        stream > 100,
        "{stream} bytes there and back on one connection"
    );
}

/// Sends a kilobyte there and back again and again on one connection; how often.
fn talk(stopped: &mpsc::Receiver<()>, beat: &mpsc::Sender<Instant>) -> u64 {
    let until = Instant::now() + Duration::from_secs(10);
    let mut stream = loop {
        match TcpStream::connect_timeout(&(PEER, nic::ECHO_PORT).into(), PAUSE_MAX) {
            Ok(stream) => break stream,
            // The route is not up yet.
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut bytes = [7; 1_024];
    let mut there_and_back = 0;
    while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
        stream.write_all(&bytes).unwrap();
        stream.read_exact(&mut bytes).unwrap();
        there_and_back += 1;
        let _nobody_counts = beat.send(Instant::now());
        std::thread::sleep(Duration::from_millis(1));
    }
    there_and_back
}

fn the_virtual_adapter_reaches_every_member_and_nobody_else() {
    let lab = Lab::up();
    let (n1, cli) = (lab.machine("n1"), lab.machine("cli"));
    let reaches = |address: &'static str| {
        move || {
            let address: std::net::IpAddr = address.parse().unwrap();
            TcpStream::connect_timeout(&(address, nic::ECHO_PORT).into(), PAUSE_MAX).is_ok()
        }
    };
    assert!(n1.within(reaches("169.254.1.2")));
    assert!(n1.has(Ipv4Addr::new(169, 254, 1, 1)));
    assert!(!n1.within(reaches("169.254.1.4")));
    assert!(!cli.within(reaches("169.254.1.2")));
}
