//! `looksalive target`: the iSCSI target alone, on real sockets.

mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use clap::{Args, ValueEnum};
use scsi::iscsi::chap::Credentials;
use serde_json::json;
use targetd::{Event, Options, Server, UnitOptions};

use crate::exit::Exit;
use crate::output;

/// An iSCSI target with SCSI-3 persistent reservations, until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = settings::HELP)]
pub(crate) struct Target {
    /// YAML file with the same settings; a flag beats what it says
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Addresses to listen on, each a target port of its own; 127.0.0.1:3260 by default
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<SocketAddr>,
    /// iSCSI name of the target; iqn.2024-01.looksalive:target by default
    #[arg(long, value_name = "NAME", value_parser = name)]
    iqn: Option<String>,
    /// Folder for disks and for reservations that survive power loss
    #[arg(long, value_name = "DIR", required_unless_present = "file")]
    state: Option<PathBuf>,
    /// Logical units, `N=SIZE[,block=512|4096][,physical=K][,thin][,removable][,read-only][,null]`
    /// `[,file=PATH]`
    #[arg(long = "lun", value_name = "UNIT", required_unless_present = "file")]
    units: Vec<UnitOptions>,
    /// What initiators must prove to know
    #[arg(long, value_name = "USER:SECRET", value_parser = credentials)]
    chap: Option<Credentials>,
    /// What the target proves in turn
    #[arg(long, value_name = "USER:SECRET", value_parser = credentials)]
    mutual_chap: Option<Credentials>,
    /// Socket to listen on for `looksalive fault --control`
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// How to print events; text by default
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people, on standard error
    Text,
    /// One JSON object per line, on standard output
    Json,
}

fn name(text: &str) -> Result<String, String> {
    targetd::check_name(text).map(|()| text.to_owned())
}

fn credentials(text: &str) -> Result<Credentials, String> {
    match text.split_once(':') {
        Some((name, secret)) if !name.is_empty() && !secret.is_empty() => Ok(Credentials {
            name: name.to_owned(),
            secret: secret.to_owned(),
        }),
        _ => Err("write USER:SECRET".to_owned()),
    }
}

impl Target {
    pub(crate) fn run(mut self) -> anyhow::Result<Exit> {
        if let Some(path) = self.file.take() {
            match settings::read(&path)? {
                Ok(filed) => self.fill_up(filed),
                Err(problems) => {
                    output::error_text(&problems);
                    return Ok(Exit::Usage);
                }
            }
        }
        let format = self.format.unwrap_or(Format::Text);
        let options = match self.options() {
            Ok(options) => options,
            Err(missing) => {
                output::error(missing);
                return Ok(Exit::Usage);
            }
        };
        let (stop, stopped) = mpsc::channel();
        ctrlc::set_handler(move || {
            // Whoever asks twice has been heard the first time.
            let _heard = stop.send(());
        })?;
        let listener = Arc::new(move |event: &Event| tell(format, event));
        let server = match Server::start(&options, listener) {
            Err(error) if error.is_usage() => {
                output::error(&error.to_string());
                return Ok(Exit::Usage);
            }
            other => other?,
        };
        ready(format, server.addresses());
        stopped.recv()?;
        server.stop();
        Ok(Exit::Good)
    }

    /// What no flag says comes from the file.
    fn fill_up(&mut self, filed: Self) {
        if self.listen.is_empty() {
            self.listen = filed.listen;
        }
        if self.units.is_empty() {
            self.units = filed.units;
        }
        self.iqn = self.iqn.take().or(filed.iqn);
        self.state = self.state.take().or(filed.state);
        self.chap = self.chap.take().or(filed.chap);
        self.mutual_chap = self.mutual_chap.take().or(filed.mutual_chap);
        self.control = self.control.take().or(filed.control);
        self.format = self.format.or(filed.format);
    }

    fn options(self) -> Result<Options, &'static str> {
        if self.units.is_empty() {
            return Err("a target needs a unit: write --lun 0=1GiB, or luns: { 0: 1GiB }");
        }
        if self.mutual_chap.is_some() && self.chap.is_none() {
            return Err("mutual CHAP needs CHAP: say what initiators must prove with --chap too");
        }
        let usual = || SocketAddr::from(([127, 0, 0, 1], 3260));
        let listen = match self.listen.is_empty() {
            true => vec![usual()],
            false => self.listen,
        };
        Ok(Options {
            listen,
            name: self.iqn.unwrap_or_else(|| NAME.to_owned()),
            state: self
                .state
                .ok_or("a target needs a folder: write --state DIR")?,
            units: self.units,
            chap: self.chap,
            mutual_chap: self.mutual_chap,
            control: self.control,
        })
    }
}

/// The target's name where none is given.
const NAME: &str = "iqn.2024-01.looksalive:target";

/// Whoever waits for this line may connect.
fn ready(format: Format, addresses: &[SocketAddr]) {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    output::error_text(&format!("ready: listening on {}\n", addresses.join(", ")));
    if let Format::Json = format {
        print(&json!({ "event": "ready", "addresses": addresses }));
    }
}

fn tell(format: Format, event: &Event) {
    match format {
        Format::Text => output::error_text(&text(event)),
        Format::Json => print(&document(event)),
    }
}

fn print(document: &serde_json::Value) {
    // A reader that has gone away does not stop the target.
    let _gone = output::print(&format!("{document}\n"));
}

fn text(event: &Event) -> String {
    match event {
        Event::Listening { address } => format!("listening on {address}\n"),
        Event::Connected { peer } => format!("{peer} connected\n"),
        Event::LoggedIn { peer, initiator } => format!("{peer} logged in as {initiator}\n"),
        Event::Closed { peer, why } => format!("{peer} closed: {why}\n"),
    }
}

fn document(event: &Event) -> serde_json::Value {
    match event {
        Event::Listening { address } => {
            json!({ "event": "listening", "address": address.to_string() })
        }
        Event::Connected { peer } => json!({ "event": "connected", "peer": peer.to_string() }),
        Event::LoggedIn { peer, initiator } => {
            json!({ "event": "logged-in", "peer": peer.to_string(), "initiator": initiator })
        }
        Event::Closed { peer, why } => {
            json!({ "event": "closed", "peer": peer.to_string(), "why": why })
        }
    }
}
