//! `looksalive schema`: the JSON Schema of lab files.

use clap::Args;

use crate::exit::Exit;
use crate::output;

/// Print the JSON Schema of lab files, for editors and other tools
#[derive(Debug, Args)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        output::print(&file::schema::json_schema())?;
        Ok(Exit::Good)
    }
}
