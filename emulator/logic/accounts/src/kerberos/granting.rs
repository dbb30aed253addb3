//! The TGS exchange: from a first ticket to tickets for services, and renewing (RFC 4120, 3.3).

use super::authentication::{reply_part, seal_reply, session_key};
use super::error::{Code, Failure};
use super::messages::{Request, encode, flags_of, moment_of, text};
use super::ticket::{
    Grant, Life, MAX_LIFE_MILLIS, Presented, bits, find_service, issue, present, wanted_end,
};
use crate::Entropy;
use crate::crypto::{Key, Usage};
use crate::store::Store;
use base::WallTime;
use rasn::types::Integer;
use rasn_kerberos::{ApReq, KdcRep, PrincipalName, TgsRep};

const PA_TGS_REQ: i32 = 1;
/// Asking for a ticket in somebody else's name, which is not done here.
const PA_FOR_USER: i32 = 129;
/// Options of delegation and of tickets under a session key.
const NOT_HERE: u32 = bits::DELEGATED | bits::IN_SESSION_KEY | bits::POSTDATED | bits::VALIDATE;

/// Answers a TGS-REQ.
pub(super) fn answer(
    store: &mut Store,
    request: &Request<'_>,
    now: WallTime,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, Failure> {
    let presented = opened(store, request, now)?;
    let options = request.options();
    if options & NOT_HERE != 0 {
        return Err(Code::BadOption.into());
    }
    if request.padata(PA_FOR_USER).is_some() {
        return Err(Code::NoPadata.into());
    }
    let name = request.body.sname.clone().ok_or(Code::ServerUnknown)?;
    let service = find_service(store, &name).ok_or(Code::ServerUnknown)?;
    store.usable_service(service)?;
    let service = service.guid;
    let session = session_key(store, request, service, entropy)?;
    let (life, flags) = if options & bits::RENEW != 0 {
        renewed(&presented, now)?
    } else {
        fresh(request, &presented, now)?
    };
    let grant = Grant {
        service,
        service_name: &name,
        client: &presented.ticket.cname,
        session: &session,
        flags,
        life: &life,
    };
    reply(store, request, &presented, &grant, entropy)
}

/// Opens what the client presents, and checks that the request is its own.
fn opened(store: &mut Store, request: &Request<'_>, now: WallTime) -> Result<Presented, Failure> {
    let proof = request.padata(PA_TGS_REQ).ok_or(Code::NoPadata)?;
    let proof: ApReq = rasn::der::decode(proof).map_err(|_| Code::Generic)?;
    let presented = present(store, &proof, Usage::TGS_AUTHENTICATOR, now)?;
    if Some(presented.service) != store.krbtgt() {
        return Err(Code::NotUs.into());
    }
    let checksum = presented.authenticator.checksum.as_ref();
    let checksum = checksum.ok_or(Code::InappropriateChecksum)?;
    if checksum.r#type != presented.session.kind().checksum_number() {
        return Err(Code::InappropriateChecksum.into());
    }
    presented
        .session
        .verify(Usage::TGS_CHECKSUM, request.raw_body, &checksum.checksum)
        .map_err(|_| Code::Modified)?;
    let client = store.object(presented.client).ok_or(Code::TicketRevoked)?;
    store.usable(client, now)?;
    Ok(presented)
}

impl Store {
    /// A service that is switched off gets no tickets.
    fn usable_service(&self, service: &crate::store::Object) -> Result<(), Failure> {
        let off = service.control() & crate::store::object::control::DISABLED != 0;
        if off && Some(service.guid) != self.krbtgt() {
            return Err(Code::Revoked.into());
        }
        Ok(())
    }
}

fn renewed(presented: &Presented, now: WallTime) -> Result<(Life, u32), Failure> {
    let ticket = &presented.ticket;
    let flags = flags_of(&ticket.flags.0);
    let renew_till = ticket.renew_till.as_ref().map(moment_of);
    let renew_till = renew_till
        .filter(|_| flags & bits::RENEWABLE != 0)
        .ok_or(Code::BadOption)?;
    if renew_till <= now {
        return Err(Code::TicketExpired.into());
    }
    let start = moment_of(ticket.start_time.as_ref().unwrap_or(&ticket.auth_time));
    let length = moment_of(&ticket.end_time).0.saturating_sub(start.0);
    let life = Life {
        authenticated: moment_of(&ticket.auth_time),
        start: now,
        end: WallTime(now.0.saturating_add(length).min(renew_till.0)),
        renew_till: Some(renew_till),
    };
    Ok((life, flags & !bits::INITIAL))
}

fn fresh(
    request: &Request<'_>,
    presented: &Presented,
    now: WallTime,
) -> Result<(Life, u32), Failure> {
    let ticket = &presented.ticket;
    let had = flags_of(&ticket.flags.0);
    let wanted = request.options();
    let onward = bits::FORWARDED | bits::FORWARDABLE;
    if wanted & onward & !had & bits::FORWARDABLE != 0 || wanted & bits::PROXY != 0 {
        return Err(Code::BadOption.into());
    }
    let last = moment_of(&ticket.end_time).0.min(now.0 + MAX_LIFE_MILLIS);
    let end = wanted_end(&request.body.till, last);
    if end <= now {
        return Err(Code::NeverValid.into());
    }
    let keeps = bits::FORWARDABLE | bits::PROXIABLE | bits::RENEWABLE;
    let mut flags = had & wanted & keeps | had & bits::PREAUTHENTICATED;
    flags |= wanted & bits::FORWARDED;
    let renew_till = ticket.renew_till.as_ref().map(moment_of);
    let life = Life {
        authenticated: moment_of(&ticket.auth_time),
        start: now,
        end,
        renew_till: renew_till.filter(|_| flags & bits::RENEWABLE != 0),
    };
    Ok((life, flags))
}

fn reply(
    store: &mut Store,
    request: &Request<'_>,
    presented: &Presented,
    grant: &Grant<'_>,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, Failure> {
    let ticket = issue(store, grant, entropy)?;
    let part = reply_part(store, request, grant);
    let (key, usage): (Key, Usage) = match presented.subkey() {
        Some(subkey) => (subkey, Usage::TGS_REPLY_SUBKEY),
        None => (presented.session.clone(), Usage::TGS_REPLY_SESSION),
    };
    let cname: PrincipalName = grant.client.clone();
    Ok(encode(&TgsRep(KdcRep {
        pvno: Integer::from(5),
        msg_type: Integer::from(13),
        padata: None,
        crealm: text(&store.domain().realm()),
        cname,
        ticket,
        enc_part: seal_reply(&part, 26, &key, usage, None, entropy),
    })))
}
