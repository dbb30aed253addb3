//! Virtual servers, each at its own address, and the shares that they have at the moment.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use smb_server::{
    Access, BuildError, ConfigError, ConfigHandle, Share, ShutdownHandle, SmbPath, SmbServer,
};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::disk::BlockDisk;
use crate::fat::Fat;
use crate::folder::{Flags, Folder};
use crate::mount::{Mount, UNMOUNT_MAX};
use crate::nothing::nobodys;
use crate::volume::{MountError, Unmounted, Volume};

/// The share flag for access-based enumeration (seed 000, place 8: 0x0800).
pub const FLAG_ACCESS_BASED_ENUMERATION: u32 = 0x0800;

/// Most virtual servers: no cluster has more NetBIOS devices (fact 1.2).
const SERVERS_MAX: usize = 64;
/// Most shares of a virtual server. No document has it for the product.
const SHARES_MAX: usize = 1024;

/// Who may use the shares of a virtual server.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name to log on with.
    pub name: String,
    /// The password to log on with.
    pub password: String,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Where the contents of a share stand.
pub enum Contents {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// On the first FAT volume of a disk, which nobody else may write as long as the share is
    /// online.
    Volume(Box<dyn BlockDisk>),
    /// In a folder of a volume that is mounted, named as Path names it; it is made if it is not
    /// there. Whoever has mounted the volume unmounts it.
    Mounted(Mount, String),
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => f.debug_tuple("Folder").field(folder).finish(),
            Self::Volume(_) => f.write_str("Volume"),
            Self::Mounted(_, path) => f.debug_tuple("Mounted").field(path).finish(),
        }
    }
}

/// A share that is to come online.
#[derive(Debug)]
pub struct ShareSpec {
    /// Its name.
    pub name: String,
    /// What clients are told about it.
    pub remark: String,
    /// Its flags, such as [`FLAG_ACCESS_BASED_ENUMERATION`].
    pub flags: u32,
    /// Nothing may be changed through it.
    pub is_read_only: bool,
    /// Where its contents stand.
    pub contents: Contents,
}

/// Why a share or a virtual server is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// There is no such virtual server.
    #[error("there is no virtual server `{0}` here: bring it online first")]
    NoServer(String),
    /// It is online already.
    #[error("the virtual server `{0}` is online already")]
    ServerOnline(String),
    /// There are too many of them.
    #[error("there is no room for another: {0} are online")]
    Full(usize),
    /// Its address cannot be had.
    #[error("cannot listen on {0} for shares: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The virtual server has no such share.
    #[error("`{0}` has no share `{1}`")]
    NoShare(String, String),
    /// The virtual server has this share already.
    #[error("`{0}` has a share `{1}` already")]
    ShareOnline(String, String),
    /// The folder cannot be used.
    #[error("cannot use the folder {}: {}", .0.display(), .1)]
    Folder(PathBuf, #[source] io::Error),
    /// The disk cannot be used.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The folder on the disk cannot be used.
    #[error("cannot use the folder {0} of the clustered disk: {1}")]
    Path(String, String),
    /// A name is none, or a setting is out of range.
    #[error("{0}")]
    Setting(String),
}

impl From<BuildError> for ShareError {
    fn from(error: BuildError) -> Self {
        Self::Setting(error.to_string())
    }
}

impl From<ConfigError> for ShareError {
    fn from(error: ConfigError) -> Self {
        Self::Setting(error.to_string())
    }
}

struct Online {
    name: String,
    flags: Flags,
    unmounted: Option<Unmounted>,
}

/// A share that is online.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its virtual server.
    pub server: String,
    /// Where that listens.
    pub at: SocketAddr,
    /// Its name.
    pub share: String,
    /// Its flags, such as [`FLAG_ACCESS_BASED_ENUMERATION`].
    pub flags: u32,
}

struct VirtualServer {
    name: String,
    at: SocketAddr,
    config: ConfigHandle,
    stop: ShutdownHandle,
    task: JoinHandle<io::Result<()>>,
    shares: BTreeMap<String, Online>,
}

/// The virtual servers of this process. Names are compared without regard to case.
pub struct Shares {
    users: Vec<User>,
    servers: Mutex<BTreeMap<String, VirtualServer>>,
}

impl std::fmt::Debug for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shares")
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}

impl Shares {
    /// No virtual server yet. Without users everybody may use every share; with users, they alone.
    #[must_use]
    pub fn new(users: Vec<User>) -> Self {
        Self {
            users,
            servers: Mutex::default(),
        }
    }

    /// Brings a virtual server online at its address; it has no shares yet. Returns where it
    /// listens. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When it is online already, or its address cannot be had.
    pub async fn bring_online(&self, name: &str, at: SocketAddr) -> Result<SocketAddr, ShareError> {
        let mut servers = self.servers.lock().await;
        if servers.contains_key(&key(name)) {
            return Err(ShareError::ServerOnline(name.to_owned()));
        }
        if servers.len() >= SERVERS_MAX {
            return Err(ShareError::Full(servers.len()));
        }
        let mut builder = SmbServer::builder()
            .listen(at)
            .netbios_name(name.to_uppercase());
        for user in &self.users {
            builder = builder.user(&user.name, &user.password);
        }
        if self.users.is_empty() {
            builder = builder.share(nobodys());
        }
        let server = builder.build()?;
        let failed = |error| ShareError::Listen(at, error);
        let at = server.bind().await.map_err(failed)?;
        let online = VirtualServer {
            name: name.to_owned(),
            at,
            config: server.config_handle(),
            stop: server.shutdown_handle(),
            task: tokio::spawn(server.serve()),
            shares: BTreeMap::new(),
        };
        servers.insert(key(name), online);
        Ok(at)
    }

    /// Takes a virtual server offline with all its shares. When this returns, its address is free
    /// and its volumes are unmounted.
    ///
    /// # Errors
    /// When it is not online.
    pub async fn take_offline(&self, name: &str) -> Result<(), ShareError> {
        let gone = self.servers.lock().await.remove(&key(name));
        let mut server = gone.ok_or_else(|| ShareError::NoServer(name.to_owned()))?;
        for (_, share) in std::mem::take(&mut server.shares) {
            let _gone_already = server.config.remove_share(&share.name).await;
            unmounted(share).await;
        }
        server.stop.shutdown();
        if timeout(UNMOUNT_MAX, &mut server.task).await.is_err() {
            server.task.abort();
        }
        Ok(())
    }

    /// Brings a share online.
    ///
    /// # Errors
    /// When there is no such virtual server, it has such a share, or its contents cannot be had.
    pub async fn add(&self, server: &str, spec: ShareSpec) -> Result<(), ShareError> {
        let mut servers = self.servers.lock().await;
        let known = servers.get_mut(&key(server));
        let known = known.ok_or_else(|| ShareError::NoServer(server.to_owned()))?;
        if known.shares.contains_key(&key(&spec.name)) {
            return Err(ShareError::ShareOnline(server.to_owned(), spec.name));
        }
        if known.shares.len() >= SHARES_MAX {
            return Err(ShareError::Full(known.shares.len()));
        }
        let flags: Flags = Arc::new(AtomicU32::new(spec.flags));
        let (share, unmounted) = match spec.contents {
            Contents::Folder(folder) => {
                let failed = |error| ShareError::Folder(folder.clone(), error);
                let contents = Folder::open(&folder, Arc::clone(&flags)).map_err(failed)?;
                (Share::new(&spec.name, contents), None)
            }
            Contents::Volume(disk) => {
                let (volume, unmounted) = Volume::mount(disk).await?;
                let contents = Fat::new(volume, SmbPath::root());
                (Share::new(&spec.name, contents), Some(unmounted))
            }
            Contents::Mounted(mount, path) => {
                let root = mount.folder(&path).await;
                let root = root.map_err(|error| ShareError::Path(path, error.to_string()))?;
                let contents = Fat::new(mount.volume, root);
                (Share::new(&spec.name, contents), None)
            }
        };
        let share = self.admit(share, spec.is_read_only).remark(&spec.remark);
        known.config.add_share(share).await?;
        let name = spec.name;
        let online = Online {
            name: name.clone(),
            flags,
            unmounted,
        };
        known.shares.insert(key(&name), online);
        Ok(())
    }

    /// Says who may do what. A share that fails over lets nobody keep a file open past its end, or
    /// cache what the next owner may change.
    fn admit(&self, share: Share, is_read_only: bool) -> Share {
        let share = share.leases(false).durable_handles(false);
        let access = match is_read_only {
            true => Access::Read,
            false => Access::ReadWrite,
        };
        match (self.users.as_slice(), is_read_only) {
            ([], true) => share.public_read_only(),
            ([], false) => share.public(),
            (users, _) => users
                .iter()
                .fold(share, |share, user| share.user(&user.name, access)),
        }
    }

    /// Takes a share offline. When this returns, its files are closed and its volume is unmounted.
    ///
    /// # Errors
    /// When there is no such share.
    pub async fn remove(&self, server: &str, share: &str) -> Result<(), ShareError> {
        let mut servers = self.servers.lock().await;
        let known = servers.get_mut(&key(server));
        let known = known.ok_or_else(|| ShareError::NoServer(server.to_owned()))?;
        let gone = known.shares.remove(&key(share));
        let missing = || ShareError::NoShare(server.to_owned(), share.to_owned());
        let gone = gone.ok_or_else(missing)?;
        known.config.remove_share(&gone.name).await?;
        unmounted(gone).await;
        Ok(())
    }

    /// Changes the flags of a share that is online, for all who list it from now on.
    ///
    /// # Errors
    /// When there is no such share.
    pub async fn set_flags(&self, server: &str, share: &str, flags: u32) -> Result<(), ShareError> {
        let servers = self.servers.lock().await;
        let known = servers.get(&key(server));
        let known = known.ok_or_else(|| ShareError::NoServer(server.to_owned()))?;
        let missing = || ShareError::NoShare(server.to_owned(), share.to_owned());
        let online = known.shares.get(&key(share)).ok_or_else(missing)?;
        online.flags.store(flags, Ordering::Relaxed);
        Ok(())
    }

    /// The flags of a share, if the virtual server has it at the moment: what its health rests on.
    pub async fn flags(&self, server: &str, share: &str) -> Option<u32> {
        let servers = self.servers.lock().await;
        let online = servers.get(&key(server))?.shares.get(&key(share))?;
        Some(online.flags.load(Ordering::Relaxed))
    }

    /// Every share of every virtual server that is online at the moment.
    pub async fn list(&self) -> Vec<Listed> {
        let servers = self.servers.lock().await;
        let of_server = |server: &VirtualServer| {
            let (name, at) = (server.name.clone(), server.at);
            let listed = move |share: &Online| Listed {
                server: name.clone(),
                at,
                share: share.name.clone(),
                flags: share.flags.load(Ordering::Relaxed),
            };
            server.shares.values().map(listed).collect::<Vec<_>>()
        };
        servers.values().flat_map(of_server).collect()
    }

    /// Where a virtual server listens, if it is online.
    pub async fn address(&self, server: &str) -> Option<SocketAddr> {
        self.servers.lock().await.get(&key(server)).map(|it| it.at)
    }
}

impl Drop for Shares {
    fn drop(&mut self) {
        for server in self.servers.get_mut().values() {
            server.stop.shutdown();
        }
    }
}

async fn unmounted(share: Online) {
    if let Some(mut unmounted) = share.unmounted {
        // A disk that answers nothing is given up; its next owner does not wait for it either.
        let _given_up = timeout(UNMOUNT_MAX, unmounted.wait_for(|it| *it)).await;
    }
}

fn key(name: &str) -> String {
    name.to_lowercase()
}
