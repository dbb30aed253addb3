//! Rules on packages of ours: they import each other only along the arrows listed in `tidy.toml`,
//! take the workspace's lints, and have a row in the code map of ARCHITECTURE.md.

use super::{Config, Problem};
use crate::tree::Tree;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const MAP: &str = "ARCHITECTURE.md";

#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
    lints: Option<toml::Value>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

pub(super) fn check(tree: &Tree, config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut packages = Vec::new();
    for (path, text) in tree
        .ending("Cargo.toml")
        .filter(|(path, _)| !path.starts_with("fuzz/"))
    {
        match toml::from_str::<Manifest>(text) {
            Ok(manifest) => packages.push((path, manifest)),
            Err(error) => found.push(Problem::new(path, 1, "arrows", error.to_string())),
        }
    }
    let name = |(_, manifest): &(&str, Manifest)| Some(manifest.package.as_ref()?.name.clone());
    let ours: BTreeSet<String> = packages.iter().filter_map(name).collect();
    let map = tree.text(MAP).unwrap_or_default();
    for (path, manifest) in &packages {
        found.extend(manifest_problems(path, manifest, &ours, config));
        found.extend(missing_on_map(path, map));
    }
    found
}

fn missing_on_map(path: &str, map: &str) -> Option<Problem> {
    let folder = path.strip_suffix("/Cargo.toml")?;
    let row = format!("| `{folder}` |");
    let text = format!("`{folder}` has no row in the code map of {MAP}");
    (!map.contains(&row)).then(|| Problem::new(path, 1, "code-map", text))
}

fn manifest_problems(
    path: &str,
    manifest: &Manifest,
    ours: &BTreeSet<String>,
    config: &Config,
) -> Vec<Problem> {
    let Some(package) = &manifest.package else {
        return Vec::new();
    };
    let name = &package.name;
    let mut texts = Vec::new();
    if manifest
        .lints
        .as_ref()
        .is_none_or(|lints| lints.get("workspace").is_none())
    {
        texts.push("does not take the workspace's lints; add `[lints] workspace = true`".into());
    }
    match config.arrows.get(name) {
        None => texts.push(format!(
            "package `{name}` has no row under [arrows] in xtask/tidy.toml"
        )),
        Some(allowed) => {
            let wrong = manifest
                .dependencies
                .keys()
                .filter(|key| ours.contains(*key));
            let wrong = wrong.filter(|key| !allowed.contains(key));
            texts.extend(wrong.map(|key| {
                format!("`{name}` may not import `{key}`; a new arrow needs a decision record")
            }));
        }
    }
    texts
        .into_iter()
        .map(|text| Problem::new(path, 1, "arrows", text))
        .collect()
}
