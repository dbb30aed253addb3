//! What the resilience manager says of nodes that are lost or unwelcome, and the tables that it
//! reads.
//!
//! | output | goes to |
//! | --- | --- |
//! | object Publish | facts, resilience, topology |
//! | resilience Publish | facts |
//! | resilience Propose | gum |
//! | resilience Notice | event log |

use middle::{gum, object, resilience, topology};

use super::middle;
use crate::Node;

/// Proposals of resilience carry this ticket.
pub(super) const RESILIENCE_TICKET: gum::Ticket = gum::Ticket(u64::MAX - 3);

impl Node {
    pub(super) fn carry_resilience(&mut self, output: resilience::Output) {
        match output {
            resilience::Output::Publish { isolated } => self.middle.isolated = isolated,
            resilience::Output::Propose { changes } => {
                let ticket = RESILIENCE_TICKET;
                middle!(self, gum, handle, gum::Input::Propose { ticket, changes });
            }
            resilience::Output::Notice(notice) => self.notice(notice),
        }
    }

    pub(super) fn tell_resilience(&mut self, input: resilience::Input) {
        middle!(self, resilience, handle, input);
    }

    pub(super) fn carry_object(&mut self, output: object::Output) {
        match output {
            object::Output::Publish { objects } => {
                self.middle.objects = objects;
                self.tell_resilience(resilience::Input::ObjectsChanged);
                middle!(self, topology, handle, topology::Input::ObjectsChanged);
            }
        }
    }
}
