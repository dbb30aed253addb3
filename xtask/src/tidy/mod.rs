//! House rules that rustfmt and clippy do not know, checked on every change.
//!
//! One rule per function over a [`Tree`], so that each is proven by a planted fault in `tests.rs`.
//! The knobs, the allow lists and their reasons live in `xtask/tidy.toml`.

mod config;
mod dead;
mod manifests;
mod markdown;
mod purity;
mod shape;
mod source;
mod text;
mod tiers;
mod wiring;

#[cfg(test)]
mod tests;

use crate::flags;
use crate::tree::Tree;
use anyhow::{Result, bail};
use config::Config;
use source::Sources;
use std::fmt;

/// One place where a rule is broken, worded for the person who has to mend it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    line: usize,
    rule: &'static str,
    text: String,
}

impl Problem {
    fn new(path: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {} [{}]",
            self.path, self.line, self.text, self.rule
        )
    }
}

/// Runs every rule on the workspace and prints what it finds.
pub(crate) fn command(args: &[String]) -> Result<()> {
    flags::none(args)?;
    let tree = Tree::of_workspace()?;
    let problems = problems(&tree)?;
    for problem in &problems {
        println!("{problem}");
    }
    if !problems.is_empty() {
        bail!("{} problems", problems.len());
    }
    println!("tidy: {} files, no problems", tree.iter().count());
    Ok(())
}

fn problems(tree: &Tree) -> Result<Vec<Problem>> {
    let config = Config::read(tree)?;
    let mut found = rules(tree, &config);
    found.extend(purity::check(&config)?);
    found.sort();
    Ok(found)
}

/// The rules that need nothing but the text of the workspace.
fn rules(tree: &Tree, config: &Config) -> Vec<Problem> {
    let sources = Sources::parse(tree);
    let mut found = sources.refused();
    found.extend(text::check(tree, config));
    found.extend(shape::check(&sources, config));
    found.extend(dead::check(&sources));
    found.extend(tiers::check(&sources, config));
    found.extend(wiring::check(tree, &sources, config));
    found.extend(manifests::check(tree, config));
    found.extend(markdown::check(tree));
    found
}
