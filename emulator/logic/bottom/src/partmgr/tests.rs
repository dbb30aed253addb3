//! Disks appear, and are offline until they are owned.

use base::{Now, Rng};
use volume::{Partition, Table};

use super::*;
use crate::Facts;

const DISK: DiskId = DiskId(2);

fn table() -> Table {
    Table {
        signature: 7,
        partitions: vec![Partition {
            kind: 12,
            lba: 2_048,
            blocks: 100,
        }],
    }
}

fn said(driver: &mut Partmgr, input: Input) -> Vec<Output> {
    let (facts, mut rng, mut out) = (Facts::default(), Rng::new(1, 1), Outbox::default());
    let mut cx = Context {
        now: Now::default(),
        me: base::NodeId::new(1).expect("a valid node"),
        facts: &facts,
        rng: &mut rng,
    };
    driver.handle(&mut cx, input, &mut out);
    out.drain().collect()
}

fn reported(driver: &mut Partmgr, report: Report) -> Vec<Output> {
    let report = DiskReport { disk: DISK, report };
    said(driver, Input::Disk { report })
}

fn known() -> Partmgr {
    let mut driver = Partmgr::default();
    let asked = Output::Disk {
        disk: DISK,
        request: Request::Identify,
    };
    let disks = BTreeSet::from([DISK]);
    assert_eq!(said(&mut driver, Input::Disks { disks }), [asked]);
    driver
}

fn look(table: Option<Table>, online: bool) -> Output {
    let look = DiskLook { table, online };
    Output::Publish { disk: DISK, look }
}

#[test]
fn a_disk_appears_with_its_signature_and_is_offline() {
    let mut driver = known();
    let table = Some(table());
    let found = reported(
        &mut driver,
        Report::Table {
            table: table.clone(),
        },
    );
    let appeared = Notice::DiskAppeared {
        disk: DISK,
        signature: 7,
    };
    assert_eq!(found, [Output::Notice(appeared), look(table, false)]);
}

#[test]
fn it_is_online_while_it_is_held_or_this_node_is_registered() {
    let mut driver = known();
    let told = table();
    reported(&mut driver, Report::Table { table: Some(told) });
    let online = || vec![look(Some(table()), true)];
    let offline = || vec![look(Some(table()), false)];
    assert_eq!(reported(&mut driver, Report::Held), online());
    assert_eq!(reported(&mut driver, Report::Released), offline());
    assert_eq!(
        reported(&mut driver, Report::Attached { ok: true }),
        online()
    );
    assert_eq!(reported(&mut driver, Report::Fenced), offline());
}

#[test]
fn a_disk_that_could_not_be_read_is_read_once_it_is_owned() {
    let mut driver = known();
    assert!(reported(&mut driver, Report::Table { table: None }).is_empty());
    let asked = Output::Disk {
        disk: DISK,
        request: Request::Identify,
    };
    let said = reported(&mut driver, Report::Held);
    assert_eq!(said, [asked, look(None, true)]);
}

#[test]
fn a_disk_of_somebody_else_is_left_alone() {
    let mut driver = Partmgr::default();
    assert!(reported(&mut driver, Report::Held).is_empty());
}
