//! What cases about frames have in common.

use super::{PROGRAM, secs};
use crate::case::Stop;
use crate::lab::Lab;
use crate::observation::Frame;
use crate::trial::Trial;

/// Forms a cluster of three with a program and changes its stored configuration a few times;
/// returns the frames that this took.
pub(super) fn of_some_changes(trial: &mut Trial<'_>) -> Result<Vec<Frame>, Stop> {
    trial.form(&Lab::of(3).program(""))?;
    let mark = trial.frame_mark();
    for (action, runs) in [("offline", 0), ("online", 1)] {
        trial.act(format!("{{ do: {action}, group: app }}"))?;
        trial.needs(secs(10), "the change is made", |seen| {
            seen.running(PROGRAM) == runs
        })?;
        trial.run(secs(9));
    }
    for node in ["n1", "n2", "n3"] {
        trial.act(format!("{{ do: move, group: app, to: {node} }}"))?;
        trial.run(secs(20));
    }
    trial.frames(mark)
}

/// Frames that carry this word.
pub(super) fn saying<'a>(
    frames: &'a [Frame],
    word: &'a str,
) -> impl Iterator<Item = &'a Frame> + Clone {
    frames.iter().filter(move |frame| frame.word == word)
}
