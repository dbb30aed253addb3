//! One connection: bytes in, bytes out, and who the caller is in between.

use super::answer::Answer;
use super::bind::{self, Bound, Layer, Pending};
use super::controls::Controls;
use super::{MAX_MESSAGE_BYTES, answer, decode, search, write};
use crate::Entropy;
use crate::der;
use crate::store::{Call, Caller, Object, Store};
use base::WallTime;
use rasn_ldap::{ExtendedRequest, LdapMessage, LdapResult, ProtocolOp, ResultCode};

/// Asks who one is (RFC 4532).
pub(super) const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";

/// Most bytes that go into one wrapped message.
const WRAPPED_BYTES: usize = 32 * 1024;

/// What to do after some bytes came in.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Bytes for the client.
    pub bytes: Vec<u8>,
    /// Close the connection when they are sent.
    pub close: bool,
}

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    /// What came in and is not taken off its layer yet.
    incoming: Vec<u8>,
    /// What came in, without layer.
    plain: Vec<u8>,
    layer: Layer,
    pending: Option<Pending>,
    caller: Caller,
}

impl Default for Connection {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes that are no message, or that the layer does not accept.
struct Broken;

impl Connection {
    /// A client that has not said who it is.
    #[must_use]
    pub fn new() -> Self {
        Self {
            incoming: Vec::new(),
            plain: Vec::new(),
            layer: Layer::None,
            pending: None,
            caller: Caller::Anonymous,
        }
    }

    /// Who the client is.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// Takes bytes as they come and answers every whole message in them.
    pub fn receive(
        &mut self,
        store: &mut Store,
        bytes: &[u8],
        now: WallTime,
        entropy: &mut dyn Entropy,
    ) -> Output {
        self.incoming.extend_from_slice(bytes);
        let mut output = Output::default();
        while !output.close {
            match self.next() {
                Ok(None) => break,
                Ok(Some(message)) => self.answer(store, message, now, entropy, &mut output),
                Err(Broken) => {
                    let notice = answer::disconnection();
                    self.send(&notice, entropy, &mut output);
                    output.close = true;
                }
            }
        }
        output
    }

    /// The next whole message.
    fn next(&mut self) -> Result<Option<LdapMessage>, Broken> {
        loop {
            self.take_off()?;
            let Some((header, length)) = der::header(&self.plain) else {
                return Ok(None);
            };
            let total = header.saturating_add(length);
            if total > MAX_MESSAGE_BYTES {
                return Err(Broken);
            }
            if self.plain.len() >= total {
                let rest = self.plain.split_off(total);
                let message = std::mem::replace(&mut self.plain, rest);
                return decode(&message).map(Some).ok_or(Broken);
            }
            if matches!(self.layer, Layer::None) || !self.has_wrapped() {
                return Ok(None);
            }
        }
    }

    fn has_wrapped(&self) -> bool {
        wrapped_length(&self.incoming).is_some_and(|length| self.incoming.len() >= 4 + length)
    }

    /// Moves what came in to the plain side, one wrapped message at a time.
    fn take_off(&mut self) -> Result<(), Broken> {
        let (context, sealed) = match &mut self.layer {
            Layer::None => {
                self.plain.append(&mut self.incoming);
                return Ok(());
            }
            Layer::Signed(context) => (context, false),
            Layer::Sealed(context) => (context, true),
        };
        let Some(length) = wrapped_length(&self.incoming) else {
            return Ok(());
        };
        if length > MAX_MESSAGE_BYTES {
            return Err(Broken);
        }
        if self.incoming.len() < 4 + length {
            return Ok(());
        }
        let rest = self.incoming.split_off(4 + length);
        let token = std::mem::replace(&mut self.incoming, rest).split_off(4);
        let unwrapped = context.unwrap(&token).map_err(|_| Broken)?;
        if sealed && !unwrapped.sealed {
            return Err(Broken);
        }
        self.plain.extend(unwrapped.message);
        Ok(())
    }

    fn answer(
        &mut self,
        store: &mut Store,
        message: LdapMessage,
        now: WallTime,
        entropy: &mut dyn Entropy,
        output: &mut Output,
    ) {
        let id = message.message_id;
        match &message.protocol_op {
            ProtocolOp::UnbindRequest(_) => output.close = true,
            ProtocolOp::AbandonRequest(_) => {}
            ProtocolOp::BindRequest(request) => {
                let pending = self.pending.take();
                let outcome = bind::answer(store, request, pending, now, entropy);
                // The answer still travels as the request did; the new layer starts behind it.
                self.send(&answer::encode(id, outcome.operation), entropy, output);
                self.settle(outcome.pending, outcome.bound);
            }
            operation => {
                let given = message.controls.as_deref().unwrap_or_default();
                let mut call = Call::new(self.caller, now, entropy);
                call.sealed = matches!(self.layer, Layer::Sealed(_));
                let bytes = match Controls::read(given) {
                    Ok(controls) => perform(store, id, operation, &controls, &mut call),
                    Err(result) => answer::encode_all(id, refused(operation, result), None),
                };
                self.send(&bytes, entropy, output);
            }
        }
    }

    /// A bind that has begun or failed leaves the caller without a name.
    fn settle(&mut self, pending: Option<Pending>, bound: Option<Bound>) {
        self.pending = pending;
        let account = bound.as_ref().and_then(|bound| bound.account);
        self.caller = account.map_or(Caller::Anonymous, Caller::Account);
        if let Some(bound) = bound {
            self.layer = bound.layer;
        }
    }

    fn send(&mut self, bytes: &[u8], entropy: &mut dyn Entropy, output: &mut Output) {
        let (context, sealed) = match &mut self.layer {
            Layer::None => return output.bytes.extend_from_slice(bytes),
            Layer::Signed(context) => (context, false),
            Layer::Sealed(context) => (context, true),
        };
        for piece in bytes.chunks(WRAPPED_BYTES) {
            let token = context.wrap(piece, sealed, entropy);
            let length = u32::try_from(token.len()).unwrap_or(u32::MAX);
            output.bytes.extend(length.to_be_bytes());
            output.bytes.extend(token);
        }
    }
}

fn wrapped_length(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.get(..4)?;
    Some(
        digits
            .iter()
            .fold(0, |sum, digit| sum << 8 | usize::from(*digit)),
    )
}

fn perform(
    store: &mut Store,
    id: u32,
    operation: &ProtocolOp,
    controls: &Controls,
    call: &mut Call<'_>,
) -> Vec<u8> {
    if let ProtocolOp::SearchRequest(request) = operation
        && search::is_of_root(request)
    {
        return answer::encode_all(id, search::of_root(store, request, call.now), None);
    }
    if let ProtocolOp::ExtendedReq(request) = operation {
        return answer::encode_all(
            id,
            vec![Answer::Other(extended(store, request, call.caller))],
            None,
        );
    }
    if call.caller == Caller::Anonymous {
        return answer::encode_all(id, refused(operation, answer::not_bound()), None);
    }
    call.permissive = controls.permissive;
    let answer = match operation {
        ProtocolOp::SearchRequest(request) => {
            let found = search::answer(store, request, controls);
            return answer::encode_all(id, found.operations, found.control);
        }
        ProtocolOp::AddRequest(request) => write::add(store, request, call),
        ProtocolOp::ModifyRequest(request) => write::modify(store, request, call),
        ProtocolOp::DelRequest(request) => write::delete(store, request, controls, call),
        ProtocolOp::ModDnRequest(request) => write::rename(store, request, call),
        ProtocolOp::CompareRequest(request) => write::compare(store, request),
        // A client that sends what only servers send gets no answer.
        _ => return Vec::new(),
    };
    answer::encode_all(id, vec![Answer::Other(answer)], None)
}

fn extended(store: &Store, request: &ExtendedRequest, caller: Caller) -> ProtocolOp {
    if request.request_name[..] != *WHO_AM_I.as_bytes() {
        let text = "the extended operation is not known here";
        return answer::extended(answer::result(ResultCode::ProtocolError, text), None);
    }
    let account = match caller {
        Caller::Account(guid) => store.object(guid).and_then(Object::account_name),
        Caller::Anonymous | Caller::System => None,
    };
    let domain = &store.domain().netbios;
    let name = account
        .map(|account| format!("u:{domain}\\{account}"))
        .unwrap_or_default();
    answer::extended(answer::success(), Some(name.into_bytes()))
}

/// The answer that goes with a request, holding this result.
fn refused(operation: &ProtocolOp, result: LdapResult) -> Vec<Answer> {
    use rasn_ldap as ldap;
    vec![Answer::Other(match operation {
        ProtocolOp::SearchRequest(_) => return vec![search::done(result)],
        ProtocolOp::AddRequest(_) => ProtocolOp::AddResponse(ldap::AddResponse(result)),
        ProtocolOp::ModifyRequest(_) => ProtocolOp::ModifyResponse(ldap::ModifyResponse(result)),
        ProtocolOp::DelRequest(_) => ProtocolOp::DelResponse(ldap::DelResponse(result)),
        ProtocolOp::ModDnRequest(_) => ProtocolOp::ModDnResponse(ldap::ModifyDnResponse(result)),
        ProtocolOp::CompareRequest(_) => ProtocolOp::CompareResponse(ldap::CompareResponse(result)),
        ProtocolOp::ExtendedReq(_) => answer::extended(result, None),
        _ => return Vec::new(),
    })]
}
