//! Events of the product's event log that come from one place each: what a resource or the service
//! itself has to report beyond its states (reference section 9).
//!
//! Each names its number and its words once; `Notice` carries it to the logs. Deliberately not done
//! here: levels and names of resources (event log of the top tier).

use std::fmt;

/// Declares events with their numbers and words.
macro_rules! events {
    ($(#[$head:meta])* $name:ident {
        $($(#[$doc:meta])* $event:ident = $id:literal, $words:literal;)*
    }) => {
        $(#[$head])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $event,)*
        }

        impl $name {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$event,)*];

            /// The number under which the product logs it.
            #[must_use]
            pub fn id(self) -> u16 {
                match self {
                    $(Self::$event => $id,)*
                }
            }

            /// What happened, in words.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$event => $words,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.label())
            }
        }
    };
}

events! {
    /// What happened to one resource.
    ResourceEvent {
        /// A generic application's process could not be created.
        ProgramNotStarted = 1039, "its program could not be started";
        /// The service of a generic service could not be opened.
        ServiceNotOpened = 1040, "its service could not be opened";
        /// The service of a generic service could not be started.
        ServiceNotStarted = 1041, "its service could not be started";
        /// The service of a generic service failed after its start.
        ServiceFailed = 1042, "its service failed after its start";
        /// An address's network has no interface on this node, which is normal across subnets.
        NoInterface = 1045, "this node has no interface on its network";
        /// The health check of an address failed.
        AddressUnhealthy = 1077, "the health check of its address failed";
        /// A control code of the resource's type did not return in time (2016 and later).
        TypeControlTimedOut = 1265, "a control code of its type did not return in time";
        /// A share witness could not be brought online.
        WitnessNotOnline = 1563, "its share could not be got at online";
    }
}

events! {
    /// What happened to the cluster service of one node.
    ServiceEvent {
        /// The service ends because some members are not reached.
        ConnectivityIncomplete = 1006, "not every member is reached, the service ends";
        /// Another node refused this one, which was about to join.
        JoinFailed = 1070, "a member refuses this node, which wants to join";
        /// The local replica of the cluster database could not be written.
        DatabaseNotWritten = 1080, "the cluster database could not be written";
        /// No cluster could be formed for as long as an arbitration may take.
        FormFailed = 1092, "no cluster could be formed";
        /// A node outside any cluster has no interface left.
        NoConnectivity = 1553, "this node has no network connectivity";
        /// A member has no interface left.
        ConnectivityLost = 1554, "this node has lost all network connectivity";
        /// The copy of the configuration on the witness could not be updated.
        WitnessNotUpdated = 1557, "the copy on the witness could not be updated";
        /// The witness remembers a newer configuration than this node has.
        ConfigurationOutdated = 1561, "this node does not hold the newest configuration";
        /// The periodic check of the witness share failed.
        WitnessUnhealthy = 1562, "the health check of the witness share failed";
        /// The arbitration for the witness share failed.
        WitnessNotArbitrated = 1564, "the arbitration for the witness share failed";
        /// Only networks that the cluster must not use are left.
        OnlyRestrictedNetwork = 1569, "only networks that the cluster may not use are left";
        /// A cluster could not be formed because its witness is not reached.
        WitnessUnreachable = 1573, "no cluster can be formed, the witness is not reached";
        /// Some configured nodes are reached, but not all of those that run the cluster.
        NotAllReached = 1652, "no cluster could be joined, some nodes are not reached";
        /// No other node is reached.
        NobodyReached = 1653, "no cluster could be joined, no other node is reached";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_number_of_its_own() {
        let resources = ResourceEvent::ALL.iter().map(|it| it.id());
        let services = ServiceEvent::ALL.iter().map(|it| it.id());
        let mut ids: Vec<u16> = resources.chain(services).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
