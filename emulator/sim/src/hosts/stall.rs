//! Calls that a script lets hang: they wait, and go on when the script is taken away.
//!
//! A resource whose host is to be killed before it answers again is another matter
//! ([`Hosts::hang_once`]).

use base::{CallId, HostId, ResourceId};
use top::rcm::EntryPoint;

use super::{Behaviour, Hosts, Scripts, Steps, Surroundings};

/// More calls than a node ever has under way for one resource.
const STALLED_MAX: usize = 16;

/// What waits.
#[derive(Clone, Debug)]
pub(super) enum Stalled {
    /// A call.
    Call(CallId, EntryPoint),
    /// The end of coming online; see [`super::Later::Finish`].
    Finish(u64, Option<CallId>),
}

impl Hosts {
    /// Keeps what hangs by a script. What hangs until its host ends is gone with it.
    pub(super) fn stall(&mut self, id: HostId, resource: ResourceId, what: Stalled) {
        let Some(host) = self.hosts.get_mut(&id) else {
            return;
        };
        if host.instances.get(&resource).is_some_and(|it| it.hung) {
            return;
        }
        let stalled = host.stalled.entry(resource).or_default();
        if stalled.len() < STALLED_MAX {
            stalled.push(what);
        }
    }

    /// What does not hang any more goes on, process by process.
    pub(crate) fn go_on(&mut self, around: &mut Surroundings<'_>) -> Vec<(HostId, Steps)> {
        let mut gone_on = Vec::new();
        for (id, resource, what) in self.released(around.scripts) {
            let steps = match what {
                Stalled::Call(call, entry) => self.call(id, call, resource, entry, around),
                Stalled::Finish(attempt, call) => self.finish(id, resource, attempt, call, around),
            };
            gone_on.push((id, steps));
        }
        gone_on
    }

    fn released(&mut self, scripts: &Scripts) -> Vec<(HostId, ResourceId, Stalled)> {
        let mut released = Vec::new();
        for (id, host) in &mut self.hosts {
            host.stalled.retain(|resource, stalled| {
                let hangs = scripts.has(*resource, Behaviour::Hung);
                if !hangs {
                    let stalled = std::mem::take(stalled).into_iter();
                    released.extend(stalled.map(|what| (*id, *resource, what)));
                }
                hangs
            });
        }
        released
    }
}
