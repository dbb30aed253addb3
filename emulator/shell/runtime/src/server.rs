//! The server service of the machine (LanManServer): virtual servers with the shares that resource
//! hosts have it offer, and what their health rests on.
//!
//! Facts: directory fact sheet sections 2 and 7; reference section 2, rows of File Share. A virtual
//! server is there from the moment when its network name is, with a share or without. A share's
//! contents stand on the clustered disk that it depends on, in the folder that Path names, and
//! reach it through the node's own initiator: whoever takes the disk away takes them too. Without
//! such a disk they stand in a folder of the node's own. Clients need no account here: whose login
//! counts is the directory's affair, and the library knows no Kerberos (docs/adr/0032).
//!
//! Not done here: more than one address of a name.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use base::DiskId;
use rhs::server::{FromServer, Offered, SHARE_NOT_FOUND, ToServer};
use shares::{Contents, Execute, Lun, Mount, ShareError, ShareSpec, Shares};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, Semaphore};
use top::rcm::ResourceParameters;
use top::restype::Check;

use crate::disks::Ways;
use crate::options::ServerOptions;
use crate::stream;

/// The port of SMB.
const PORT: u16 = 445;
/// Threads that serve clients.
const WORKERS: usize = 2;
/// Most connections of resource hosts and people at a time.
const CONNECTIONS_MAX: usize = 1_024;

/// ERROR_INVALID_PARAMETER
const INVALID_PARAMETER: u32 = 87;
/// ERROR_UNRECOGNIZED_VOLUME: the disk has no file system that is known.
const UNRECOGNIZED_VOLUME: u32 = 1_005;
/// ERROR_PATH_NOT_FOUND
const PATH_NOT_FOUND: u32 = 3;
/// NERR_DuplicateShare
const DUPLICATE_SHARE: u32 = 2_118;
/// ERROR_UNEXP_NET_ERR: the address of the virtual server cannot be listened at.
const UNEXPECTED_NETWORK_ERROR: u32 = 59;
/// ERROR_RESOURCE_FAILED
const FAILED: u32 = 5_038;

/// The service. It ends with this value.
#[derive(Debug)]
pub(crate) struct ServerService {
    runtime: Option<Runtime>,
}

impl Drop for ServerService {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl ServerService {
    /// Starts the service; it listens for resource hosts when this returns.
    pub(crate) fn start(options: &ServerOptions, own: PathBuf, ways: Ways) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(WORKERS).thread_name("server");
        if let Some(namespace) = options.namespace.clone() {
            check(namespace.clone())?;
            builder.on_thread_start(move || {
                // It was possible a moment ago; without it nothing can be listened at.
                let _checked = rhs::enter(&namespace);
            });
        }
        let runtime = builder.enable_all().build()?;
        let _left_by_an_earlier_life = std::fs::remove_file(&options.socket);
        let listener = {
            let _inside = runtime.enter();
            UnixListener::bind(&options.socket)?
        };
        let service = Arc::new(Service {
            shares: Shares::new(Vec::new()),
            has_adapters: options.has_adapters,
            own,
            ways,
            mounted: Mutex::default(),
        });
        runtime.spawn(accept(listener, service));
        Ok(Self {
            runtime: Some(runtime),
        })
    }
}

/// Whether threads of this process may enter a namespace.
fn check(namespace: PathBuf) -> io::Result<()> {
    let tried = thread::spawn(move || rhs::enter(&namespace)).join();
    tried.unwrap_or_else(|_| Err(io::Error::other("a thread ended early")))
}

async fn accept(listener: UnixListener, service: Arc<Service>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            serve(stream, &service).await;
            drop(permit);
        });
    }
}

/// Serves one connection; what it had offered goes with it.
async fn serve(mut stream: UnixStream, service: &Service) {
    let mut offer = None;
    while let Ok(Some(request)) = stream::read(&mut stream).await {
        let answer = service.answer(&mut offer, request).await;
        if stream::write(&mut stream, &answer).await.is_err() {
            break;
        }
    }
    service.withdraw(offer.take()).await;
}

/// What a connection offers.
#[derive(Debug)]
enum Offer {
    /// A virtual server.
    Name(String),
    /// A share of one.
    Share(OfferedShare),
}

#[derive(Debug)]
struct OfferedShare {
    server: String,
    share: String,
    path: String,
    disk: Option<DiskId>,
}

#[derive(Debug)]
struct Service {
    shares: Shares,
    has_adapters: bool,
    /// What stands for the node's own disks.
    own: PathBuf,
    ways: Ways,
    /// Volumes that are mounted, with how many shares have their folders on each. Held while
    /// shares come and go.
    mounted: Mutex<Mounted>,
}

type Mounted = BTreeMap<DiskId, (Mount, usize)>;

/// A mounted volume goes with the last share that has its folder there.
async fn leave(mounted: &mut Mounted, disk: Option<DiskId>) {
    let Some((disk, (_, shares))) = disk.and_then(|it| Some((it, mounted.get_mut(&it)?))) else {
        return;
    };
    *shares = shares.saturating_sub(1);
    if *shares == 0
        && let Some((mount, _)) = mounted.remove(&disk)
    {
        mount.close().await;
    }
}

impl Service {
    async fn answer(&self, offer: &mut Option<Offer>, request: ToServer) -> FromServer {
        let done = match request {
            ToServer::Publish(parameters) => {
                self.withdraw(offer.take()).await;
                let published = self.publish(parameters).await;
                published.map(|made| *offer = Some(made))
            }
            ToServer::Withdraw => {
                self.withdraw(offer.take()).await;
                Ok(())
            }
            ToServer::Look(checks) => match offer {
                Some(Offer::Name(server)) => self.has_name(server).await,
                Some(Offer::Share(share)) => self.look(share, &checks).await,
                None => Err(SHARE_NOT_FOUND),
            },
            ToServer::List => return FromServer::Shares(self.list().await),
            ToServer::SetFlags {
                server,
                share,
                flags,
            } => {
                let set = self.shares.set_flags(&server, &share, flags).await;
                set.map_err(|error| code(&error))
            }
            ToServer::Remove { server, share } => {
                let removed = self.shares.remove(&server, &share).await;
                removed.map_err(|error| code(&error))
            }
        };
        match done {
            Ok(()) => FromServer::Done,
            Err(code) => FromServer::Failed(code),
        }
    }

    async fn publish(&self, parameters: ResourceParameters) -> Result<Offer, u32> {
        match parameters {
            ResourceParameters::NetworkName {
                name, addresses, ..
            } => {
                self.bring_online(&name, &addresses).await?;
                Ok(Offer::Name(name))
            }
            ResourceParameters::FileShare {
                server,
                share,
                path,
                place,
                ..
            } => {
                let share = OfferedShare {
                    server,
                    share,
                    path,
                    disk: place.disk,
                };
                self.publish_share(share).await.map(Offer::Share)
            }
            _ => Err(INVALID_PARAMETER),
        }
    }

    async fn publish_share(&self, share: OfferedShare) -> Result<OfferedShare, u32> {
        let mut mounted = self.mounted.lock().await;
        let contents = self.contents(&mut mounted, &share).await?;
        let spec = ShareSpec {
            name: share.share.clone(),
            remark: String::new(),
            flags: 0,
            is_read_only: false,
            contents,
        };
        if let Err(error) = self.shares.add(&share.server, spec).await {
            eprintln!("share {}: {error}", share.share);
            leave(&mut mounted, share.disk).await;
            return Err(code(&error));
        }
        Ok(share)
    }

    /// A virtual server listens at the first of its addresses that this machine has, or on loopback
    /// where they are not those of machines.
    async fn bring_online(&self, name: &str, addresses: &[String]) -> Result<(), u32> {
        let places: Vec<SocketAddr> = match self.has_adapters {
            true => addresses.iter().filter_map(|it| at_port(it)).collect(),
            false => vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)],
        };
        let mut failed = UNEXPECTED_NETWORK_ERROR;
        for at in places {
            match self.shares.bring_online(name, at).await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    eprintln!("name {name} at the server service: {error}");
                    failed = code(&error);
                }
            }
        }
        Err(failed)
    }

    async fn contents(&self, mounted: &mut Mounted, share: &OfferedShare) -> Result<Contents, u32> {
        let path = &share.path;
        let Some(disk) = share.disk else {
            let folder = self.own_folder(path);
            std::fs::create_dir_all(&folder).map_err(|_| PATH_NOT_FOUND)?;
            return Ok(Contents::Folder(folder));
        };
        if let Some((mount, shares)) = mounted.get_mut(&disk) {
            *shares += 1;
            return Ok(Contents::Mounted(mount.clone(), path.to_owned()));
        }
        let mount = self.mount(disk).await.map_err(|why| {
            eprintln!("the volume of {disk} cannot be mounted: {why}");
            UNRECOGNIZED_VOLUME
        })?;
        mounted.insert(disk, (mount.clone(), 1));
        Ok(Contents::Mounted(mount, path.to_owned()))
    }

    async fn mount(&self, disk: DiskId) -> Result<Mount, String> {
        let ways = self.ways.clone();
        let execute: Execute = Arc::new(move |command| {
            let outcome = ways.execute(disk, Some(command));
            Box::pin(outcome)
        });
        let lun = Lun::over(execute).await.map_err(|it| it.to_string())?;
        let mount = Mount::open(Box::new(lun)).await;
        mount.map_err(|it| it.to_string())
    }

    /// What stands for a folder of the node's own disks.
    fn own_folder(&self, path: &str) -> PathBuf {
        let parts = path.split(['\\', '/', ':']);
        let named = parts.filter(|it| !matches!(*it, "" | "." | ".."));
        named.fold(self.own.clone(), |folder, name| folder.join(name))
    }

    async fn withdraw(&self, offer: Option<Offer>) {
        match offer {
            Some(Offer::Name(server)) => {
                let _gone = self.shares.take_offline(&server).await;
            }
            Some(Offer::Share(share)) => {
                let mut mounted = self.mounted.lock().await;
                // Somebody may have removed it behind our back, or its server has gone before.
                let _gone = self.shares.remove(&share.server, &share.share).await;
                leave(&mut mounted, share.disk).await;
            }
            None => {}
        }
    }

    async fn has_name(&self, server: &str) -> Result<(), u32> {
        let address = self.shares.address(server).await;
        address.map(drop).ok_or(FAILED)
    }

    async fn look(&self, offer: &OfferedShare, checks: &[Check]) -> Result<(), u32> {
        for check in checks {
            let holds = match check {
                Check::Share | Check::ScopedShare => {
                    let flags = self.shares.flags(&offer.server, &offer.share).await;
                    flags.map(drop).ok_or(SHARE_NOT_FOUND)
                }
                Check::ServerService | Check::ScopedName => self.has_name(&offer.server).await,
                Check::FirstFile => self.looks_into(offer, true).await,
                Check::Directory => self.looks_into(offer, false).await,
                _ => Ok(()),
            };
            holds?;
        }
        Ok(())
    }

    /// Whether the folder of a share is there, or its first file can be opened.
    async fn looks_into(&self, offer: &OfferedShare, opens: bool) -> Result<(), u32> {
        let Some(disk) = offer.disk else {
            let folder = self.own_folder(&offer.path);
            let well = if opens {
                first_opens(&folder)
            } else {
                folder.is_dir()
            };
            return well.then_some(()).ok_or(PATH_NOT_FOUND);
        };
        let mount = self.mounted.lock().await.get(&disk).map(|it| it.0.clone());
        let well = match mount {
            Some(mount) if opens => mount.first_file_opens(&offer.path).await,
            Some(mount) => mount.has_folder(&offer.path).await,
            None => false,
        };
        well.then_some(()).ok_or(PATH_NOT_FOUND)
    }

    async fn list(&self) -> Vec<Offered> {
        let all = self.shares.list().await.into_iter();
        let offered = all.map(|it| Offered {
            server: it.server,
            at: it.at.to_string(),
            share: it.share,
            flags: it.flags,
        });
        offered.collect()
    }
}

fn at_port(address: &str) -> Option<SocketAddr> {
    let address: IpAddr = address.parse().ok()?;
    Some(SocketAddr::new(address, PORT))
}

/// Whether the first file of a folder of this machine can be opened; yes when it has none.
fn first_opens(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    let mut files = entries
        .flatten()
        .map(|it| it.path())
        .filter(|it| it.is_file());
    files
        .next()
        .is_none_or(|it| std::fs::File::open(it).is_ok())
}

/// The product's number for what went wrong with a share.
fn code(error: &ShareError) -> u32 {
    match error {
        ShareError::NoServer(_) | ShareError::NoShare(..) => SHARE_NOT_FOUND,
        ShareError::ShareOnline(..) | ShareError::ServerOnline(_) => DUPLICATE_SHARE,
        ShareError::Listen(..) => UNEXPECTED_NETWORK_ERROR,
        ShareError::Folder(..) | ShareError::Path(..) => PATH_NOT_FOUND,
        ShareError::Mount(_) => UNRECOGNIZED_VOLUME,
        ShareError::Full(_) | ShareError::Setting(_) => FAILED,
    }
}

#[cfg(test)]
mod tests;
