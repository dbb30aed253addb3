//! The directory services of a lab as the file has them.

use super::At;
use super::macros::record;
use super::plain::Text;
use super::words::UpdatesWord;

record! {
    /// The directory services that network names register with.
    DirectorySpec {
        /// The domain.
        optional ad: AdSpec,
        /// The name server.
        optional dns: DnsSpec,
    }
    later { "netbios", "time", "accounts" }
}

record! {
    /// The domain.
    AdSpec {
        /// Its name, below which network names are registered; default cluster.example.
        required domain: At<Text>,
    }
    later { "forest-level", "controllers", "replication" }
}

record! {
    /// The name server.
    DnsSpec {
        /// Who may register names.
        optional updates: At<UpdatesWord>,
    }
    later { "zones", "ttl", "scavenging" }
}
