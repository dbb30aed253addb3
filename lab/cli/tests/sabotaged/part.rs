//! The program as a part of a lab.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use base::StartMode;
use lab::NodeStart;
use plan::Plan;

use crate::meddle;

/// The program that users have.
const REAL: &str = env!("CARGO_BIN_EXE_looksalive");

/// A node with the fault in its way, or whatever else the real program is asked to be.
pub(crate) fn run() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_none_or(|word| word != "node") {
        let error = Command::new(REAL).args(&words[1..]).exec();
        eprintln!("{REAL}: {error}");
        return ExitCode::FAILURE;
    }
    let name = Path::new(&words[0]).file_name().map(OsString::from);
    let fault = name.unwrap_or_default().to_string_lossy().into_owned();
    let given = Given::read(&words[2..]);
    let text = std::fs::read(&given.file).expect("the lab file is there");
    let lab = file::check("lab", &text).lab.expect("the lab is good");
    let plan = Plan::new(&lab).expect("the lab can be planned");
    let options = given.start().options(&plan).expect("a member");
    let driver = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let between = meddle::with(&fault);
    let ended = driver.block_on(runtime::run_behind(options, between));
    ended.map_or(ExitCode::FAILURE, |_| ExitCode::SUCCESS)
}

/// The words that a lab starts a node with.
struct Given {
    file: PathBuf,
    name: String,
    words: BTreeMap<String, Vec<String>>,
}

impl Given {
    fn read(words: &[String]) -> Self {
        let [file, name, rest @ ..] = words else {
            unreachable!("a node is started with a file and its name");
        };
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut flag = String::new();
        for word in rest {
            match word.strip_prefix("--") {
                Some(next) => {
                    next.clone_into(&mut flag);
                    found.entry(flag.clone()).or_default();
                }
                None => found.entry(flag.clone()).or_default().push(word.clone()),
            }
        }
        Self {
            file: file.into(),
            name: name.clone(),
            words: found,
        }
    }

    fn word(&self, flag: &str) -> Option<&String> {
        self.words.get(flag)?.first()
    }

    fn start(&self) -> NodeStart {
        let path = |flag| PathBuf::from(self.word(flag).expect(flag));
        let portals = self.words.get("portal").into_iter().flatten();
        let portals = portals.filter_map(|it| it.split_once('='));
        NodeStart {
            name: self.name.clone(),
            folder: path("state"),
            fabric: path("fabric"),
            control: path("control"),
            portals: portals
                .map(|(array, at)| (array.to_owned(), at.parse().expect("an address")))
                .collect(),
            outside: self.word("outside").map(PathBuf::from),
            server_service: self.word("server-service").map(PathBuf::from),
            adapters: None,
            namespace: None,
            program: REAL.into(),
            mark: self.word("mark").cloned().unwrap_or_default(),
            epoch_nanos: self.word("epoch").and_then(|it| it.parse().ok()),
            speed: self
                .word("speed")
                .map_or(1, |it| it.parse().expect("a number")),
            trace_polls: self.words.contains_key("trace-polls"),
            trace_frames: self.words.contains_key("trace-frames"),
            start: StartMode::Normal,
        }
    }
}
