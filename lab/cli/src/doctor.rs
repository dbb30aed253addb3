//! `looksalive doctor`: whether this machine has what the parts of the program need.

use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::thread;
use std::{env, fs};

use clap::Args;
use serde_json::json;

use crate::exit::Exit;
use crate::format::Format;
use crate::output;

/// Version of the JSON that the command prints.
const FORMAT_VERSION: u32 = 1;

/// Look whether this machine has what labs, targets and conformance cases need
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// One thing that a part of the program needs.
struct Finding {
    /// The part.
    part: &'static str,
    /// What it needs.
    needs: &'static str,
    /// What was found; an error says what is missing.
    found: Result<String, String>,
}

impl Doctor {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let findings = examine();
        let well = findings.iter().all(|it| it.found.is_ok());
        match self.format {
            Format::Text => output::print(&text(&findings))?,
            Format::Json => output::print(&document(&findings))?,
        }
        Ok(if well { Exit::Good } else { Exit::NotBuilt })
    }
}

fn examine() -> Vec<Finding> {
    let cores = || thread::available_parallelism().map_err(|error| error.to_string());
    let finding = |part, needs, found| Finding { part, needs, found };
    vec![
        finding(
            "sim",
            "nothing but processor time",
            cores().map(cores_words),
        ),
        finding("target", "TCP on loopback", tcp()),
        finding("target", "a folder for its state", folder(&env::temp_dir())),
        finding("local", "UDP on loopback", udp()),
        finding(
            "local",
            "this program as a file that can be started",
            program(),
        ),
    ]
}

fn cores_words(cores: std::num::NonZero<usize>) -> String {
    match cores.get() {
        1 => "1 core".to_owned(),
        cores => format!("{cores} cores"),
    }
}

fn tcp() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    Ok(format!("{address} can be listened on"))
}

fn udp() -> Result<String, String> {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    socket
        .send_to(b"?", address)
        .map_err(|error| error.to_string())?;
    Ok(format!("{address} can be sent to"))
}

fn folder(folder: &Path) -> Result<String, String> {
    let file = folder.join(format!("looksalive-doctor-{}", std::process::id()));
    let written = fs::File::create(&file).and_then(|mut it| {
        it.write_all(b"?")?;
        it.sync_all()
    });
    let removed = fs::remove_file(&file);
    let why = |error: std::io::Error| format!("{}: {error}", folder.display());
    written.and(removed).map_err(why)?;
    Ok(format!("{} can be written", folder.display()))
}

fn program() -> Result<String, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    Ok(program.display().to_string())
}

fn text(findings: &[Finding]) -> String {
    let line = |it: &Finding| {
        let (word, found) = match &it.found {
            Ok(found) => ("good", found),
            Err(missing) => ("missing", missing),
        };
        format!("{:<8} {:<8} {}: {found}\n", word, it.part, it.needs)
    };
    findings.iter().map(line).collect()
}

fn document(findings: &[Finding]) -> String {
    let row = |it: &Finding| {
        json!({
            "part": it.part,
            "needs": it.needs,
            "good": it.found.is_ok(),
            "found": it.found.as_ref().unwrap_or_else(|missing| missing),
        })
    };
    let findings: Vec<_> = findings.iter().map(row).collect();
    let document = json!({ "version": FORMAT_VERSION, "findings": findings });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_written_is_named_with_the_reason() {
        let missing = env::temp_dir().join("looksalive-doctor-no-such-folder");
        let why = folder(&missing).unwrap_err();
        assert!(why.starts_with(&missing.display().to_string()), "{why}");
        let findings = [Finding {
            part: "target",
            needs: "a folder",
            found: Err(why),
        }];
        assert!(text(&findings).starts_with("missing  target   a folder: "));
        assert!(document(&findings).contains("\"good\": false"));
    }
}
