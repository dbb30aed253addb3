//! `looksalive check`: parse and validate lab files.

use std::path::{Path, PathBuf};

use clap::Args;
use file::{Checked, Severity};
use serde_json::{Value as Json, json};

use crate::exit::Exit;
use crate::format::Format;
use crate::output;

/// Version of the JSON that the command prints.
const FORMAT_VERSION: u32 = 1;

/// Parse and validate lab files; all errors of a file are reported at once
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Lab files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let mut exit = Exit::Good;
        let mut documents = Vec::new();
        for path in &self.files {
            let outcome = file::check_path(path);
            if !outcome.as_ref().is_ok_and(Checked::is_good) {
                exit = Exit::Usage;
            }
            match self.format {
                Format::Text => print_text(path, outcome.as_ref())?,
                Format::Json => documents.push(document(path, outcome.as_ref())),
            }
        }
        if let Format::Json = self.format {
            let whole = json!({ "version": FORMAT_VERSION, "files": documents });
            output::print(&format!("{whole:#}\n"))?;
        }
        Ok(exit)
    }
}

/// Reads a lab file for a command that runs it; what is wrong with it goes to standard error.
pub(crate) fn load(path: &Path) -> Option<file::model::Lab> {
    match file::check_path(path) {
        Ok(checked) => {
            output::error_text(&file::render::render(&checked, output::colour_on_error()));
            checked.lab
        }
        Err(error) => {
            output::error(&format!("cannot read {}: {error}", path.display()));
            None
        }
    }
}

fn print_text(path: &Path, outcome: Result<&Checked, &std::io::Error>) -> anyhow::Result<()> {
    match outcome {
        Ok(checked) => {
            output::error_text(&file::render::render(checked, output::colour_on_error()));
            output::print(&format!("{}: {}\n", path.display(), summary(checked)))?;
        }
        Err(error) => output::error(&format!("cannot read {}: {error}", path.display())),
    }
    Ok(())
}

fn summary(checked: &Checked) -> String {
    let (errors, warnings) = counts(checked);
    let Some(lab) = &checked.lab else {
        return format!(
            "{}, {}",
            plural(errors, "error"),
            plural(warnings, "warning")
        );
    };
    let parts = [
        plural(lab.nodes.len(), "node"),
        plural(lab.cluster.groups.len(), "group"),
        plural(lab.scenario.len(), "step"),
    ];
    let good = format!("good ({})", parts.join(", "));
    if warnings == 0 {
        good
    } else {
        format!("{good}, {}", plural(warnings, "warning"))
    }
}

fn counts(checked: &Checked) -> (usize, usize) {
    let is_error = |one: &&file::Diagnostic| one.severity == Severity::Error;
    let errors = checked.diagnostics.iter().filter(is_error).count();
    (errors + checked.omitted, checked.diagnostics.len() - errors)
}

fn plural(count: usize, word: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {word}{ending}")
}

fn document(path: &Path, outcome: Result<&Checked, &std::io::Error>) -> Json {
    let name = path.display().to_string();
    let checked = match outcome {
        Ok(checked) => checked,
        Err(error) => {
            let unreadable = json!({
                "severity": "error", "line": null, "column": null, "message": error.to_string(),
                "hint": null, "rule": file::Rule::Unreadable.name(),
            });
            return json!({ "file": name, "verdict": "failed", "diagnostics": [unreadable] });
        }
    };
    let verdict = if checked.is_good() {
        "passed"
    } else {
        "failed"
    };
    let diagnostics: Vec<Json> = checked
        .diagnostics
        .iter()
        .map(|one| diagnostic(one, checked))
        .collect();
    json!({
        "file": name, "verdict": verdict, "diagnostics": diagnostics, "omitted": checked.omitted,
    })
}

fn diagnostic(one: &file::Diagnostic, checked: &Checked) -> Json {
    let position = checked.source.position(one.span.start);
    let severity = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({
        "severity": severity, "line": position.line, "column": position.column,
        "message": one.message, "hint": one.hint, "rule": one.rule.name(),
    })
}
