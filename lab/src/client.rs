//! What commands need to find a running lab and to ask it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use crate::{LabError, LabFolder};

/// A lab as it is found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it is.
    pub folder: LabFolder,
    /// Its name, if its file can be read.
    pub name: String,
    /// Whether its keeper lives.
    pub lives: bool,
    /// Whether it answers commands; labs of a `run` do not.
    pub answers: bool,
}

/// Every lab below a root, oldest first.
#[must_use]
pub fn labs(root: &Path) -> Vec<Found> {
    LabFolder::all(root).into_iter().map(look).collect()
}

fn look(folder: LabFolder) -> Found {
    let name = std::fs::read_to_string(folder.path().join("name"));
    Found {
        name: name.unwrap_or_default().trim().to_owned(),
        lives: is_kept(&folder),
        answers: connect(&folder).is_ok(),
        folder,
    }
}

/// Whether a process keeps the lab. A lab that is being made counts as kept for a moment.
#[must_use]
pub fn is_kept(folder: &LabFolder) -> bool {
    match File::open(folder.lock()) {
        Ok(file) => file.try_lock().is_err(),
        Err(_) => {
            let made = folder.path().metadata().and_then(|it| it.modified());
            let age = made.ok().and_then(|it| it.elapsed().ok());
            age.is_some_and(|age| age < BEING_MADE)
        }
    }
}

/// Between the making of a lab's folder and that of its lock.
const BEING_MADE: std::time::Duration = std::time::Duration::from_secs(2);

/// Why there is no lab to talk to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// None runs.
    #[error("no lab is up; bring one up with `looksalive up FILE`")]
    None,
    /// More than one, and none was named.
    #[error("several labs are up, name one: {0}")]
    Several(String),
    /// None of this name.
    #[error("no lab `{name}` is up; {there}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        there: String,
    },
}

/// The lab of a name, a unique id or the beginning of one; absent: the only one that is up.
///
/// # Errors
/// When there is none or more than one.
pub fn find(root: &Path, wanted: Option<&str>) -> Result<LabFolder, NotFound> {
    let labs: Vec<Found> = labs(root).into_iter().filter(|it| it.answers).collect();
    let list = |labs: &[Found]| {
        let words = labs
            .iter()
            .map(|it| format!("{} ({})", it.name, it.folder.uid()));
        words.collect::<Vec<_>>().join(", ")
    };
    let fits = |lab: &&Found| {
        wanted.is_none_or(|it| lab.name == it || lab.folder.uid().as_str().starts_with(it))
    };
    let fitting: Vec<Found> = labs.iter().filter(fits).cloned().collect();
    match (fitting.as_slice(), wanted) {
        ([one], _) => Ok(one.folder.clone()),
        ([], Some(name)) if !labs.is_empty() => Err(NotFound::Unknown {
            name: name.to_owned(),
            there: format!("up are {}", list(&labs)),
        }),
        ([], _) => Err(NotFound::None),
        (several, _) => Err(NotFound::Several(list(several))),
    }
}

/// Asks a lab, and gives every answer to `each` until it says that it has enough.
///
/// # Errors
/// When the lab is gone, or says something that is no answer.
pub fn ask(
    folder: &LabFolder,
    what: &Value,
    mut each: impl FnMut(Value) -> bool,
) -> Result<(), LabError> {
    let mut told = || -> io::Result<()> {
        let mut stream = connect(folder)?;
        writeln!(stream, "{what}")?;
        for line in BufReader::new(stream).lines() {
            if !each(serde_json::from_str(&line?)?) {
                break;
            }
        }
        Ok(())
    };
    told().map_err(LabError::path("talk to the lab in", folder.path()))
}

fn connect(folder: &LabFolder) -> io::Result<UnixStream> {
    let path = folder.socket("lab.sock").map_err(io::Error::other)?;
    UnixStream::connect(path)
}
