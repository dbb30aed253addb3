//! Chore: every crate that is linked in has a licence that `deny.toml` allows.
//!
//! The rule itself is cargo-deny's file, so that both say the same; this chore needs nothing
//! installed. Not done here: sources and duplicates, which cargo-deny knows better.

use crate::{flags, program, tree};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use spdx::{Expression, ParseMode};
use std::fs;

const RULES: &str = "deny.toml";

#[derive(Deserialize)]
struct Rules {
    licenses: Licences,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

/// Checks the licence of every package that the lock file leads to.
pub(crate) fn command(args: &[String]) -> Result<()> {
    flags::none(args)?;
    let rules =
        fs::read_to_string(tree::root().join(RULES)).with_context(|| format!("read {RULES}"))?;
    let rules: Rules = toml::from_str(&rules).with_context(|| format!("read {RULES}"))?;
    let metadata = program::output("cargo", &["metadata", "--format-version", "1", "--locked"])?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("read cargo metadata")?;
    let problems: Vec<String> = metadata
        .packages
        .iter()
        .filter_map(|package| problem(&rules.licenses, package))
        .collect();
    for problem in &problems {
        println!("{problem}");
    }
    if !problems.is_empty() {
        bail!("{} licences are not allowed", problems.len());
    }
    println!(
        "licences: {} packages, all allowed",
        metadata.packages.len()
    );
    Ok(())
}

/// What is wrong with the licence of a package, if anything is.
fn problem(rules: &Licences, package: &Package) -> Option<String> {
    let who = format!("{} {}", package.name, package.version);
    let Some(text) = &package.license else {
        return Some(format!("{who} names no licence"));
    };
    let Ok(expression) = Expression::parse_mode(text, ParseMode::LAX) else {
        return Some(format!("{who}: {text} is no licence expression"));
    };
    let exceptions = rules.exceptions.iter().filter(|it| it.name == package.name);
    let allowed: Vec<&String> = rules
        .allow
        .iter()
        .chain(exceptions.flat_map(|it| &it.allow))
        .collect();
    let met = expression.evaluate(|requirement| {
        let id = requirement.license.id();
        id.is_some_and(|id| allowed.iter().any(|name| name.as_str() == id.name))
    });
    (!met).then(|| format!("{who}: {text} is not allowed by {RULES}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Licences {
        Licences {
            allow: vec!["MIT".into(), "Apache-2.0".into()],
            exceptions: vec![Exception {
                name: "odd".into(),
                allow: vec!["MIT-0".into()],
            }],
        }
    }

    fn says(name: &str, license: Option<&str>) -> Option<String> {
        let package = Package {
            name: name.into(),
            version: "1.0.0".into(),
            license: license.map(Into::into),
        };
        problem(&rules(), &package)
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        assert_eq!(says("a", Some("MIT OR GPL-3.0-only")), None);
        assert_eq!(says("a", Some("MIT/Apache-2.0")), None);
    }

    #[test]
    fn a_copyleft_licence_is_refused_with_the_name_of_the_crate() {
        let text = says("a", Some("MIT AND AGPL-3.0-only")).unwrap();
        assert_eq!(
            text,
            "a 1.0.0: MIT AND AGPL-3.0-only is not allowed by deny.toml"
        );
        assert_eq!(says("a", None).unwrap(), "a 1.0.0 names no licence");
    }

    #[test]
    fn an_exception_holds_for_its_crate_only() {
        assert_eq!(says("odd", Some("MIT-0")), None);
        assert!(says("even", Some("MIT-0")).is_some());
    }
}
