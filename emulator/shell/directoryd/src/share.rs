//! Virtual servers and their shares, as whoever runs the directory orders them: the part of the
//! server service that resources of a cluster ask to have a share, and ask whether it is there.
//!
//! Shares move bulk data, so they have threads of their own.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use shares::{BlockDisk, Contents, ImageFile, LunAddress, ShareSpec, Shares, User, lay_out_blank};
use tokio::runtime::{Builder, Runtime};

use crate::options::Options;
use crate::server::StartError;
use control::Words;

/// Threads that serve shares.
const WORKERS: usize = 2;

/// The virtual servers, at the directory's port for shares.
pub(crate) struct VirtualServers {
    shares: Shares,
    port: u16,
    /// Ends in the background when dropped.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for VirtualServers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualServers")
            .field("shares", &self.shares)
            .finish_non_exhaustive()
    }
}

impl Drop for VirtualServers {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl VirtualServers {
    /// None yet. The users are those of the options; without any, shares are everybody's.
    pub(crate) fn new(options: &Options) -> Result<Self, StartError> {
        let user = |it: &crate::options::UserOption| User {
            name: it.name.clone(),
            password: it.password.clone(),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("shares")
            .enable_all()
            .build()?;
        Ok(Self {
            shares: Shares::new(options.users.iter().map(user).collect()),
            port: options.ports().smb,
            runtime: Some(runtime),
        })
    }

    /// Does what an order says, and says what was wrong with it.
    pub(crate) fn perform(&self, words: &Words) -> Result<(), String> {
        let order = Order::read(words, self.port)?;
        let runtime = self.runtime.as_ref();
        let runtime = runtime.ok_or("the directory is about to stop")?;
        runtime.block_on(self.carry_out(order))
    }

    async fn carry_out(&self, order: Order) -> Result<(), String> {
        let Order { server, action } = order;
        let done = match action {
            Action::Online { at } => self.shares.bring_online(&server, at).await.map(drop),
            Action::Offline => self.shares.take_offline(&server).await,
            Action::Remove { share } => self.shares.remove(&server, &share).await,
            Action::Flags { share, flags } => self.shares.set_flags(&server, &share, flags).await,
            Action::Add { share, place } => {
                let contents = place.open().await?;
                self.shares.add(&server, share.with(contents)).await
            }
        };
        done.map_err(|error| error.to_string())
    }
}

/// Something to do with a virtual server.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    server: String,
    action: Action,
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    Online { at: SocketAddr },
    Offline,
    Add { share: Wanted, place: Place },
    Remove { share: String },
    Flags { share: String, flags: u32 },
}

/// A share that is to come online, without its contents.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    name: String,
    remark: String,
    flags: u32,
    is_read_only: bool,
}

impl Wanted {
    fn with(self, contents: Contents) -> ShareSpec {
        ShareSpec {
            name: self.name,
            remark: self.remark,
            flags: self.flags,
            is_read_only: self.is_read_only,
            contents,
        }
    }
}

/// Where contents stand.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    Image(PathBuf, Label),
    Lun(LunAddress, Label),
}

/// What to call the volume of a disk that is blank; without a label a blank disk is refused.
type Label = Option<String>;

impl Place {
    async fn open(self) -> Result<Contents, String> {
        let (disk, label): (Box<dyn BlockDisk>, Label) = match self {
            Self::Folder(folder) => return Ok(Contents::Folder(folder)),
            Self::Image(path, label) => {
                let image = ImageFile::open(&path);
                let why = |error| format!("cannot use the disk {}: {error}", path.display());
                (Box::new(image.map_err(why)?), label)
            }
            Self::Lun(address, label) => {
                let lun = address.open().await;
                (Box::new(lun.map_err(|error| error.to_string())?), label)
            }
        };
        let Some(label) = label else {
            return Ok(Contents::Volume(disk));
        };
        laid_out(disk, label).await.map(Contents::Volume)
    }
}

async fn laid_out(
    mut disk: Box<dyn BlockDisk>,
    label: String,
) -> Result<Box<dyn BlockDisk>, String> {
    let work = tokio::task::spawn_blocking(move || {
        let laid_out = lay_out_blank(disk.as_mut(), &label);
        laid_out.map(|()| disk)
    });
    let done = work.await.map_err(|error| error.to_string())?;
    done.map_err(|error| format!("cannot lay the disk out: {error}"))
}

/// What an order may say.
const KNOWN: [&str; 15] = [
    "server",
    "share",
    "do",
    "at",
    "folder",
    "image",
    "portal",
    "target",
    "lun",
    "initiator",
    "label",
    "key",
    "flags",
    "remark",
    "read-only",
];

impl Order {
    fn read(words: &Words, port: u16) -> Result<Self, String> {
        if let Some(key) = words.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(format!(
                "`{key}` is not known to virtual servers; what is: {}",
                KNOWN.join(", ")
            ));
        }
        let read = Reader { words };
        let server = read.text("server")?.to_owned();
        let action = match (read.text("do")?, words.contains_key("share")) {
            ("online", false) => {
                let at: IpAddr = read.parsed("at", "an address such as 127.0.0.2")?;
                let at = SocketAddr::new(at, port);
                Action::Online { at }
            }
            ("offline", false) => Action::Offline,
            ("remove", true) => Action::Remove {
                share: read.text("share")?.to_owned(),
            },
            ("flags", true) => Action::Flags {
                share: read.text("share")?.to_owned(),
                flags: read.flags()?,
            },
            ("add", true) => Action::Add {
                share: read.wanted()?,
                place: read.place()?,
            },
            (other, _) => {
                return Err(format!(
                    "`{other}` is nothing to do: a virtual server goes online or offline; with \
                     `share` there are add, remove and flags"
                ));
            }
        };
        Ok(Self { server, action })
    }
}

struct Reader<'a> {
    words: &'a Words,
}

impl<'a> Reader<'a> {
    fn maybe(&self, key: &str) -> Option<&'a str> {
        match self.words.get(key)?.as_slice() {
            [word] => Some(word),
            _ => None,
        }
    }

    fn text(&self, key: &str) -> Result<&'a str, String> {
        self.maybe(key)
            .filter(|it| !it.is_empty())
            .ok_or_else(|| format!("`{key}` is missing, or is not one word"))
    }

    fn parsed<T: std::str::FromStr>(&self, key: &str, what: &str) -> Result<T, String> {
        let text = self.text(key)?;
        text.parse()
            .map_err(|_| format!("`{key}` must be {what}, not `{text}`"))
    }

    /// A number, in decimal or with 0x in front.
    fn number(&self, key: &str) -> Result<u64, String> {
        let text = self.text(key)?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        number.map_err(|_| format!("`{key}` must be a number such as 0x0800, not `{text}`"))
    }

    fn flags(&self) -> Result<u32, String> {
        let flags = self.number("flags")?;
        u32::try_from(flags).map_err(|_| "`flags` are 32 bits".to_owned())
    }

    fn wanted(&self) -> Result<Wanted, String> {
        let is_read_only = match self.maybe("read-only") {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(format!("`read-only` is true or false, not `{other}`")),
        };
        Ok(Wanted {
            name: self.text("share")?.to_owned(),
            remark: self.maybe("remark").unwrap_or_default().to_owned(),
            flags: match self.words.contains_key("flags") {
                true => self.flags()?,
                false => 0,
            },
            is_read_only,
        })
    }

    fn place(&self) -> Result<Place, String> {
        let given = |key: &str| self.words.contains_key(key);
        let label = self.maybe("label").map(str::to_owned);
        match (given("folder"), given("image"), given("target")) {
            (true, false, false) => Ok(Place::Folder(self.text("folder")?.into())),
            (false, true, false) => Ok(Place::Image(self.text("image")?.into(), label)),
            (false, false, true) => {
                let address = LunAddress {
                    portal: self.parsed("portal", "an address such as 127.0.0.1:3260")?,
                    target: self.text("target")?.to_owned(),
                    lun: self.parsed("lun", "a unit's number")?,
                    initiator: self.text("initiator")?.to_owned(),
                    key: match given("key") {
                        true => Some(self.number("key")?),
                        false => None,
                    },
                };
                Ok(Place::Lun(address, label))
            }
            _ => Err("a share stands in one of `folder`, `image` and `target`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        let pair = |pair: &str| {
            let (key, word) = pair.split_once(": ").unwrap();
            (key.to_owned(), vec![word.to_owned()])
        };
        text.split(", ").map(pair).collect()
    }

    fn read(text: &str) -> Result<Action, String> {
        Order::read(&words(text), 10_445).map(|it| it.action)
    }

    #[test]
    fn orders_are_read_in_words() {
        let at = "127.0.0.2:10445".parse().unwrap();
        let online = read("server: FS1, do: online, at: 127.0.0.2");
        assert_eq!(online, Ok(Action::Online { at }));
        let wanted = Action::Add {
            share: Wanted {
                name: "data".into(),
                remark: String::new(),
                flags: 0x800,
                is_read_only: false,
            },
            place: Place::Lun(
                LunAddress {
                    portal: "127.0.0.1:3260".parse().unwrap(),
                    target: "iqn.a:b".into(),
                    lun: 1,
                    initiator: "iqn.a:n1".into(),
                    key: Some(171),
                },
                None,
            ),
        };
        let text = "server: FS1, share: data, do: add, flags: 0x0800, portal: 127.0.0.1:3260, \
                    target: iqn.a:b, lun: 1, initiator: iqn.a:n1, key: 0xab";
        assert_eq!(read(text), Ok(wanted));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, why) in [
            ("server: FS1, do: dance", "`dance` is nothing to do"),
            ("server: FS1, do: online", "`at` is missing"),
            ("server: FS1, do: online, at: here", "not `here`"),
            ("server: FS1, share: a, do: add", "stands in one of"),
            ("server: FS1, share: a, do: flags, flags: x", "0x0800"),
            (
                "server: FS1, do: offline, colour: red",
                "`colour` is not known",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
