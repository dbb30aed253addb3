//! Taking containers and images away.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::engine::{Engine, Listed};
use super::image::Image;
use super::{IMAGE_LABEL, LAB_LABEL, ROOT_LABEL};
use crate::{LabError, LabFolder, Uid};

/// How often containers are looked for that came while others were removed.
const ROUNDS_MAX: usize = 50;

/// Removes all containers of a lab.
///
/// # Errors
/// When the engine is not there, or refuses.
pub(crate) fn remove(lab: &Uid) -> Result<(), LabError> {
    let engine = Engine::connect()?;
    let label = format!("{LAB_LABEL}={lab}");
    for _round in 0..ROUNDS_MAX {
        let left = engine.containers(&label)?;
        if left.is_empty() {
            return Ok(());
        }
        remove_all(&engine, &left)?;
        thread::sleep(Duration::from_millis(10));
    }
    let what = format!("remove the containers of lab {lab}");
    Err(engine.error(&what, "there are always more of them"))
}

fn remove_all(engine: &Engine, left: &[Listed]) -> Result<(), LabError> {
    thread::scope(|scope| {
        let removed = left.iter().map(|it| scope.spawn(|| engine.remove(&it.id)));
        let removed: Vec<_> = removed.collect();
        let removed = removed.into_iter().map(|it| match it.join() {
            Ok(removed) => removed,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        removed.collect()
    })
}

/// What is found of labs in an engine.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Labs with containers, below this root or below one that is gone.
    pub(crate) labs: BTreeSet<Uid>,
    /// Images that were removed, because no container used them.
    pub(crate) images: usize,
}

/// Looks for containers of labs, and removes images of other builds of the program that none of
/// them uses. Without an engine nothing is found.
pub(crate) fn collect(root: &Path) -> Found {
    let Ok(engine) = Engine::connect() else {
        return Found::default();
    };
    let program = std::env::current_exe().and_then(|it| Image::of(&it));
    let images = program.ok().map(|it| {
        // An engine that refuses keeps its images.
        engine
            .remove_images(IMAGE_LABEL, &it.name())
            .unwrap_or_default()
    });
    let listed = engine.containers(LAB_LABEL).unwrap_or_default();
    let labs = listed.iter().filter_map(|it| lab_below(it, root));
    Found {
        labs: labs.collect(),
        images: images.unwrap_or_default(),
    }
}

/// The lab of a container, unless it is the affair of another root.
fn lab_below(listed: &Listed, root: &Path) -> Option<Uid> {
    let uid: Uid = listed.labels.get(LAB_LABEL)?.parse().ok()?;
    let of = listed.labels.get(ROOT_LABEL).map(PathBuf::from);
    let elsewhere = of.filter(|it| it != root);
    let lives = elsewhere.is_some_and(|it| LabFolder::of(&it, uid.clone()).path().exists());
    (!lives).then_some(uid)
}
