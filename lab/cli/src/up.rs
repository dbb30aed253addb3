//! `looksalive up`: a lab of processes or containers that stays up.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process, setsid};
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::exit::Exit;
use crate::format::Format;
use crate::local::Expose;
use crate::{check, local, output, show};

/// How long a lab may take to become quorate before `up` gives up and takes it down.
const QUORATE_MAX: Duration = Duration::from_secs(120);

/// Bring a lab up and keep it up; returns when it is quorate
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The lab file
    file: PathBuf,
    /// Where the lab runs; beats the lab file
    #[arg(long, value_enum)]
    backend: Option<Backend>,
    /// How machines of backend `local` get adapters of their own; beats the lab file
    #[arg(long, value_enum)]
    expose: Option<Expose>,
    /// Decides what networks lose and delay; beats the lab file
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Keep the lab in this process
    #[arg(long, hide = true)]
    keep: bool,
}

impl Up {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let Some(lab) = check::load(&self.file) else {
            return Ok(Exit::Usage);
        };
        let backend = Backend::of(&lab, self.backend, Backend::Local);
        let Some(machines) = backend.machines() else {
            output::error(
                "the simulator ends with its scenario, so `up` cannot keep a lab there; \
                 say --backend local or --backend docker, or use `run`",
            );
            return Ok(Exit::Usage);
        };
        if self.keep {
            return self.keep(lab, machines);
        }
        let began = Instant::now();
        let interrupts = Interrupts::listen()?;
        let mut keeper = self.start_keeper(machines)?;
        interrupts.pass_on_to(&keeper);
        let word = wait(&mut keeper);
        if interrupts.heard() {
            // It takes everything down before it ends.
            let _ended = keeper.wait();
            return Ok(Exit::Interrupted);
        }
        match word {
            Some(word) if word["error"].is_string() => {
                bail!("{}", word["error"].as_str().unwrap_or_default())
            }
            Some(shown) => {
                let took = began.elapsed();
                match self.format {
                    Format::Json => output::print(&format!("{shown:#}\n"))?,
                    Format::Text => output::print(&show::up(&shown, took))?,
                }
                Ok(Exit::Good)
            }
            None => bail!("the lab ended before it was quorate"),
        }
    }

    fn start_keeper(&self, machines: lab::Backend) -> anyhow::Result<Child> {
        let program = std::env::current_exe().context("cannot find my own program")?;
        let mut command = Command::new(program);
        command.arg("up").arg(&self.file).arg("--keep");
        command.args(["--backend", machines.label()]);
        if let Some(seed) = self.seed {
            command.args(["--seed", &seed.to_string()]);
        }
        if self.expose == Some(Expose::Tun) {
            command.args(["--expose", "tun"]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().context("cannot start the lab's keeper")
    }

    /// The other side: this process keeps the lab until it is taken down.
    fn keep(self, lab: file::model::Lab, machines: lab::Backend) -> anyhow::Result<Exit> {
        // Nothing that is typed at the terminal reaches it, and it survives the terminal's end.
        setsid()?;
        ctrlc::set_handler(local::end)?;
        let text = fs::read_to_string(&self.file)?;
        let seed = crate::run::seed(&lab, self.seed);
        let machines = (machines, self.expose);
        let local = match local::build(&lab, &text, seed, machines).and_then(|local| {
            local.listen()?;
            Ok(local)
        }) {
            Ok(local) => local,
            Err(error) => {
                say(&json!({ "error": format!("{error:#}") }));
                return Ok(Exit::NotBuilt);
            }
        };
        speak_into(&local.folder().log("lab"))?;
        lab::keep(lab, text, local, seed, QUORATE_MAX, |shown| match shown {
            Some(shown) => say(shown),
            None => say(&json!({ "error": format!(
                "the lab did not become quorate within {} s and was taken down; \
                 `run` shows its timeline", QUORATE_MAX.as_secs()
            ) })),
        });
        Ok(Exit::Good)
    }
}

fn say(word: &Value) {
    // Whoever started the lab may have gone away.
    let _gone = output::print(&format!("{word}\n"));
}

/// What goes wrong later is said in the lab's folder, not on a terminal that others use by then.
fn speak_into(log: &std::path::Path) -> anyhow::Result<()> {
    let file = File::options().create(true).append(true).open(log)?;
    rustix::stdio::dup2_stderr(file)?;
    Ok(())
}

/// The keeper's first word.
fn wait(keeper: &mut Child) -> Option<Value> {
    let mut line = String::new();
    BufReader::new(keeper.stdout.take()?)
        .read_line(&mut line)
        .ok()?;
    serde_json::from_str(&line).ok()
}

/// An interrupt of this process is one of the keeper, whenever it comes.
#[derive(Clone, Default)]
struct Interrupts(Arc<Mutex<(bool, Option<Pid>)>>);

impl Interrupts {
    fn listen() -> anyhow::Result<Self> {
        let interrupts = Self::default();
        let told = interrupts.clone();
        ctrlc::set_handler(move || {
            let mut state = told.lock();
            state.0 = true;
            let _untold = writeln!(std::io::stderr(), "taking the lab down");
            if let Some(pid) = state.1 {
                let _ended = kill_process(pid, Signal::TERM);
            }
        })?;
        Ok(interrupts)
    }

    fn pass_on_to(&self, keeper: &Child) {
        let mut state = self.lock();
        state.1 = i32::try_from(keeper.id()).ok().and_then(Pid::from_raw);
        if let (true, Some(pid)) = *state {
            let _ended = kill_process(pid, Signal::TERM);
        }
    }

    fn heard(&self) -> bool {
        self.lock().0
    }

    fn lock(&self) -> MutexGuard<'_, (bool, Option<Pid>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
