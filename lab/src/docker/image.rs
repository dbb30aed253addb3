//! The image of all machines: the running program with the libraries that it was linked with.
//!
//! Nothing is pulled from anywhere. The image is named after a hash of what is in it, so that it is
//! made once for every build of the program.

use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

/// Where the program is in the image.
pub(crate) const PROGRAM: &str = "/looksalive";
/// The images' name, but for the tag.
pub(crate) const REPOSITORY: &str = "looksalive";

/// What an image is made of.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Paths there, with the files here.
    files: Vec<(PathBuf, PathBuf)>,
    tag: String,
}

impl Image {
    /// The image of a program.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn of(program: &Path) -> io::Result<Self> {
        let mut files = vec![(PathBuf::from(PROGRAM), program.to_owned())];
        files.extend(libraries(program)?.into_iter().map(|it| (it.clone(), it)));
        let mut hash = Sha256::new();
        for (path, file) in &files {
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update(fs::read(file)?);
        }
        let mut tag = String::new();
        for byte in &hash.finalize()[..8] {
            // Writing to a text cannot fail.
            let _written = write!(tag, "{byte:02x}");
        }
        Ok(Self { files, tag })
    }

    /// Its tag: the beginning of the hash.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// Its name with the tag.
    pub(crate) fn name(&self) -> String {
        format!("{REPOSITORY}:{}", self.tag)
    }

    /// All of it as an archive of files.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn archive(&self) -> io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, file) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(fs::metadata(file)?.len());
            header.set_mode(0o755);
            let inside = path.strip_prefix("/").unwrap_or(path);
            archive.append_data(&mut header, inside, File::open(file)?)?;
        }
        let mut folder = tar::Header::new_gnu();
        folder.set_entry_type(tar::EntryType::Directory);
        folder.set_mode(0o1777);
        folder.set_size(0);
        archive.append_data(&mut folder, "tmp", io::empty())?;
        archive.into_inner()
    }
}

/// The libraries that a program is linked with, its loader included; none for a static one. The
/// loader tells them as it does for `ldd`; what a static program says has no paths in it.
fn libraries(program: &Path) -> io::Result<Vec<PathBuf>> {
    let told = Command::new(program)
        .env("LD_TRACE_LOADED_OBJECTS", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&told.stdout);
    Ok(told.lines().filter_map(library).collect())
}

/// The path in a line like `libc.so.6 => /lib/libc.so.6 (0x00007f)` or `/lib/ld.so (0x00007f)`.
fn library(line: &str) -> Option<PathBuf> {
    let line = line.trim();
    let named = line.split_once(" => ").map_or(line, |(_, path)| path);
    let (path, address) = named.rsplit_once(" (")?;
    let is_library = path.starts_with('/') && address.starts_with("0x");
    is_library.then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_tells_libraries_and_itself_but_not_what_the_kernel_brings() {
        let path = |line| library(line).map(|it| it.display().to_string());
        assert_eq!(
            path("\tlibc.so.6 => /lib/x/libc.so.6 (0x00007f)"),
            Some("/lib/x/libc.so.6".to_owned())
        );
        assert_eq!(
            path("\t/lib64/ld.so.2 (0x00007f)"),
            Some("/lib64/ld.so.2".to_owned())
        );
        assert_eq!(path("\tlinux-vdso.so.1 (0x00007f)"), None);
        assert_eq!(path("Usage: looksalive (see --help)"), None);
    }

    #[test]
    fn an_image_has_the_program_and_all_that_it_needs_and_is_named_after_its_content() {
        let program = std::env::current_exe().unwrap();
        let image = Image::of(&program).unwrap();
        assert_eq!(image.name(), Image::of(&program).unwrap().name());
        let archive = image.archive().unwrap();
        let mut archive = tar::Archive::new(archive.as_slice());
        let paths = archive.entries().unwrap();
        let paths = paths.map(|it| it.unwrap().path().unwrap().display().to_string());
        let paths: Vec<String> = paths.collect();
        assert!(paths.contains(&"looksalive".to_owned()), "{paths:?}");
        assert!(paths.contains(&"tmp".to_owned()), "{paths:?}");
        assert_eq!(paths.len(), image.files.len() + 1);
    }
}
