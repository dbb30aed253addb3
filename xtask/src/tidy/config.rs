//! The knobs of tidy, read from `xtask/tidy.toml`.

use crate::tree::Tree;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

const PATH: &str = "xtask/tidy.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Config {
    /// Columns of a line of Rust or shell.
    pub columns: usize,
    /// Lines of a Rust file; `long_files` lists the exceptions.
    pub file_lines: usize,
    /// Lines of a function from `fn` to its closing brace.
    pub function_lines: usize,
    /// Words with `!` that may not be called, with what to do instead.
    pub banned_macros: BTreeMap<String, String>,
    /// First parts of absolute paths that only make sense on one machine.
    pub machine_roots: Vec<String>,
    /// Hosts of package registries, in parts so that this list does not find itself.
    pub registry_hosts: Vec<Vec<String>>,
    /// Folders and files that text rules leave alone.
    pub not_ours: Vec<String>,
    #[serde(default)]
    pub long_files: Vec<LongFile>,
    pub tiers: Vec<Tier>,
    /// Folder with the router's arms and their tables.
    pub router: String,
    /// What each package of ours may import, by package name.
    pub arrows: BTreeMap<String, Vec<String>>,
    pub purity: Purity,
}

/// A file that is allowed to be longer, up to a ceiling that only moves down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LongFile {
    pub path: String,
    pub lines: usize,
    pub reason: String,
}

/// A crate whose top modules are managers that must not import each other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tier {
    /// The `src` folder of the crate.
    pub src: String,
    /// Submodules of a manager that hold plain data and may be imported by its siblings.
    pub open: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Purity {
    /// Packages below this folder are pure.
    pub below: String,
    /// Packages that must not be reachable from them.
    pub banned: Vec<String>,
}

impl Config {
    pub(super) fn read(tree: &Tree) -> Result<Self> {
        let text = tree
            .text(PATH)
            .with_context(|| format!("{PATH} is missing"))?;
        toml::from_str(text).with_context(|| format!("read {PATH}"))
    }
}
