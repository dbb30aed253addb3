//! What a KDC answers when it gives no ticket (RFC 4120 section 7.5.9).

use super::messages::{encode, microseconds, text, time};
use crate::store::{LogonFailure, Store};
use base::WallTime;
use rasn::types::Integer;
use rasn_kerberos::{KrbError, PrincipalName};

/// Error codes in use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The client is unknown.
    ClientUnknown = 6,
    /// The service is unknown.
    ServerUnknown = 7,
    /// The ticket would never be valid.
    NeverValid = 11,
    /// The policy forbids it.
    Policy = 12,
    /// An option that is not for this request.
    BadOption = 13,
    /// No common encryption type.
    NoEncryptionType = 14,
    /// Pre-authentication data of an unknown kind.
    NoPadata = 16,
    /// The account is disabled or its time is over.
    Revoked = 18,
    /// The ticket's account is gone.
    TicketRevoked = 20,
    /// The password has to be changed.
    KeyExpired = 23,
    /// The pre-authentication was wrong.
    PreauthenticationFailed = 24,
    /// Pre-authentication is wanted.
    PreauthenticationRequired = 25,
    /// Decryption gave nonsense.
    BadIntegrity = 31,
    /// The ticket has expired.
    TicketExpired = 32,
    /// The ticket is not valid yet.
    TicketNotYetValid = 33,
    /// The ticket is for somebody else.
    NotUs = 35,
    /// Ticket and authenticator name two clients.
    BadMatch = 36,
    /// The clocks are too far apart.
    Skew = 37,
    /// The request was changed on the way.
    Modified = 41,
    /// The key version is unknown.
    BadKeyVersion = 44,
    /// The checksum is of a kind that proves nothing.
    InappropriateChecksum = 50,
    /// The reply does not fit a datagram.
    TooBig = 52,
    /// Something else.
    Generic = 60,
    /// The realm is not ours.
    WrongRealm = 68,
}

/// A refusal with what helps the client on.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The code.
    pub(super) code: Code,
    pub(super) data: Option<Vec<u8>>,
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self { code, data: None }
    }
}

impl From<LogonFailure> for Failure {
    fn from(failure: LogonFailure) -> Self {
        let code = match failure {
            LogonFailure::NoAccount => Code::ClientUnknown,
            LogonFailure::WrongPassword => Code::PreauthenticationFailed,
            LogonFailure::Disabled | LogonFailure::AccountExpired => Code::Revoked,
            LogonFailure::PasswordExpired | LogonFailure::MustChange => Code::KeyExpired,
        };
        code.into()
    }
}

/// The KRB-ERROR message.
pub(super) fn message(
    store: &Store,
    failure: Failure,
    server: PrincipalName,
    now: WallTime,
) -> Vec<u8> {
    encode(&KrbError {
        pvno: Integer::from(5),
        msg_type: Integer::from(30),
        ctime: None,
        cusec: None,
        stime: time(now),
        susec: microseconds(now),
        error_code: failure.code as i32,
        crealm: None,
        cname: None,
        realm: text(&store.domain().realm()),
        sname: server,
        e_text: None,
        e_data: failure.data.map(Into::into),
    })
}
