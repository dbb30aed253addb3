//! The AS exchange: from a password or a key to a first ticket (RFC 4120 section 3.1).

use super::error::{Code, Failure};
use super::messages::{
    ReplyPart, Request, components, encode, encryption_key, flags, moment_of, principal, text,
    time, unseal,
};
use super::ticket::{
    ENTERPRISE, Grant, Life, MAX_LIFE_MILLIS, MAX_RENEW_MILLIS, bits, find_client, find_service,
    granting_service, is_our_realm, is_skewed, issue, supported, wanted_end,
};
use crate::Entropy;
use crate::crypto::{EncryptionType, Key, Usage};
use crate::der;
use crate::store::object::control;
use crate::store::{Guid, Object, Store};
use base::WallTime;
use rasn::types::Integer;
use rasn_kerberos::{
    AsRep, EncryptedData, EtypeInfo2, EtypeInfo2Entry, EtypeInfoEntry, KdcRep, LastReqValue,
    PaData, PaEncTsEnc, PrincipalName, TicketFlags,
};

const PA_ENC_TIMESTAMP: i32 = 2;
const PA_ETYPE_INFO: i32 = 11;
const PA_ETYPE_INFO2: i32 = 19;

/// What is known about the client before it has proven anything.
struct Client {
    account: Guid,
    version: u32,
    salt: String,
    /// Types that both sides have, in the client's order.
    types: Vec<EncryptionType>,
}

/// Answers an AS-REQ.
pub(super) fn answer(
    store: &mut Store,
    request: &Request<'_>,
    now: WallTime,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, Failure> {
    let name = request.body.cname.clone().ok_or(Code::ClientUnknown)?;
    let realm = String::from_utf8_lossy(request.body.realm.as_bytes()).into_owned();
    if !is_our_realm(store, &realm) {
        return Err(Code::WrongRealm.into());
    }
    let client = client(store, request, &name, now)?;
    let service_name = request
        .body
        .sname
        .clone()
        .unwrap_or_else(|| granting_service(store));
    let service = find_service(store, &service_name)
        .ok_or(Code::ServerUnknown)?
        .guid;
    let key = prove(store, request, &client, now)?;
    check_password_age(store, client.account, service, &service_name, now)?;
    let session = session_key(store, request, service, entropy)?;
    let life = life(request, now)?;
    let flags = ticket_flags(request, &life, key.1);
    let shown = shown_client(store, request, &name, client.account);
    let grant = Grant {
        service,
        service_name: &service_name,
        client: &shown,
        session: &session,
        flags,
        life: &life,
    };
    let ticket = issue(store, &grant, entropy)?;
    let part = reply_part(store, request, &grant);
    let sealed = seal_reply(
        &part,
        25,
        &key.0,
        Usage::AS_REPLY,
        Some(client.version),
        entropy,
    );
    let hint = PaData {
        r#type: PA_ETYPE_INFO2,
        value: encode(&info(&client.salt, &[key.0.kind()])).into(),
    };
    Ok(encode(&AsRep(KdcRep {
        pvno: Integer::from(5),
        msg_type: Integer::from(11),
        padata: Some(vec![hint]),
        crealm: text(&store.domain().realm()),
        cname: shown,
        ticket,
        enc_part: sealed,
    })))
}

fn client(
    store: &Store,
    request: &Request<'_>,
    name: &PrincipalName,
    now: WallTime,
) -> Result<Client, Failure> {
    let object = find_client(store, name).ok_or(Code::ClientUnknown)?;
    store.usable(object, now)?;
    let secrets = object.secrets().ok_or(Code::ClientUnknown)?;
    let ours = supported(store, object);
    let types: Vec<_> = request
        .encryption_types()
        .into_iter()
        .filter(|kind| ours.contains(kind))
        .collect();
    if types.is_empty() {
        return Err(Code::NoEncryptionType.into());
    }
    Ok(Client {
        account: object.guid,
        version: secrets.version,
        salt: secrets.salt.clone(),
        types,
    })
}

/// The key of the reply, and whether the client has shown that it knows it.
fn prove(
    store: &mut Store,
    request: &Request<'_>,
    client: &Client,
    now: WallTime,
) -> Result<(Key, bool), Failure> {
    let Some(proof) = request.padata(PA_ENC_TIMESTAMP) else {
        let free = store.object(client.account).map_or(0, Object::control);
        if free & control::NO_PREAUTHENTICATION == 0 {
            return Err(hints(client, Code::PreauthenticationRequired));
        }
        let first = client
            .types
            .first()
            .copied()
            .ok_or(Code::NoEncryptionType)?;
        let key = store
            .key(client.account, first)
            .ok_or(Code::NoEncryptionType)?;
        return Ok((key, false));
    };
    let failed = || hints(client, Code::PreauthenticationFailed);
    let proof: EncryptedData = rasn::der::decode(proof).map_err(|_| failed())?;
    let kind = EncryptionType::from_number(proof.etype).filter(|kind| client.types.contains(kind));
    let kind = kind.ok_or_else(|| hints(client, Code::NoEncryptionType))?;
    let key = store
        .key(client.account, kind)
        .ok_or(Code::NoEncryptionType)?;
    let stamp: PaEncTsEnc = unseal(&proof, &key, Usage::PREAUTH_TIMESTAMP).ok_or_else(failed)?;
    if is_skewed(moment_of(&stamp.patimestamp), now) {
        return Err(Code::Skew.into());
    }
    Ok((key, true))
}

/// A refusal that tells the client how to prove itself.
fn hints(client: &Client, code: Code) -> Failure {
    let mut offers = vec![
        PaData {
            r#type: PA_ETYPE_INFO2,
            value: encode(&info(&client.salt, &client.types)).into(),
        },
        PaData {
            r#type: PA_ENC_TIMESTAMP,
            value: Vec::new().into(),
        },
    ];
    if client.types.iter().all(|kind| *kind == EncryptionType::Rc4) {
        // Clients that know nothing newer also know nothing newer than this (RFC 4120, 5.2.7.4).
        let entry = EtypeInfoEntry {
            etype: EncryptionType::Rc4.number(),
            salt: None,
        };
        let value = encode(&vec![entry]).into();
        offers.insert(
            0,
            PaData {
                r#type: PA_ETYPE_INFO,
                value,
            },
        );
    }
    Failure {
        code,
        data: Some(encode(&offers)),
    }
}

fn info(salt: &str, types: &[EncryptionType]) -> EtypeInfo2 {
    let entry = |kind: &EncryptionType| EtypeInfo2Entry {
        etype: kind.number(),
        salt: (*kind != EncryptionType::Rc4).then(|| text(salt)),
        s2kparams: None,
    };
    types.iter().map(entry).collect()
}

/// An old password is good for one thing: the ticket of the password service.
fn check_password_age(
    store: &Store,
    client: Guid,
    service: Guid,
    name: &PrincipalName,
    now: WallTime,
) -> Result<(), Failure> {
    let changes = components(name)
        .join("/")
        .eq_ignore_ascii_case("kadmin/changepw");
    if changes && Some(service) == store.krbtgt() {
        return Ok(());
    }
    let object = store.object(client).ok_or(Code::ClientUnknown)?;
    Ok(store.password_fresh(object, now)?)
}

/// A session key of the client's first type that the service takes.
pub(super) fn session_key(
    store: &Store,
    request: &Request<'_>,
    service: Guid,
    entropy: &mut dyn Entropy,
) -> Result<Key, Failure> {
    let object = store.object(service).ok_or(Code::ServerUnknown)?;
    let theirs = supported(store, object);
    let mut types = request.encryption_types().into_iter();
    let kind = types
        .find(|kind| theirs.contains(kind))
        .ok_or(Code::NoEncryptionType)?;
    Ok(Key::random(kind, entropy))
}

fn life(request: &Request<'_>, now: WallTime) -> Result<Life, Failure> {
    let options = request.options();
    if options & bits::POSTDATED != 0 {
        return Err(Code::BadOption.into());
    }
    let body = &request.body;
    let end = wanted_end(&body.till, now.0 + MAX_LIFE_MILLIS);
    if end <= now {
        return Err(Code::NeverValid.into());
    }
    let latest = now.0 + MAX_RENEW_MILLIS;
    let longer = moment_of(&body.till) > end && options & bits::RENEWABLE_OK != 0;
    let renew_till = match &body.rtime {
        Some(rtime) if options & bits::RENEWABLE != 0 => Some(wanted_end(rtime, latest)),
        None if options & bits::RENEWABLE != 0 => Some(WallTime(latest)),
        _ if longer => Some(wanted_end(&body.till, latest)),
        _ => None,
    };
    Ok(Life {
        authenticated: now,
        start: now,
        end,
        renew_till,
    })
}

fn ticket_flags(request: &Request<'_>, life: &Life, proven: bool) -> u32 {
    let mut flags = request.options() & (bits::FORWARDABLE | bits::PROXIABLE) | bits::INITIAL;
    if proven {
        flags |= bits::PREAUTHENTICATED;
    }
    if life.renew_till.is_some() {
        flags |= bits::RENEWABLE;
    }
    flags
}

/// The client's name in the ticket: as it was asked for, or as the directory spells it when the
/// client wants that.
fn shown_client(
    store: &Store,
    request: &Request<'_>,
    name: &PrincipalName,
    account: Guid,
) -> PrincipalName {
    let wants = request.options() & bits::CANONICALIZE != 0 || name.r#type == ENTERPRISE;
    let stored = store.object(account).and_then(Object::account_name);
    match stored {
        Some(stored) if wants => principal(1, &[stored]),
        _ => name.clone(),
    }
}

/// The part of a reply that the client decrypts.
pub(super) fn reply_part(store: &Store, request: &Request<'_>, grant: &Grant<'_>) -> ReplyPart {
    let life = grant.life;
    ReplyPart {
        key: encryption_key(grant.session),
        last_req: vec![LastReqValue {
            r#type: 0,
            value: time(life.start),
        }],
        nonce: request.body.nonce,
        flags: TicketFlags(flags(grant.flags)),
        auth_time: time(life.authenticated),
        start_time: Some(time(life.start)),
        end_time: time(life.end),
        renew_till: life.renew_till.map(time),
        srealm: text(&store.domain().realm()),
        sname: grant.service_name.clone(),
    }
}

/// Seals a reply part below its application tag, 25 or 26.
pub(super) fn seal_reply(
    part: &ReplyPart,
    tag: u8,
    key: &Key,
    usage: Usage,
    version: Option<u32>,
    entropy: &mut dyn Entropy,
) -> EncryptedData {
    let plain = der::wrap(0x60 | tag, &encode(part));
    EncryptedData {
        etype: key.kind().number(),
        kvno: version,
        cipher: key.encrypt(usage, &plain, entropy).into(),
    }
}
