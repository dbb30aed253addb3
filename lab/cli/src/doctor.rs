//! `looksalive doctor`: what each backend needs, what is missing, and what mends it.

use std::fs::{self, OpenOptions};
use std::os::unix::net::UnixListener;
use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::exit::Exit;
use crate::format::Format;
use crate::output;

/// What each backend needs, what is missing, and the one command that mends it
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Only this backend, and fail when it lacks something
    #[arg(long, value_enum)]
    backend: Option<Backend>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// One thing that a backend needs.
struct Need {
    backend: Backend,
    what: &'static str,
    /// Why it is not there.
    missing: Option<String>,
    mend: &'static str,
}

/// What only labs with `expose: tun` need.
const ADAPTERS: &str = "root and TUN, for `expose: tun`";

impl Doctor {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let mut needs = needs();
        if let Some(backend) = self.backend {
            needs.retain(|it| it.backend == backend);
        }
        let text = match self.format {
            Format::Json => format!("{:#}\n", document(&needs)),
            Format::Text => render(&needs),
        };
        output::print(&text)?;
        // Containers are an offer; who wants them names them.
        // So are adapters: a lab asks for them.
        let named = |it: &Need| self.backend.is_some() || it.backend != Backend::Docker;
        let wanted = |it: &Need| it.what != ADAPTERS && named(it);
        let lacks = |it: &Need| it.missing.is_some() && wanted(it);
        Ok(if needs.iter().any(lacks) {
            Exit::NotBuilt
        } else {
            Exit::Good
        })
    }
}

fn needs() -> Vec<Need> {
    let sim = Need {
        backend: Backend::Sim,
        what: "nothing",
        missing: None,
        mend: "",
    };
    vec![
        sim,
        Need {
            backend: Backend::Local,
            what: "a folder of one's own for labs",
            missing: folder(&lab::root()).err(),
            mend: "export LOOKSALIVE_STATE=$HOME/.looksalive",
        },
        Need {
            backend: Backend::Local,
            what: "a free port on loopback",
            missing: std::net::TcpListener::bind("127.0.0.1:0")
                .err()
                .map(|it| it.to_string()),
            mend: "ip link set lo up",
        },
        Need {
            backend: Backend::Local,
            what: "processes of one's own in /proc",
            missing: fs::read("/proc/self/environ")
                .err()
                .map(|it| it.to_string()),
            mend: "mount -t proc proc /proc",
        },
        Need {
            backend: Backend::Local,
            what: ADAPTERS,
            missing: nic::is_possible().err(),
            mend: "sudo looksalive, with modprobe tun before it",
        },
        Need {
            backend: Backend::Docker,
            what: "an engine: Docker or Podman",
            missing: lab::docker::missing_engine().err(),
            mend: mend_engine(),
        },
        Need {
            backend: Backend::Docker,
            what: "/dev/net/tun",
            missing: tun().err(),
            mend: "modprobe tun",
        },
    ]
}

/// Whether sockets can be made in a folder below the root of labs.
fn folder(root: &Path) -> Result<(), String> {
    let text = |error: std::io::Error| format!("{}: {error}", root.display());
    let made = !root.exists();
    fs::create_dir_all(root).map_err(text)?;
    let probe = root.join(format!("doctor-{}", std::process::id()));
    let listening = UnixListener::bind(&probe).map(|_| ()).map_err(text);
    let _absent = fs::remove_file(&probe);
    if made {
        let _in_use = fs::remove_dir(root);
    }
    listening
}

/// The one command that starts an engine here, or installs one.
fn mend_engine() -> &'static str {
    let on_path = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        folders
            .map(|it| it.join(program))
            .any(|it: std::path::PathBuf| it.is_file())
    };
    let has_systemd = Path::new("/run/systemd/system").exists();
    match (on_path("dockerd"), on_path("podman"), has_systemd) {
        (true, _, true) => "sudo systemctl start docker",
        (true, _, false) => "sudo sh -c 'setsid dockerd >/var/log/dockerd.log 2>&1 &'",
        (false, true, true) => "systemctl --user start podman.socket",
        (false, true, false) => "podman system service --time 0 &",
        (false, false, _) => "sudo apt-get install --yes docker.io",
    }
}

fn tun() -> Result<(), String> {
    let tun = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun");
    tun.map(|_| ()).map_err(|error| error.to_string())
}

fn document(needs: &[Need]) -> Value {
    let need = |need: &Need| {
        json!({
            "backend": need.backend.label(),
            "needs": need.what,
            "missing": need.missing,
            "mend": need.missing.as_ref().map(|_| need.mend),
        })
    };
    json!({ "version": 1, "needs": needs.iter().map(need).collect::<Vec<_>>() })
}

fn render(needs: &[Need]) -> String {
    let line = |need: &Need| {
        let (backend, what) = (need.backend.label(), need.what);
        match &need.missing {
            None => format!("{backend:<8} {what:<36} ok\n"),
            Some(why) => format!(
                "{backend:<8} {what:<36} missing: {why}\n{:<8} {:<36} mend it with: {}\n",
                "", "", need.mend
            ),
        }
    };
    needs.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_its_reason_and_the_command_that_mends_it() {
        let why = folder(Path::new("/proc/no-such-folder")).unwrap_err();
        assert!(why.starts_with("/proc/no-such-folder: "), "{why}");
        let needs = [Need {
            backend: Backend::Local,
            what: "a folder",
            missing: Some(why.clone()),
            mend: "export A=B",
        }];
        let text = render(&needs);
        assert!(
            text.contains(&why) && text.contains("mend it with: export A=B"),
            "{text}"
        );
        assert_eq!(document(&needs)["needs"][0]["missing"], why.as_str());
    }

    #[test]
    fn what_is_there_needs_no_mending() {
        let needs = [Need {
            backend: Backend::Sim,
            what: "nothing",
            missing: None,
            mend: "",
        }];
        assert!(render(&needs).starts_with("sim      nothing"));
        assert!(document(&needs)["needs"][0]["mend"].is_null());
    }
}
