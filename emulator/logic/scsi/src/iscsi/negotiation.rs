//! Operational parameters and how both ends come to agree on them (RFC 7143 section 13).

use super::frame::Framing;
use super::text;

/// What one end proposes, and after login what holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// HeaderDigest=CRC32C.
    pub header_digest: bool,
    /// DataDigest=CRC32C.
    pub data_digest: bool,
    /// The longest data segment that this end takes, in bytes.
    pub receive_bytes_max: u32,
    /// The longest data segment that the other end takes, in bytes.
    pub send_bytes_max: u32,
    /// InitialR2T: no unsolicited data beyond what comes with a command.
    pub initial_r2t: bool,
    /// ImmediateData: data may come with a command.
    pub immediate_data: bool,
    /// FirstBurstLength, in bytes: unsolicited data of a command, immediate data included.
    pub first_burst_bytes: u32,
    /// MaxBurstLength, in bytes.
    pub max_burst_bytes: u32,
    /// MaxOutstandingR2T, of a command.
    pub max_outstanding_r2t: u16,
    /// DefaultTime2Wait, in seconds.
    pub time_to_wait: u16,
    /// DefaultTime2Retain, in seconds.
    pub time_to_retain: u16,
}

impl Default for Parameters {
    /// What a tuned end proposes.
    fn default() -> Self {
        Self {
            header_digest: false,
            data_digest: false,
            receive_bytes_max: 262_144,
            send_bytes_max: DEFAULT_SEGMENT_BYTES,
            initial_r2t: false,
            immediate_data: true,
            first_burst_bytes: 262_144,
            max_burst_bytes: 1_048_576,
            max_outstanding_r2t: 1,
            time_to_wait: 2,
            time_to_retain: 0,
        }
    }
}

/// MaxRecvDataSegmentLength until declared, and during login.
pub const DEFAULT_SEGMENT_BYTES: u32 = 8192;
const BYTES: std::ops::RangeInclusive<u32> = 512..=0x00ff_ffff;

/// What is said to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This value.
    Say(String),
    /// Nothing: the key only declares.
    Nothing,
    /// That the key is not known.
    NotUnderstood,
}

impl Parameters {
    /// What holds for keys that nobody negotiates (RFC 7143 section 13).
    pub const UNSAID: Self = Self {
        header_digest: false,
        data_digest: false,
        receive_bytes_max: DEFAULT_SEGMENT_BYTES,
        send_bytes_max: DEFAULT_SEGMENT_BYTES,
        initial_r2t: true,
        immediate_data: true,
        first_burst_bytes: 65_536,
        max_burst_bytes: 262_144,
        max_outstanding_r2t: 1,
        time_to_wait: 2,
        time_to_retain: 20,
    };

    /// The framing that holds after login.
    pub fn framing(&self) -> Framing {
        Framing {
            header_digest: self.header_digest,
            data_digest: self.data_digest,
        }
    }

    /// Responds to a key that the other end proposes or declares: what `self` wants and the
    /// other end proposes becomes what is agreed.
    pub fn respond(
        &self,
        agreed: &mut Self,
        key: &str,
        value: &str,
    ) -> Result<Answer, NegotiationError> {
        let answer = match key {
            "HeaderDigest" => digest(&mut agreed.header_digest, value),
            "DataDigest" => digest(&mut agreed.data_digest, value),
            "MaxRecvDataSegmentLength" => {
                return match length(value) {
                    Some(bytes) => {
                        agreed.send_bytes_max = bytes;
                        Ok(Answer::Nothing)
                    }
                    None => Err(NegotiationError(key.to_owned(), value.to_owned())),
                };
            }
            "InitialR2T" => flag(&mut agreed.initial_r2t, value, |it| it | self.initial_r2t),
            "ImmediateData" => flag(&mut agreed.immediate_data, value, |it| {
                it & self.immediate_data
            }),
            "FirstBurstLength" => {
                let own = self.first_burst_bytes;
                length(value).map(|it| set(&mut agreed.first_burst_bytes, it.min(own)))
            }
            "MaxBurstLength" => {
                let own = self.max_burst_bytes;
                length(value).map(|it| set(&mut agreed.max_burst_bytes, it.min(own)))
            }
            "MaxOutstandingR2T" => {
                let own = self.max_outstanding_r2t;
                small(value, 1).map(|it| set(&mut agreed.max_outstanding_r2t, it.min(own)))
            }
            "DefaultTime2Wait" => {
                small(value, 0).map(|it| set(&mut agreed.time_to_wait, it.max(self.time_to_wait)))
            }
            "DefaultTime2Retain" => {
                let own = self.time_to_retain;
                small(value, 0).map(|it| set(&mut agreed.time_to_retain, it.min(own)))
            }
            _ => match fixed(key) {
                Some(answer) => answer(value),
                None => return Ok(Answer::NotUnderstood),
            },
        };
        let answer = answer.ok_or_else(|| NegotiationError(key.to_owned(), value.to_owned()))?;
        agreed.first_burst_bytes = agreed.first_burst_bytes.min(agreed.max_burst_bytes);
        Ok(Answer::Say(answer))
    }

    /// Takes over what the other end answered to our own proposal.
    pub fn accept(
        &self,
        agreed: &mut Self,
        key: &str,
        value: &str,
    ) -> Result<(), NegotiationError> {
        if matches!(value, "NotUnderstood" | "Irrelevant" | "Reject") {
            return Ok(());
        }
        self.respond(agreed, key, value).map(|_| ())
    }

    /// Everything an initiator proposes for a normal session.
    pub fn proposal(&self) -> Vec<(&'static str, String)> {
        let digest = |on: bool| if on { "CRC32C,None" } else { "None,CRC32C" }.to_owned();
        vec![
            ("HeaderDigest", digest(self.header_digest)),
            ("DataDigest", digest(self.data_digest)),
            (
                "MaxRecvDataSegmentLength",
                self.receive_bytes_max.to_string(),
            ),
            ("InitialR2T", word(self.initial_r2t)),
            ("ImmediateData", word(self.immediate_data)),
            ("FirstBurstLength", self.first_burst_bytes.to_string()),
            ("MaxBurstLength", self.max_burst_bytes.to_string()),
            ("MaxOutstandingR2T", self.max_outstanding_r2t.to_string()),
            ("MaxConnections", "1".into()),
            ("ErrorRecoveryLevel", "0".into()),
            ("DefaultTime2Wait", self.time_to_wait.to_string()),
            ("DefaultTime2Retain", self.time_to_retain.to_string()),
            ("DataPDUInOrder", "Yes".into()),
            ("DataSequenceInOrder", "Yes".into()),
        ]
    }
}

/// A value that the key cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}={1} cannot be")]
pub struct NegotiationError(pub String, pub String);

/// Keys that make no sense in a discovery session (RFC 7143 13.1).
pub fn is_irrelevant_in_discovery(key: &str) -> bool {
    matches!(
        key,
        "MaxConnections"
            | "InitialR2T"
            | "ImmediateData"
            | "MaxBurstLength"
            | "FirstBurstLength"
            | "MaxOutstandingR2T"
            | "DataPDUInOrder"
            | "DataSequenceInOrder"
    )
}

/// Keys with one answer, whatever is proposed within their range.
fn fixed(key: &str) -> Option<fn(&str) -> Option<String>> {
    let answer: fn(&str) -> Option<String> = match key {
        "MaxConnections" => |value| small(value, 1).map(|_| "1".into()),
        "ErrorRecoveryLevel" => |value| {
            text::number(value)
                .filter(|it| *it <= 2)
                .map(|_| "0".into())
        },
        // The outcome is the OR of both ends' values, and ours is Yes.
        "DataPDUInOrder" | "DataSequenceInOrder" => |value| yes_or_no(value).map(|_| word(true)),
        // Markers are obsolete; who asks for none is not refused.
        "IFMarker" | "OFMarker" => |value| yes_or_no(value).map(|_| word(false)),
        "TaskReporting" => |_| Some("RFC3720".into()),
        "iSCSIProtocolLevel" => |_| Some("1".into()),
        _ => return None,
    };
    Some(answer)
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "Yes" => Some(true),
        "No" => Some(false),
        _ => None,
    }
}

fn word(value: bool) -> String {
    if value { "Yes" } else { "No" }.to_owned()
}

fn flag(agreed: &mut bool, value: &str, outcome: impl FnOnce(bool) -> bool) -> Option<String> {
    *agreed = outcome(yes_or_no(value)?);
    Some(word(*agreed))
}

fn set<T: Copy + ToString>(agreed: &mut T, outcome: T) -> String {
    *agreed = outcome;
    outcome.to_string()
}

fn length(value: &str) -> Option<u32> {
    text::number(value).filter(|it| BYTES.contains(it))
}

fn small(value: &str, least: u16) -> Option<u16> {
    u16::try_from(text::number(value)?)
        .ok()
        .filter(|it| *it >= least)
}

/// The first of the proposed digests that we know.
fn digest(agreed: &mut bool, proposed: &str) -> Option<String> {
    let known = |word: &str| match word {
        "CRC32C" => Some(true),
        "None" => Some(false),
        _ => None,
    };
    *agreed = proposed.split(',').find_map(known)?;
    Some(if *agreed { "CRC32C" } else { "None" }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(key: &str, value: &str) -> Option<String> {
        let mut agreed = Parameters::UNSAID;
        match Parameters::default().respond(&mut agreed, key, value) {
            Ok(Answer::Say(answer)) => Some(answer),
            Ok(other) => panic!("{other:?}"),
            Err(_) => None,
        }
    }

    #[test]
    fn numbers_become_the_smaller_and_flags_follow_their_rule() {
        assert_eq!(answer("MaxBurstLength", "16776192"), Some("1048576".into()));
        assert_eq!(answer("MaxBurstLength", "65536"), Some("65536".into()));
        assert_eq!(answer("InitialR2T", "Yes"), Some("Yes".into()));
        assert_eq!(answer("InitialR2T", "No"), Some("No".into()));
        assert_eq!(answer("ImmediateData", "No"), Some("No".into()));
        assert_eq!(answer("DefaultTime2Wait", "5"), Some("5".into()));
        assert_eq!(answer("MaxConnections", "8"), Some("1".into()));
        assert_eq!(answer("ErrorRecoveryLevel", "2"), Some("0".into()));
    }

    #[test]
    fn the_first_known_digest_is_chosen() {
        assert_eq!(
            answer("HeaderDigest", "X-fast,CRC32C,None"),
            Some("CRC32C".into())
        );
        assert_eq!(answer("DataDigest", "None,CRC32C"), Some("None".into()));
        assert_eq!(answer("DataDigest", "X-fast"), None);
    }

    #[test]
    fn the_first_burst_never_exceeds_the_burst() {
        let mut agreed = Parameters::UNSAID;
        Parameters::default()
            .respond(&mut agreed, "MaxBurstLength", "4096")
            .unwrap();
        assert_eq!(agreed.first_burst_bytes, 4096);
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        for (key, value) in [
            ("MaxBurstLength", "0"),
            ("MaxBurstLength", "16777216"),
            ("InitialR2T", "Maybe"),
            ("MaxOutstandingR2T", "0"),
            ("MaxConnections", "none"),
        ] {
            assert_eq!(answer(key, value), None, "{key}={value}");
        }
    }
}
