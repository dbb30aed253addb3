//! `looksalive fault` and `heal`: faults on a lab that is up, or on a part that runs alone.
//!
//! The fault is written as in a lab file. A part that runs alone hears of it through its control
//! socket.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use crate::exit::Exit;
use crate::{local, output};

/// One fault on a lab that is up, or on a running part, in the lab file's words
#[derive(Debug, Args)]
#[command(after_help = format!(
    "Faults of a lab are those of lab files, such as '{{node: n1, do: power-off, for: 30s}}'.\n\n\
     Faults of a target that runs alone: {}", targetd::FORMS
))]
pub(crate) struct Fault {
    /// Control socket of a part that runs alone, as given to its `--control`
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// The lab, which may be left out while one is up, and the fault
    #[arg(value_name = "[LAB] YAML", num_args = 1..=2, required = true)]
    words: Vec<String>,
}

/// Undo all faults on a lab that is up, or on a running part
#[derive(Debug, Args)]
pub(crate) struct Heal {
    /// Control socket of a part that runs alone, as given to its `--control`
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// The lab; may be left out while one is up
    #[arg(conflicts_with = "control")]
    lab: Option<String>,
}

impl Fault {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let (lab, fault) = match self.words.as_slice() {
            [lab, fault] => (Some(lab.as_str()), fault),
            [fault] => (None, fault),
            _ => bail!("clap lets one or two words through"),
        };
        let Some(control) = self.control else {
            return local::order(lab, &json!({ "do": "fault", "fault": fault }));
        };
        if let Some(lab) = lab {
            output::error(&format!("`{lab}` has no place beside --control"));
            return Ok(Exit::Usage);
        }
        match file::words::words(fault) {
            Ok(words) => send(&control, &words),
            Err(problem) => {
                output::error(problem.trim_end());
                Ok(Exit::Usage)
            }
        }
    }
}

impl Heal {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self.control {
            Some(control) => send(&control, &[("heal".to_owned(), vec!["all".to_owned()])]),
            None => local::order(self.lab.as_deref(), &json!({ "do": "heal" })),
        }
    }
}

/// How long a part may take for a fault.
const DEADLINE: Duration = Duration::from_secs(30);

fn send(control: &Path, words: &[file::words::Word]) -> anyhow::Result<Exit> {
    let where_ = || {
        format!(
            "cannot reach a part at {}: is it running?",
            control.display()
        )
    };
    let mut stream = UnixStream::connect(control).with_context(where_)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let words: BTreeMap<&str, &Vec<String>> = words
        .iter()
        .map(|(key, values)| (key.as_str(), values))
        .collect();
    writeln!(stream, "{}", serde_json::to_string(&words)?)?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .with_context(where_)?;
    let answer: serde_json::Value = serde_json::from_str(&answer)
        .with_context(|| format!("{} is not a control socket of ours", control.display()))?;
    if answer["ok"] == true {
        return Ok(Exit::Good);
    }
    match answer["error"].as_str() {
        Some(error) => {
            output::error(error);
            Ok(Exit::Usage)
        }
        None => bail!("the part at {} gave no reason", control.display()),
    }
}
