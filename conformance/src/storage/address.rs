//! Where a unit is: `iscsi://[USER%SECRET@]HOST[:PORT]/IQN/LUN`.

use std::fmt;
use std::str::FromStr;

/// A unit of a target at a portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub(super) portal: String,
    pub(super) target: String,
    pub(super) lun: u16,
    pub(super) credentials: Option<(String, String)>,
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the address of a unit: {why}; write \
     iscsi://[USER%SECRET@]HOST[:PORT]/TARGET-NAME/LUN"
)]
pub struct AddressError {
    text: String,
    why: &'static str,
}

const PORT: u16 = 3260;

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse(text).map_err(|why| AddressError {
            text: without_secret(text),
            why,
        })
    }
}

/// Secrets are not for error messages.
fn without_secret(text: &str) -> String {
    match text.split_once('@') {
        Some((_, rest)) => format!("iscsi://…@{rest}"),
        None => text.to_owned(),
    }
}

fn parse(text: &str) -> Result<Address, &'static str> {
    let rest = text
        .strip_prefix("iscsi://")
        .ok_or("it does not start with iscsi://")?;
    let (credentials, rest) = match rest.split_once('@') {
        None => (None, rest),
        Some((user, rest)) => {
            let (user, secret) = user.split_once('%').ok_or("the user has no %SECRET")?;
            (Some((user.to_owned(), secret.to_owned())), rest)
        }
    };
    let mut parts = rest.split('/');
    let host = parts.next().filter(|host| !host.is_empty());
    let target = parts.next().filter(|target| !target.is_empty());
    let lun = parts.next().and_then(|lun| lun.parse().ok());
    if parts.next().is_some() {
        return Err("there is something behind the unit's number");
    }
    Ok(Address {
        portal: with_port(host.ok_or("it names no host")?)?,
        target: target.ok_or("it names no target")?.to_owned(),
        lun: lun
            .filter(|lun| *lun < 0x4000)
            .ok_or("it ends in no unit's number")?,
        credentials,
    })
}

fn with_port(host: &str) -> Result<String, &'static str> {
    // An address of version 6 stands in brackets, and its colons are no port.
    let after = host.rsplit(']').next().unwrap_or(host);
    match after.split_once(':') {
        None => Ok(format!("{host}:{PORT}")),
        Some((_, port)) if port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(host.to_owned()),
        Some(_) => Err("the port is no number between 1 and 65535"),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "iscsi://{}/{}/{}", self.portal, self.target, self.lun)
    }
}
