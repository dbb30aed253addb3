//! Why a lab could not be built or kept.

use std::io;
use std::path::{Path, PathBuf};

use plan::PlanError;

/// Why a lab could not be built or kept.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The lab file may say it, and this version cannot build it.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file, folder or socket of the lab.
    #[error("cannot {what} {}: {error}", path.display())]
    Path {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A process of the lab.
    #[error("{what} cannot be started: {why}")]
    Process {
        /// Which.
        what: String,
        /// Why not.
        why: String,
    },
    /// Machines cannot have adapters of their own here.
    #[error("`expose: tun` cannot be had here: {0}")]
    NoAdapters(String),
    /// No container engine answers.
    #[error(
        "no container engine answers, neither Docker nor Podman ({0}); \
         `looksalive doctor` says how to start one"
    )]
    NoEngine(String),
    /// The container engine did not do something.
    #[error("the container engine at {} cannot {what}: {why}", socket.display())]
    Engine {
        /// Where it listens.
        socket: PathBuf,
        /// What it was asked for.
        what: String,
        /// Why not.
        why: String,
    },
    /// Anything else that the system refused.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// The lab has something that the backend cannot give it.
    #[error("backend `{backend}` cannot have {what}; backend `sim` can")]
    NotHere {
        /// The backend's word.
        backend: &'static str,
        /// What is in the way.
        what: &'static str,
    },
    /// The lab did not come up.
    #[error("the lab did not become quorate within {seconds} s; `looksalive logs` tells why")]
    NotQuorate {
        /// How long it was given.
        seconds: u64,
    },
}

impl LabError {
    pub(crate) fn path<'p>(what: &'static str, path: &'p Path) -> impl Fn(io::Error) -> Self + 'p {
        move |error| Self::Path {
            what,
            path: path.to_owned(),
            error,
        }
    }

    pub(crate) fn system(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::System { what, error }
    }

    pub(crate) fn process(what: &str, why: impl ToString) -> Self {
        Self::Process {
            what: what.to_owned(),
            why: why.to_string(),
        }
    }
}
