//! Network namespaces: making one for a machine.

use std::fs::File;
use std::io;

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Moves this process into a network namespace of its own, which ends with the last process in it.
/// Must be called before the process has a second thread.
#[expect(
    unsafe_code,
    reason = "the system call can take memory away, with other flags"
)]
pub(crate) fn leave() -> io::Result<()> {
    // SAFETY: only the network is left behind; memory and open files stay as they are.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
    Ok(())
}

/// Whether machines can have network namespaces and adapters of their own here; why not.
///
/// # Errors
/// What is missing, and what mends it.
pub fn is_possible() -> Result<(), String> {
    let open = File::options().read(true).write(true).open(TUN);
    if let Err(error) = open {
        return Err(format!("{TUN}: {error}; mend it with: modprobe tun"));
    }
    // In a thread of its own, which takes the namespace with it.
    let left = std::thread::spawn(leave).join();
    match left {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!(
            "no network namespace can be made: {error}; mend it with: sudo, for CAP_SYS_ADMIN and \
             CAP_NET_ADMIN"
        )),
        Err(_) => Err("the test for network namespaces failed".to_owned()),
    }
}

/// Where TAP and TUN devices come from.
const TUN: &str = "/dev/net/tun";
