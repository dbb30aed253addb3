//! Labs of processes: what the commands for them have in common.

use anyhow::Context;
use file::model::Lab;
use lab::client::{self, NotFound};
use lab::{LabFolder, Local, LocalOptions};
use plan::Plan;
use serde_json::Value;

use crate::exit::{self, Exit};
use crate::output;

/// What an interrupt does: takes everything down that this process has brought up, and ends it.
pub(crate) fn end() {
    lab::take_all_down();
    std::process::exit(exit::INTERRUPTED.into());
}

/// Builds a lab that ends with this process.
pub(crate) fn build(lab: &Lab, text: &str, seed: u64) -> anyhow::Result<Local> {
    let options = LocalOptions {
        program: std::env::current_exe().context("cannot find my own program")?,
        root: lab::root(),
        seed,
        trace_polls: false,
    };
    Ok(Local::build(Plan::new(lab)?, text, options)?)
}

/// The lab of a name, or the only one that is up; says why there is none.
pub(crate) fn find(name: Option<&str>) -> Result<LabFolder, Exit> {
    client::find(&lab::root(), name).map_err(|why: NotFound| {
        output::error(&why.to_string());
        Exit::Usage
    })
}

/// Gives a lab an order and says what it refused.
pub(crate) fn order(name: Option<&str>, what: &Value) -> anyhow::Result<Exit> {
    let folder = match find(name) {
        Ok(folder) => folder,
        Err(exit) => return Ok(exit),
    };
    let answer = ask(&folder, what)?;
    if answer["ok"] == true {
        return Ok(Exit::Good);
    }
    output::error(answer["error"].as_str().unwrap_or("the lab gave no reason"));
    Ok(Exit::Usage)
}

/// Asks a lab for one answer.
pub(crate) fn ask(folder: &LabFolder, what: &Value) -> anyhow::Result<Value> {
    let mut answer = None;
    client::ask(folder, what, |it| {
        answer = Some(it);
        false
    })?;
    answer.with_context(|| format!("the lab in {} did not answer", folder.path().display()))
}

/// What everybody shows of a lab.
pub(crate) fn shown(folder: &LabFolder) -> anyhow::Result<Value> {
    ask(folder, &serde_json::json!({ "do": "show" }))
}
