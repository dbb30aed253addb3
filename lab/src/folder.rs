//! Where labs keep what they need: one folder for each, below one root for each user.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use base::NodeId;

use crate::{LabError, Uid};

/// Longest path of a socket that the system takes, the end included.
const SOCKET_PATH_MAX: usize = 107;

/// The folder below which this user's labs are: `LOOKSALIVE_STATE`, or one of the user's own below
/// the system's temporary folder. Labs do not outlive the machine's run, and paths of sockets must
/// be short.
#[must_use]
pub fn root() -> PathBuf {
    match env::var_os("LOOKSALIVE_STATE") {
        Some(root) if !root.is_empty() => PathBuf::from(root),
        _ => {
            let user = rustix::process::getuid().as_raw();
            env::temp_dir().join(format!("looksalive-{user}"))
        }
    }
}

/// The folder of one lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabFolder {
    uid: Uid,
    path: PathBuf,
}

impl LabFolder {
    /// Where a new lab will be; nothing is made yet.
    ///
    /// # Errors
    /// When the system gives no random bytes for its unique id.
    pub fn new(root: &Path) -> Result<Self, LabError> {
        let uid = Uid::new().map_err(LabError::system("cannot draw the lab's id"))?;
        Ok(Self::of(root, uid))
    }

    /// The folder of a lab that there is, or will be.
    #[must_use]
    pub fn of(root: &Path, uid: Uid) -> Self {
        let path = root.join(uid.as_str());
        Self { uid, path }
    }

    /// Folders of all labs below a root, oldest first.
    #[must_use]
    pub fn all(root: &Path) -> Vec<Self> {
        let entries = fs::read_dir(root).into_iter().flatten();
        let uid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        let mut uids: Vec<Uid> = entries.filter_map(|entry| uid(entry.ok()?)).collect();
        uids.sort();
        uids.into_iter().map(|uid| Self::of(root, uid)).collect()
    }

    /// The lab's unique id.
    #[must_use]
    pub fn uid(&self) -> &Uid {
        &self.uid
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lab file as it was when the lab was built.
    #[must_use]
    pub fn lab_file(&self) -> PathBuf {
        self.path.join("lab.yaml")
    }

    /// The file that the lab's keeper has locked while it lives.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// What the lab has made and would have to take away.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger.ndjson")
    }

    /// The folder of a node's database.
    #[must_use]
    pub fn node(&self, name: &str) -> PathBuf {
        self.path.join("nodes").join(name)
    }

    /// Where the network namespace of a machine is found, if it has one of its own.
    #[must_use]
    pub fn namespace(&self, machine: &str) -> PathBuf {
        self.path.join("networks").join(machine)
    }

    /// The folder of an array's disks.
    #[must_use]
    pub fn array(&self, name: &str) -> PathBuf {
        self.path.join("arrays").join(name)
    }

    /// The state of the lab's directory, and the files that make a client of it.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.path.join("directory")
    }

    /// What a part says: a node's notices and everything that its programs print.
    #[must_use]
    pub fn log(&self, part: &str) -> PathBuf {
        self.path.join("logs").join(format!("{part}.log"))
    }

    /// The folder of the sockets over which parts of the lab talk.
    #[must_use]
    pub fn sockets(&self) -> PathBuf {
        self.path.join("sockets")
    }

    /// A socket over which parts of the lab talk.
    ///
    /// # Errors
    /// When the root is so deep that no socket fits below it.
    pub fn part_socket(&self, part: &str) -> Result<PathBuf, LabError> {
        self.socket(&format!("sockets/{part}"))
    }

    /// Where the server service of a node's machine listens.
    ///
    /// # Errors
    /// As [`Self::part_socket`].
    pub fn server_service(&self, node: NodeId) -> Result<PathBuf, LabError> {
        self.part_socket(&format!("server-{node}"))
    }

    /// A socket; its path has to be short.
    ///
    /// # Errors
    /// When the root is so deep that no socket fits below it.
    pub fn socket(&self, name: &str) -> Result<PathBuf, LabError> {
        let path = self.path.join(name);
        if path.as_os_str().len() > SOCKET_PATH_MAX {
            let why = "its path is too long for a socket; set LOOKSALIVE_STATE to a shorter one";
            let error = std::io::Error::other(why);
            return Err(LabError::path("listen at", &path)(error));
        }
        Ok(path)
    }
}
