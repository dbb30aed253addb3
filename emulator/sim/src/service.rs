//! The cluster service as the world drives it. `node::Node` is the one that matters; tests of the
//! world itself use smaller ones.

use base::{Incarnation, NetworkId, NodeId, Now, Timestamp};
use node::{Effect, Event, Frame, Node, NodeConfig, Picture};

/// One life of a cluster service. The driving rule: after any call, take all effects, then come
/// back at the deadline or with the next event.
pub trait Service: Sized {
    /// Whether it can turn frames into bytes and back.
    const HAS_BYTES: bool = false;
    /// Starts it.
    fn boot(config: NodeConfig, incarnation: Incarnation, entropy: [u8; 32], now: Now) -> Self;
    /// Something happened outside.
    fn handle(&mut self, now: Now, event: Event);
    /// Runs what is due.
    fn advance(&mut self, now: Now);
    /// When it next wants to run, by its own clock.
    fn deadline(&self) -> Option<Timestamp>;
    /// Moves everything that it wants done to `effects`, oldest first.
    fn drain(&mut self, effects: &mut Vec<Effect>);
    /// Its state as plain data.
    fn picture(&self) -> Picture;
    /// A frame as bytes for one receiver.
    fn seal(&mut self, _to: NodeId, _frame: &Frame) -> Option<Vec<u8>> {
        None
    }
    /// What bytes from a network are.
    fn unseal(&mut self, _network: NetworkId, _bytes: &[u8]) -> Option<Event> {
        None
    }
}

impl Service for Node {
    const HAS_BYTES: bool = true;

    fn boot(config: NodeConfig, incarnation: Incarnation, entropy: [u8; 32], now: Now) -> Self {
        Self::boot(config, incarnation, entropy, now)
    }

    fn handle(&mut self, now: Now, event: Event) {
        self.handle(now, event);
    }

    fn advance(&mut self, now: Now) {
        self.advance(now);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadline()
    }

    fn drain(&mut self, effects: &mut Vec<Effect>) {
        self.swap_effects(effects);
    }

    fn picture(&self) -> Picture {
        self.picture()
    }

    fn seal(&mut self, to: NodeId, frame: &Frame) -> Option<Vec<u8>> {
        self.seal(to, frame)
    }

    fn unseal(&mut self, network: NetworkId, bytes: &[u8]) -> Option<Event> {
        self.unseal(network, bytes)
    }
}
