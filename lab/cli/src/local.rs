//! Labs of processes or containers: what the commands for them have in common.

use std::time::Duration;

use anyhow::Context;
use conformance::{Factory, Refusal, Staged, Subject};
use file::model::{self, Lab};
use lab::client::{self, NotFound};
use lab::{Backend, LabFolder, Live, LiveOptions};
use plan::Plan;
use serde_json::Value;
use sim::Session;

use crate::exit::{self, Exit};
use crate::output;

/// What an interrupt does: takes everything down that this process has brought up, and ends it.
pub(crate) fn end() {
    lab::take_all_down();
    std::process::exit(exit::INTERRUPTED.into());
}

/// Builds a lab that ends with this process.
///
/// `expose` is what the command line says about adapters; it beats the lab file.
pub(crate) fn build(
    lab: &Lab,
    text: &str,
    seed: u64,
    (backend, expose): (Backend, Option<Expose>),
) -> anyhow::Result<Live> {
    let file = lab.backend.expose.map(|model::Expose::Tun| Expose::Tun);
    let options = LiveOptions {
        expose_tun: expose.or(file) == Some(Expose::Tun),
        ..options(seed, backend)?
    };
    Ok(Live::build(Plan::new(lab)?, text, options)?)
}

/// How machines get adapters of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Expose {
    /// TAP and TUN devices, on `local` in a network namespace for each; needs root
    Tun,
}

/// As [`build`], without a word of what takes long.
pub(crate) fn build_silently(
    lab: &Lab,
    text: &str,
    seed: u64,
    backend: Backend,
) -> anyhow::Result<Live> {
    let options = LiveOptions {
        progress: |_| {},
        expose_tun: lab.backend.expose == Some(model::Expose::Tun),
        ..options(seed, backend)?
    };
    Ok(Live::build(Plan::new(lab)?, text, options)?)
}

fn options(seed: u64, backend: Backend) -> anyhow::Result<LiveOptions> {
    Ok(LiveOptions {
        backend,
        progress: output::error,
        program: std::env::current_exe().context("cannot find my own program")?,
        root: lab::root(),
        seed,
        trace_polls: false,
        speed: 1,
        record_frames: false,
        expose_tun: false,
    })
}

/// Makes subjects of the conformance suite: a lab of its own for each case.
#[derive(Debug)]
pub(crate) struct Subjects {
    options: LiveOptions,
    patience: Duration,
}

impl Subjects {
    pub(crate) fn new(backend: Backend, patience_seconds: u64, speed: u32) -> anyhow::Result<Self> {
        Ok(Self {
            options: LiveOptions {
                trace_polls: true,
                speed,
                record_frames: true,
                progress: |_| {},
                ..options(SEED, backend)?
            },
            patience: Duration::from_secs(patience_seconds) * speed,
        })
    }
}

/// The seed of every case, as in the simulator.
const SEED: u64 = 1;
/// Labs of cases that run at a time: an idle node takes a hundredth of a processor.
const JOBS_PER_PROCESSOR: usize = 8;

impl Factory for Subjects {
    fn name(&self) -> &'static str {
        self.options.backend.label()
    }

    fn patience(&self) -> Option<Duration> {
        Some(self.patience)
    }

    fn jobs(&self) -> usize {
        JOBS_PER_PROCESSOR * std::thread::available_parallelism().map_or(1, usize::from)
    }

    fn make(&self) -> Result<Box<dyn Subject>, Refusal> {
        if self.options.backend == Backend::Docker {
            let lacks = |why| Refusal::NotApplicable(format!("no container engine answers: {why}"));
            lab::docker::missing_engine().map_err(lacks)?;
        }
        let options = self.options.clone();
        let build = move |lab: Lab, text: &str| {
            let plan = Plan::new(&lab).map_err(|why| Refusal::Broken(why.to_string()))?;
            let live = Live::build(plan, text, options.clone());
            let live = live.map_err(|why| Refusal::Broken(why.to_string()))?;
            Ok(Session::on(lab, live, SEED))
        };
        Ok(Box::new(Staged::new(build)))
    }
}

/// The lab of a name, or the only one that is up; says why there is none.
pub(crate) fn find(name: Option<&str>) -> Result<LabFolder, Exit> {
    client::find(&lab::root(), name).map_err(|why: NotFound| {
        output::error(&why.to_string());
        Exit::Usage
    })
}

/// Gives a lab an order and says what it refused.
pub(crate) fn order(name: Option<&str>, what: &Value) -> anyhow::Result<Exit> {
    let folder = match find(name) {
        Ok(folder) => folder,
        Err(exit) => return Ok(exit),
    };
    let answer = ask(&folder, what)?;
    if answer["ok"] == true {
        return Ok(Exit::Good);
    }
    output::error(answer["error"].as_str().unwrap_or("the lab gave no reason"));
    Ok(Exit::Usage)
}

/// Asks a lab for one answer.
pub(crate) fn ask(folder: &LabFolder, what: &Value) -> anyhow::Result<Value> {
    let mut answer = None;
    client::ask(folder, what, |it| {
        answer = Some(it);
        false
    })?;
    answer.with_context(|| format!("the lab in {} did not answer", folder.path().display()))
}

/// What everybody shows of a lab.
pub(crate) fn shown(folder: &LabFolder) -> anyhow::Result<Value> {
    ask(folder, &serde_json::json!({ "do": "show" }))
}
