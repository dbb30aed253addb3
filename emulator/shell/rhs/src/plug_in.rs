//! A program that speaks the plug-in protocol: lines there and back, calls under way.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::Sender;
use std::thread;

use base::CallId;
use top::plugin::{self, FromPlugIn, LINE_BYTES_MAX, ToPlugIn, VERSION};
use top::rcm::EntryPoint;

use crate::instance::Work;
use crate::program::{Program, Start};

/// The number of calls that nobody waits for.
const OWN_CALL: u64 = 0;

/// A running program.
#[derive(Debug)]
pub(crate) struct PlugIn {
    pub(crate) program: Program,
    to: ChildStdin,
    /// Calls that it has not answered.
    calls: BTreeMap<CallId, EntryPoint>,
}

impl PlugIn {
    /// Starts a program and greets it; what it says comes as work of run `run`.
    pub(crate) fn start(start: &Start<'_>, run: u64, told: &Sender<Work>) -> io::Result<Self> {
        let ended = told.clone();
        let over = move || {
            // Nobody listens when the host ends.
            let _gone = ended.send(Work::Ended(run));
        };
        let (program, to, from) = Program::talk(start, over)?;
        hear(from, run, told.clone());
        let mut plug_in = Self {
            program,
            to,
            calls: BTreeMap::new(),
        };
        plug_in.say(&ToPlugIn::Hello { protocol: VERSION });
        Ok(plug_in)
    }

    /// Calls an entry point; the answer comes as work.
    pub(crate) fn call(&mut self, call: CallId, entry: EntryPoint) {
        self.say(&ToPlugIn::call(call.0, &entry));
        self.calls.insert(call, entry);
    }

    /// Calls an entry point whose answer nobody waits for.
    pub(crate) fn tell(&mut self, entry: &EntryPoint) {
        self.say(&ToPlugIn::call(OWN_CALL, entry));
    }

    /// The call that an answer ends.
    pub(crate) fn answered(&mut self, call: u64) -> Option<(CallId, EntryPoint)> {
        self.calls.remove_entry(&CallId(call))
    }

    /// Calls that will never be answered.
    pub(crate) fn unanswered(&mut self) -> impl Iterator<Item = CallId> + use<> {
        std::mem::take(&mut self.calls).into_keys()
    }

    fn say(&mut self, words: &ToPlugIn) {
        let line = plugin::render(words) + "\n";
        // One that has ended is heard of.
        let _ended = self.to.write_all(line.as_bytes());
    }
}

/// Reads lines until the program ends, or says one that is not understood.
fn hear(from: ChildStdout, run: u64, told: Sender<Work>) {
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        loop {
            let words = match next(&mut from) {
                Ok(Some(line)) => plugin::parse(&line).map_err(|why| why.to_string()),
                Ok(None) => return,
                Err(error) => Err(error.to_string()),
            };
            let over = words.is_err();
            if told.send(Work::Heard(run, words)).is_err() || over {
                return;
            }
        }
    });
}

/// The next line; one that is too long is cut, which its reader notices.
fn next(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let max = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut line = String::new();
    let read = from.by_ref().take(max + 2).read_line(&mut line)?;
    Ok((read > 0).then_some(line))
}

/// What a program said, or why that was not understood.
pub(crate) type Heard = Result<FromPlugIn, String>;
