//! Why a lab cannot be built as a cluster.

use base::limits;
use top::rcm::model::ModelError;

/// What the lab file may say and this version cannot build.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// More of something than a cluster may have.
    #[error("the lab has {count} {what}, a cluster at most {most}; split the lab")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        most: usize,
    },
    /// A name that refers to nothing. The lab file's own rules exclude it, so a lab built by
    /// program broke them.
    #[error("the lab refers to the {what} `{name}`, which does not exist")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The groups and resources make no sense together.
    #[error("the groups cannot be built: {0}")]
    Groups(#[from] ModelError),
}

impl PlanError {
    pub(crate) fn unknown(what: &'static str, name: &str) -> Self {
        let name = name.to_owned();
        Self::Unknown { what, name }
    }

    pub(crate) fn check_count(what: &'static str, count: usize, most: usize) -> Result<(), Self> {
        if count > most {
            return Err(Self::TooMany { what, count, most });
        }
        Ok(())
    }

    pub(crate) fn check_nodes(count: usize) -> Result<(), Self> {
        Self::check_count("members", count, limits::NODES_MAX)
    }
}
