//! One machine as a container.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use super::engine::Engine;
use super::line::Line;
use super::words::Order;
use crate::LabError;
use crate::machine::{Machine, Part};

/// How long a machine may take from power to the start of its part.
const START_MAX: Duration = Duration::from_secs(60);
/// How long its own end may take; then the engine's word counts.
const DIE_MAX: Duration = Duration::from_secs(1);
/// How long killing a part may take.
const KILL_MAX: Duration = Duration::from_secs(10);
/// How long the engine may take to kill a container.
const ENGINE_KILL_MAX: Duration = Duration::from_secs(30);

/// A machine that is a container.
#[derive(Debug)]
pub(crate) struct Container {
    name: String,
    engine: Engine,
    line: Arc<Line>,
    jobs: Sender<Job>,
    frozen: bool,
}

/// What the engine is asked for in turn, by a thread of its own.
#[derive(Debug)]
enum Job {
    Start,
    Kill(Sender<()>),
}

impl Container {
    /// The machine in a container that runs.
    pub(crate) fn new(name: String, engine: Engine, line: Arc<Line>) -> Self {
        let (jobs, due) = mpsc::channel();
        let (worker, container) = (engine.clone(), name.clone());
        thread::spawn(move || work(&worker, &container, &due));
        Self {
            name,
            engine,
            line,
            jobs,
            frozen: false,
        }
    }

    fn ask(&self, job: Job) {
        // The thread lives as long as this sender.
        let _alive = self.jobs.send(job);
    }
}

fn work(engine: &Engine, container: &str, due: &Receiver<Job>) {
    for job in due {
        let done = match &job {
            Job::Start => engine.start(container),
            Job::Kill(_) => engine.kill(container),
        };
        if let Err(error) = done {
            // The lab hears of it by the machine that does not come or go.
            eprintln!("{error}");
        }
        if let Job::Kill(killed) = job {
            let _impatient = killed.send(());
        }
    }
}

impl Machine for Container {
    fn power_on(&mut self) {
        self.ask(Job::Start);
    }

    /// The machine ends itself, which takes a moment, and the engine makes sure of it, which takes
    /// longer.
    fn power_off(&mut self) {
        self.line.next_life();
        self.line.expect_end();
        let (killed, is_killed) = mpsc::channel();
        if !self.frozen {
            self.line.give(&Order::Die);
        }
        self.ask(Job::Kill(killed));
        if self.frozen || !self.line.ended(DIE_MAX) {
            let _impatient = is_killed.recv_timeout(ENGINE_KILL_MAX);
        }
        self.frozen = false;
    }

    fn start(&mut self, part: &Part) -> Result<Box<dyn Read + Send>, LabError> {
        // An array's machine that somebody has killed gets its power back like this.
        self.ask(Job::Start);
        let text = |it: &std::ffi::OsString| it.to_string_lossy().into_owned();
        let marks = part.environment.iter();
        let order = Order::Start {
            life: self.line.next_life(),
            arguments: part.arguments.iter().map(text).collect(),
            environment: marks
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            log: part.log.clone(),
        };
        Ok(Box::new(Voice {
            line: Arc::clone(&self.line),
            order,
            stream: None,
        }))
    }

    fn stop(&mut self) {
        self.line.give(&Order::Stop);
    }

    fn kill(&mut self) {
        self.line.next_life();
        self.line.obeyed(&Order::Kill, KILL_MAX);
    }

    fn set_frozen(&mut self, frozen: bool) -> Result<(), LabError> {
        if frozen {
            self.engine.pause(&self.name)?;
        } else {
            self.engine.unpause(&self.name)?;
        }
        self.frozen = frozen;
        Ok(())
    }

    fn process(&self) -> Option<u32> {
        None
    }

    fn container(&self) -> Option<&str> {
        Some(&self.name)
    }
}

/// What a life of a part says. Whoever listens first waits until it has begun.
#[derive(Debug)]
struct Voice {
    line: Arc<Line>,
    order: Order,
    stream: Option<UnixStream>,
}

impl Read for Voice {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(self.line.begin(&self.order, START_MAX)?),
        };
        stream.read(bytes)
    }
}
