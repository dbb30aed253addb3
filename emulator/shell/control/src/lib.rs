//! Orders to a running service, faults above all, through a socket: one JSON object of words a
//! line, one answer each. What words there are is the service's business.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

/// An order as it was read: keys, each with its words.
pub type Words = BTreeMap<String, Vec<String>>;

/// How long a request may be, in bytes.
const REQUEST_BYTES_MAX: u64 = 64 << 10;

/// The control socket; its file is removed when dropped.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
}

impl Control {
    /// Listens at `path`, which nothing may stand at but a socket that nobody answers any more.
    /// Each order is handed to `perform`; the error that it returns is told to whoever asked.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn listen(
        path: &Path,
        perform: impl Fn(&Words) -> Result<(), String> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        if UnixStream::connect(path).is_err() && is_socket(path) {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let perform = Arc::new(perform);
        // It ends with the process: nothing has to be cleaned up but the file.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let perform = Arc::clone(&perform);
                thread::spawn(move || serve(stream, &*perform));
            }
        });
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|it| it.file_type().is_socket())
}

impl Drop for Control {
    fn drop(&mut self) {
        let _removed = fs::remove_file(&self.path);
    }
}

fn serve(stream: UnixStream, perform: impl Fn(&Words) -> Result<(), String>) {
    let Ok(mut answers) = stream.try_clone() else {
        return;
    };
    let mut lines = BufReader::new(stream.take(REQUEST_BYTES_MAX));
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
        let words = serde_json::from_str::<Words>(&line)
            .map_err(|error| format!("not an object of words: {error}"));
        let answer = match words.and_then(|words| perform(&words)) {
            Ok(()) => serde_json::json!({ "ok": true }),
            Err(error) => serde_json::json!({ "ok": false, "error": error }),
        };
        if writeln!(answers, "{answer}").is_err() {
            return;
        }
        line.clear();
        lines.get_mut().set_limit(REQUEST_BYTES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_answered_and_the_file_goes_with_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let known = |words: &Words| {
            let known = words.contains_key("lun");
            known.then_some(()).ok_or_else(|| "unknown".to_owned())
        };
        let control = Control::listen(&path, known).unwrap();
        let mut stream = UnixStream::connect(&path).unwrap();
        stream
            .write_all(b"{\"lun\":[\"0\"]}\n{\"x\":[]}\nnonsense\n")
            .unwrap();
        let mut answers = BufReader::new(stream).lines().map(Result::unwrap);
        assert_eq!(answers.next().unwrap(), r#"{"ok":true}"#);
        assert_eq!(answers.next().unwrap(), r#"{"error":"unknown","ok":false}"#);
        assert!(answers.next().unwrap().contains("not an object of words"));
        drop(control);
        assert!(!path.exists());
    }
}
