//! `looksalive completion SHELL`: completions for the shell of one's choice.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::exit::Exit;
use crate::output;

/// Print completions for a shell
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        let mut program = crate::Arguments::command();
        clap_complete::generate(self.shell, &mut program, "looksalive", &mut script);
        output::print(&String::from_utf8(script)?)?;
        Ok(Exit::Good)
    }
}
