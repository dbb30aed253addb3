//! The whole suite on the simulator: every case of every generation must pass.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use conformance::{Selection, Simulator, run_with_progress};
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let report = run_with_progress(&Selection::default(), Arc::new(Simulator), &arguments);
    if writeln!(std::io::stdout(), "{report}").is_err() {
        return ExitCode::FAILURE;
    }
    ExitCode::from(report.exit_code())
}
