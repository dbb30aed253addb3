//! Finding the library, and which layout it has.
#![expect(unsafe_code, reason = "a foreign library is loaded and read")]

use std::path::PathBuf;
use std::sync::Arc;

use crate::generated::{v1_19, v1_20};
use crate::session::Answer;

/// Names that distributions give the library, newest first; Debian keeps 7 for version 1.19.
const NAMES: [&str; 6] = [
    "libiscsi.so.11",
    "libiscsi.so.10",
    "libiscsi.so.9",
    "libiscsi.so.8",
    "libiscsi.so.7",
    "libiscsi.so",
];
/// A function that came with the second layout.
const NEWER: &[u8] = b"iscsi_scsi_is_task_in_outqueue\0";

/// The library cannot be used on this machine.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is nowhere to be found.
    #[error("libiscsi is not installed (Debian: apt install libiscsi7)")]
    Missing,
    /// Something of that name is not what we know.
    #[error("{name} lacks functions that every known version has: {error}")]
    Foreign {
        /// Its name.
        name: String,
        /// What the loader said.
        error: libloading::Error,
    },
}

/// How a task lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Versions up to 1.19.
    V1_19,
    /// Versions from 1.20 on.
    V1_20,
}

/// The library, loaded.
#[derive(Clone)]
pub struct Library {
    pub(crate) functions: Arc<v1_19::Functions>,
    layout: Layout,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library")
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

impl Library {
    /// Loads the library from where the system keeps libraries.
    ///
    /// # Errors
    /// When there is none, or none that is known.
    pub fn load() -> Result<Self, LoadError> {
        let mut found = NAMES.iter().filter_map(|name| {
            // SAFETY: what libiscsi does when it is loaded is nothing.
            let library = unsafe { libloading::Library::new(PathBuf::from(name)) };
            Some((*name, library.ok()?))
        });
        let (name, library) = found.next().ok_or(LoadError::Missing)?;
        // SAFETY: only whether the name exists is looked at.
        let newer = unsafe { library.get::<*const ()>(NEWER) }.is_ok();
        let layout = if newer { Layout::V1_20 } else { Layout::V1_19 };
        // SAFETY: the functions have these types in every version.
        let functions = unsafe { v1_19::Functions::from_library(library) };
        let functions = functions.map_err(|error| LoadError::Foreign {
            name: name.to_owned(),
            error,
        })?;
        Ok(Self {
            functions: Arc::new(functions),
            layout,
        })
    }

    /// What a command ended with.
    ///
    /// # Safety
    /// `task` must be a task of this library that has ended.
    pub(crate) unsafe fn answer(&self, task: *const v1_19::scsi_task) -> Answer {
        // SAFETY: the task is one of this library, which has this layout; its data is as long as
        // it says.
        unsafe {
            match self.layout {
                Layout::V1_19 => {
                    let task = &*task;
                    let data = bytes(task.datain.data, task.datain.size);
                    Answer::new(task.status, (task.sense.key, task.sense.ascq), data)
                }
                Layout::V1_20 => {
                    let task = &*task.cast::<v1_20::scsi_task>();
                    let data = bytes(task.datain.data, task.datain.size);
                    Answer::new(task.status, (task.sense.key, task.sense.ascq), data)
                }
            }
        }
    }
}

/// Copies what a task has received.
///
/// # Safety
/// `data` is null or points to `size` bytes.
unsafe fn bytes(data: *const u8, size: i32) -> Vec<u8> {
    match usize::try_from(size) {
        // SAFETY: the caller's.
        Ok(size) if !data.is_null() => unsafe { std::slice::from_raw_parts(data, size) }.to_vec(),
        _ => Vec::new(),
    }
}
