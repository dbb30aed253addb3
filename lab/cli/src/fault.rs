//! `looksalive fault` and `heal`: faults on a part that runs alone, through its control socket.
//!
//! The fault is written as in a lab file. Faults on a running lab come with the lab.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use crate::exit::Exit;
use crate::output;

/// One fault on a running part, in the lab file's words
#[derive(Debug, Args)]
#[command(after_help = targetd::FORMS)]
pub(crate) struct Fault {
    /// Control socket of the part, as given to its `--control`
    #[arg(long, value_name = "PATH")]
    control: PathBuf,
    /// The fault, such as '{lun: 0, do: offline}'
    #[arg(value_name = "YAML")]
    fault: String,
}

/// Undo all faults on a running part
#[derive(Debug, Args)]
pub(crate) struct Heal {
    /// Control socket of the part, as given to its `--control`
    #[arg(long, value_name = "PATH")]
    control: PathBuf,
}

impl Fault {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match file::words::words(&self.fault) {
            Ok(words) => send(&self.control, &words),
            Err(problem) => {
                output::error(problem.trim_end());
                Ok(Exit::Usage)
            }
        }
    }
}

impl Heal {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        send(
            &self.control,
            &[("heal".to_owned(), vec!["all".to_owned()])],
        )
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
