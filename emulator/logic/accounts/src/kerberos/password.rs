//! The password service, port 464 (RFC 3244): version 1 changes, version 0xff80 sets.

use super::error::{self, Code};
use super::messages::{components, encode, flags_of, microseconds, principal, seal, time, unseal};
use super::ticket::{Presented, bits, find_client, find_service, present};
use crate::Entropy;
use crate::crypto::{Key, Usage};
use crate::store::{Call, Caller, Refusal, Store};
use base::WallTime;
use rasn::prelude::*;
use rasn_kerberos::{ApRep, ApReq, HostAddress, KrbPriv, PrincipalName, Realm};
use rasn_ldap::ResultCode;
use std::net::IpAddr;

const CHANGE: u16 = 1;
const SET: u16 = 0xff80;

/// Results of RFC 3244 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success = 0,
    Malformed = 1,
    Authentication = 3,
    Soft = 4,
    Denied = 5,
    Version = 6,
    NotInitial = 7,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct SetPassword {
    #[rasn(tag(explicit(0)))]
    password: OctetString,
    #[rasn(tag(explicit(1)))]
    target: Option<PrincipalName>,
    #[rasn(tag(explicit(2)))]
    realm: Option<Realm>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 27)))]
pub(crate) struct ProofPart {
    #[rasn(tag(explicit(0)))]
    pub(crate) ctime: rasn_kerberos::KerberosTime,
    #[rasn(tag(explicit(1)))]
    pub(crate) cusec: Integer,
    #[rasn(tag(explicit(2)))]
    pub(crate) subkey: Option<rasn_kerberos::EncryptionKey>,
    #[rasn(tag(explicit(3)))]
    pub(crate) sequence: Option<i64>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 28)))]
struct PrivatePart {
    #[rasn(tag(explicit(0)))]
    data: OctetString,
    #[rasn(tag(explicit(1)))]
    timestamp: Option<rasn_kerberos::KerberosTime>,
    #[rasn(tag(explicit(2)))]
    usec: Option<Integer>,
    #[rasn(tag(explicit(3)))]
    sequence: Option<i64>,
    #[rasn(tag(explicit(4)))]
    sender: HostAddress,
    #[rasn(tag(explicit(5)))]
    recipient: Option<HostAddress>,
}

/// Answers one request; nothing for bytes that are none. `local` is the address that the request
/// came to, which clients compare with the reply.
pub fn answer(
    store: &mut Store,
    request: &[u8],
    local: IpAddr,
    now: WallTime,
    entropy: &mut dyn Entropy,
) -> Option<Vec<u8>> {
    let (version, proof, message) = parts(request)?;
    let presented = match opened(store, proof, now) {
        Ok(presented) => presented,
        Err(code) => return Some(refusal(store, code, now)),
    };
    let key = presented
        .subkey()
        .unwrap_or_else(|| presented.session.clone());
    let (outcome, text) = match password(&key, message) {
        Some(data) => carry_out(store, version, &presented, &data, now, entropy),
        None => (
            Outcome::Authentication,
            "the message does not fit its ticket".to_owned(),
        ),
    };
    let proof = proof_of_ours(&presented, entropy);
    let data = result(outcome, &text);
    Some(frame(
        &proof,
        &private(&key, &presented, data, local, now, entropy),
    ))
}

/// Version, AP-REQ and KRB-PRIV of a request.
fn parts(request: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, rest) = request.split_at_checked(6)?;
    let number = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    if usize::from(number(0)) != request.len() || !crate::der::is_shallow(rest) {
        return None;
    }
    let (proof, message) = rest.split_at_checked(usize::from(number(4)))?;
    Some((number(2), proof, message))
}

fn opened(store: &mut Store, proof: &[u8], now: WallTime) -> Result<Presented, Code> {
    let proof: ApReq = rasn::der::decode(proof).map_err(|_| Code::Generic)?;
    let name = components(&proof.ticket.sname).join("/");
    if !name.eq_ignore_ascii_case("kadmin/changepw") {
        return Err(Code::NotUs);
    }
    present(store, &proof, Usage::AP_AUTHENTICATOR, now)
}

fn password(key: &Key, message: &[u8]) -> Option<Vec<u8>> {
    let message: KrbPriv = rasn::der::decode(message).ok()?;
    let part: PrivatePart = unseal(&message.enc_part, key, Usage::PRIVATE)?;
    Some(part.data.to_vec())
}

fn carry_out(
    store: &mut Store,
    version: u16,
    presented: &Presented,
    data: &[u8],
    now: WallTime,
    entropy: &mut dyn Entropy,
) -> (Outcome, String) {
    let mut call = Call::new(Caller::Account(presented.client), now, entropy);
    let done = match version {
        CHANGE => change(store, presented, data, &mut call),
        SET => set(store, presented, data, &mut call),
        _ => Err((
            Outcome::Version,
            format!("version {version:#x} is not known here"),
        )),
    };
    done.err().unwrap_or((Outcome::Success, String::new()))
}

fn change(
    store: &mut Store,
    presented: &Presented,
    data: &[u8],
    call: &mut Call<'_>,
) -> Result<(), (Outcome, String)> {
    let new = std::str::from_utf8(data).map_err(|_| malformed())?;
    if flags_of(&presented.ticket.flags.0) & bits::INITIAL == 0 {
        let text = "a password is changed with a ticket got for that alone";
        return Err((Outcome::NotInitial, text.to_owned()));
    }
    store
        .change_password(presented.client, None, new, call)
        .map_err(explained)
}

fn set(
    store: &mut Store,
    presented: &Presented,
    data: &[u8],
    call: &mut Call<'_>,
) -> Result<(), (Outcome, String)> {
    let request: SetPassword = rasn::der::decode(data).map_err(|_| malformed())?;
    let Some(target) = &request.target else {
        return change(store, presented, &request.password, call);
    };
    let new = std::str::from_utf8(&request.password).map_err(|_| malformed())?;
    let object = find_client(store, target).or_else(|| find_service(store, target));
    let Some(object) = object else {
        let name = components(target).join("/");
        return Err((Outcome::Denied, format!("no account is called {name}")));
    };
    let guid = object.guid;
    if guid == presented.client && flags_of(&presented.ticket.flags.0) & bits::INITIAL != 0 {
        return store
            .change_password(guid, None, new, call)
            .map_err(explained);
    }
    store.set_password(guid, new, call).map_err(explained)
}

fn malformed() -> (Outcome, String) {
    (Outcome::Malformed, "the request cannot be read".to_owned())
}

fn explained(refusal: Refusal) -> (Outcome, String) {
    let outcome = match refusal.result {
        ResultCode::InsufficientAccessRights => Outcome::Denied,
        _ => Outcome::Soft,
    };
    (outcome, refusal.what)
}

fn result(outcome: Outcome, text: &str) -> Vec<u8> {
    let code = outcome as u16;
    [&code.to_be_bytes(), text.as_bytes()].concat()
}

/// The AP-REP: our proof, with the client's own sequence number as ours.
fn proof_of_ours(presented: &Presented, entropy: &mut dyn Entropy) -> Vec<u8> {
    let part = ProofPart {
        ctime: presented.authenticator.ctime.clone(),
        cusec: presented.authenticator.cusec.clone(),
        subkey: None,
        sequence: presented.authenticator.sequence,
    };
    encode(&ApRep {
        pvno: Integer::from(5),
        msg_type: Integer::from(15),
        enc_part: seal(&part, &presented.session, Usage::AP_REPLY, None, entropy),
    })
}

fn private(
    key: &Key,
    presented: &Presented,
    data: Vec<u8>,
    local: IpAddr,
    now: WallTime,
    entropy: &mut dyn Entropy,
) -> Vec<u8> {
    let part = PrivatePart {
        data: data.into(),
        timestamp: Some(time(now)),
        usec: Some(microseconds(now)),
        sequence: presented.authenticator.sequence,
        sender: host_address(local),
        recipient: None,
    };
    encode(&KrbPriv {
        pvno: Integer::from(5),
        msg_type: Integer::from(21),
        enc_part: seal(&part, key, Usage::PRIVATE, None, entropy),
    })
}

fn host_address(address: IpAddr) -> HostAddress {
    let (addr_type, bytes) = match address {
        IpAddr::V4(four) => (HostAddress::IPV4, four.octets().to_vec()),
        IpAddr::V6(six) => (HostAddress::IPV6, six.octets().to_vec()),
    };
    HostAddress {
        addr_type,
        address: bytes.into(),
    }
}

/// A reply without proof: a Kerberos error that holds the result.
fn refusal(store: &Store, code: Code, now: WallTime) -> Vec<u8> {
    let outcome = match code {
        Code::Generic => Outcome::Malformed,
        _ => Outcome::Authentication,
    };
    let failure = error::Failure {
        code,
        data: Some(result(outcome, "the ticket is no good")),
    };
    let server = principal(2, &["kadmin", "changepw"]);
    frame(&[], &error::message(store, failure, server, now))
}

fn frame(proof: &[u8], message: &[u8]) -> Vec<u8> {
    let short = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes();
    let total = short(6 + proof.len() + message.len());
    let version = CHANGE.to_be_bytes();
    [&total, &version, &short(proof.len()), proof, message].concat()
}
