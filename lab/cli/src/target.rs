//! `looksalive target`: the iSCSI target alone, on real sockets.

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
pub(crate) struct Target {
    /// Address to listen on; each one is a target port of its own
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3260")]
    listen: Vec<SocketAddr>,
    /// iSCSI name of the target
    #[arg(long, default_value = "iqn.2024-01.looksalive:target")]
    iqn: String,
    /// Folder for disks and for reservations that survive power loss
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Logical units, `N=SIZE[,block=512|4096][,physical=K][,thin][,removable][,read-only][,null]`
    /// `[,file=PATH]`
    #[arg(long = "lun", value_name = "UNIT", required = true)]
    units: Vec<UnitOptions>,
    /// What initiators must prove to know
    #[arg(long, value_name = "USER:SECRET", value_parser = credentials)]
    chap: Option<Credentials>,
    /// What the target proves in turn
    #[arg(long, value_name = "USER:SECRET", value_parser = credentials, requires = "chap")]
    mutual_chap: Option<Credentials>,
    /// Socket to listen on for `looksalive fault --control`
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// How to print events
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people, on standard error
    Text,
    /// One JSON object per line, on standard output
    Json,
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
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let (stop, stopped) = mpsc::channel();
        ctrlc::set_handler(move || {
            // Whoever asks twice has been heard the first time.
            let _heard = stop.send(());
        })?;
        let format = self.format;
        let listener = Arc::new(move |event: &Event| tell(format, event));
        let server = Server::start(&self.options(), listener)?;
        ready(format, server.addresses());
        stopped.recv()?;
        server.stop();
        Ok(Exit::Good)
    }

    fn options(self) -> Options {
        Options {
            listen: self.listen,
            name: self.iqn,
            state: self.state,
            units: self.units,
            chap: self.chap,
            mutual_chap: self.mutual_chap,
            control: self.control,
        }
    }
}

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
