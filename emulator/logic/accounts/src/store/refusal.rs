//! Why the directory did not do what it was asked.

use rasn_ldap::ResultCode;

/// A typed refusal: the LDAP result, the Win32 status that clients look for, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status:08X}: {what}")]
pub struct Refusal {
    /// Result code of the operation (RFC 4511 section 4.1.9).
    pub result: ResultCode,
    /// Win32 status, printed as eight hex digits in front (reference, 4.7).
    pub status: u32,
    /// What happened and to which object.
    pub what: String,
}

impl Refusal {
    /// A refusal with all its parts.
    pub(crate) fn new(result: ResultCode, status: u32, what: impl Into<String>) -> Self {
        let what = what.into();
        Self {
            result,
            status,
            what,
        }
    }

    /// The caller lacks a right.
    pub(crate) fn access(what: impl Into<String>) -> Self {
        Self::new(ResultCode::InsufficientAccessRights, 5, what)
    }

    /// No object of that name.
    pub(crate) fn no_object(what: impl Into<String>) -> Self {
        Self::new(ResultCode::NoSuchObject, 0x208d, what)
    }

    /// A value that breaks a rule of the schema or of accounts.
    pub(crate) fn constraint(status: u32, what: impl Into<String>) -> Self {
        Self::new(ResultCode::ConstraintViolation, status, what)
    }

    /// Something the directory does not do.
    pub(crate) fn unwilling(status: u32, what: impl Into<String>) -> Self {
        Self::new(ResultCode::UnwillingToPerform, status, what)
    }
}
