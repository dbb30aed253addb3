//! Faults that are drawn.

use std::time::Duration;

use super::At;
use super::macros::record;
use super::number::Natural;

record! {
    /// Faults that are drawn, one after the other, from the seed of the run. Each heals by itself;
    /// at the end all have healed.
    RandomSpec {
        /// For so long.
        required r#for as "for": At<Duration>,
        /// How long until the next fault begins.
        required every: BetweenSpec,
        /// How long a fault lasts; default 5s to 1m.
        optional lasts: BetweenSpec,
        /// What may happen, and how often in comparison.
        required pick: PickSpec,
        /// What is never taken away.
        optional keep: KeepSpec,
    }
    later { "seed", "heal" }
}

record! {
    /// A span that is drawn.
    BetweenSpec {
        /// The shortest and the longest, a list of two.
        required between: Vec<At<Duration>>,
    }
    later {}
}

record! {
    /// What may happen, and how often in comparison; 0 is never.
    PickSpec {
        /// A node stops at once, and boots when the fault ends.
        optional crash: At<Natural>,
        /// Nothing runs on a node until the fault ends.
        optional pause: At<Natural>,
        /// The process of a node's cluster service dies; it is started again.
        optional kill_service: At<Natural>,
        /// The resource hosts of a node die.
        optional monitor_kill: At<Natural>,
        /// A node's wall clock is set forward by a minute.
        optional clock_jump: At<Natural>,
        /// A node reaches nobody.
        optional partition: At<Natural>,
        /// A network carries nothing.
        optional network_down: At<Natural>,
        /// A network is slow and loses every tenth packet.
        optional impair: At<Natural>,
        /// A logical unit of the cluster answers nothing.
        optional lun_offline: At<Natural>,
        /// Nobody reaches the witness.
        optional witness_unreachable: At<Natural>,
        /// A resource stops working.
        optional resource_fail: At<Natural>,
    }
    later { "one-way-partition", "clog", "swizzle-clog" }
}

record! {
    /// What is never taken away.
    KeepSpec {
        /// So many members are always left alone; default: a majority.
        optional members: At<Natural>,
    }
    later { "site" }
}
