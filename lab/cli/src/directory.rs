//! `looksalive directory`: the directory services of a domain alone, on real sockets.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use clap::{Args, ValueEnum};
use directoryd::{Event, KeyOption, Options, Server, StartError, UserOption};
use serde_json::json;

use crate::exit::Exit;
use crate::output;

/// DNS and the other name services of a domain, until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct Directory {
    /// Address to listen on; the controller's name resolves to it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    listen: IpAddr,
    /// The domain
    #[arg(long, value_name = "NAME", default_value = "corp.example")]
    domain: String,
    /// The domain's NetBIOS name
    #[arg(long, value_name = "NAME", default_value = "CORP")]
    netbios: String,
    /// First label of the controller's name
    #[arg(long, value_name = "NAME", default_value = "dc1")]
    controller: String,
    /// Folder for zones and whatever else must outlive the process
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Added to the number of every port, for those who may not open ports below 1024
    #[arg(long, value_name = "N", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u16).range(..=60_000))]
    port_base: u16,
    /// Who may update the zones
    #[arg(long, value_enum, default_value = "secure")]
    updates: Updates,
    /// Another zone to serve
    #[arg(long = "zone", value_name = "NAME")]
    zones: Vec<String>,
    /// A secret with which updates may be signed; hmac-sha256 unless said otherwise
    #[arg(long = "key", value_name = "[ALGORITHM:]NAME:BASE64")]
    keys: Vec<KeyOption>,
    /// An account to have
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    users: Vec<UserOption>,
    /// File to write the keys of the controller's services to
    #[arg(long, value_name = "FILE")]
    export_keytab: Option<PathBuf>,
    /// File to write the configuration of Kerberos clients to, beside the one in the folder
    #[arg(long, value_name = "FILE")]
    krb5_conf: Option<PathBuf>,
    /// Socket to listen on for `looksalive fault --control`
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// How to print events
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

const HELP: &str = "\
The state folder holds krb5.conf and resolv.conf for clients. Ports are 53 for DNS, 88 for\n\
Kerberos, 137 for NetBIOS names, 389 for LDAP, 445 for shares and 464 for password changes,\n\
each plus --port-base.\n\n\
looksalive directory --state corp --port-base 10000\n\
dig -p 10053 @127.0.0.1 _ldap._tcp.corp.example SRV";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Updates {
    /// Nobody
    None,
    /// Whoever signs; a name belongs to who registered it
    Secure,
    /// Anybody
    Any,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people, on standard error
    Text,
    /// One JSON object per line, on standard output
    Json,
}

impl Directory {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let format = self.format;
        let options = self.options();
        let (stop, stopped) = mpsc::channel();
        ctrlc::set_handler(move || {
            // Whoever asks twice has been heard the first time.
            let _heard = stop.send(());
        })?;
        let listener = Arc::new(move |event: &Event| tell(format, event));
        let server = match Server::start(&options, listener) {
            Err(StartError::Name(why)) => {
                output::error(&why);
                return Ok(Exit::Usage);
            }
            other => other?,
        };
        ready(format, server.addresses());
        stopped.recv()?;
        server.stop();
        Ok(Exit::Good)
    }

    fn options(self) -> Options {
        Options {
            listen: self.listen,
            domain: self.domain,
            netbios: self.netbios,
            controller: self.controller,
            state: self.state,
            port_base: self.port_base,
            updates: match self.updates {
                Updates::None => ::directory::dns::Updates::None,
                Updates::Secure => ::directory::dns::Updates::Secure,
                Updates::Any => ::directory::dns::Updates::Any,
            },
            zones: self.zones,
            keys: self.keys,
            users: self.users,
            export_keytab: self.export_keytab,
            krb5_conf: self.krb5_conf,
            control: self.control,
        }
    }
}

/// Whoever waits for this line may ask.
fn ready(format: Format, addresses: &[(&'static str, SocketAddr)]) {
    let texts: Vec<String> = addresses
        .iter()
        .map(|(name, at)| format!("{name} on {at}"))
        .collect();
    output::error_text(&format!("ready: {}\n", texts.join(", ")));
    if let Format::Json = format {
        let addresses: serde_json::Map<_, _> = addresses
            .iter()
            .map(|(name, at)| ((*name).to_owned(), json!(at.to_string())))
            .collect();
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
    // A reader that has gone away does not stop the directory.
    let _gone = output::print(&format!("{document}\n"));
}

fn signer(by: Option<&String>) -> &str {
    by.map_or("nobody's signature", String::as_str)
}

fn text(event: &Event) -> String {
    match event {
        Event::Updated { peer, zone, by } => {
            format!("{peer} has updated {zone} by {}\n", signer(by.as_ref()))
        }
        Event::Refused {
            peer,
            zone,
            by,
            code,
        } => {
            format!(
                "{peer} may not update {zone} by {}: {code}\n",
                signer(by.as_ref())
            )
        }
        Event::Established { peer, principal } => format!("{peer} is {principal}\n"),
        Event::Failed { why } => format!("{why}\n"),
    }
}

fn document(event: &Event) -> serde_json::Value {
    match event {
        Event::Updated { peer, zone, by } => {
            json!({ "event": "updated", "peer": peer.to_string(), "zone": zone, "by": by })
        }
        Event::Refused {
            peer,
            zone,
            by,
            code,
        } => json!({
            "event": "refused", "peer": peer.to_string(), "zone": zone, "by": by, "code": code
        }),
        Event::Established { peer, principal } => {
            json!({ "event": "established", "peer": peer.to_string(), "principal": principal })
        }
        Event::Failed { why } => json!({ "event": "failed", "why": why }),
    }
}
