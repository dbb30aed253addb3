//! What updates, regroups and simulated nodes cost: counts of the world over processor time and
//! memory of this process.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use sim::cost;

use super::processor_time;

/// Virtual time in which updates are counted.
const SPAN: Duration = Duration::from_secs(600);

/// One figure.
pub(super) struct Cost {
    name: String,
    value: u64,
    unit: &'static str,
}

impl Cost {
    fn new(name: String, value: u64, unit: &'static str) -> Self {
        Self { name, value, unit }
    }

    /// For people.
    pub(super) fn line(&self) -> String {
        format!("{:<58} {:>10} {}\n", self.name, self.value, self.unit)
    }
}

/// For programs.
pub(super) fn rows(costs: &[Cost]) -> Vec<Value> {
    let row = |it: &Cost| json!({ "name": it.name, "value": it.value, "unit": it.unit });
    costs.iter().map(row).collect()
}

/// Every figure.
pub(super) fn measure() -> anyhow::Result<Vec<Cost>> {
    let mut costs = Vec::new();
    for nodes in [3, 16] {
        let name = format!("global updates, {nodes} nodes");
        costs.push(Cost::new(
            name,
            updates_per_second(nodes)?,
            "per processor second",
        ));
    }
    for nodes in [4, 8, 16, 32, 64] {
        let name = format!("regroup after the loss of one of {nodes} nodes");
        let messages = u64::try_from(cost::regroup_messages(nodes)?)?;
        costs.push(Cost::new(name, messages, "messages"));
    }
    Ok(costs)
}

/// What a simulated node takes of this process' memory; nothing where the system does not tell.
/// Only true while the process has held nothing large before.
///
/// # Errors
/// The world cannot be built, or the system answers strangely.
pub(super) fn memory() -> anyhow::Result<Option<Cost>> {
    let name = "memory of a simulated node, of 64".to_owned();
    let cost = |bytes| Cost::new(name, bytes / 1_024, "KiB");
    Ok(bytes_per_node()?.map(cost))
}

fn updates_per_second(nodes: u8) -> anyhow::Result<u64> {
    let mut world = cost::settled(nodes, 1, false)?;
    let start = processor_time();
    let updates = cost::updates(&mut world, SPAN);
    let spent = processor_time().saturating_sub(start);
    let micros = u64::try_from(spent.as_micros())?.max(1);
    Ok(updates * 1_000_000 / micros)
}

/// What a world of 64 settled nodes adds to the memory of this process; nothing where the system
/// does not tell.
fn bytes_per_node() -> anyhow::Result<Option<u64>> {
    let Some(before) = resident()? else {
        return Ok(None);
    };
    let world = cost::settled(64, 0, false)?;
    let after = resident()?.unwrap_or(before);
    drop(world);
    Ok(Some(after.saturating_sub(before) / 64))
}

/// Resident memory of this process, in bytes.
fn resident() -> anyhow::Result<Option<u64>> {
    let Ok(text) = std::fs::read_to_string("/proc/self/status") else {
        return Ok(None);
    };
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: Option<u64> = kib.map(str::trim).map(str::parse).transpose()?;
    Ok(Some(
        kib.context("the system does not tell the memory of a process")? * 1_024,
    ))
}
