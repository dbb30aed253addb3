//! Labs of processes: what the commands for them have in common.

use anyhow::Context;
use file::model::Lab;
use lab::{Local, LocalOptions};
use plan::Plan;

/// Builds a lab that ends with this process; an interrupt takes it down as well.
pub(crate) fn build(lab: &Lab, text: &str, seed: u64) -> anyhow::Result<Local> {
    let options = LocalOptions {
        program: std::env::current_exe().context("cannot find my own program")?,
        root: lab::root(),
        seed,
        trace_polls: false,
    };
    Ok(Local::build(Plan::new(lab)?, text, options)?)
}
