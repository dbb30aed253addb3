//! The one shape that all managers of the cluster service share.

use crate::{Outbox, Timestamp};

/// One state machine of the cluster service.
///
/// Inputs are handled to completion; outputs are requests and facts that the router carries on.
/// Managers never call each other.
pub trait Manager {
    /// What it may see: time, facts of its tier and below, randomness.
    type Context<'a>;
    /// What it hears.
    type Input;
    /// What it says.
    type Output;

    /// Handles one input to completion.
    fn handle(
        &mut self,
        cx: &mut Self::Context<'_>,
        input: Self::Input,
        out: &mut Outbox<Self::Output>,
    );

    /// When [`Manager::expire`] should next be called; calling it early does nothing. Ask again
    /// after every `handle` and `expire`.
    fn deadline(&self) -> Option<Timestamp>;

    /// Runs what is due.
    fn expire(&mut self, cx: &mut Self::Context<'_>, out: &mut Outbox<Self::Output>);

    /// Asserts this manager's own invariants.
    fn check(&self, cx: &Self::Context<'_>);
}
