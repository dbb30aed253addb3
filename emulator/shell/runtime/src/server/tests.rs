use std::net::TcpStream;
use std::os::unix::net::UnixStream as BlockingStream;
use std::time::{Duration, Instant};

use base::NodeId;
use rhs::frames;
use rhs::server::ask;
use tempfile::TempDir;
use tokio::sync::mpsc;
use top::rcm::NameSettings;
use top::restype::SharePlace;

use super::*;
use crate::clock::Clock;
use crate::disks::Disks;

struct Machine {
    folder: TempDir,
    socket: PathBuf,
    _service: ServerService,
}

impl Machine {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("server");
        let options = ServerOptions {
            socket: socket.clone(),
            has_adapters: false,
            namespace: None,
        };
        let (inbox, _events) = mpsc::channel(1);
        let node = NodeId::new(1).unwrap();
        let disks = Disks::open(node, Clock::start(), BTreeMap::new(), inbox);
        let own = folder.path().join("files");
        let service = ServerService::start(&options, own, disks.ways()).unwrap();
        Self {
            folder,
            socket,
            _service: service,
        }
    }

    fn host(&self) -> Host {
        Host(BlockingStream::connect(&self.socket).unwrap())
    }

    fn list(&self) -> Vec<Offered> {
        match ask(&self.socket, &ToServer::List).unwrap() {
            FromServer::Shares(shares) => shares,
            other => panic!("asked for shares, got {other:?}"),
        }
    }
}

/// A resource's connection.
struct Host(BlockingStream);

impl Host {
    fn ask(&mut self, request: &ToServer) -> FromServer {
        frames::write(&mut self.0, request).unwrap();
        frames::read(&mut self.0).unwrap().unwrap()
    }
}

fn name() -> ToServer {
    ToServer::Publish(ResourceParameters::NetworkName {
        name: "FS1".into(),
        addresses: vec!["10.0.0.9".into()],
        settings: NameSettings::default(),
    })
}

fn share(name: &str) -> ToServer {
    ToServer::Publish(ResourceParameters::FileShare {
        server: "FS1".into(),
        share: name.into(),
        path: format!("D:\\{name}"),
        max_users: None,
        place: SharePlace::default(),
    })
}

#[test]
fn a_share_is_there_with_its_name_until_its_host_ends() {
    let machine = Machine::start();
    let (mut vs, mut host) = (machine.host(), machine.host());
    let too_early = host.ask(&share("data"));
    assert_eq!(too_early, FromServer::Failed(SHARE_NOT_FOUND));
    assert_eq!(vs.ask(&name()), FromServer::Done);
    assert_eq!(host.ask(&share("data")), FromServer::Done);
    let [offered] = machine.list().try_into().unwrap();
    assert_eq!((offered.server.as_str(), offered.flags), ("FS1", 0));
    assert!(TcpStream::connect(&offered.at).is_ok());
    let mut other = machine.host();
    assert_eq!(
        other.ask(&share("DATA")),
        FromServer::Failed(DUPLICATE_SHARE)
    );
    drop(host);
    let until = Instant::now() + Duration::from_secs(10);
    while !machine.list().is_empty() {
        assert!(Instant::now() < until, "the share outlives its host");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The name is still there, and so is its server.
    assert!(TcpStream::connect(&offered.at).is_ok());
    assert_eq!(vs.ask(&ToServer::Withdraw), FromServer::Done);
    assert!(TcpStream::connect(&offered.at).is_err());
}

#[test]
fn a_look_finds_what_is_gone() {
    let machine = Machine::start();
    let (mut vs, mut host) = (machine.host(), machine.host());
    assert_eq!(vs.ask(&name()), FromServer::Done);
    assert_eq!(host.ask(&share("data")), FromServer::Done);
    let look = |checks: &[Check]| ToServer::Look(checks.to_vec());
    let all = [
        Check::Share,
        Check::ScopedShare,
        Check::FirstFile,
        Check::Directory,
    ];
    assert_eq!(host.ask(&look(&all)), FromServer::Done);
    let folder = machine.folder.path().join("files/D/data");
    std::fs::remove_dir(&folder).unwrap();
    assert_eq!(host.ask(&look(&[Check::Share])), FromServer::Done);
    for check in [Check::FirstFile, Check::Directory] {
        let seen = host.ask(&look(&[check]));
        assert_eq!(seen, FromServer::Failed(PATH_NOT_FOUND), "{check:?}");
    }
    let remove = ToServer::Remove {
        server: "fs1".into(),
        share: "Data".into(),
    };
    assert_eq!(ask(&machine.socket, &remove).unwrap(), FromServer::Done);
    let seen = host.ask(&look(&[Check::ScopedShare]));
    assert_eq!(seen, FromServer::Failed(SHARE_NOT_FOUND));
    assert_eq!(host.ask(&share("data")), FromServer::Done);
    assert_eq!(host.ask(&look(&[Check::ScopedShare])), FromServer::Done);
}

#[test]
fn flags_are_set_by_whoever_finds_the_service() {
    let machine = Machine::start();
    let (mut vs, mut host) = (machine.host(), machine.host());
    assert_eq!(vs.ask(&name()), FromServer::Done);
    assert_eq!(host.ask(&share("data")), FromServer::Done);
    let set = |share: &str| ToServer::SetFlags {
        server: "FS1".into(),
        share: share.into(),
        flags: shares::FLAG_ACCESS_BASED_ENUMERATION,
    };
    assert_eq!(
        ask(&machine.socket, &set("data")).unwrap(),
        FromServer::Done
    );
    assert_eq!(machine.list()[0].flags, 0x800);
    let none = ask(&machine.socket, &set("other")).unwrap();
    assert_eq!(none, FromServer::Failed(SHARE_NOT_FOUND));
}
