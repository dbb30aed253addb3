//! Login, both ends: stages, status codes, and what both agree on (RFC 7143 section 6.3).

mod requester;
mod responder;

pub use requester::{Identity, LoginError, Requester};
pub use responder::{LoggedIn, LoginProgress, Policy, Responder};

/// Why a login is refused: class and detail (RFC 7143 11.13.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[repr(u16)]
pub enum LoginStatus {
    /// The initiator made an error.
    #[error("the initiator made an error")]
    InitiatorError = 0x0200,
    /// The initiator could not prove who it is.
    #[error("the initiator could not prove who it is: check user and secret")]
    AuthenticationFailure = 0x0201,
    /// There is no such target.
    #[error("there is no such target: check its name")]
    NotFound = 0x0203,
    /// The protocol version is not supported.
    #[error("the protocol version is not supported")]
    UnsupportedVersion = 0x0205,
    /// A required key is missing.
    #[error("a required key is missing")]
    MissingParameter = 0x0207,
    /// The session type is not supported.
    #[error("the session type is not supported")]
    SessionType = 0x0209,
    /// The session to be joined does not exist, or may have one connection only.
    #[error("the session to be joined does not exist")]
    NoSuchSession = 0x020a,
    /// The request does not fit the stage.
    #[error("the request does not fit the stage of login")]
    InvalidDuringLogin = 0x020b,
    /// The target has no room for another session.
    #[error("the target has no room for another session")]
    OutOfResources = 0x0302,
}

/// CSG and NSG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Security = 0,
    Operational = 1,
    FullFeature = 3,
}

impl Stage {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits & 3 {
            0 => Self::Security,
            1 => Self::Operational,
            3 => Self::FullFeature,
            _ => return None,
        })
    }
}

const TRANSIT: u8 = 0x80;
const CONTINUE: u8 = 0x40;
