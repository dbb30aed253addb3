//! Planted faults for real: nodes as processes with something wrong between them and their
//! machines, and for each the case of the suite that must fail there.
//!
//! The simulator's own test `sabotage` has the same for the checkers, `planted` of the suite for
//! cases in virtual time. This program is also the one that the lab's parts run: called as a node
//! it puts the fault in the node's way, as anything else it becomes the real program. Which fault
//! it is, the name says that it was started under.

mod meddle;
mod part;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::Generation;
use conformance::{Factory, Refusal, Staged, Subject, Verdict, all_cases, judge};
use lab::{Backend, Live, LiveOptions};
use libtest_mimic::{Arguments, Failed, Trial};
use plan::Plan;
use rhs::family;
use sim::Session;

/// A planted fault.
struct Plant {
    /// What is wrong, by the name that the program is started under.
    fault: &'static str,
    /// The case that must fail.
    case: &'static str,
}

const PLANTS: &[Plant] = &[
    Plant {
        fault: "says-yes",
        case: "placement/a-move-to-no-possible-owner-is-refused",
    },
    Plant {
        fault: "other-database",
        case: "database/every-member-keeps-every-object",
    },
    Plant {
        fault: "never-halts",
        case: "quorum/an-even-split-without-a-witness-ends-both-sides",
    },
    Plant {
        fault: "asks-half-as-often",
        case: "looks-alive/asked-every-five-seconds",
    },
    Plant {
        fault: "forgets-causes",
        case: "groups/an-administrator-moves-a-group",
    },
];

/// How many times faster than time the labs' clocks run.
const SPEED: u32 = 10;

fn main() -> ExitCode {
    // Set for whatever is part of a lab, and for nothing else.
    if std::env::var_os(family::LAB).is_some() {
        return part::run();
    }
    let caught = PLANTS.iter().map(|plant| {
        let name = format!("{} fails where a node {}", plant.case, plant.fault);
        Trial::test(name, || on_nodes(plant.fault, plant.case, Verdict::Failed))
    });
    let sound = PLANTS.iter().map(|plant| {
        let name = format!("{} passes where nothing is wrong", plant.case);
        Trial::test(name, || on_nodes("honest", plant.case, Verdict::Passed))
    });
    let trials = caught.chain(sound).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Judges a case on nodes with a fault.
fn on_nodes(fault: &str, case: &str, expected: Verdict) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join(fault);
    symlink(std::env::current_exe()?, &program)?;
    let nodes = Nodes {
        program,
        root: folder.path().join("labs"),
    };
    let found = all_cases().into_iter().find(|it| it.id == case);
    let case = found.ok_or("the suite has no such case")?;
    let row = judge(&case, Generation::V2022, &nodes);
    if row.verdict == expected {
        return Ok(());
    }
    let why = row.why.unwrap_or_default();
    Err(format!("it is {} instead of {expected}: {why}", row.verdict).into())
}

/// Makes labs of nodes with a fault.
struct Nodes {
    program: PathBuf,
    root: PathBuf,
}

impl Factory for Nodes {
    fn name(&self) -> &'static str {
        "local"
    }

    fn make(&self) -> Result<Box<dyn Subject>, Refusal> {
        let (program, root) = (self.program.clone(), self.root.clone());
        let build = move |lab: file::model::Lab, text: &str| {
            let broken = |why: String| Refusal::Broken(why);
            let plan = Plan::new(&lab).map_err(|why| broken(why.to_string()))?;
            let live = Live::build(plan, text, options(&program, &root));
            let live = live.map_err(|why| broken(why.to_string()))?;
            Ok(Session::on(lab, live, 1))
        };
        Ok(Box::new(Staged::new(build)))
    }
}

fn options(program: &Path, root: &Path) -> LiveOptions {
    LiveOptions {
        backend: Backend::Local,
        progress: |_| {},
        program: program.to_owned(),
        seed: 1,
        speed: SPEED,
        trace_polls: true,
        record_frames: true,
        root: root.to_owned(),
        expose_tun: false,
    }
}
