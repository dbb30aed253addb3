//! Resource hosts: child processes that speak frames on standard input and output.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::process::Stdio;

use base::{HostId, NodeId};
use node::Event;
use rhs::family;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};
use top::rcm::{HostCommand, HostReport};

use crate::driver::Input;
use crate::stream;

/// How hosts are started.
#[derive(Clone, Debug)]
pub(crate) struct Starter {
    pub(crate) node: NodeId,
    /// The program with its first arguments.
    pub(crate) command: Vec<OsString>,
    pub(crate) outside: Option<std::path::PathBuf>,
    pub(crate) server_service: Option<std::path::PathBuf>,
    /// Mark of the node's processes.
    pub(crate) mark: String,
}

/// The hosts that run.
#[derive(Debug)]
pub(crate) struct Hosts {
    starter: Starter,
    inbox: mpsc::Sender<Input>,
    hosts: BTreeMap<HostId, Host>,
}

#[derive(Debug)]
struct Host {
    commands: mpsc::UnboundedSender<HostCommand>,
    /// Dropped or used to kill the process.
    kill: Option<oneshot::Sender<()>>,
}

impl Hosts {
    pub(crate) fn new(starter: Starter, inbox: mpsc::Sender<Input>) -> Self {
        Self {
            starter,
            inbox,
            hosts: BTreeMap::new(),
        }
    }

    /// Carries out a command of the node.
    pub(crate) fn command(&mut self, host: HostId, command: HostCommand) {
        match command {
            HostCommand::Start => self.start(host),
            HostCommand::Kill => {
                if let Some(kill) = self.hosts.get_mut(&host).and_then(|it| it.kill.take()) {
                    let _ended = kill.send(());
                }
            }
            HostCommand::Call { .. } | HostCommand::Restore { .. } => {
                if let Some(known) = self.hosts.get(&host) {
                    let _ended = known.commands.send(command);
                }
            }
        }
    }

    /// Ends all of them, as a fault of their own would.
    pub(crate) fn end_all(&mut self) {
        for kill in self.hosts.values_mut().filter_map(|it| it.kill.take()) {
            let _ended = kill.send(());
        }
    }

    fn start(&mut self, host: HostId) {
        let (commands, queue) = mpsc::unbounded_channel();
        let (kill, killed) = oneshot::channel();
        let kill = Some(kill);
        self.hosts.insert(host, Host { commands, kill });
        let (starter, inbox) = (self.starter.clone(), self.inbox.clone());
        tokio::spawn(async move {
            if let Err(error) = live(&starter, host, queue, killed, &inbox).await {
                eprintln!("resource host {host} cannot be started: {error}");
            }
            let mark = starter.mark_of(host);
            // Programs of a host that died at once are its children no longer.
            let swept = tokio::task::spawn_blocking(move || family::kill(family::HOST, &mark));
            let _swept = swept.await;
            report(&inbox, host, HostReport::Exited).await;
        });
    }
}

impl Starter {
    fn mark_of(&self, host: HostId) -> String {
        format!("{}/{host}", self.mark)
    }

    fn spawn(&self, host: HostId) -> io::Result<Child> {
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or_else(|| io::Error::other("no command for resource hosts was given"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg("--node")
            .arg(self.node.to_string())
            .arg("--host")
            .arg(host.to_string())
            .env(family::NODE, &self.mark)
            .env(family::HOST, self.mark_of(host))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Some(outside) = &self.outside {
            command.arg("--outside").arg(outside);
        }
        if let Some(service) = &self.server_service {
            command.arg("--server-service").arg(service);
        }
        command.spawn()
    }
}

/// One host from its start to its end.
async fn live(
    starter: &Starter,
    host: HostId,
    commands: mpsc::UnboundedReceiver<HostCommand>,
    killed: oneshot::Receiver<()>,
    inbox: &mpsc::Sender<Input>,
) -> io::Result<()> {
    let mut child = starter.spawn(host)?;
    let stdin = child
        .stdin
        .take()
        .ok_or_else(|| io::Error::other("no standard input"))?;
    let mut stdout = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("no standard output"))?;
    let writer = tokio::spawn(write(stdin, commands));
    let reports = async {
        while let Ok(Some(said)) = stream::read(&mut stdout).await {
            report(inbox, host, said).await;
        }
    };
    tokio::select! {
        () = reports => {}
        _ = killed => {}
    }
    writer.abort();
    // A host that has closed its output does nothing any more, whether it has ended or not.
    let _gone = child.start_kill();
    child.wait().await.map(|_| ())
}

async fn write(mut stdin: ChildStdin, mut commands: mpsc::UnboundedReceiver<HostCommand>) {
    while let Some(command) = commands.recv().await {
        if stream::write(&mut stdin, &command).await.is_err() {
            return;
        }
    }
}

async fn report(inbox: &mpsc::Sender<Input>, host: HostId, report: HostReport) {
    let event = Event::Host { host, report };
    let _ended = inbox.send(Input::Event(event)).await;
}
