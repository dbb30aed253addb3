//! What the name services ask of accounts: to accept a client's security context (RFC 2743), and
//! to sign and verify with it.
//!
//! Serves signed dynamic updates (RFC 3645). Mechanisms are not known here.

use std::fmt;

use base::WallTime;

/// A security context that stands: both ends have proven themselves.
pub trait GssContext: fmt::Debug + Send {
    /// A message integrity code over `message`, or nothing when the context has expired.
    fn mic(&mut self, message: &[u8]) -> Option<Vec<u8>>;
    /// Whether `mic` is the peer's code over `message`.
    fn verify(&mut self, message: &[u8], mic: &[u8]) -> bool;
}

/// What a token has led to.
#[derive(Debug)]
pub enum GssStep {
    /// The client must send another token, to the same half-open context.
    Continue {
        /// What to hand in with the client's next token.
        half_open: Box<dyn GssAcceptor>,
        /// What the client is sent.
        token: Vec<u8>,
    },
    /// The context stands.
    Established {
        /// Signs and verifies from here on.
        context: Box<dyn GssContext>,
        /// Who the client is, as `name@REALM`.
        principal: String,
        /// What the client is sent; empty if it needs nothing.
        token: Vec<u8>,
        /// When the client's ticket ends.
        expires: WallTime,
    },
    /// The token proves nothing.
    Rejected,
}

/// Judges the tokens of one client after the other.
pub trait GssAcceptor: fmt::Debug + Send {
    /// Judges the next token of a client.
    fn accept(self: Box<Self>, now: WallTime, token: &[u8]) -> GssStep;
}

/// An acceptor without accounts: nobody proves anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAccounts;

impl GssAcceptor for NoAccounts {
    fn accept(self: Box<Self>, _now: WallTime, _token: &[u8]) -> GssStep {
        GssStep::Rejected
    }
}
