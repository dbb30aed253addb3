//! Addresses of resources on the machine's adapters: probed for, put there, announced, watched,
//! and taken away with whoever held them.
//!
//! A resource host says here what it says to the lab, through a connection for each resource, so
//! that an address does not outlive the process that holds it. Serves the IP Address rows of
//! reference sections 3 and 13: a duplicate address keeps the resource from coming online (event
//! 1049), and an address whose adapter has failed does not work.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base::NetworkId;
use rhs::outside::{FromLab, ToLab};
use runtime::stream;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;
use top::rcm::ResourceParameters;

use crate::agent::{Machine, Tap, lock};
use crate::arp::{self, Mac};
use crate::links::Presence;
use crate::ndp;

/// Probes before an address is used (RFC 5227 section 1.1, PROBE_NUM).
const PROBES: u32 = 3;
/// Announcements of a new address, and the time between them (ANNOUNCE_NUM, ANNOUNCE_INTERVAL).
const ANNOUNCEMENTS: u32 = 2;
const ANNOUNCE_EVERY: Duration = Duration::from_secs(2);
/// How long a conflict that was seen counts: somebody who still has the address is heard again
/// when it is asked for.
const CONFLICT_LASTS: Duration = Duration::from_secs(3);
/// How long the kernel's own detection may take for an address of IPv6: one probe and its second
/// (RFC 4862 section 5.1), with room to spare.
const TENTATIVE_MAX: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The subnet of an address of IPv6 (RFC 4291 section 2.5.1).
const PREFIX_V6: u8 = 64;

/// ERROR_INVALID_PARAMETER: this is no address.
const INVALID_PARAMETER: u32 = 87;
/// ERROR_NETWORK_NOT_AVAILABLE: the adapter has no link.
const NETWORK_NOT_AVAILABLE: u32 = 5_035;
/// ERROR_RESOURCE_FAILED: it does not work.
const FAILED: u32 = 5_038;
/// ERROR_CLUSTER_IPADDR_IN_USE: another machine answers for the address.
const ADDRESS_IN_USE: u32 = 5_057;

/// Addresses that resources of this machine want or have, and when somebody else was seen with
/// them.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<BTreeMap<(NetworkId, Ipv4Addr), Option<Instant>>>);

impl Claims {
    /// Looks at a frame that comes in.
    pub(crate) fn look(&self, network: NetworkId, mac: Mac, frame: &[u8]) {
        for ((on, address), conflict) in lock(&self.0).iter_mut() {
            if *on == network && arp::is_conflict(frame, mac, *address) {
                *conflict = Some(Instant::now());
            }
        }
    }

    fn begin(&self, network: NetworkId, address: Ipv4Addr) {
        lock(&self.0).insert((network, address), None);
    }

    fn end(&self, network: NetworkId, address: Ipv4Addr) {
        lock(&self.0).remove(&(network, address));
    }

    fn is_disputed(&self, network: NetworkId, address: Ipv4Addr) -> bool {
        let claims = lock(&self.0);
        let conflict = claims.get(&(network, address)).copied().flatten();
        conflict.is_some_and(|it| it.elapsed() < CONFLICT_LASTS)
    }
}

/// Serves resource hosts.
pub(crate) async fn serve(machine: Arc<Machine>, listener: UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut hold = Hold {
            machine: Arc::clone(&machine),
            held: None,
        };
        tokio::spawn(async move {
            hold.serve(stream).await;
            hold.release().await;
        });
    }
}

/// What one resource holds.
struct Hold {
    machine: Arc<Machine>,
    held: Option<(NetworkId, IpAddr)>,
}

impl Hold {
    async fn serve(&mut self, mut stream: UnixStream) {
        while let Ok(Some(message)) = stream::read(&mut stream).await {
            let outcome = match message {
                ToLab::Acquire(parameters) => self.acquire(&parameters).await,
                ToLab::Release => {
                    self.release().await;
                    Ok(())
                }
                ToLab::Works => self.works().await,
                // Who it is makes no difference here.
                ToLab::Host { .. } | ToLab::Resource { .. } => continue,
            };
            let answer = FromLab::Answer(outcome.err().unwrap_or(0));
            if stream::write(&mut stream, &answer).await.is_err() {
                return;
            }
        }
    }

    async fn acquire(&mut self, parameters: &ResourceParameters) -> Result<(), u32> {
        let (ResourceParameters::IpAddress { network, address }
        | ResourceParameters::Ipv6Address { network, address }) = parameters
        else {
            return Ok(());
        };
        self.release().await;
        let address: IpAddr = address.parse().map_err(|_| INVALID_PARAMETER)?;
        let machine = Arc::clone(&self.machine);
        let tap = machine.taps.get(network).ok_or(NETWORK_NOT_AVAILABLE)?;
        if !machine.is_plugged(*network) {
            return Err(NETWORK_NOT_AVAILABLE);
        }
        self.held = Some((*network, address));
        let put = match address {
            IpAddr::V4(v4) => self.put_v4(tap, v4).await,
            IpAddr::V6(v6) => self.put_v6(tap, v6).await,
        };
        if put.is_err() {
            self.release().await;
        }
        put
    }

    async fn put_v4(&self, tap: &Tap, address: Ipv4Addr) -> Result<(), u32> {
        let (machine, network) = (&self.machine, tap.adapter.network);
        machine.claims.begin(network, address);
        for _probe in 0..PROBES {
            machine.send_frame(network, arp::probe(tap.mac, address));
            sleep(machine.options.probe_every).await;
            if machine.claims.is_disputed(network, address) {
                return Err(ADDRESS_IN_USE);
            }
        }
        self.put(tap, IpAddr::V4(address), tap.adapter.prefix)
            .await?;
        let frame = arp::announcement(tap.mac, address);
        machine.send_frame(network, frame.clone());
        let machine = Arc::clone(machine);
        tokio::spawn(async move {
            for _again in 1..ANNOUNCEMENTS {
                sleep(ANNOUNCE_EVERY).await;
                let held = lock(&machine.claims.0).contains_key(&(network, address));
                if held {
                    machine.send_frame(network, frame.clone());
                }
            }
        });
        Ok(())
    }

    /// The kernel looks for duplicates of an address of IPv6 by itself.
    async fn put_v6(&self, tap: &Tap, v6: Ipv6Addr) -> Result<(), u32> {
        let address = IpAddr::V6(v6);
        self.put(tap, address, PREFIX_V6).await?;
        let until = Instant::now() + TENTATIVE_MAX;
        loop {
            let presence = self.machine.links.presence(tap.index, address).await;
            match presence.unwrap_or(Presence::Absent) {
                Presence::Usable => break,
                Presence::Duplicate => return Err(ADDRESS_IN_USE),
                Presence::Tentative if Instant::now() < until => sleep(LOOK_EVERY).await,
                Presence::Tentative | Presence::Absent => return Err(FAILED),
            }
        }
        let frame = ndp::advertisement(tap.mac, v6);
        self.machine.send_frame(tap.adapter.network, frame);
        Ok(())
    }

    async fn put(&self, tap: &Tap, address: IpAddr, prefix: u8) -> Result<(), u32> {
        let added = self.machine.links.add(tap.index, address, prefix).await;
        added.map_err(|error| {
            eprintln!("{address} cannot be put on {}: {error}", tap.adapter.name);
            FAILED
        })
    }

    async fn release(&mut self) {
        let Some((network, address)) = self.held.take() else {
            return;
        };
        if let IpAddr::V4(v4) = address {
            self.machine.claims.end(network, v4);
        }
        if let Some(tap) = self.machine.taps.get(&network)
            && let Err(error) = self.machine.links.remove(tap.index, address).await
        {
            eprintln!("{address} stays on {}: {error}", tap.adapter.name);
        }
    }

    /// Whether the adapter has its cable and the address, and nobody else was seen with it.
    async fn works(&self) -> Result<(), u32> {
        let Some((network, address)) = self.held else {
            return Ok(());
        };
        if !self.machine.is_plugged(network) {
            return Err(NETWORK_NOT_AVAILABLE);
        }
        let disputed = |v4| self.machine.claims.is_disputed(network, v4);
        if matches!(address, IpAddr::V4(v4) if disputed(v4)) {
            return Err(ADDRESS_IN_USE);
        }
        let tap = self.machine.taps.get(&network).ok_or(FAILED)?;
        match self.machine.links.presence(tap.index, address).await {
            Ok(Presence::Usable) => Ok(()),
            Ok(_) | Err(_) => Err(FAILED),
        }
    }
}
