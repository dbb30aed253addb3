//! Contents of shares: what is put is there, on whichever node is asked next.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use initiator::{Patience, Settings};
use scsi::iscsi::login::Identity;
use scsi::iscsi::negotiation::Parameters;
use scsi::pr::{Out, ReservationType};
use scsi::{Command, InitiatorPort, Isid, Outcome, ReservationKey};
use smb_server::{FileTimes, OpenAction, OpenIntent, OpenOptions, ShareBackend, SmbError, SmbPath};

use crate::disk::{ImageFile, lay_out_blank};
use crate::fat::Fat;
use crate::folder::Folder;
use crate::lun::Lun;
use crate::mount::Mount;
use crate::server::{Contents, FLAG_ACCESS_BASED_ENUMERATION, ShareError, ShareSpec, Shares};
use crate::volume::{MountError, Volume};

const MIB: u64 = 1 << 20;

fn path(text: &str) -> SmbPath {
    let units: Vec<u16> = text.encode_utf16().collect();
    SmbPath::from_utf16(&units).unwrap()
}

fn options(intent: OpenIntent, directory: bool) -> OpenOptions {
    OpenOptions {
        write: true,
        intent,
        directory,
        ..OpenOptions::default()
    }
}

fn image(path: &Path, bytes: u64) {
    let file = std::fs::File::create(path).unwrap();
    file.set_len(bytes).unwrap();
    let mut disk = ImageFile::open(path).unwrap();
    lay_out_blank(&mut disk, "data").unwrap();
}

async fn mounted(path: &Path) -> (Fat, crate::volume::Unmounted) {
    let disk = Box::new(ImageFile::open(path).unwrap());
    let (volume, unmounted) = Volume::mount(disk).await.unwrap();
    (Fat::new(volume, SmbPath::root()), unmounted)
}

async fn put(share: &dyn ShareBackend, name: &str, data: &[u8]) {
    let options = options(OpenIntent::OverwriteOrCreate, false);
    let (file, _) = share.open(&path(name), options).await.unwrap();
    assert_eq!(file.write(0, data).await.unwrap() as usize, data.len());
    file.close().await.unwrap();
}

async fn content(share: &dyn ShareBackend, name: &str) -> Vec<u8> {
    let (file, _) = share
        .open(&path(name), OpenOptions::default())
        .await
        .unwrap();
    let size = file.stat().await.unwrap().end_of_file;
    let data = file.read(0, u32::try_from(size).unwrap()).await.unwrap();
    file.close().await.unwrap();
    data.to_vec()
}

async fn names(share: &dyn ShareBackend, folder: &str) -> Vec<String> {
    let options = OpenOptions {
        directory: true,
        ..OpenOptions::default()
    };
    let (folder, _) = share.open(&path(folder), options).await.unwrap();
    let entries = folder.list_dir(None).await.unwrap();
    let mut names: Vec<String> = entries.into_iter().map(|it| it.info.name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_was_put_on_a_volume_is_there_when_it_is_mounted_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    // Room for more than the first blocks, FAT16, and data that ends within a cluster.
    image(&disk, 32 * MIB);
    let (share, mut unmounted) = mounted(&disk).await;
    let data: Vec<u8> = (0..100_001_u32).flat_map(u32::to_le_bytes).collect();
    let folder = options(OpenIntent::Create, true);
    let (handle, action) = share.open(&path("Földer"), folder).await.unwrap();
    assert_eq!(action, OpenAction::Created);
    drop(handle);
    put(&share, "Földer\\a long name.bin", &data).await;
    put(&share, "short.txt", b"x").await;
    drop(share);
    unmounted.wait_for(|it| *it).await.unwrap();
    lay_out_blank(&mut ImageFile::open(&disk).unwrap(), "other").unwrap();
    let (share, _) = mounted(&disk).await;
    assert_eq!(names(&share, "").await, ["Földer", "short.txt"]);
    assert!(content(&share, "FÖLDER\\A LONG NAME.BIN").await == data);
    let info = share.volume_info().await.unwrap();
    assert!(info.actual_available_allocation_units < info.total_allocation_units);
}

#[tokio::test]
async fn a_file_on_a_volume_grows_shrinks_moves_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    image(&disk, 8 * MIB);
    let (share, _) = mounted(&disk).await;
    let open = options(OpenIntent::OpenOrCreate, false);
    let (file, _) = share.open(&path("one"), open).await.unwrap();
    assert_eq!(file.write(5_000, b"end").await.unwrap(), 3);
    let expected = [vec![0; 5_000], b"end".to_vec()].concat();
    assert_eq!(file.read(0, 9_999).await.unwrap(), expected);
    file.truncate(2).await.unwrap();
    file.truncate(4).await.unwrap();
    assert_eq!(file.read(0, 99).await.unwrap(), [0; 4].as_slice());
    assert!(file.read(4, 1).await.unwrap().is_empty());
    // 2009-07-25 23:00:00 UTC, to the two seconds of a volume.
    let times = FileTimes {
        last_write_time: Some(128_930_364_000_000_000),
        ..FileTimes::default()
    };
    file.set_times(times).await.unwrap();
    let stat = file.stat().await.unwrap();
    assert_eq!(stat.last_write_time, 128_930_364_000_000_000);
    share
        .rename(&path("one"), &path("two"), false)
        .await
        .unwrap();
    assert_eq!(file.stat().await.unwrap().name, "two");
    put(&share, "three", b"3").await;
    let taken = share.rename(&path("two"), &path("three"), false).await;
    assert!(matches!(taken, Err(SmbError::Exists)), "{taken:?}");
    share
        .rename(&path("two"), &path("three"), true)
        .await
        .unwrap();
    assert_eq!(names(&share, "").await, ["three"]);
    file.close().await.unwrap();
    share.unlink(&path("three")).await.unwrap();
    assert!(names(&share, "").await.is_empty());
}

#[tokio::test]
async fn a_volume_says_what_is_wrong_in_the_protocols_terms() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    image(&disk, 2 * MIB);
    let (share, _) = mounted(&disk).await;
    put(&share, "file", b"1").await;
    let create = options(OpenIntent::Create, true);
    share.open(&path("folder"), create).await.unwrap();
    put(&share, "folder\\inside", b"2").await;
    let open = async |name: &str, options| share.open(&path(name), options).await.err();
    let (read, new) = (OpenOptions::default(), options(OpenIntent::Create, false));
    assert!(matches!(open("none", read).await, Some(SmbError::NotFound)));
    assert!(matches!(
        open("none\\a", read).await,
        Some(SmbError::PathNotFound)
    ));
    assert!(matches!(
        open("file\\a", read).await,
        Some(SmbError::PathNotFound)
    ));
    assert!(matches!(open("FILE", new).await, Some(SmbError::Exists)));
    let as_folder = options(OpenIntent::Open, true);
    assert!(matches!(
        open("file", as_folder).await,
        Some(SmbError::NotADirectory)
    ));
    let gone = share.unlink(&path("folder")).await;
    assert!(matches!(gone, Err(SmbError::NotEmpty)), "{gone:?}");
    let (file, _) = share
        .open(&path("file"), options(OpenIntent::Open, false))
        .await
        .unwrap();
    let full = file.write(0, &vec![1; 3 << 20]).await;
    assert!(matches!(full, Err(SmbError::DiskFull)), "{full:?}");
}

#[tokio::test]
async fn a_disk_without_a_volume_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::write(&disk, vec![0; 1 << 20]).unwrap();
    let refused = Volume::mount(Box::new(ImageFile::open(&disk).unwrap())).await;
    assert!(matches!(refused.err(), Some(MountError::NoVolume)));
}

const ARRAY: &str = "iqn.2024-01.example:array";

fn settings(portal: SocketAddr, node: u8) -> Settings {
    let isid = Isid([0x80, 0, 0, 0, 0, node]);
    Settings {
        portals: vec![portal],
        identity: Identity {
            initiator: InitiatorPort::new(format!("iqn.2024-01.example:n{node}"), isid),
            target_name: Some(ARRAY.into()),
            credentials: None,
            expected_of_target: None,
            parameters: Parameters::default(),
        },
        patience: Patience::default(),
    }
}

async fn lun(portal: SocketAddr, node: u8) -> Lun {
    let key = ReservationKey::new(u64::from(node));
    let time = Duration::from_secs(5);
    Lun::open(settings(portal, node), scsi::Lun(0), key, time)
        .await
        .unwrap()
}

/// Reserves the disk for a node whose path is registered; takes it from another one.
async fn reserve(portal: SocketAddr, node: u8, from: Option<u8>) {
    let path = initiator::Path::open(settings(portal, node + 100));
    assert!(path.connected(Duration::from_secs(5)).await);
    let key = |node: u8| ReservationKey::new(u64::from(node)).unwrap();
    let kind = ReservationType::WriteExclusiveRegistrantsOnly;
    let own = Out::register_and_ignore(Some(key(node)));
    let take = match from {
        None => Out::reserve(key(node), kind),
        Some(other) => Out::preempt(key(node), Some(key(other)), kind),
    };
    for command in [own, take] {
        let mut outcome = Outcome::Busy;
        for _ in 0..3 {
            let command = Command::PersistentReserveOut(command.clone());
            outcome = path.execute(scsi::Lun(0), command).await;
            if matches!(outcome, Outcome::Good(_)) {
                break;
            }
        }
        assert!(matches!(outcome, Outcome::Good(_)), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_put_before_a_failover_is_read_after_it_and_the_old_owner_writes_no_more() {
    let state = tempfile::tempdir().unwrap();
    let options = targetd::Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        name: ARRAY.into(),
        state: state.path().into(),
        units: vec!["0=16MiB,thin".parse().unwrap()],
        chap: None,
        mutual_chap: None,
        control: None,
    };
    let array = targetd::Server::start(&options, Arc::new(|_| {})).unwrap();
    let portal = array.addresses()[0];
    let mut disk = lun(portal, 1).await;
    let disk = tokio::task::spawn_blocking(move || {
        lay_out_blank(&mut disk, "data").unwrap();
        disk
    });
    let disk = disk.await.unwrap();
    reserve(portal, 1, None).await;
    let (volume, _) = Volume::mount(Box::new(disk)).await.unwrap();
    let first = Fat::new(volume, SmbPath::root());
    put(&first, "before.txt", b"put before the failover").await;
    // The second node takes the disk while the first still has the file system open.
    let disk = lun(portal, 2).await;
    reserve(portal, 2, Some(1)).await;
    let (volume, _) = Volume::mount(Box::new(disk)).await.unwrap();
    let second = Fat::new(volume, SmbPath::root());
    assert_eq!(
        content(&second, "before.txt").await,
        b"put before the failover"
    );
    let options = self::options(OpenIntent::Create, false);
    let refused = match first.open(&path("late.txt"), options).await {
        Err(SmbError::Io(error)) => error.kind(),
        other => panic!("the old owner has written: {:?}", other.map(|it| it.1)),
    };
    assert_eq!(refused, ErrorKind::PermissionDenied);
    put(&second, "after.txt", b"put after it").await;
    assert_eq!(names(&second, "").await, ["after.txt", "before.txt"]);
    array.stop();
}

#[tokio::test]
async fn with_the_flag_a_listing_leaves_out_what_everyone_may_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let flags = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let share = Folder::open(root.path(), Arc::clone(&flags)).unwrap();
    std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    put(&share, "seen", b"1").await;
    put(&share, "hidden", b"2").await;
    let hidden = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(root.path().join("hidden"), hidden).unwrap();
    assert_eq!(names(&share, "").await, ["hidden", "seen"]);
    flags.store(
        FLAG_ACCESS_BASED_ENUMERATION,
        std::sync::atomic::Ordering::Relaxed,
    );
    assert_eq!(names(&share, "").await, ["seen"]);
    let refused = share.open(&path("hidden"), OpenOptions::default()).await;
    assert!(matches!(refused.err(), Some(SmbError::AccessDenied)));
}

#[tokio::test]
async fn shares_come_and_go_with_their_virtual_server() {
    let root = tempfile::tempdir().unwrap();
    let spec = |name: &str| ShareSpec {
        name: name.into(),
        remark: String::new(),
        flags: 0,
        is_read_only: false,
        contents: Contents::Folder(root.path().into()),
    };
    let shares = Shares::new(Vec::new());
    let lost = shares.add("FS1", spec("data")).await;
    assert!(matches!(lost, Err(ShareError::NoServer(_))));
    let at = shares
        .bring_online("FS1", "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(shares.address("fs1").await, Some(at));
    shares.add("fs1", spec("data")).await.unwrap();
    let twice = shares.add("FS1", spec("DATA")).await;
    assert!(matches!(twice, Err(ShareError::ShareOnline(..))));
    assert_eq!(shares.flags("FS1", "Data").await, Some(0));
    shares.set_flags("FS1", "data", 0x800).await.unwrap();
    assert_eq!(shares.flags("FS1", "data").await, Some(0x800));
    shares.remove("FS1", "data").await.unwrap();
    assert_eq!(shares.flags("FS1", "data").await, None);
    shares.take_offline("FS1").await.unwrap();
    assert!(std::net::TcpStream::connect(at).is_err());
    shares.bring_online("FS1", at).await.unwrap();
}

#[tokio::test]
async fn shares_of_one_disk_have_folders_of_their_own_on_one_mounted_volume() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    image(&disk, 8 * MIB);
    let mount = |disk| Mount::open(Box::new(ImageFile::open(disk).unwrap()));
    let mounted = mount(&disk).await.unwrap();
    assert!(!mounted.has_folder("D:\\one").await);
    let one = mounted.folder("D:\\one").await.unwrap();
    let two = mounted.folder("D:/two/deep").await.unwrap();
    let one = Fat::new(mounted.volume.clone(), one);
    let two = Fat::new(mounted.volume.clone(), two);
    put(&one, "of one", b"1").await;
    put(&two, "of two", b"2").await;
    assert_eq!(names(&one, "").await, ["of one"]);
    assert_eq!(names(&two, "").await, ["of two"]);
    let moved = two.rename(&path("of two"), &path("moved"), false).await;
    moved.unwrap();
    drop((one, two));
    mounted.close().await;
    let mounted = mount(&disk).await.unwrap();
    assert!(mounted.has_folder("D:\\one").await);
    assert!(mounted.first_file_opens("D:\\two\\deep").await);
    assert!(!mounted.first_file_opens("D:\\three").await);
    let two = mounted.folder("d:\\TWO\\deep").await.unwrap();
    let two = Fat::new(mounted.volume.clone(), two);
    assert_eq!(content(&two, "moved").await, b"2");
}
