//! The registry and the key containers of a machine: files that the programs of resources reach,
//! and checkpoints of resources among them.
//!
//! A registry key `HKLM/Software/Demo` is the file `HKLM/Software/Demo.reg` below the folder, a key
//! container `Demo` the file `keys/Demo.key`; what is in them is the programs' own affair.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use base::ResourceId;
use top::rcm::HostReport;
use top::restype::{Checkpoint, CheckpointKey, CheckpointKind};

/// Environment variable with the folder, for programs of resources.
pub const REGISTRY: &str = "LOOKSALIVE_REGISTRY";

/// Longest content of a checkpoint; what is longer is left where it is.
const CONTENT_MAX: u64 = 1 << 20;

/// A machine's registry.
#[derive(Clone, Debug)]
pub struct Registry {
    folder: PathBuf,
}

impl Registry {
    /// The registry in a folder, which need not be there yet.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self { folder }
    }

    /// What a key has; nothing when it is not there, or too long for a checkpoint.
    #[must_use]
    pub fn read(&self, key: &CheckpointKey) -> Option<Vec<u8>> {
        let path = self.path(key)?;
        let fits = fs::metadata(&path).is_ok_and(|it| it.len() <= CONTENT_MAX);
        fits.then(|| fs::read(path).ok()).flatten()
    }

    /// Gives a key a content, as a whole or not at all.
    ///
    /// # Errors
    /// When the key has no place here, or the disk does not take it.
    pub fn write(&self, key: &CheckpointKey, data: &[u8]) -> io::Result<()> {
        let path = self.path(key).ok_or(io::ErrorKind::InvalidInput)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("new");
        fs::write(&beside, data)?;
        fs::rename(beside, path)
    }

    /// Where a key is; nowhere for one that would lead out of the folder.
    fn path(&self, key: &CheckpointKey) -> Option<PathBuf> {
        let name = key.name.replace('\\', "/");
        let inside = |it: Component<'_>| matches!(it, Component::Normal(_));
        if name.is_empty() || !Path::new(&name).components().all(inside) {
            return None;
        }
        Some(match key.kind {
            CheckpointKind::Registry => self.folder.join(format!("{name}.reg")),
            CheckpointKind::Crypto => self.folder.join("keys").join(format!("{name}.key")),
        })
    }
}

/// The checkpoints that are watched, with what each had last.
#[derive(Debug, Default)]
pub(crate) struct Watched(BTreeMap<ResourceId, BTreeMap<CheckpointKey, Option<Vec<u8>>>>);

impl Watched {
    /// Puts checkpoints in place and watches them from now on; those that could not be put there.
    pub(crate) fn restore(
        &mut self,
        registry: Option<&Registry>,
        resource: ResourceId,
        checkpoints: Vec<Checkpoint>,
    ) -> Vec<CheckpointKey> {
        let mut failed = Vec::new();
        let mut known = BTreeMap::new();
        for Checkpoint { key, data } in checkpoints {
            let put = match (&data, registry) {
                (None, _) => true,
                (Some(data), Some(registry)) => registry.write(&key, data).is_ok(),
                (Some(_), None) => false,
            };
            if !put {
                failed.push(key.clone());
            }
            known.insert(key, data);
        }
        self.0.insert(resource, known);
        failed
    }

    /// What has changed of one resource's, or of all.
    pub(crate) fn look(
        &mut self,
        registry: &Registry,
        only: Option<ResourceId>,
    ) -> Vec<HostReport> {
        let mut reports = Vec::new();
        let wanted = |it: &ResourceId| only.is_none_or(|only| only == *it);
        for (resource, known) in self.0.iter_mut().filter(|(it, _)| wanted(it)) {
            for (key, last) in known {
                let now = registry.read(key);
                if let Some(data) = now.clone().filter(|_| now != *last) {
                    reports.push(HostReport::Saved {
                        resource: *resource,
                        key: key.clone(),
                        data,
                    });
                    *last = now;
                }
            }
        }
        reports
    }

    /// One resource's are watched no longer.
    pub(crate) fn forget(&mut self, resource: ResourceId) {
        self.0.remove(&resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: CheckpointKind, name: &str) -> CheckpointKey {
        let name = name.to_owned();
        CheckpointKey { kind, name }
    }

    #[test]
    fn what_changes_while_it_is_watched_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::of(folder.path());
        let key = key(CheckpointKind::Registry, "HKLM/Software/Demo");
        let mut watched = Watched::default();
        let (resource, data) = (ResourceId(1), Some(vec![1]));
        let checkpoint = Checkpoint {
            key: key.clone(),
            data,
        };
        assert_eq!(
            watched.restore(Some(&registry), resource, vec![checkpoint]),
            []
        );
        assert_eq!(registry.read(&key), Some(vec![1]));
        assert_eq!(watched.look(&registry, None), []);
        registry.write(&key, &[2]).unwrap();
        let data = vec![2];
        let saved = HostReport::Saved {
            resource,
            key: key.clone(),
            data,
        };
        assert_eq!(watched.look(&registry, Some(resource)), [saved]);
        assert_eq!(watched.look(&registry, None), []);
        watched.forget(resource);
        registry.write(&key, &[3]).unwrap();
        assert_eq!(watched.look(&registry, None), []);
    }

    #[test]
    fn no_key_leads_out_of_the_registry() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::of(folder.path());
        for name in ["", "..", "a/../../b", "/etc/passwd", "a\\..\\..\\b"] {
            let key = key(CheckpointKind::Crypto, name);
            assert!(registry.write(&key, b"x").is_err(), "{name}");
            assert_eq!(registry.read(&key), None);
        }
    }

    #[test]
    fn without_a_registry_what_has_content_cannot_be_put_in_place() {
        let demo = key(CheckpointKind::Registry, "HKLM/Demo");
        let saved = |data| Checkpoint {
            key: demo.clone(),
            data,
        };
        let mut watched = Watched::default();
        let failed = watched.restore(None, ResourceId(1), vec![saved(None), saved(Some(vec![1]))]);
        assert_eq!(failed, [demo]);
    }
}
