//! Chore: suites around foreign tools, each judging the target from outside.
//!
//! Each is a script of its own below `conformance/suites` that exits with 0 when all is well, 1
//! when not, and 2 when this machine lacks what it needs; that is *not applicable* then, with the
//! reason. What Debian has is installed first where that is possible: by root, where apt is.

use crate::{program, sim, tree};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a suite ended that did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// This machine lacks something.
    NotApplicable(String),
}

/// A tool that suites need: a program or a library, and the Debian packages it comes in.
struct Tool {
    program: &'static str,
    packages: &'static [&'static str],
}

const TOOLS: [Tool; 9] = [
    // With it comes the library that the reservation suite loads.
    Tool {
        program: "iscsi-test-cu",
        packages: &["libiscsi-bin"],
    },
    Tool {
        program: "tgtd",
        packages: &["tgt"],
    },
    Tool {
        program: "qemu-img",
        packages: &["qemu-utils", "qemu-block-extra"],
    },
    Tool {
        program: "dig",
        packages: &["bind9-dnsutils", "iproute2"],
    },
    Tool {
        program: "kinit",
        packages: &["krb5-user"],
    },
    Tool {
        program: "ldapsearch",
        packages: &["ldap-utils", "libsasl2-modules-gssapi-mit"],
    },
    Tool {
        program: "nmblookup",
        packages: &["samba-common-bin"],
    },
    Tool {
        program: "smbclient",
        packages: &["smbclient"],
    },
    Tool {
        program: "smbtorture",
        packages: &["samba-testsuite"],
    },
];

/// Builds what the suites run, and installs what they need as far as that is possible.
pub(crate) fn prepare() -> Result<Ended> {
    let build = ["build", "--locked", "--profile", sim::PROFILE];
    for what in [
        &["--package", "cli"][..],
        &["--package", "initiator", "--example", "exercise"],
    ] {
        program::run("cargo", &[&build, what].concat(), &[])?;
    }
    let missing: Vec<&str> = TOOLS
        .iter()
        .filter(|tool| !is_installed(tool.program))
        .flat_map(|tool| tool.packages.iter().copied())
        .collect();
    if missing.is_empty() {
        return Ok(Ended::Passed);
    }
    let names = missing.join(" ");
    if !is_root() || !is_installed("apt-get") {
        let why = format!("install {names} for all suites; only root can, with apt");
        return Ok(Ended::NotApplicable(why));
    }
    match install(&missing) {
        Ok(()) => Ok(Ended::Passed),
        // A machine without a network is no fault of a change.
        Err(error) => Ok(Ended::NotApplicable(format!(
            "apt cannot install {names}: {error:#}"
        ))),
    }
}

fn install(packages: &[&str]) -> Result<()> {
    let environment = [("DEBIAN_FRONTEND", "noninteractive")];
    let limits = [
        "-q",
        "-o",
        "Acquire::Retries=1",
        "-o",
        "Acquire::http::Timeout=20",
    ];
    let update = [&limits[..], &["update"]].concat();
    program::run("apt-get", &update, &environment)?;
    let install = [
        &limits[..],
        &["install", "--yes", "--no-install-recommends"],
        packages,
    ];
    program::run("apt-get", &install.concat(), &environment)
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .any(|it| it.is_file())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    // The owner of this process' own folder is its effective user.
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// `iscsi-test-cu`, every test on every shape of unit.
pub(crate) fn foreign_tests() -> Result<Ended> {
    suite("libiscsi", &[binary("looksalive")?])
}

/// qemu-img converts, compares and measures.
pub(crate) fn images() -> Result<Ended> {
    suite("qemu-img", &[binary("looksalive")?])
}

/// Our initiator against tgt and ours.
pub(crate) fn initiator() -> Result<Ended> {
    let exercise = binary("examples/exercise")?;
    suite("initiator", &[binary("looksalive")?, exercise])
}

/// The reservation suite against ours and tgt.
pub(crate) fn reservations() -> Result<Ended> {
    suite("storage", &[binary("looksalive")?])
}

/// Machines with adapters of their own, looked at with ip and ping.
pub(crate) fn nics() -> Result<Ended> {
    suite("nics", &[binary("looksalive")?])
}

/// tshark reads what was captured of a session.
pub(crate) fn captured() -> Result<Ended> {
    suite("tshark", &[binary("looksalive")?])
}

/// Labs on containers, on a daemon of their own where there is none.
pub(crate) fn containers() -> Result<Ended> {
    suite("docker", &[binary("looksalive")?])
}

/// dig, nsupdate, nmblookup and smbtorture at the directory.
pub(crate) fn directory() -> Result<Ended> {
    suite("directory", &[binary("looksalive")?])
}

/// kinit, kvno, kpasswd, ldapsearch and others at the directory's accounts.
pub(crate) fn accounts() -> Result<Ended> {
    suite("accounts", &[binary("looksalive")?])
}

/// smbclient at the shares of virtual servers.
pub(crate) fn shares() -> Result<Ended> {
    suite("shares", &[binary("looksalive")?])
}

/// A clustered file server before and after the end of its owner, as foreign clients see it.
pub(crate) fn end_to_end() -> Result<Ended> {
    suite("end-to-end", &[binary("looksalive")?])
}

/// Every fuzz target for ten seconds.
pub(crate) fn fuzz() -> Result<Ended> {
    script(&tree::root().join("scripts/fuzz"), &[])
}

fn suite(name: &str, arguments: &[PathBuf]) -> Result<Ended> {
    let path = tree::root().join(format!("conformance/suites/{name}.sh"));
    script(&path, arguments)
}

/// Where the build for the suites has left a program: the one that plays the seeds as well, so that
/// the gate optimises everything once, and debug assertions judge what foreign tools send.
fn binary(name: &str) -> Result<PathBuf> {
    let built = std::env::var_os("CARGO_TARGET_DIR");
    let folder = built.map_or_else(|| tree::root().join("target"), PathBuf::from);
    let path = folder.join(sim::PROFILE).join(name);
    if !path.is_file() {
        bail!("{} was not built", path.display());
    }
    Ok(path)
}

const CANNOT_RUN: i32 = 2;

/// Runs a script without standard input. What it says on standard error as it ends with 2 is why
/// it does not apply.
fn script(path: &Path, arguments: &[PathBuf]) -> Result<Ended> {
    let mut command = Command::new(path);
    command.args(arguments).current_dir(tree::root());
    // Samba beside ours is for people who compare, and takes minutes.
    command.env("SAMBA", "no");
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn();
    let child = child.with_context(|| format!("start {}", path.display()))?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    eprint!("{said}");
    match output.status.code() {
        Some(0) => Ok(Ended::Passed),
        Some(CANNOT_RUN) => {
            let why = said.lines().last().unwrap_or("it gives no reason");
            Ok(Ended::NotApplicable(why.to_owned()))
        }
        _ => bail!("{} ended with {}", path.display(), output.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<Ended> {
        script(Path::new("/bin/sh"), &["-c".into(), text.into()])
    }

    #[test]
    fn a_script_passes_fails_or_says_why_it_does_not_apply() {
        assert_eq!(run("exit 0").unwrap(), Ended::Passed);
        let lacking = Ended::NotApplicable("no tool".to_owned());
        assert_eq!(
            run("echo x >&2; echo no tool >&2; exit 2").unwrap(),
            lacking
        );
        assert!(run("exit 1").is_err());
        assert_eq!(run("read line || exit 0; exit 1").unwrap(), Ended::Passed);
    }

    #[test]
    fn what_is_on_the_path_is_installed() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program-anywhere"));
    }
}
