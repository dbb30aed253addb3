//! Tickets: issuing them, and opening a request that presents one.

use super::error::Code;
use super::messages::{
    Authenticator, components, encryption_key, flags, key_of, moment_of, principal, seal, text,
    time, unseal,
};
use crate::Entropy;
use crate::crypto::{EncryptionType, Key, Usage};
use crate::store::{Guid, Object, Store, mapped_to_host};
use base::WallTime;
use rasn::types::Integer;
use rasn_kerberos::{
    ApReq, EncTicketPart, KerberosTime, PrincipalName, Ticket, TicketFlags, TransitedEncoding,
};

/// Bits of ticket flags and request options, which share their places (RFC 4120 section 5.3).
pub(crate) mod bits {
    pub(crate) const FORWARDABLE: u32 = 0x4000_0000;
    pub(crate) const FORWARDED: u32 = 0x2000_0000;
    pub(crate) const PROXIABLE: u32 = 0x1000_0000;
    pub(crate) const PROXY: u32 = 0x0800_0000;
    pub(crate) const POSTDATED: u32 = 0x0200_0000;
    pub(crate) const INVALID: u32 = 0x0100_0000;
    pub(crate) const RENEWABLE: u32 = 0x0080_0000;
    pub(crate) const INITIAL: u32 = 0x0040_0000;
    pub(crate) const PREAUTHENTICATED: u32 = 0x0020_0000;
    pub(crate) const DELEGATED: u32 = 0x0002_0000;
    pub(crate) const CANONICALIZE: u32 = 0x0001_0000;
    pub(crate) const RENEWABLE_OK: u32 = 0x10;
    pub(crate) const IN_SESSION_KEY: u32 = 0x8;
    pub(crate) const RENEW: u32 = 0x2;
    pub(crate) const VALIDATE: u32 = 0x1;
}

/// How far a client's clock may be off.
pub const MAX_SKEW_MILLIS: u64 = 5 * 60 * 1_000;
/// Longest life of a ticket.
pub const MAX_LIFE_MILLIS: u64 = 10 * 60 * 60 * 1_000;
/// Longest time a ticket can be renewed for.
pub const MAX_RENEW_MILLIS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// True when two moments are too far apart.
pub(crate) fn is_skewed(one: WallTime, other: WallTime) -> bool {
    one.0.abs_diff(other.0) > MAX_SKEW_MILLIS
}

/// The life of a ticket.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) authenticated: WallTime,
    pub(super) start: WallTime,
    pub(super) end: WallTime,
    pub(super) renew_till: Option<WallTime>,
}

/// What goes into a ticket.
#[derive(Debug)]
pub(super) struct Grant<'a> {
    pub(super) service: Guid,
    pub(super) service_name: &'a PrincipalName,
    pub(super) client: &'a PrincipalName,
    pub(super) session: &'a Key,
    pub(super) flags: u32,
    pub(super) life: &'a Life,
}

/// A ticket under the service's strongest key.
pub(super) fn issue(
    store: &mut Store,
    grant: &Grant<'_>,
    entropy: &mut dyn Entropy,
) -> Result<Ticket, Code> {
    let realm = store.domain().realm();
    let (key, version) = service_key(store, grant.service).ok_or(Code::NoEncryptionType)?;
    let life = grant.life;
    let part = EncTicketPart {
        flags: TicketFlags(flags(grant.flags)),
        key: encryption_key(grant.session),
        crealm: text(&realm),
        cname: grant.client.clone(),
        transited: TransitedEncoding {
            r#type: 0,
            contents: Vec::new().into(),
        },
        auth_time: time(life.authenticated),
        start_time: Some(time(life.start)),
        end_time: time(life.end),
        renew_till: life.renew_till.map(time),
        caddr: None,
        authorization_data: None,
    };
    Ok(Ticket {
        tkt_vno: Integer::from(5),
        realm: text(&realm),
        sname: grant.service_name.clone(),
        enc_part: seal(&part, &key, Usage::TICKET, Some(version), entropy),
    })
}

fn service_key(store: &mut Store, service: Guid) -> Option<(Key, u32)> {
    let object = store.object(service)?;
    let version = object.secrets()?.version;
    let kind = supported(store, object).first().copied()?;
    Some((store.key(service, kind)?, version))
}

/// The encryption types of an account, strongest first; without the attribute all of them.
pub(super) fn supported(store: &Store, object: &Object) -> Vec<EncryptionType> {
    let written = object.number("msDS-SupportedEncryptionTypes").unwrap_or(0);
    let mask = u32::try_from(written).unwrap_or(0) & 0x1c;
    let allows = |kind: &EncryptionType| {
        let policy = *kind != EncryptionType::Rc4 || store.policy.rc4;
        policy && (mask == 0 || mask & kind.support_bit() != 0)
    };
    EncryptionType::ALL.into_iter().filter(allows).collect()
}

/// The account behind a service's name: a service principal name in any case, its class mapped to
/// HOST where it is one of those, or a logon name.
pub(crate) fn find_service<'a>(store: &'a Store, name: &PrincipalName) -> Option<&'a Object> {
    let parts = components(name);
    let joined = parts.join("/");
    match parts.as_slice() {
        [] => None,
        [account] => account_of(store, account),
        [class, realm] if class.eq_ignore_ascii_case("krbtgt") => {
            let ours = is_our_realm(store, realm);
            store.by_account("krbtgt").filter(|_| ours)
        }
        _ => {
            let mapped = || store.by_service(&mapped_to_host(&joined)?);
            store.by_service(&joined).or_else(mapped)
        }
    }
}

/// The account behind a client's name.
pub(super) fn find_client<'a>(store: &'a Store, name: &PrincipalName) -> Option<&'a Object> {
    let joined = components(name).join("/");
    if name.r#type == ENTERPRISE {
        return store
            .by_user_principal(&joined)
            .or_else(|| account_of(store, &joined));
    }
    let principal = || store.by_user_principal(&format!("{joined}@{}", store.domain().dns));
    account_of(store, &joined).or_else(principal)
}

/// Name type of `user@domain` in one component (RFC 6806).
pub(super) const ENTERPRISE: i32 = 10;

fn account_of<'a>(store: &'a Store, name: &str) -> Option<&'a Object> {
    let plain = name
        .rsplit_once('@')
        .filter(|(_, realm)| is_our_realm(store, realm));
    let name = plain.map_or(name, |(account, _)| account);
    let account = store
        .by_account(name)
        .or_else(|| store.by_account(&format!("{name}$")));
    account.filter(|object| object.secrets().is_some())
}

/// True for the realm and for the NetBIOS name, which some clients send.
pub(crate) fn is_our_realm(store: &Store, realm: &str) -> bool {
    let domain = store.domain();
    realm.eq_ignore_ascii_case(&domain.dns) || realm.eq_ignore_ascii_case(&domain.netbios)
}

/// A request that presented a ticket and proved to own it.
#[derive(Debug)]
pub(crate) struct Presented {
    /// The account whose key the ticket is under.
    pub(crate) service: Guid,
    /// The client's account.
    pub(crate) client: Guid,
    pub(crate) ticket: EncTicketPart,
    pub(crate) authenticator: Authenticator,
    pub(crate) session: Key,
}

impl Presented {
    /// The key that the client chose for this exchange, if it did.
    pub(crate) fn subkey(&self) -> Option<Key> {
        self.authenticator.subkey.as_ref().and_then(key_of)
    }
}

/// Opens the ticket and the authenticator of an AP-REQ.
pub(crate) fn present(
    store: &mut Store,
    request: &ApReq,
    usage: Usage,
    now: WallTime,
) -> Result<Presented, Code> {
    let service = find_service(store, &request.ticket.sname).ok_or(Code::NotUs)?;
    let version = service.secrets().map(|secrets| secrets.version);
    let service = service.guid;
    let sealed = &request.ticket.enc_part;
    if sealed.kvno.is_some() && sealed.kvno != version {
        return Err(Code::BadKeyVersion);
    }
    let kind = EncryptionType::from_number(sealed.etype).ok_or(Code::NoEncryptionType)?;
    let key = store.key(service, kind).ok_or(Code::NoEncryptionType)?;
    let ticket: EncTicketPart = unseal(sealed, &key, Usage::TICKET).ok_or(Code::BadIntegrity)?;
    let session = key_of(&ticket.key).ok_or(Code::NoEncryptionType)?;
    let authenticator: Authenticator =
        unseal(&request.authenticator, &session, usage).ok_or(Code::BadIntegrity)?;
    if authenticator.cname.string != ticket.cname.string || authenticator.crealm != ticket.crealm {
        return Err(Code::BadMatch);
    }
    check_times(&ticket, &authenticator, now)?;
    let client = find_client(store, &ticket.cname)
        .ok_or(Code::TicketRevoked)?
        .guid;
    Ok(Presented {
        service,
        client,
        ticket,
        authenticator,
        session,
    })
}

fn check_times(
    ticket: &EncTicketPart,
    authenticator: &Authenticator,
    now: WallTime,
) -> Result<(), Code> {
    if is_skewed(moment_of(&authenticator.ctime), now) {
        return Err(Code::Skew);
    }
    let start = ticket.start_time.as_ref().unwrap_or(&ticket.auth_time);
    if moment_of(start).0 > now.0.saturating_add(MAX_SKEW_MILLIS) {
        return Err(Code::TicketNotYetValid);
    }
    if super::messages::flags_of(&ticket.flags.0) & bits::INVALID != 0 {
        return Err(Code::TicketNotYetValid);
    }
    if moment_of(&ticket.end_time).0 < now.0 {
        return Err(Code::TicketExpired);
    }
    Ok(())
}

/// The end of a ticket's life that a client asked for; 1970 means "as long as possible".
pub(super) fn wanted_end(till: &KerberosTime, latest: u64) -> WallTime {
    match moment_of(till) {
        WallTime(0) => WallTime(latest),
        WallTime(till) => WallTime(till.min(latest)),
    }
}

/// The name of the ticket-granting service.
pub(crate) fn granting_service(store: &Store) -> PrincipalName {
    principal(2, &["krbtgt", &store.domain().realm()])
}
