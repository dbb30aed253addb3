//! What runs first in a machine's container: it starts and ends the part as the lab says.
//!
//! A machine loses its power when this process ends, and it ends when the lab does. So nothing of a
//! lab runs longer than its keeper, and what a killed one leaves are containers that have ended.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rhs::family;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::relay;
use super::words::{self, Hello, Order};
use crate::local;

/// What a machine is started with.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// Its name in the lab.
    pub name: String,
    /// The lab's socket for machines.
    pub lab: PathBuf,
    /// Ports of this machine that others reach through sockets.
    pub offers: Vec<(PathBuf, SocketAddr)>,
    /// Sockets of others that are ports of this machine.
    pub reaches: Vec<(SocketAddr, PathBuf)>,
}

/// Is a machine until the lab is gone or ends it.
///
/// # Errors
/// When the lab is not there.
pub fn run_machine(options: MachineOptions) -> io::Result<()> {
    family::adopt();
    for (socket, port) in &options.offers {
        relay::offer(socket, *port)?;
    }
    for (port, socket) in &options.reaches {
        relay::reach(*port, socket.clone())?;
    }
    let lab = UnixStream::connect(&options.lab)?;
    let hello = Hello {
        machine: options.name.clone(),
        life: None,
    };
    words::say(&lab, &hello)?;
    let mut agent = Agent {
        options,
        part: None,
        mark: std::env::var(family::NODE).ok(),
    };
    let mut answers = lab.try_clone()?;
    for line in BufReader::new(lab).lines() {
        let Ok(order) = line.and_then(|line| Ok(serde_json::from_str(&line)?)) else {
            break;
        };
        if order == Order::Die {
            break;
        }
        agent.obey(order);
        answers.write_all(b"\n")?;
    }
    agent.die();
    Ok(())
}

struct Agent {
    options: MachineOptions,
    part: Option<Child>,
    /// Mark of all processes of the machine.
    mark: Option<String>,
}

impl Agent {
    fn obey(&mut self, order: Order) {
        match order {
            Order::Start {
                life,
                arguments,
                environment,
                log,
            } => {
                if let Err(error) = self.start(life, &arguments, environment, &log) {
                    eprintln!("{} cannot be started: {error}", self.options.name);
                }
            }
            Order::Stop => self.stop(),
            Order::Kill => self.kill(),
            // Whoever takes orders has seen to it.
            Order::Die => {}
        }
    }

    fn start(
        &mut self,
        life: u64,
        arguments: &[String],
        environment: Vec<(String, String)>,
        log: &PathBuf,
    ) -> io::Result<()> {
        let voice = UnixStream::connect(&self.options.lab)?;
        let hello = Hello {
            machine: self.options.name.clone(),
            life: Some(life),
        };
        words::say(&voice, &hello)?;
        let errors = File::options().create(true).append(true).open(log)?;
        let program = std::env::current_exe()?;
        let mut command: Command = local::bound_to_this(&program);
        command
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(OwnedFd::from(voice))
            .stderr(errors);
        self.part = Some(command.spawn()?);
        Ok(())
    }

    fn stop(&self) {
        let pid = self.part.as_ref().map(Child::id);
        let pid = pid.and_then(|it| Pid::from_raw(i32::try_from(it).ok()?));
        if let Some(pid) = pid {
            // One that has just ended has stopped.
            let _ended = kill_process(pid, Signal::TERM);
        }
    }

    fn kill(&mut self) {
        if let Some(mut part) = self.part.take() {
            let _ended = part.kill();
            let _reaped = part.wait();
        }
        if let Some(mark) = &self.mark {
            family::kill(family::NODE, mark);
        }
        // What had lost its parent has become a child of this process.
        while let Ok(Some(_)) = waitpid(None, WaitOptions::NOHANG) {}
    }

    fn die(mut self) {
        self.kill();
        if let Ok(lab) = std::env::var(family::LAB) {
            family::kill(family::LAB, &lab);
        }
    }
}
