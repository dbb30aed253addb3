//! Where a lab runs: the command line's word, else the file's, else the command's default.

use clap::ValueEnum;
use file::model::{BackendKind, Lab};

/// Where a lab runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// In virtual time, in one process
    Sim,
    /// As processes of this machine, on the wall clock
    Local,
    /// In containers of Docker or Podman, on the wall clock
    Docker,
}

impl Backend {
    /// The backend of a command for a lab.
    pub(crate) fn of(lab: &Lab, flag: Option<Self>, default: Self) -> Self {
        let asked = lab.backend.default.map(|kind| match kind {
            BackendKind::Sim => Self::Sim,
            BackendKind::Local => Self::Local,
            BackendKind::Docker => Self::Docker,
        });
        flag.or(asked).unwrap_or(default)
    }

    /// Its word.
    pub(crate) fn label(self) -> &'static str {
        self.machines().map_or("sim", lab::Backend::label)
    }

    /// What machines are made of there; the simulator has none.
    pub(crate) fn machines(self) -> Option<lab::Backend> {
        match self {
            Self::Sim => None,
            Self::Local => Some(lab::Backend::Local),
            Self::Docker => Some(lab::Backend::Docker),
        }
    }
}
