//! The directory as its clients meet it: on sockets, with a folder that outlives it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use directory::dns::Updates;
use directoryd::{Options, Server, StartError};

fn options(state: &Path, port_base: u16) -> Options {
    Options {
        listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
        domain: "corp.example".into(),
        netbios: "CORP".into(),
        controller: "dc1".into(),
        state: state.to_owned(),
        port_base,
        updates: Updates::Any,
        zones: Vec::new(),
        keys: Vec::new(),
        users: Vec::new(),
        export_keytab: None,
        krb5_conf: Some(state.join("elsewhere.conf")),
        control: Some(state.join("control")),
    }
}

/// Starts a directory at ports that are free; another test may be faster, so several are tried.
fn start(state: &Path) -> Server {
    for attempt in 0..50 {
        let base = 20_000 + u16::try_from(std::process::id() % 300).unwrap() * 100 + attempt * 7;
        match Server::start(&options(state, base), Arc::new(|_| {})) {
            Ok(server) => return server,
            Err(StartError::Listen(..)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    panic!("no free ports");
}

fn address(server: &Server, service: &str) -> SocketAddr {
    server
        .addresses()
        .iter()
        .find(|(name, _)| *name == service)
        .unwrap()
        .1
}

const QUESTION: &[u8] =
    b"\x00\x07\x01\x00\0\x01\0\0\0\0\0\0\x03dc1\x04corp\x07example\0\0\x01\0\x01";
/// Adds 10.0.0.9 at vs1.corp.example.
const UPDATE: &[u8] = b"\x00\x08\x28\x00\0\x01\0\0\0\x01\0\0\x04corp\x07example\0\0\x06\0\x01\
    \x03vs1\xc0\x0c\0\x01\0\x01\0\0\x00\x3c\0\x04\x0a\0\0\x09";

fn ask(at: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(1500)))
        .unwrap();
    socket.send_to(bytes, at).unwrap();
    let mut answer = vec![0; 512];
    let length = socket.recv(&mut answer).ok()?;
    answer.truncate(length);
    Some(answer)
}

fn order(control: &Path, line: &str) -> String {
    let mut stream = UnixStream::connect(control).unwrap();
    writeln!(stream, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer
}

#[test]
fn the_same_answer_comes_over_udp_and_tcp() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let at = address(&server, "dns");
    let answer = ask(at, QUESTION).unwrap();
    assert!(answer.ends_with(&[127, 0, 0, 1]));
    let mut stream = TcpStream::connect(at).unwrap();
    let length = u16::try_from(QUESTION.len()).unwrap().to_be_bytes();
    for _ in 0..2 {
        stream.write_all(&[&length, QUESTION].concat()).unwrap();
        let mut framed = vec![0; answer.len() + 2];
        stream.read_exact(&mut framed).unwrap();
        assert_eq!(framed[2..], answer);
    }
    server.stop();
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    assert_eq!(ask(address(&server, "dns"), UPDATE).unwrap()[3] & 15, 0);
    server.stop();
    let server = start(folder.path());
    let question = [&QUESTION[..13], b"vs1", &QUESTION[16..]].concat();
    let answer = ask(address(&server, "dns"), &question).unwrap();
    assert!(answer.ends_with(&[10, 0, 0, 9]));
}

#[test]
fn clients_find_their_configuration_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _server = start(folder.path());
    let krb5 = fs::read_to_string(folder.path().join("krb5.conf")).unwrap();
    assert!(krb5.contains("default_realm = CORP.EXAMPLE"));
    assert_eq!(
        krb5,
        fs::read_to_string(folder.path().join("elsewhere.conf")).unwrap()
    );
    let resolver = fs::read_to_string(folder.path().join("resolv.conf")).unwrap();
    assert_eq!(resolver, "search corp.example\nnameserver 127.0.0.1\n");
}

#[test]
fn faults_come_and_go_through_the_control_socket() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let (at, control) = (address(&server, "dns"), folder.path().join("control"));
    let refuse = r#"{"directory":["dns"],"do":["refuse-updates"]}"#;
    assert!(order(&control, refuse).contains("true"));
    assert_eq!(ask(at, UPDATE).unwrap()[3] & 15, 5);
    let down = r#"{"directory":["dns"],"do":["down"],"for":["300ms"]}"#;
    assert!(order(&control, down).contains("true"));
    assert_eq!(ask(at, QUESTION), None);
    assert_eq!(
        ask(at, UPDATE).unwrap()[3] & 15,
        0,
        "it has healed by itself"
    );
    assert!(order(&control, r#"{"lun":["0"]}"#).contains("not known here"));
    server.stop();
    assert!(!control.exists());
}

#[test]
fn the_name_server_tells_the_controllers_names() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let any = [b"CK".as_slice(), &[b'A'; 30]].concat();
    let status = [
        b"\0\x05\0\0\0\x01\0\0\0\0\0\0\x20",
        any.as_slice(),
        b"\0\0\x21\0\x01",
    ]
    .concat();
    let answer = ask(address(&server, "netbios"), &status).unwrap();
    assert!(answer.windows(15).any(|it| it == b"DC1            "));
}

#[test]
fn a_taken_port_and_a_damaged_file_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let other = tempfile::tempdir().unwrap();
    let base = address(&server, "dns").port() - 53;
    let taken = Server::start(&options(other.path(), base), Arc::new(|_| {})).unwrap_err();
    assert!(taken.to_string().contains("--port-base"), "{taken}");
    server.stop();
    fs::write(folder.path().join("zones.jsonl"), "nonsense\n{}\n").unwrap();
    let damaged = Server::start(&options(folder.path(), base), Arc::new(|_| {})).unwrap_err();
    assert!(damaged.to_string().contains("line 1"), "{damaged}");
}
