//! A program that a generic application runs: a child process that does not outlive its host.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getppid, kill_process, set_parent_process_death_signal,
    waitid,
};

use crate::family;
use crate::registry::REGISTRY;
use crate::server::SERVER_SERVICE;

/// Environment variable in which programs find ours, to ask their machine's services.
const LOOKSALIVE: &str = "LOOKSALIVE";
/// How often a program that was asked to end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a program is started with.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    /// The program and its arguments, as a shell would read them.
    pub(crate) command_line: Cow<'a, str>,
    /// One more argument, read by no shell.
    pub(crate) argument: Option<&'a str>,
    /// Where it works; empty: where its host does.
    pub(crate) folder: &'a str,
    /// The machine's network namespace, if it is not that of its host.
    pub(crate) namespace: Option<&'a Path>,
    /// The machine's registry.
    pub(crate) registry: Option<&'a Path>,
    /// The socket of the machine's server service.
    pub(crate) server_service: Option<&'a Path>,
    /// Mark of its processes.
    pub(crate) mark: String,
}

impl Start<'_> {
    fn command(&self) -> io::Result<Command> {
        let words = shlex::split(&self.command_line).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| {
            let why = format!("`{}` is not a command line", self.command_line);
            io::Error::new(io::ErrorKind::InvalidInput, why)
        })?;
        find(words.first().map_or("", String::as_str))?;
        let ours = std::env::current_exe()?;
        let mut command = Command::new(&ours);
        command
            .env(LOOKSALIVE, &ours)
            .args(["rhs", "--execute", &std::process::id().to_string()]);
        if let Some(namespace) = self.namespace {
            command.arg("--namespace").arg(namespace);
        }
        if let Some(registry) = self.registry {
            command.env(REGISTRY, registry);
        }
        if let Some(service) = self.server_service {
            command.env(SERVER_SERVICE, service);
        }
        command
            .arg("--")
            .args(&words)
            .args(self.argument)
            .env(family::PROGRAM, &self.mark);
        if !self.folder.is_empty() {
            command.current_dir(self.folder);
        }
        Ok(command)
    }
}

/// A program that was started.
#[derive(Debug)]
pub(crate) struct Program {
    mark: String,
    pid: Pid,
    child: Arc<Mutex<Child>>,
}

impl Program {
    /// Starts a program; `ended` is called when it ends, for whatever reason.
    ///
    /// Must be called on a thread that outlives the program: it is killed when the thread ends.
    pub(crate) fn start(
        start: &Start<'_>,
        ended: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let mut command = start.command()?;
        command.stdin(Stdio::null());
        command.stdout(io::stderr().as_fd().try_clone_to_owned()?);
        Self::of(&start.mark, command.spawn()?, ended)
    }

    /// As [`Self::start`], with the program's standard input and output.
    pub(crate) fn talk(
        start: &Start<'_>,
        ended: impl FnOnce() + Send + 'static,
    ) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        let mut command = start.command()?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let program = Self::of(&start.mark, child, ended)?;
        match (to, from) {
            (Some(to), Some(from)) => Ok((program, to, from)),
            _ => Err(io::Error::other("the program has no standard streams")),
        }
    }

    fn of(mark: &str, child: Child, ended: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let mark = mark.to_owned();
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the system gave no process id"))?;
        let child = Arc::new(Mutex::new(child));
        let reaper = Arc::clone(&child);
        thread::spawn(move || {
            // Without reaping, so that the number stays its own while somebody may signal it.
            let exited = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let _status = waitid(WaitId::Pid(pid), exited);
            let _reaped = lock(&reaper).wait();
            ended();
        });
        Ok(Self { mark, pid, child })
    }

    /// Waits until it has ended, and says with what; none when a signal ended it.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        while self.runs() {
            thread::sleep(LOOK_EVERY);
        }
        lock(&self.child).try_wait().ok().flatten()?.code()
    }

    /// Whether it runs.
    pub(crate) fn runs(&self) -> bool {
        lock(&self.child).try_wait().is_ok_and(|it| it.is_none())
    }

    /// Asks it to end and waits so long; whether it has ended.
    pub(crate) fn ask_to_end(&self, patience: Duration) -> bool {
        self.signal(Signal::TERM);
        self.wait(patience)
    }

    /// Waits until it has ended, at most so long; whether it has.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.runs() {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(LOOK_EVERY);
        }
        true
    }

    /// Ends it and everything that it has started.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
        family::kill(family::PROGRAM, &self.mark);
        self.wait(Duration::from_secs(10));
    }

    fn signal(&self, signal: Signal) {
        let mut child = lock(&self.child);
        if child.try_wait().is_ok_and(|it| it.is_none()) {
            // It may end at this very moment, which is what the signal is for.
            let _ended = kill_process(self.pid, signal);
        }
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether there is such a program; the system says so only after the start.
fn find(program: &str) -> io::Result<()> {
    let is_there = |path: &Path| fs::metadata(path).is_ok_and(|it| it.is_file());
    let found = if program.contains('/') {
        is_there(Path::new(program))
    } else {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| is_there(&folder.join(program)))
    };
    if found {
        return Ok(());
    }
    let why = format!("there is no program `{program}`");
    Err(io::Error::new(io::ErrorKind::NotFound, why))
}

/// Becomes a program that ends with the resource host `host`, in a network namespace. Returns only
/// when that fails.
#[must_use]
pub fn execute(host: i32, namespace: Option<&Path>, words: &[OsString]) -> io::Error {
    if let Some(Err(error)) = namespace.map(crate::enter) {
        return error;
    }
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    // The host may have ended before the signal was arranged.
    if getppid() != Pid::from_raw(host) {
        return io::Error::other("the resource host has ended");
    }
    let Some((program, arguments)) = words.split_first() else {
        return io::Error::new(
            io::ErrorKind::InvalidInput,
            "there is no command to execute",
        );
    };
    Command::new(program).args(arguments).exec()
}
