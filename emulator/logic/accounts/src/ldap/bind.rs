//! Binds: simple, GSSAPI (RFC 4752) and GSS-SPNEGO, up to the layer that they leave behind.

use super::answer;
use crate::Entropy;
use crate::gss::{Acceptor, Context, Established, Flags, Step};
use crate::store::{Guid, Store};
use base::WallTime;
use rasn_ldap::{AuthenticationChoice, BindRequest, ProtocolOp, ResultCode, SaslCredentials};

/// Layers of RFC 4752 section 3.1.
const NO_LAYER: u8 = 1;
const INTEGRITY: u8 = 2;
const CONFIDENTIALITY: u8 = 4;

/// Largest wrapped message that the server takes, as it tells clients.
const MAX_WRAPPED: u32 = 0x0001_0000;

/// What protects the messages of a connection.
#[derive(Debug, Default)]
pub(super) enum Layer {
    #[default]
    None,
    Signed(Box<Context>),
    Sealed(Box<Context>),
}

/// A bind between its messages.
#[derive(Debug)]
pub(super) enum Pending {
    /// Tokens go to and fro; `offers` tells GSSAPI, which then settles the layer.
    Tokens { acceptor: Acceptor, offers: bool },
    /// The client's empty answer to our proof is to come.
    Proven(Box<Context>, Guid),
    /// The client's choice of a layer is to come.
    Choice(Box<Context>, Guid),
}

/// Who a bind made the caller, and what protects the connection from now on.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) account: Option<Guid>,
    pub(super) layer: Layer,
}

/// What a bind request led to.
pub(super) struct Outcome {
    pub(super) operation: ProtocolOp,
    pub(super) pending: Option<Pending>,
    pub(super) bound: Option<Bound>,
}

impl Outcome {
    fn refused(code: ResultCode, text: &str) -> Self {
        let operation = answer::bind(code, text, None);
        Self {
            operation,
            pending: None,
            bound: None,
        }
    }

    fn next(token: Vec<u8>, pending: Pending) -> Self {
        let operation = answer::bind(ResultCode::SaslBindInProgress, "", Some(token));
        Self {
            operation,
            pending: Some(pending),
            bound: None,
        }
    }

    fn bound(token: Option<Vec<u8>>, account: Option<Guid>, layer: Layer) -> Self {
        let operation = answer::bind(ResultCode::Success, "", token);
        Self {
            operation,
            pending: None,
            bound: Some(Bound { account, layer }),
        }
    }
}

/// Answers a bind request.
pub(super) fn answer(
    store: &mut Store,
    request: &BindRequest,
    pending: Option<Pending>,
    now: WallTime,
    entropy: &mut dyn Entropy,
) -> Outcome {
    match &request.authentication {
        _ if !matches!(request.version, 2 | 3) => Outcome::refused(
            ResultCode::ProtocolError,
            "only versions 2 and 3 are spoken here",
        ),
        AuthenticationChoice::Simple(password) => simple(store, &request.name, password, now),
        AuthenticationChoice::Sasl(sasl) => negotiate(store, sasl, pending, now, entropy),
        _ => Outcome::refused(ResultCode::AuthMethodNotSupported, "no such way to bind"),
    }
}

fn simple(store: &Store, name: &str, password: &[u8], now: WallTime) -> Outcome {
    if name.is_empty() || password.is_empty() {
        return Outcome::bound(None, None, Layer::None);
    }
    if !store.policy.plain_simple_bind {
        let text = "00002028: a password is only taken when the connection is encrypted";
        return Outcome::refused(ResultCode::StrongerAuthRequired, text);
    }
    let password = String::from_utf8_lossy(password);
    match store.authenticate(name, &password, now) {
        Ok(account) => Outcome::bound(None, Some(account), Layer::None),
        Err(failure) => invalid(&failure.to_string(), failure.status()),
    }
}

fn invalid(what: &str, status: u32) -> Outcome {
    let text = format!("80090308: {what}, data {status:x}, v4563");
    Outcome::refused(ResultCode::InvalidCredentials, &text)
}

fn negotiate(
    store: &mut Store,
    sasl: &SaslCredentials,
    pending: Option<Pending>,
    now: WallTime,
    entropy: &mut dyn Entropy,
) -> Outcome {
    let offers = match sasl.mechanism.to_ascii_uppercase().as_str() {
        "GSSAPI" => true,
        "GSS-SPNEGO" => false,
        _ => {
            let text = "the mechanism is not known here";
            return Outcome::refused(ResultCode::AuthMethodNotSupported, text);
        }
    };
    let token = sasl.credentials.as_deref().unwrap_or_default();
    match pending {
        Some(Pending::Proven(context, account)) => offer(context, account, entropy),
        Some(Pending::Choice(context, account)) => choose(*context, account, token),
        Some(Pending::Tokens {
            acceptor,
            offers: same,
        }) if same == offers => accept(store, acceptor, offers, token, now, entropy),
        _ => match store.controller() {
            Some(service) => accept(store, Acceptor::new(service), offers, token, now, entropy),
            None => Outcome::refused(ResultCode::Unavailable, "the directory has no account"),
        },
    }
}

fn accept(
    store: &mut Store,
    mut acceptor: Acceptor,
    offers: bool,
    token: &[u8],
    now: WallTime,
    entropy: &mut dyn Entropy,
) -> Outcome {
    match acceptor.accept(store, token, now, entropy) {
        Step::Continue(token) => Outcome::next(token, Pending::Tokens { acceptor, offers }),
        Step::Established(established) if offers => proven(*established, entropy),
        Step::Established(established) => agreed(*established),
        Step::Rejected { token, reason } => {
            let mut outcome = invalid(&reason.to_string(), 0x52e);
            if let (ProtocolOp::BindResponse(response), Some(token)) =
                (&mut outcome.operation, token)
            {
                response.server_sasl_creds = Some(token.into());
            }
            outcome
        }
    }
}

/// GSSAPI: our proof first, if it is wanted, then the offer of layers.
fn proven(established: Established, entropy: &mut dyn Entropy) -> Outcome {
    let context = Box::new(established.context);
    match established.token {
        Some(token) => Outcome::next(token, Pending::Proven(context, established.account)),
        None => offer(context, established.account, entropy),
    }
}

fn offer(mut context: Box<Context>, account: Guid, entropy: &mut dyn Entropy) -> Outcome {
    let mut layers = NO_LAYER;
    if context.flags().has(Flags::INTEGRITY) {
        layers |= INTEGRITY;
    }
    if context.flags().has(Flags::CONFIDENTIALITY) {
        layers |= CONFIDENTIALITY;
    }
    let [_, high, middle, low] = MAX_WRAPPED.to_be_bytes();
    let token = context.wrap(&[layers, high, middle, low], false, entropy);
    Outcome::next(token, Pending::Choice(context, account))
}

fn choose(mut context: Context, account: Guid, token: &[u8]) -> Outcome {
    let Ok(choice) = context.unwrap(token) else {
        return invalid("the choice of a layer is not signed by the client", 0x52e);
    };
    let flags = context.flags();
    let layer = match choice.message.first() {
        Some(&NO_LAYER) => Layer::None,
        Some(&INTEGRITY) if flags.has(Flags::INTEGRITY) => Layer::Signed(Box::new(context)),
        Some(&CONFIDENTIALITY) if flags.has(Flags::CONFIDENTIALITY) => {
            Layer::Sealed(Box::new(context))
        }
        _ => return invalid("the layer was not on offer", 0x52e),
    };
    Outcome::bound(None, Some(account), layer)
}

/// GSS-SPNEGO: the flags of the context settle the layer (reference, 4.3).
fn agreed(established: Established) -> Outcome {
    let flags = established.context.flags();
    let context = Box::new(established.context);
    let layer = if flags.has(Flags::CONFIDENTIALITY) {
        Layer::Sealed(context)
    } else if flags.has(Flags::INTEGRITY) {
        Layer::Signed(context)
    } else {
        Layer::None
    };
    Outcome::bound(established.token, Some(established.account), layer)
}
