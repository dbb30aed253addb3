//! Starting, killing and talking to the target's process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::time::Duration;

use scsi::iscsi::login::Identity;
use scsi::iscsi::negotiation::Parameters;
use scsi::{InitiatorPort, Isid, Lun};

use super::client::{Client, ClientError};

pub(crate) const NAME: &str = "iqn.2024-01.example:array";
pub(crate) const LUN: Lun = Lun(0);

/// A running target; killed when dropped.
pub(crate) struct Target {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Target {
    /// Starts a target on a free port and waits until it listens.
    pub(crate) fn start(state: &Path, more: &[&str]) -> Self {
        let mut process = Process::new(env!("CARGO_BIN_EXE_looksalive"))
            .args([
                "target",
                "--listen",
                "127.0.0.1:0",
                "--iqn",
                NAME,
                "--state",
            ])
            .arg(state)
            .args(["--lun", "0=16MiB,thin"])
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let ready = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.starts_with("ready:"));
        let ready = ready.expect("the target says that it is ready");
        let address = ready
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .expect("an address");
        // Whatever it still says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.count());
        Self { process, address }
    }

    /// Kills the process as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn connect(&self, who: u8) -> Client {
        self.connect_as(&identity(who))
            .expect("the target lets us in")
    }

    pub(crate) fn connect_as(&self, identity: &Identity) -> Result<Client, ClientError> {
        Client::connect(self.address, identity.clone(), Duration::from_secs(20))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _killed = self.process.kill();
        let _reaped = self.process.wait();
    }
}

pub(crate) fn identity(who: u8) -> Identity {
    Identity {
        initiator: InitiatorPort::new(
            format!("iqn.2024-01.example:n{who}"),
            Isid([0x80, 0, 0, 0, 0, who]),
        ),
        target_name: Some(NAME.to_owned()),
        credentials: None,
        expected_of_target: None,
        parameters: Parameters::default(),
    }
}

/// How often a test repeats itself: a few times as part of all tests, and as often as `variable`
/// says where someone wants to be sure.
pub(crate) fn rounds(variable: &str, otherwise: u32) -> u32 {
    std::env::var(variable).map_or(otherwise, |it| it.parse().expect("a number of rounds"))
}

/// A small generator of numbers that are different enough from each other.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `limit`.
    pub(crate) fn roll(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
