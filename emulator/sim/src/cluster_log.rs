//! The cluster log of each node, from what the nodes have said: the product's line format with the
//! lab's names.
//!
//! Facts: reference section 9 (line format of 2008 and later, times in GMT). Process and thread
//! numbers are made up, one process per node and one thread per component; times are the lab's, not
//! the nodes' own drifting clocks. Not done here: sizes and levels that a cluster may be told.

use base::{NodeId, Notice, ResourceState, StateChangeCause, Timestamp, WallTime};
use plan::{Names, Plan};
use top::eventlog::{LineStamp, cluster_log_line, component, log_level};

use crate::clock::WALL_START;
use crate::log::{Entry, What};
use crate::words;

/// The first process number; nodes count up from it.
const FIRST_PROCESS: u32 = 0x400;

/// One line of a node's log, without its end.
#[must_use]
pub fn line(at: Timestamp, node: NodeId, notice: &Notice, names: &Names) -> String {
    let component = component(notice);
    let stamp = LineStamp {
        process: FIRST_PROCESS + u32::from(node.number()),
        thread: thread(component),
        at: WallTime(WALL_START.0 + at.as_millis()),
    };
    let text = documented(notice, names);
    let text = text.unwrap_or_else(|| words::notice_words(notice, names));
    cluster_log_line(stamp, log_level(notice), component, &text)
}

/// The words that the product's own documents tell people to look for (reference sections 1.2 and
/// 9), where there are such.
fn documented(notice: &Notice, names: &Names) -> Option<String> {
    match notice {
        Notice::ResourceState { resource, to, .. } if *to == ResourceState::Online => {
            let name = names.of_resource(*resource);
            Some(format!("Resource {name} has come online"))
        }
        Notice::ResourceState {
            resource, from, to, ..
        } if (*from, *to) == (ResourceState::OnlinePending, ResourceState::Failed) => {
            let name = names.of_resource(*resource);
            Some(format!("Online for resource {name} failed"))
        }
        Notice::GroupMoved {
            group,
            cause: StateChangeCause::Move,
            ..
        } => {
            let name = names.of_group(*group);
            Some(format!("Group move for {name} has completed"))
        }
        Notice::IsAliveFailed { resource } => {
            let name = names.of_resource(*resource);
            Some(format!("Resource {name} IsAlive has indicated failure"))
        }
        _ => None,
    }
}

/// The whole log of every member, by the member's name.
#[must_use]
pub fn of_all(plan: &Plan, entries: &[Entry]) -> Vec<(String, String)> {
    let of_node = |node: NodeId| {
        let mut text = String::new();
        for entry in entries {
            match &entry.what {
                What::Notice(by, notice) if *by == node => {
                    text.push_str(&line(entry.at, node, notice, &plan.names));
                    text.push('\n');
                }
                What::Notice(..) | What::World(_) => {}
            }
        }
        text
    };
    let members = plan.members.iter().map(|member| member.id);
    members
        .map(|node| (plan.names.of_node(node), of_node(node)))
        .collect()
}

/// A number for a component; equal tags have equal numbers.
fn thread(component: &str) -> u32 {
    component
        .bytes()
        .fold(0x800, |sum, byte| sum + u32::from(byte) * 4)
}
