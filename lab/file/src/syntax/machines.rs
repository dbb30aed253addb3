//! Sites, networks and nodes as the file has them.

use std::net::Ipv4Addr;

use base::Generation;

use super::macros::record;
use super::number::Natural;
use super::plain::{AnyScalar, Name, RackName, Text};
use super::quantity::ByteSize;
use super::words::NodeKind;
use super::{At, ImpairmentSpec, OneOrMany, Pairs};
use crate::model::{NetworkRole, Subnet};

record! {
    /// A fault domain.
    SiteSpec {
        /// Racks in the site.
        optional racks: OneOrMany<At<RackName>>,
        /// Favoured in regroup and vote adjustment (2016 and later). Windows: PreferredSite.
        optional preferred: At<bool>,
    }
    later {}
}

record! {
    /// A network segment: one broadcast domain with one subnet.
    NetworkSpec {
        /// Address range in prefix notation. Windows: Address, AddressMask.
        required subnet: At<Subnet>,
        /// What the cluster may use it for; default cluster-and-client. Windows: Role.
        optional role: At<NetworkRole>,
        /// Preference, lower is better. Windows: Metric (AutoMetric off).
        optional metric: At<Natural>,
        /// Largest packet in bytes, 576 to 9216; default 1500.
        optional mtu: At<Natural>,
        /// The site that it belongs to.
        optional site: At<Name>,
    }
    later { "impair", "subnet6" }
}

record! {
    /// A router: joins segments that have no machine in common.
    RouterSpec {
        /// The networks that it joins, at least two.
        required joins: OneOrMany<At<Name>>,
        /// What happens to packets that cross it, always.
        optional link: ImpairmentSpec,
    }
    later {}
}

record! {
    /// A machine, or settings for machines.
    NodeSpec {
        /// What it is; default member.
        optional kind: At<NodeKind>,
        /// The profile whose settings it takes over.
        optional profile: At<Name>,
        /// Where it stands. Windows: Site.
        optional site: At<Name>,
        /// Its rack inside the site.
        optional rack: At<RackName>,
        /// The networks that it is plugged into. Replaces the list of the profile.
        optional networks: OneOrMany<At<Name>>,
        /// More networks, added to the list of the profile.
        optional plus_networks as "+networks": OneOrMany<At<Name>>,
        /// Its address, for a machine on one network; assigned from the subnet when left out.
        optional address: At<Ipv4Addr>,
        /// Its addresses by network, for a machine on several.
        optional addresses: Pairs<At<Ipv4Addr>>,
        /// Generation of its software; default the cluster's.
        optional version: At<Generation>,
        /// Its vote, 0 or 1; default 1. Windows: NodeWeight.
        optional votes: At<Natural>,
        /// How much memory its resources may use together; left out: no limit.
        optional memory: At<ByteSize>,
        /// Services that it knows: command lines by name, which programs run on real backends.
        /// Replaces those of the profile.
        optional services: Pairs<At<Text>>,
        /// Free words for readers and tools.
        optional labels: Pairs<At<AnyScalar>>,
    }
    later {
        "cpu", "clock", "needs", "probes", "health", "dns", "image",
        "+labels", "+services",
    }
}
