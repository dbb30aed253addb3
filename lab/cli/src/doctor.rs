//! `looksalive doctor`: what each backend needs, what is missing, and what mends it.

use std::fs::{self, OpenOptions};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::format::Format;
use crate::output;

/// What each backend needs, what is missing, and the one command that mends it
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// One thing that a backend needs.
struct Need {
    backend: &'static str,
    what: &'static str,
    /// Why it is not there.
    missing: Option<String>,
    mend: &'static str,
}

impl Doctor {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let needs = needs();
        let text = match self.format {
            Format::Json => format!("{:#}\n", document(&needs)),
            Format::Text => render(&needs),
        };
        output::print(&text)?;
        // The daemon is only looked for: nothing of this version uses it. Labs do without adapters
        // of their own unless they ask for them.
        let optional = |need: &Need| ["docker", "tun"].contains(&need.backend);
        let lacks = |need: &Need| need.missing.is_some() && !optional(need);
        Ok(if needs.iter().any(lacks) {
            Exit::NotBuilt
        } else {
            Exit::Good
        })
    }
}

fn needs() -> Vec<Need> {
    let sim = Need {
        backend: "sim",
        what: "nothing",
        missing: None,
        mend: "",
    };
    vec![
        sim,
        Need {
            backend: "local",
            what: "a folder of one's own for labs",
            missing: folder(&lab::root()).err(),
            mend: "export LOOKSALIVE_STATE=$HOME/.looksalive",
        },
        Need {
            backend: "local",
            what: "a free port on loopback",
            missing: std::net::TcpListener::bind("127.0.0.1:0")
                .err()
                .map(|it| it.to_string()),
            mend: "ip link set lo up",
        },
        Need {
            backend: "local",
            what: "processes of one's own in /proc",
            missing: fs::read("/proc/self/environ")
                .err()
                .map(|it| it.to_string()),
            mend: "mount -t proc proc /proc",
        },
        Need {
            backend: "tun",
            what: "`expose: tun` of local: root, TAP, TUN",
            missing: nic::is_possible().err(),
            mend: "sudo looksalive, with modprobe tun before it",
        },
        Need {
            backend: "docker",
            what: "a daemon of Docker or Podman",
            missing: daemon().err(),
            mend: "systemctl start docker",
        },
        Need {
            backend: "docker",
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

fn daemon() -> Result<(), String> {
    let mut sockets = vec![
        "/var/run/docker.sock".to_owned(),
        "/run/podman/podman.sock".to_owned(),
    ];
    if let Ok(runtime) = std::env::var("XDG_RUNTIME_DIR") {
        sockets.push(format!("{runtime}/docker.sock"));
        sockets.push(format!("{runtime}/podman/podman.sock"));
    }
    if let Ok(host) = std::env::var("DOCKER_HOST")
        && let Some(path) = host.strip_prefix("unix://")
    {
        sockets.insert(0, path.to_owned());
    }
    if sockets.iter().any(|path| UnixStream::connect(path).is_ok()) {
        return Ok(());
    }
    Err(format!("nobody answers at {}", sockets.join(", ")))
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
            "backend": need.backend,
            "needs": need.what,
            "missing": need.missing,
            "mend": need.missing.as_ref().map(|_| need.mend),
        })
    };
    json!({ "version": 1, "needs": needs.iter().map(need).collect::<Vec<_>>() })
}

fn render(needs: &[Need]) -> String {
    let line = |need: &Need| {
        let (backend, what) = (need.backend, need.what);
        match &need.missing {
            None => format!("{backend:<8} {what:<36} ok\n"),
            Some(why) => format!(
                "{backend:<8} {what:<36} missing: {why}\n{:<8} {:<36} mend it with: {}\n",
                "", "", need.mend
            ),
        }
    };
    let lines: String = needs.iter().map(line).collect();
    lines + "\nThis version has no backend `docker` yet; what it will need is shown all the same.\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_its_reason_and_the_command_that_mends_it() {
        let why = folder(Path::new("/proc/no-such-folder")).unwrap_err();
        assert!(why.starts_with("/proc/no-such-folder: "), "{why}");
        let needs = [Need {
            backend: "local",
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
            backend: "sim",
            what: "nothing",
            missing: None,
            mend: "",
        }];
        assert!(render(&needs).starts_with("sim      nothing"));
        assert!(document(&needs)["needs"][0]["mend"].is_null());
    }
}
