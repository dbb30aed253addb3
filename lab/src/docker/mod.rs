//! Backend `docker`: machines are containers of Docker or Podman.
//!
//! Nothing is pulled: the image is the running program with its libraries. Containers have no
//! network of the engine's; they reach the lab over sockets in its folder, which is below the same
//! path inside. Programs that resources run are this computer's own, which containers see but
//! cannot change. Every container has NET_ADMIN and no other privilege, and is labelled with the
//! lab's unique id, so that what a killed lab leaves behind is found.

mod agent;
mod container;
mod engine;
mod exec;
mod image;
mod line;
mod relay;
mod sweep;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use bollard::models::{ContainerCreateBody, DeviceMapping, HostConfig, Mount, MountType};
use rhs::family;

use crate::ledger::{Deed, Ledger};
use crate::machine::{Machine, MachineId, Machines, Power, Reach, Wanted};
use crate::{LabError, LabFolder};
pub use agent::{MachineOptions, run_machine};
use container::Container;
use engine::Engine;
pub use exec::{Executed, execute};
use image::Image;
use line::{Line, Lines};
pub(crate) use sweep::{collect, remove};

/// Label with the lab's unique id.
const LAB_LABEL: &str = "looksalive.lab";
/// Label with the folder below which the lab is.
const ROOT_LABEL: &str = "looksalive.root";
/// Label with the machine's name.
const MACHINE_LABEL: &str = "looksalive.machine";
/// Label of images: the hash of what is in them.
const IMAGE_LABEL: &str = "looksalive.image";

/// Where programs and their libraries are on this computer. Inside, they are there to be read.
const PROGRAMS: [&str; 7] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/alternatives",
];
/// What virtual adapters are made of.
const TUN: &str = "/dev/net/tun";
/// The port of the first array's target, on its machine and on those of all nodes.
const PORTAL: u16 = 3_260;

/// What is missing for containers on this computer, if anything is.
///
/// # Errors
/// Where engines were looked for, and what was found there.
pub fn missing_engine() -> Result<(), String> {
    match Engine::connect() {
        Ok(_) => Ok(()),
        Err(LabError::NoEngine(why)) => Err(why),
        Err(error) => Err(error.to_string()),
    }
}

/// Machines that are containers.
#[derive(Debug)]
pub(crate) struct Docker {
    engine: Engine,
    program: PathBuf,
    progress: fn(&str),
    power: Power,
    arrays: usize,
    sockets: PathBuf,
    /// Ports of this computer at which arrays are reached.
    portals: BTreeMap<usize, SocketAddr>,
}

impl Docker {
    /// Containers of the first engine that answers.
    ///
    /// # Errors
    /// When none does.
    pub(crate) fn new(
        program: PathBuf,
        arrays: usize,
        progress: fn(&str),
        power: Power,
    ) -> Result<Self, LabError> {
        Ok(Self {
            engine: Engine::connect()?,
            program,
            progress,
            power,
            arrays,
            sockets: PathBuf::new(),
            portals: BTreeMap::new(),
        })
    }

    /// Makes the image unless it is there; its name.
    fn image(&self, ledger: &mut Ledger) -> Result<String, LabError> {
        let because = LabError::path("read", &self.program);
        let image = Image::of(&self.program).map_err(&because)?;
        let name = image.name();
        if self.engine.has_image(&name)? {
            return Ok(name);
        }
        let began = Instant::now();
        let archive = image.archive().map_err(&because)?;
        let megabytes = archive.len() >> 20;
        let make = || {
            let label = format!("{IMAGE_LABEL}={}", image.tag());
            let target = (image::REPOSITORY, image.tag());
            Ok(self.engine.import(target, &label, archive))
        };
        let deed = Deed::Image { name: name.clone() };
        let made = ledger.enter(&deed, make);
        made.map_err(LabError::system("cannot write the ledger"))??;
        let seconds = began.elapsed().as_secs_f64();
        (self.progress)(&format!(
            "image {name} made of {megabytes} MiB in {seconds:.1} s"
        ));
        Ok(name)
    }

    /// Makes and starts all containers at once.
    fn start_all(
        &self,
        containers: Vec<(String, ContainerCreateBody)>,
        ledger: &mut Ledger,
    ) -> Result<(), LabError> {
        let (began, count) = (Instant::now(), containers.len());
        let names = containers.iter().map(|(name, _)| name.clone()).collect();
        let one = |(name, body): (String, ContainerCreateBody)| {
            self.engine.create(&name, body)?;
            self.engine.start(&name)
        };
        let all = || {
            thread::scope(|scope| {
                let started = containers.into_iter().map(|it| scope.spawn(|| one(it)));
                let started: Vec<_> = started.collect();
                let ended = started.into_iter().map(|it| match it.join() {
                    Ok(started) => started,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                Ok(ended.collect::<Result<(), LabError>>())
            })
        };
        let made = ledger.enter(&Deed::Containers { names }, all);
        made.map_err(LabError::system("cannot write the ledger"))??;
        let seconds = began.elapsed().as_secs_f64();
        (self.progress)(&format!("{count} containers started in {seconds:.1} s"));
        Ok(())
    }

    fn body(
        &self,
        lab: &LabFolder,
        wanted: &Wanted,
        image: &str,
        user: &str,
    ) -> ContainerCreateBody {
        let mut environment = vec![
            format!("{}={}", family::LAB, lab.uid()),
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        ];
        if let MachineId::Node(_) = wanted.id {
            let mark = format!("{}={}/{}", family::NODE, lab.uid(), wanted.name);
            environment.push(mark);
        }
        ContainerCreateBody {
            hostname: Some(wanted.name.clone()),
            user: Some(user.to_owned()),
            env: Some(environment),
            entrypoint: Some(vec![image::PROGRAM.to_owned()]),
            cmd: Some(self.command(lab, wanted)),
            image: Some(image.to_owned()),
            working_dir: Some("/".to_owned()),
            labels: Some(labels(lab, wanted)),
            network_disabled: Some(true),
            host_config: Some(host_config(lab, wanted)),
            ..ContainerCreateBody::default()
        }
    }

    /// What runs first in a container.
    fn command(&self, lab: &LabFolder, wanted: &Wanted) -> Vec<String> {
        let path = |path: PathBuf| path.display().to_string();
        let socket = |array: usize| path(portal_socket(&lab.sockets(), array));
        let mut words = vec!["machine".to_owned(), wanted.name.clone()];
        words.extend(["--lab".to_owned(), path(lab.sockets().join(MACHINES))]);
        match wanted.id {
            MachineId::Node(_) => (0..self.arrays).for_each(|array| {
                let reach = format!("{}={}", portal(array), socket(array));
                words.extend(["--reach".to_owned(), reach]);
            }),
            MachineId::Array(array) => {
                let offer = format!("{}={}", socket(array), portal(array));
                words.extend(["--offer".to_owned(), offer]);
            }
        }
        words
    }

    /// As whom containers run: so that what they write belongs to whoever runs the lab.
    fn user(&self) -> Result<String, LabError> {
        let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
        if self.engine.is_rootless()? {
            return Ok("0:0".to_owned());
        }
        Ok(format!("{}:{}", user.as_raw(), group.as_raw()))
    }
}

/// The socket at which machines find the lab.
const MACHINES: &str = "machines";

impl Machines for Docker {
    fn backend(&self) -> &'static str {
        "docker"
    }

    fn make(
        &mut self,
        folder: &LabFolder,
        wanted: &[Wanted],
        ledger: &mut Ledger,
    ) -> Result<Vec<Box<dyn Machine>>, LabError> {
        self.sockets = folder.sockets();
        let image = self.image(ledger)?;
        let user = self.user()?;
        let line = |it: &Wanted| (it.name.clone(), (it.id, Arc::new(Line::default())));
        let lines: Lines = wanted.iter().map(line).collect();
        let socket = folder.part_socket(MACHINES)?;
        line::listen(&socket, lines.clone(), self.power.clone())
            .map_err(LabError::path("listen at", &socket))?;
        let mut bodies = Vec::new();
        for machine in wanted {
            make_places(folder, machine)?;
            let body = self.body(folder, machine, &image, &user);
            bodies.push((container_name(folder, machine), body));
        }
        self.start_all(bodies, ledger)?;
        let machine = |wanted: &Wanted| -> Option<Box<dyn Machine>> {
            let (_, line) = lines.get(&wanted.name)?;
            let name = container_name(folder, wanted);
            Some(Box::new(Container::new(
                name,
                self.engine.clone(),
                Arc::clone(line),
            )))
        };
        Ok(wanted.iter().filter_map(machine).collect())
    }

    fn listen(&self, array: usize) -> SocketAddr {
        portal(array)
    }

    fn reach(&mut self, array: usize, listens: SocketAddr) -> Result<Reach, LabError> {
        let from_here = match self.portals.get(&array) {
            Some(known) => *known,
            None => {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let made = relay::reach(any, portal_socket(&self.sockets, array));
                made.map_err(LabError::system("cannot offer an array on loopback"))?
            }
        };
        self.portals.insert(array, from_here);
        Ok(Reach {
            from_nodes: listens,
            from_here,
        })
    }
}

/// Where the target of an array listens on its machine, and where nodes find it on theirs.
fn portal(array: usize) -> SocketAddr {
    let port = u16::try_from(array).map_or(PORTAL, |it| PORTAL.saturating_add(it));
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn portal_socket(sockets: &Path, array: usize) -> PathBuf {
    sockets.join(format!("portal-{array}"))
}

fn container_name(lab: &LabFolder, wanted: &Wanted) -> String {
    format!("looksalive-{}-{}", lab.uid(), wanted.name)
}

fn labels(lab: &LabFolder, wanted: &Wanted) -> HashMap<String, String> {
    let root = lab.path().parent().unwrap_or(Path::new("/"));
    HashMap::from([
        (LAB_LABEL.to_owned(), lab.uid().to_string()),
        (ROOT_LABEL.to_owned(), root.display().to_string()),
        (MACHINE_LABEL.to_owned(), wanted.name.clone()),
    ])
}

/// What is mounted has to be there before.
fn make_places(lab: &LabFolder, wanted: &Wanted) -> Result<(), LabError> {
    let folder = &wanted.folder;
    fs::create_dir_all(folder).map_err(LabError::path("make", folder))?;
    let log = lab.log(&wanted.name);
    let made = File::options().create(true).append(true).open(&log);
    made.map_err(LabError::path("write to", &log))?;
    Ok(())
}

fn host_config(lab: &LabFolder, wanted: &Wanted) -> HostConfig {
    let own = [lab.sockets(), wanted.folder.clone(), lab.log(&wanted.name)];
    let mut mounts: Vec<Mount> = own.iter().map(|path| mount(path, false)).collect();
    mounts.push(mount(&lab.lab_file(), true));
    let programs = PROGRAMS.iter().map(Path::new).filter(|it| it.is_dir());
    mounts.extend(programs.map(|path| mount(path, true)));
    let tun = DeviceMapping {
        path_on_host: Some(TUN.to_owned()),
        path_in_container: Some(TUN.to_owned()),
        cgroup_permissions: Some("rw".to_owned()),
    };
    HostConfig {
        network_mode: Some("none".to_owned()),
        mounts: Some(mounts),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(vec!["NET_ADMIN".to_owned()]),
        devices: Path::new(TUN).exists().then(|| vec![tun]),
        privileged: Some(false),
        security_opt: Some(vec![
            "no-new-privileges".to_owned(),
            "label=disable".to_owned(),
        ]),
        ..HostConfig::default()
    }
}

fn mount(path: &Path, read_only: bool) -> Mount {
    let path = path.display().to_string();
    Mount {
        target: Some(path.clone()),
        source: Some(path),
        typ: Some(MountType::BIND),
        read_only: Some(read_only),
        ..Mount::default()
    }
}
