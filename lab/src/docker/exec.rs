//! A command on a node's machine, from outside.

use std::io::Write;
use std::path::Path;

use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures_util::StreamExt;

use super::engine::Engine;
use crate::LabError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Its exit code, if it had one.
    pub code: Option<i64>,
}

/// Runs a command in a container, in a folder of it, with our own standard output and error.
///
/// # Errors
/// When the engine is not there, or the command cannot be started.
pub fn execute(container: &str, folder: &Path, command: &[String]) -> Result<Executed, LabError> {
    let engine = Engine::connect()?;
    let (docker, runtime) = engine.client();
    let because = |why: bollard::errors::Error| engine.error("run the command", why);
    let config = ExecConfig {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.to_vec()),
        working_dir: Some(folder.display().to_string()),
        ..ExecConfig::default()
    };
    runtime.block_on(async {
        let made = docker
            .create_exec(container, config)
            .await
            .map_err(because)?;
        let started = docker.start_exec(&made.id, None).await.map_err(because)?;
        if let StartExecResults::Attached { mut output, .. } = started {
            while let Some(said) = output.next().await {
                pass_on(&said.map_err(because)?);
            }
        }
        let ended = docker.inspect_exec(&made.id).await.map_err(because)?;
        Ok(Executed {
            code: ended.exit_code,
        })
    })
}

fn pass_on(said: &LogOutput) {
    // A reader that has gone away is no reason to stop the command.
    let _gone = match said {
        LogOutput::StdErr { message } => std::io::stderr().write_all(message),
        LogOutput::StdOut { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message } => std::io::stdout().write_all(message),
    };
}
