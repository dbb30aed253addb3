//! Machines with adapters of their own: what the kernel and others on the network see of them.
//!
//! Every test needs network namespaces, so root, and `/dev/net/tun`; without them all of them are
//! reported as ignored, with the reason.

mod addresses;
#[path = "../local/bench.rs"]
#[allow(dead_code, reason = "shared with the tests of labs without adapters")]
mod bench;
mod leftovers;
mod machine;
mod routed;
mod virtual_adapter;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A name, and what is shown.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    let missing = nic::is_possible().err();
    if let Some(why) = &missing {
        eprintln!("not applicable: {why}");
    }
    let tests = [
        virtual_adapter::TESTS,
        addresses::TESTS,
        routed::TESTS,
        leftovers::TESTS,
    ];
    let trials = tests.into_iter().flatten().map(|(name, test)| {
        let trial = Trial::test(*name, move || {
            test();
            Ok(())
        });
        trial.with_ignored_flag(missing.is_some())
    });
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
