//! Asking a portal which targets there are (SendTargets).

use std::net::SocketAddr;
use std::time::Duration;

use scsi::iscsi::login::Identity;

use crate::link::{Link, LinkError};

/// A target that a portal knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its iSCSI name.
    pub name: String,
    /// Its portals with their portal group tags, as `1.2.3.4:3260,1`.
    pub portals: Vec<String>,
}

/// Asks a portal which targets there are.
///
/// # Errors
/// When it cannot be reached, does not let this initiator in, or does not answer in time.
pub async fn discover(
    portal: SocketAddr,
    identity: Identity,
    patience: Duration,
) -> Result<Vec<Found>, LinkError> {
    let identity = Identity {
        target_name: None,
        ..identity
    };
    let asked = tokio::time::timeout(patience, ask(portal, identity));
    asked.await.unwrap_or(Err(LinkError::Silent))
}

async fn ask(portal: SocketAddr, identity: Identity) -> Result<Vec<Found>, LinkError> {
    let mut link = Link::connect(portal, identity).await?;
    let targets = link.targets().await?;
    link.log_out().await?;
    Ok(named(targets))
}

fn named(targets: Vec<(String, Vec<String>)>) -> Vec<Found> {
    let found = targets.into_iter();
    found
        .map(|(name, portals)| Found { name, portals })
        .collect()
}
