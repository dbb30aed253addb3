//! What the resilience manager says of nodes that are lost or unwelcome.
//!
//! | output | goes to |
//! | --- | --- |
//! | resilience Publish | facts |
//! | resilience Propose | gum |
//! | resilience Notice | event log |

use middle::{gum, resilience};

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
}
