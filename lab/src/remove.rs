//! Taking away what a lab has made.

use std::fs;

use rhs::family;

use crate::LabFolder;

/// Ends every process of a lab and removes its folder. Doing it twice is doing it once.
pub fn remove(folder: &LabFolder) {
    family::kill(family::LAB, folder.uid().as_str());
    let _removed_before = fs::remove_dir_all(folder.path());
}
