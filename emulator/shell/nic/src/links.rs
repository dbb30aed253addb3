//! The kernel's adapters and their addresses, over netlink.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use futures_util::TryStreamExt;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use rtnetlink::packet_route::route::RouteScope;
use rtnetlink::{Error, Handle, LinkUnspec, RouteMessageBuilder};

use crate::arp::Mac;

/// The kernel's number of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Index(u32);

/// How an address is on its adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is not there.
    Absent,
    /// The kernel still looks for a duplicate.
    Tentative,
    /// The kernel has found one.
    Duplicate,
    /// It can be used.
    Usable,
}

/// The kernel's adapters in this network namespace.
#[derive(Clone, Debug)]
pub(crate) struct Links(Handle);

impl Links {
    pub(crate) fn open() -> io::Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        tokio::spawn(connection);
        Ok(Self(handle))
    }

    /// The number of an adapter.
    pub(crate) async fn find(&self, name: &str) -> io::Result<Index> {
        let named = self.0.link().get().match_name(name.to_owned()).execute();
        let found = std::pin::pin!(named).try_next().await.map_err(system)?;
        let found = found.ok_or_else(|| {
            let why = format!("there is no adapter `{name}`");
            io::Error::new(io::ErrorKind::NotFound, why)
        })?;
        Ok(Index(found.header.index))
    }

    /// Gives an adapter its Ethernet address, if it has one, and its MTU, and switches it on.
    pub(crate) async fn switch_on(
        &self,
        Index(index): Index,
        mac: Option<Mac>,
        mtu: Option<u16>,
    ) -> io::Result<()> {
        let mut change = LinkUnspec::new_with_index(index);
        if let Some(mac) = mac {
            change = change.address(mac.to_vec());
        }
        if let Some(mtu) = mtu {
            change = change.mtu(u32::from(mtu));
        }
        self.0
            .link()
            .set(change.build())
            .execute()
            .await
            .map_err(system)?;
        let up = LinkUnspec::new_with_index(index).up().build();
        self.0.link().set(up).execute().await.map_err(system)
    }

    /// The cable of an adapter is there, or not.
    pub(crate) async fn set_carrier(&self, Index(index): Index, there: bool) -> io::Result<()> {
        let change = LinkUnspec::new_with_index(index).carrier(there).build();
        self.0.link().set(change).execute().await.map_err(system)
    }

    /// Puts an address on an adapter.
    pub(crate) async fn add(
        &self,
        Index(index): Index,
        address: IpAddr,
        prefix: u8,
    ) -> io::Result<()> {
        let add = self.0.address().add(index, address, prefix).replace();
        add.execute().await.map_err(system)
    }

    /// Reaches a subnet over an adapter: what is there answers ARP on it.
    pub(crate) async fn add_route(
        &self,
        Index(index): Index,
        base: Ipv4Addr,
        prefix: u8,
    ) -> io::Result<()> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(base, prefix)
            .output_interface(index)
            .scope(RouteScope::Link);
        let add = self.0.route().add(route.build()).replace();
        add.execute().await.map_err(system)
    }

    /// Takes an address from an adapter, if it is there.
    pub(crate) async fn remove(&self, index: Index, address: IpAddr) -> io::Result<()> {
        for message in self.messages(index, address).await? {
            self.0
                .address()
                .del(message)
                .execute()
                .await
                .map_err(system)?;
        }
        Ok(())
    }

    /// How an address is on an adapter.
    pub(crate) async fn presence(&self, index: Index, address: IpAddr) -> io::Result<Presence> {
        let Some(message) = self.messages(index, address).await?.pop() else {
            return Ok(Presence::Absent);
        };
        let flags = message.attributes.iter().find_map(|it| match it {
            AddressAttribute::Flags(flags) => Some(*flags),
            _ => None,
        });
        let flags = flags.unwrap_or(AddressFlags::empty());
        Ok(if flags.contains(AddressFlags::Dadfailed) {
            Presence::Duplicate
        } else if flags.contains(AddressFlags::Tentative) {
            Presence::Tentative
        } else {
            Presence::Usable
        })
    }

    async fn messages(
        &self,
        Index(index): Index,
        address: IpAddr,
    ) -> io::Result<Vec<AddressMessage>> {
        let all = self.0.address().get().set_link_index_filter(index);
        let all = all.set_address_filter(address).execute();
        all.try_collect().await.map_err(system)
    }
}

fn system(error: Error) -> io::Error {
    match error {
        Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other.to_string()),
    }
}
