//! The directory services of a lab as the file has them.

use super::At;
use super::macros::record;
use super::number::Natural;
use super::plain::Text;
use super::words::UpdatesWord;
use crate::model::NetbiosMode;

record! {
    /// The directory services that network names register with.
    DirectorySpec {
        /// The domain; with it network names have computer objects.
        optional ad: AdSpec,
        /// The name server.
        optional dns: DnsSpec,
        /// The NetBIOS name service.
        optional netbios: NetbiosSpec,
        /// What is added to the ports of the services on this computer, for backends whose services
        /// people may connect to; chosen by the lab if nothing is said.
        optional port_base as "port-base": At<Natural>,
    }
    later { "time", "accounts" }
}

record! {
    /// The domain.
    AdSpec {
        /// Its name, below which network names are registered; default cluster.example.
        required domain: At<Text>,
        /// The machine of the lab that is the domain controller, a list of one. Nodes that do not
        /// reach it do not reach the directory.
        optional controllers: Vec<At<Text>>,
    }
    later { "forest-level", "replication" }
}

record! {
    /// The name server.
    DnsSpec {
        /// Who may register names.
        optional updates: At<UpdatesWord>,
    }
    later { "zones", "ttl", "scavenging" }
}

record! {
    /// The NetBIOS name service.
    NetbiosSpec {
        /// How names are made known.
        optional mode: At<NetbiosMode>,
    }
    later { "wins" }
}
