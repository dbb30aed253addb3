//! Frames as bytes (docs/protocol/wire-format.md, docs/protocol/connections.md).
//!
//! Duty: the codec of the union of all messages, and the edge at which security puts protection on
//! and takes it off. Deliberately not done here: splitting what is larger than a datagram (shell).

mod bytes;
#[cfg(test)]
mod tests;

use crate::{Frame, GroupPicture, Payload, Picture};

wire::codec!(enum Frame {
    0 = Heartbeat(heartbeat),
    1 = Membership(message),
    2 = Segment(segment),
    3 = Host(message),
    4 = Security(message),
});
wire::codec!(enum Payload {
    0 = Gum(message),
    1 = Quorum(message),
    2 = Rcm(message),
    3 = EventLog(message),
    4 = Csvfs(message),
});
wire::codec!(struct GroupPicture { owner });
wire::codec!(struct Picture {
    node, incarnation, state, standings, view, quorum, tally, ready, lock_owner, tag, applied, hive,
    groups, running, events, disks, witness_held, witness_hive, networks, interfaces, volumes,
});
