//! Lines of the protocol, as types.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{LINE_BYTES_MAX, VERSION};
use crate::rcm::{EntryPoint, EntryResult};
use crate::restype::{ResourceParameters, ResourceSpec};

/// What the host tells the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ToPlugIn {
    /// First line: which protocol this is.
    Hello { protocol: u32 },
    /// An entry point. Answered by one `answer` with the same number.
    Call {
        call: u64,
        entry: String,
        /// For `open` and `online`: the resource's name and its properties.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resource: Option<String>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        properties: BTreeMap<String, String>,
        /// For control codes: the code and its input as hexadecimal digits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<String>,
    },
    /// A virtual server came, went or changed. Not answered.
    VirtualServer {
        name: String,
        node: String,
        change: String,
    },
}

/// What the program tells the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromPlugIn {
    /// First line: the version that it speaks, and what people call its type.
    Hello { protocol: u32, r#type: String },
    /// An entry point returned: `ok`, `pending`, `watched` or an error number.
    Answer {
        call: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<ResultWord>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<u32>,
        /// For control codes: the output as hexadecimal digits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
    /// A pending Online or Offline still works (no `result`), or has ended.
    Status {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<ResultWord>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<u32>,
    },
    /// The resource noticed its own failure; only after `watched`.
    Failed,
    /// A line for the cluster log.
    Log { text: String },
}

/// How something went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultWord {
    /// Done, or yes.
    Ok,
    /// Under way; `status` ends it.
    Pending,
    /// Online, and failures will be told by `failed`.
    Watched,
}

/// Why a line is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlugInError {
    /// It is longer than any line may be.
    TooLong { bytes: usize },
    /// It is no object of the protocol.
    NotUnderstood { why: String },
    /// It speaks another version.
    Version { protocol: u32 },
}

impl fmt::Display for PlugInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(
                f,
                "the line has {bytes} bytes, and a line has at most {LINE_BYTES_MAX}"
            ),
            Self::NotUnderstood { why } => write!(f, "the line is not understood: {why}"),
            Self::Version { protocol } => write!(
                f,
                "the program speaks version {protocol} of the protocol, and this host {VERSION}"
            ),
        }
    }
}

impl std::error::Error for PlugInError {}

/// A line for the program, without its end.
#[must_use]
pub fn render(words: &ToPlugIn) -> String {
    // Texts and numbers always have a form in JSON.
    serde_json::to_string(words).unwrap_or_default()
}

/// Reads a line of the program.
///
/// # Errors
/// A [`PlugInError`] in words for whoever wrote the program.
pub fn parse(line: &str) -> Result<FromPlugIn, PlugInError> {
    let line = line.trim();
    if line.len() > LINE_BYTES_MAX {
        let bytes = line.len();
        return Err(PlugInError::TooLong { bytes });
    }
    let words = serde_json::from_str(line).map_err(|error| PlugInError::NotUnderstood {
        why: error.to_string(),
    })?;
    match words {
        FromPlugIn::Hello { protocol, .. } if protocol != VERSION => {
            Err(PlugInError::Version { protocol })
        }
        words => Ok(words),
    }
}

impl ToPlugIn {
    /// The line for an entry point.
    #[must_use]
    pub fn call(call: u64, entry: &EntryPoint) -> Self {
        let (resource, properties) = match entry {
            EntryPoint::Open(spec) | EntryPoint::Online(spec) => (
                Some(spec.name.clone()),
                properties(spec).into_iter().collect(),
            ),
            _ => (None, BTreeMap::new()),
        };
        let (code, input) = match entry {
            EntryPoint::ResourceControl { code, input }
            | EntryPoint::ResourceTypeControl { code, input } => (Some(*code), Some(hex(input))),
            _ => (None, None),
        };
        Self::Call {
            call,
            entry: word(entry).to_owned(),
            resource,
            properties,
            code,
            input,
        }
    }
}

impl FromPlugIn {
    /// How an answer or a status ended; nothing for a status that only says "still working" and
    /// for lines that end nothing.
    #[must_use]
    pub fn result(&self) -> Option<EntryResult> {
        let (Self::Answer { result, error, .. } | Self::Status { result, error }) = self else {
            return None;
        };
        match (result, error) {
            (_, Some(code)) => Some(EntryResult::Failure { code: *code }),
            (Some(ResultWord::Ok), None) => Some(EntryResult::Success),
            (Some(ResultWord::Pending), None) => Some(EntryResult::Pending),
            (Some(ResultWord::Watched), None) => Some(EntryResult::Watched),
            (None, None) => None,
        }
    }

    /// The output of a control code, if the answer has one.
    #[must_use]
    pub fn output(&self) -> Option<Vec<u8>> {
        match self {
            Self::Answer {
                output: Some(digits),
                ..
            } => bytes(digits),
            _ => None,
        }
    }
}

fn properties(spec: &ResourceSpec) -> Vec<(String, String)> {
    match &spec.parameters {
        ResourceParameters::PlugIn { properties, .. } => properties.clone(),
        _ => Vec::new(),
    }
}

/// The entry point in the words of the protocol.
fn word(entry: &EntryPoint) -> &'static str {
    match entry {
        EntryPoint::Open(_) => "open",
        EntryPoint::Online(_) => "online",
        EntryPoint::Offline => "offline",
        EntryPoint::Terminate => "terminate",
        EntryPoint::LooksAlive => "looks-alive",
        EntryPoint::IsAlive => "is-alive",
        EntryPoint::Close => "close",
        EntryPoint::Arbitrate => "arbitrate",
        EntryPoint::Release => "release",
        EntryPoint::ResourceControl { .. } => "resource-control",
        EntryPoint::ResourceTypeControl { .. } => "resource-type-control",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|it| u8::try_from(it).ok()))
        .collect();
    let digits = digits?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then(|| {
        pairs
            .map(|pair| pair.iter().fold(0, |sum, it| sum << 4 | it))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::restype::Checks;

    #[test]
    fn online_carries_the_name_and_the_properties() {
        let spec = ResourceSpec {
            name: "archive".into(),
            parameters: ResourceParameters::PlugIn {
                program: "archive".into(),
                properties: vec![("Vault".into(), "main".into())],
            },
            checks: Checks::default(),
        };
        let line = render(&ToPlugIn::call(7, &EntryPoint::Online(spec)));
        assert_eq!(
            line,
            "{\"say\":\"call\",\"call\":7,\"entry\":\"online\",\"resource\":\"archive\",\
             \"properties\":{\"Vault\":\"main\"}}"
        );
    }

    #[test]
    fn answers_are_read_as_results() {
        let result = |line: &str| parse(line).map(|words| words.result());
        let cases = [
            (
                "{\"say\":\"answer\",\"call\":1,\"result\":\"ok\"}",
                EntryResult::Success,
            ),
            (
                "{\"say\":\"answer\",\"call\":1,\"result\":\"watched\"}",
                EntryResult::Watched,
            ),
            (
                "{\"say\":\"answer\",\"call\":1,\"result\":\"pending\"}",
                EntryResult::Pending,
            ),
            (
                "{\"say\":\"status\",\"error\":5038}",
                EntryResult::Failure { code: 5_038 },
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(result(line), Ok(Some(expected)), "{line}");
        }
        assert_eq!(result("{\"say\":\"status\"}"), Ok(None));
    }

    #[test]
    fn another_version_and_unknown_words_are_refused_in_words() {
        let hello = "{\"say\":\"hello\",\"protocol\":2,\"type\":\"Demo\"}";
        let error = parse(hello).expect_err("version 2");
        assert!(error.to_string().contains("version 2"), "{error}");
        let error = parse("{\"say\":\"bye\"}").expect_err("no such word");
        assert!(error.to_string().contains("not understood"), "{error}");
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        assert!(parse(&long).is_err());
    }

    #[test]
    fn bytes_of_control_codes_survive_as_digits() {
        let entry = EntryPoint::ResourceControl {
            code: 3,
            input: vec![0, 0xab],
        };
        let line = render(&ToPlugIn::call(1, &entry));
        assert!(line.contains("\"input\":\"00ab\""), "{line}");
        let answer = parse("{\"say\":\"answer\",\"call\":1,\"result\":\"ok\",\"output\":\"0aff\"}");
        let output = answer.expect("an answer").output();
        assert_eq!(output, Some(vec![0x0a, 0xff]));
    }

    proptest! {
        #[test]
        fn no_line_of_a_program_can_do_harm(line in ".{0,200}") {
            let words = parse(&line);
            prop_assert!(words.is_err() || words.is_ok());
        }
    }
}
