//! The clause register: every statement of the seed documents with an id and a place.
//!
//! `xtask clauses` reads the same file through this module and compares it with the cases.

use serde::Deserialize;

/// All clauses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// In the order of the file, which is the order of the seeds.
    #[serde(default)]
    pub clause: Vec<Clause>,
}

/// One statement of a seed document, in our own words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// For example `GUM-4`.
    pub id: String,
    /// `000` is the virtual server of 2003, `001` the architecture of 2008 and later.
    pub seed: String,
    /// Section and item within the seed.
    pub place: String,
    /// What it says.
    pub text: String,
    /// Whether it speaks of something that the emulator is to do.
    pub scope: Scope,
    /// Whether that is built; clauses in scope only.
    pub status: Option<Status>,
    /// Why it is out of scope, or not built yet.
    pub why: Option<String>,
    /// What the sourced reference says instead, where it outranks the seed.
    pub correction: Option<String>,
}

/// Whether a clause speaks of something that the emulator is to do.
#[derive(Debug, Deserialize, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// It does.
    In,
    /// It does not, and the clause says why.
    Out,
}

/// Whether the part of the product that a clause speaks of is built.
#[derive(Debug, Deserialize, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is, and at least one case shows it.
    Now,
    /// It is not yet, and the clause says why.
    Later,
}

impl Register {
    /// Reads the text of a register.
    ///
    /// # Errors
    /// Where and why the text is not a register.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}
