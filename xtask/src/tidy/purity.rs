//! Rule: nothing that does IO or makes its own randomness is reachable from the pure packages.

use super::{Config, Problem};
use crate::program;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: String,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Package {
    /// A macro runs in the compiler: what it needs is not linked by whom it serves.
    fn is_macro(&self) -> bool {
        let mut kinds = self.targets.iter().flat_map(|target| &target.kind);
        kinds.any(|kind| kind == "proc-macro")
    }
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dep>,
}

#[derive(Debug, Deserialize)]
struct Dep {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}

#[derive(Debug, Deserialize)]
struct DepKind {
    /// Absent for what the package itself links; `dev` and `build` are not part of it.
    kind: Option<String>,
}

pub(super) fn check(config: &Config) -> Result<Vec<Problem>> {
    let json = program::output("cargo", &["metadata", "--format-version", "1", "--locked"])?;
    impure(&json, config)
}

/// Problems in the output of `cargo metadata`.
pub(super) fn impure(json: &str, config: &Config) -> Result<Vec<Problem>> {
    let metadata: Metadata = serde_json::from_str(json).context("read cargo metadata")?;
    let names: BTreeMap<&str, &str> = metadata
        .packages
        .iter()
        .map(|pkg| (pkg.id.as_str(), pkg.name.as_str()))
        .collect();
    let below = format!("/{}/", config.purity.below);
    let pure: Vec<&Package> = metadata
        .packages
        .iter()
        .filter(|pkg| pkg.manifest_path.contains(&below))
        .collect();
    if pure.is_empty() {
        bail!(
            "no package lies below {}; tidy.toml names the wrong folder",
            config.purity.below
        );
    }
    let packages = metadata.packages.iter();
    let macros: BTreeSet<&str> = packages
        .filter(|pkg| pkg.is_macro())
        .map(|pkg| pkg.id.as_str())
        .collect();
    let mut found = Vec::new();
    for package in pure {
        for id in reachable(&metadata.resolve, &package.id, &macros) {
            let name = names.get(id).copied().unwrap_or(id);
            if config.purity.banned.iter().any(|banned| banned == name) {
                let text = format!("pure package `{}` reaches `{name}`", package.name);
                found.push(Problem::new("Cargo.toml", 1, "purity", text));
            }
        }
    }
    Ok(found)
}

fn reachable<'a>(
    resolve: &'a Resolve,
    start: &'a str,
    macros: &BTreeSet<&str>,
) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<&str, &Node> = resolve
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node))
        .collect();
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        if macros.contains(id) || !seen.insert(id) {
            continue;
        }
        let linked = |dep: &&Dep| dep.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let deps = nodes
            .get(id)
            .into_iter()
            .flat_map(|node| &node.deps)
            .filter(linked);
        open.extend(deps.map(|dep| dep.pkg.as_str()));
    }
    seen
}
