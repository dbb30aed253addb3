//! Results and entries as messages.

use crate::store::Refusal;
use rasn::prelude::*;
use rasn_ldap::{
    BindResponse, Control, ExtendedResponse, LdapMessage, LdapResult, ProtocolOp, ResultCode,
};

/// A result with its text.
pub(super) fn result(code: ResultCode, text: impl Into<String>) -> LdapResult {
    LdapResult::new(code, "".into(), text.into().into())
}

/// Success without a word.
pub(super) fn success() -> LdapResult {
    result(ResultCode::Success, "")
}

impl From<Refusal> for LdapResult {
    fn from(refusal: Refusal) -> Self {
        result(refusal.result, refusal.to_string())
    }
}

/// What a caller without a name gets for anything but the root (reference, 4.3).
pub(super) fn not_bound() -> LdapResult {
    let text = "000004DC: this operation needs a successful bind first";
    result(ResultCode::OperationsError, text)
}

pub(super) fn bind(code: ResultCode, text: &str, token: Option<Vec<u8>>) -> ProtocolOp {
    let token = token.map(Into::into);
    let response = BindResponse::new(code, "".into(), text.into(), None, token);
    ProtocolOp::BindResponse(response)
}

pub(super) fn extended(result: LdapResult, value: Option<Vec<u8>>) -> ProtocolOp {
    ProtocolOp::ExtendedResp(ExtendedResponse {
        result_code: result.result_code,
        matched_dn: result.matched_dn,
        diagnostic_message: result.diagnostic_message,
        referral: None,
        response_name: None,
        response_value: value.map(Into::into),
    })
}

/// The notice that a connection ends because of bytes that are no message (RFC 4511, 4.4.1).
pub(super) fn disconnection() -> Vec<u8> {
    let text = "the message cannot be read, or is larger or deeper than is allowed";
    let result = result(ResultCode::ProtocolError, text);
    let mut notice = extended(result, None);
    if let ProtocolOp::ExtendedResp(response) = &mut notice {
        response.response_name = Some(b"1.3.6.1.4.1.1466.20036".to_vec().into());
    }
    encode(0, notice)
}

/// What one answer consists of: entries keep the order of their values, which the codec's sets
/// do not; clients read the class of an object off the last value.
#[derive(Debug)]
pub(super) enum Answer {
    Entry(Entry),
    Other(ProtocolOp),
}

/// A SearchResultEntry.
#[derive(AsnType, Clone, Debug, Encode)]
#[rasn(tag(application, 4))]
pub(super) struct Entry {
    name: OctetString,
    attributes: SequenceOf<EntryAttribute>,
}

#[derive(AsnType, Clone, Debug, Encode)]
struct EntryAttribute {
    name: OctetString,
    #[rasn(tag(universal, 17))]
    values: SequenceOf<OctetString>,
}

#[derive(AsnType, Clone, Debug, Encode)]
struct EntryMessage {
    id: u32,
    entry: Entry,
}

/// An entry with its attributes and their values in order.
pub(super) fn entry(name: &str, attributes: Vec<(String, Vec<Vec<u8>>)>) -> Answer {
    let attribute = |(name, values): (String, Vec<Vec<u8>>)| EntryAttribute {
        name: name.into_bytes().into(),
        values: values.into_iter().map(Into::into).collect(),
    };
    Answer::Entry(Entry {
        name: name.as_bytes().to_vec().into(),
        attributes: attributes.into_iter().map(attribute).collect(),
    })
}

/// All of an answer, its control on the last message.
pub(super) fn encode_all(id: u32, answers: Vec<Answer>, mut control: Option<Control>) -> Vec<u8> {
    let last = answers.len().saturating_sub(1);
    let mut bytes = Vec::new();
    for (at, answer) in answers.into_iter().enumerate() {
        let encoded = match answer {
            Answer::Entry(entry) => rasn::ber::encode(&EntryMessage { id, entry })
                .expect("entries of our own hold nothing that BER cannot"),
            Answer::Other(operation) if at == last => encode_with(id, operation, control.take()),
            Answer::Other(operation) => encode(id, operation),
        };
        bytes.extend(encoded);
    }
    bytes
}

pub(super) fn encode(id: u32, operation: ProtocolOp) -> Vec<u8> {
    encode_with(id, operation, None)
}

fn encode_with(id: u32, operation: ProtocolOp, control: Option<Control>) -> Vec<u8> {
    let mut message = LdapMessage::new(id, operation);
    message.controls = control.map(|control| vec![control]);
    rasn::ber::encode(&message).expect("messages of our own hold nothing that BER cannot")
}
