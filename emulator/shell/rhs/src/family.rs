//! Processes that belong together, known by a mark in their environment that children inherit.
//!
//! A process that dies at once cannot end its children, and a process group ends where a program
//! starts a session of its own. The mark stays readable for everyone of the same user, so what is
//! left of a lab, a node or a program is found whoever started it.

use std::fs;

use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
};

/// Environment variable with the lab's unique id.
pub const LAB: &str = "LOOKSALIVE_LAB";
/// Environment variable with `LAB/NODE`.
pub const NODE: &str = "LOOKSALIVE_NODE";
/// Environment variable with `LAB/NODE/HOST`.
pub const HOST: &str = "LOOKSALIVE_HOST";
/// Environment variable that marks one run of a program.
pub const PROGRAM: &str = "LOOKSALIVE_PROGRAM";

/// Processes whose environment has `variable` set to `value`, but for this one; those that have
/// ended and wait for their parent are not among them.
#[must_use]
pub fn members(variable: &str, value: &str) -> Vec<Pid> {
    let mark = format!("{variable}={value}").into_bytes();
    let marked = |pid: &Pid| environment(*pid).is_some_and(|it| has(&it, &mark));
    processes().filter(marked).collect()
}

/// Every value of `variable` among the processes of this user, each once.
#[must_use]
pub fn values(variable: &str) -> Vec<String> {
    let prefix = format!("{variable}=");
    let value = |pid: Pid| -> Option<String> {
        let environment = environment(pid)?;
        let found = environment
            .split(|byte| *byte == 0)
            .find_map(|entry| entry.strip_prefix(prefix.as_bytes()));
        String::from_utf8(found?.to_vec()).ok()
    };
    let mut values: Vec<String> = processes().filter_map(value).collect();
    values.sort();
    values.dedup();
    values
}

/// Sends a signal to every member; how many there were.
pub fn signal(variable: &str, value: &str, signal: Signal) -> usize {
    let members = members(variable, value);
    for pid in &members {
        // One that has ended meanwhile needs no signal.
        let _gone = kill_process(*pid, signal);
    }
    members.len()
}

/// Kills every member, and those that they start while this goes on; those that are this
/// process's own children, by birth or because their parents have ended, are waited for.
pub fn kill(variable: &str, value: &str) {
    let mut killed = Vec::new();
    for _round in 0..ROUNDS_MAX {
        let members = members(variable, value);
        for pid in &members {
            // One that has ended meanwhile needs no signal.
            let _gone = kill_process(*pid, Signal::KILL);
        }
        killed.extend(&members);
        killed.retain(|pid| matches!(waitpid(Some(*pid), WaitOptions::NOHANG), Ok(None)));
        if members.is_empty() && killed.is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// From now on, descendants of this process whose parents end become its own children.
pub fn adopt() {
    // Where the system cannot do that, the first process of the machine adopts them.
    let _unable = set_child_subreaper(Some(getpid()));
}

/// A family that breeds faster than this is not ours to end.
const ROUNDS_MAX: usize = 500;

fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(|pid| *pid != getpid())
}

/// Empty for a process that has ended; absent for one of somebody else.
fn environment(pid: Pid) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()
}

fn has(environment: &[u8], mark: &[u8]) -> bool {
    environment.split(|byte| *byte == 0).any(|it| it == mark)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_family_is_found_and_ended_with_its_grandchildren() {
        let mark = format!("test-{}", getpid().as_raw_nonzero());
        let mut child = Command::new("sh")
            .args(["-c", "sleep 60 & sleep 60; true"])
            .env(PROGRAM, &mark)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        while members(PROGRAM, &mark).len() < 3 {
            std::thread::yield_now();
        }
        assert!(values(PROGRAM).contains(&mark));
        kill(PROGRAM, &mark);
        // The killer waits for its own children, so this may find nobody.
        let _waited_for = child.wait();
        assert_eq!(members(PROGRAM, &mark), []);
    }
}
