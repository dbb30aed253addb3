//! The number of a node's life: one more than that of the life before, kept on disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use base::Incarnation;

/// The file in the node's folder that holds it. It belongs to the machine: an evicted node's next
/// life must not pass for an old one, so it outlives the cluster database.
pub const FILE: &str = "incarnation";

/// Begins a new life. It counts only once it is on disk, so no two lives share a number.
pub(crate) fn next(folder: &Path) -> io::Result<Incarnation> {
    let last = match fs::read_to_string(folder.join(FILE)) {
        Ok(text) => text.trim().parse().map_err(|_| damaged(folder))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let next = last + 1;
    replace(folder, FILE, next.to_string().as_bytes())?;
    Ok(Incarnation(next))
}

/// Replaces a file so that, whatever happens, it is the old one or the new one.
pub(crate) fn replace(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let beside = folder.join(format!("{name}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(name))?;
    File::open(folder)?.sync_all()
}

fn damaged(folder: &Path) -> io::Error {
    let file = folder.join(FILE);
    let why = format!(
        "{} holds no number; a node cannot start without it",
        file.display()
    );
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_life_has_a_number_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let lives = [(); 3].map(|()| next(folder.path()).unwrap());
        assert_eq!(lives, [Incarnation(1), Incarnation(2), Incarnation(3)]);
    }

    #[test]
    fn a_damaged_number_is_an_error_and_not_a_first_life() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "x").unwrap();
        assert!(next(folder.path()).is_err());
    }
}
