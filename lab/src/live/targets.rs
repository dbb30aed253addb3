//! The lab's shared disks: one target process for each array, and who holds what on it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use base::{DiskId, NodeId};
use initiator::{Patience, Settings};
use plan::Plan;
use rhs::family;
use runtime::INITIATOR_NAME;
use scsi::iscsi::login::Identity;
use scsi::{Command as Scsi, InitiatorPort, Isid, Lun, Outcome, pr};
use serde_json::{Value, json};

use super::input::Input;
use crate::machine::{Machine, Machines, Part, Reach};
use crate::{LabError, LabFolder};

/// How often the lab looks who holds a disk when nobody says that it changed.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a look may take.
const LOOK_MAX: Duration = Duration::from_millis(500);
/// How long a target may take to start.
const START_MAX: Duration = Duration::from_secs(20);

/// A target process.
#[derive(Debug)]
pub(crate) struct Target {
    name: String,
    machine: Box<dyn Machine>,
    control: PathBuf,
    /// Where it listens on its machine.
    listens: SocketAddr,
    reach: Reach,
    disks: Vec<(DiskId, Lun)>,
    looks: Sender<Sender<()>>,
}

/// The iSCSI name of an array.
pub(crate) fn iqn(array: &str) -> String {
    format!("iqn.2026-01.example.looksalive:{array}")
}

/// The lab that targets belong to.
#[derive(Debug)]
pub(crate) struct Lab<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) folder: &'a LabFolder,
    pub(crate) inbox: &'a Sender<Input>,
}

impl Lab<'_> {
    fn array(&self, place: usize) -> &str {
        self.plan.arrays.get(place).map_or("", |it| &it.name)
    }

    /// Runs the target of an array on its machine; returns the address at which it listens.
    fn run(
        &self,
        place: usize,
        machine: &mut dyn Machine,
        control: &Path,
        listen: SocketAddr,
    ) -> Result<SocketAddr, LabError> {
        let name = self.array(place);
        let log = self.folder.log(&format!("array-{name}"));
        let part = Part {
            arguments: self.arguments(place, control, listen),
            environment: vec![(family::LAB, self.folder.uid().to_string())],
            log: log.clone(),
        };
        let (ready, readiness) = mpsc::channel();
        watch(place, machine.start(&part)?, ready, self.inbox.clone());
        let listens = readiness.recv_timeout(START_MAX);
        listens.map_err(|_| {
            machine.kill();
            LabError::process(&format!("the target of array {name}"), reason(&log))
        })
    }

    fn arguments(&self, place: usize, control: &Path, listen: SocketAddr) -> Vec<OsString> {
        let name = self.array(place);
        let mut arguments: Vec<OsString> = vec![
            "target".into(),
            "--format".into(),
            "json".into(),
            "--iqn".into(),
            iqn(name).into(),
            "--listen".into(),
            listen.to_string().into(),
            "--state".into(),
            self.folder.array(name).into(),
            "--control".into(),
            control.into(),
        ];
        for disk in self.plan.disks.iter().filter(|disk| disk.array == place) {
            arguments.extend(["--lun".into(), unit(disk).into()]);
        }
        arguments
    }
}

impl Target {
    /// Starts the target of an array, and waits until it listens.
    pub(crate) fn start(
        lab: &Lab<'_>,
        place: usize,
        mut machine: Box<dyn Machine>,
        machines: &mut dyn Machines,
    ) -> Result<Self, LabError> {
        let name = lab.array(place);
        let listens = machines.listen(place);
        let state = lab.folder.array(name);
        lay_out(lab.plan, place, &state).map_err(LabError::path("make disks in", &state))?;
        let control = lab.folder.part_socket(&format!("array-{place}"))?;
        let listens = lab.run(place, machine.as_mut(), &control, listens)?;
        let reach = machines.reach(place, listens)?;
        let here = lab.plan.disks.iter().filter(|disk| disk.array == place);
        let disks: Vec<(DiskId, Lun)> = here.map(|disk| (disk.id, Lun(disk.lun))).collect();
        let (looks, asked) = mpsc::channel();
        look(
            settings(reach.from_here, &iqn(name)),
            disks.clone(),
            asked,
            lab.inbox.clone(),
        );
        Ok(Self {
            name: name.to_owned(),
            machine,
            control,
            listens,
            reach,
            disks,
            looks,
        })
    }

    /// Starts a target that has ended, where it was.
    pub(crate) fn restart(&mut self, lab: &Lab<'_>, place: usize) -> Result<(), LabError> {
        lab.run(place, self.machine.as_mut(), &self.control, self.listens)?;
        Ok(())
    }

    /// The array's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How it is reached.
    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// The number of a disk there.
    pub(crate) fn lun(&self, disk: DiskId) -> Option<Lun> {
        self.disks
            .iter()
            .find(|(it, _)| *it == disk)
            .map(|(_, lun)| *lun)
    }

    /// Looks now who holds its disks. What has changed is in the inbox when this returns.
    pub(crate) fn look_now(&self) {
        let (done, looked) = mpsc::channel();
        if self.looks.send(done).is_ok() {
            let _late = looked.recv_timeout(LOOK_MAX);
        }
    }

    /// Makes a fault, in the words of its control socket.
    pub(crate) fn fault(&self, words: &[(&str, String)]) -> std::io::Result<()> {
        let words: serde_json::Map<String, Value> = words
            .iter()
            .map(|(key, word)| ((*key).to_owned(), json!([word])))
            .collect();
        let mut stream = UnixStream::connect(&self.control)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        writeln!(stream, "{}", Value::Object(words))?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        let answer: Value = serde_json::from_str(&answer)?;
        if answer["ok"] == true {
            return Ok(());
        }
        let why = answer["error"]
            .as_str()
            .unwrap_or("the target gave no reason");
        Err(std::io::Error::other(why.to_owned()))
    }

    /// What is left of a process that has ended is ended too.
    pub(crate) fn reap(&mut self) {
        self.machine.kill();
    }
}

fn unit(disk: &plan::Disk) -> String {
    let bytes = disk.blocks * u64::from(disk.block_bytes);
    let physical = 1_u32 << disk.physical_exponent;
    let (lun, block) = (disk.lun, disk.block_bytes);
    format!("{lun}={bytes},block={block},physical={physical}")
}

/// Where a target keeps the blocks of a unit, below its state folder.
pub(super) fn disk_file(folder: &Path, lun: u16) -> PathBuf {
    folder.join(format!("lun-{lun}.disk"))
}

/// Makes the files of an array's disks, each with an empty volume; those that are there stay as
/// they are.
fn lay_out(plan: &Plan, place: usize, folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for disk in plan.disks.iter().filter(|disk| disk.array == place) {
        let path = disk_file(folder, disk.lun);
        if path.exists() {
            continue;
        }
        let file = File::create(&path)?;
        file.set_len(disk.blocks * u64::from(disk.block_bytes))?;
        for piece in sim::world::volume_of(plan, disk) {
            file.write_all_at(&piece.bytes, piece.offset)?;
        }
    }
    Ok(())
}

/// Passes its address on when it listens, and says when it ends.
fn watch(
    place: usize,
    stdout: Box<dyn Read + Send>,
    ready: Sender<SocketAddr>,
    inbox: Sender<Input>,
) {
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["event"] == "ready" {
                let address = event["addresses"][0]
                    .as_str()
                    .and_then(|it| it.parse().ok());
                address.into_iter().for_each(|it| {
                    let _waited_too_long = ready.send(it);
                });
            }
        }
        let _closing = inbox.send(Input::TargetEnded(place));
    });
}

/// What a part that did not start said last.
fn reason(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    last.unwrap_or("it said nothing").to_owned()
}

fn settings(address: SocketAddr, target: &str) -> Settings {
    Settings {
        portals: vec![address],
        identity: Identity {
            initiator: InitiatorPort::new(
                "iqn.2026-01.example.looksalive:observer",
                Isid([0x80, 0, 0, 0, 0, 9]),
            ),
            target_name: Some(target.to_owned()),
            credentials: None,
            expected_of_target: None,
            parameters: Default::default(),
        },
        patience: Patience {
            command: LOOK_MAX,
            ..Patience::default()
        },
    }
}

/// Looks at the reservations from a session of the lab's own, which may read them without being
/// registered; asked for, and from time to time.
fn look(
    settings: Settings,
    disks: Vec<(DiskId, Lun)>,
    asked: Receiver<Sender<()>>,
    inbox: Sender<Input>,
) {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else {
            return;
        };
        let path = runtime.block_on(async { initiator::Path::open(settings) });
        let mut last: Vec<Option<Option<NodeId>>> = vec![None; disks.len()];
        loop {
            let asker = match asked.recv_timeout(LOOK_EVERY) {
                Ok(asker) => Some(asker),
                Err(mpsc::RecvTimeoutError::Timeout) => None,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            for ((disk, lun), last) in disks.iter().zip(&mut last) {
                let Some(holder) = runtime.block_on(holder(&path, *lun)) else {
                    continue;
                };
                if *last != Some(holder) {
                    *last = Some(holder);
                    let _closing = inbox.send(Input::Holder(*disk, holder));
                }
            }
            asker.into_iter().for_each(|it| {
                let _impatient = it.send(());
            });
        }
    });
}

/// Who holds a disk; absent when the target does not tell.
async fn holder(path: &initiator::Path, lun: Lun) -> Option<Option<NodeId>> {
    let ask = || Scsi::PersistentReserveIn(pr::InAction::ReadFullStatus);
    let mut outcome = path.execute(lun, ask()).await;
    if outcome.is_unit_attention() {
        outcome = path.execute(lun, ask()).await;
    }
    let Outcome::Good(bytes) = outcome else {
        return None;
    };
    let status = pr::FullStatus::parse(&bytes).ok()?;
    let holder = status.registrants.into_iter().find(|it| it.is_holder);
    Some(holder.and_then(|it| node_of(&it.initiator.name)))
}

fn node_of(initiator: &str) -> Option<NodeId> {
    NodeId::new(initiator.strip_prefix(INITIATOR_NAME)?.parse().ok()?)
}
