//! Many registrations: more than fit 4 KiB of answer, and more than there is room for.

mod common;

use common::{LUN, Lab};
use scsi::Outcome;
use scsi::pr::FullStatus;
use target::REGISTRANTS_MAX;

fn full_status(lab: &mut Lab, allocation: u16) -> Vec<u8> {
    let id = lab.nexus("n1");
    let [high, low] = allocation.to_be_bytes();
    let ask = [0x5e, 3, 0, 0, 0, 0, 0, high, low, 0];
    match lab.array.send(id, LUN, &ask, &[]) {
        Outcome::Good(data) => data,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hundred_registrants_are_told_whole_and_cut_anywhere() {
    let mut lab = Lab::new();
    for number in 1..=100 {
        assert_eq!(
            lab.play(&format!("n{number} register 0 {number:x}")),
            "good"
        );
    }
    let whole = full_status(&mut lab, u16::MAX);
    assert!(whole.len() > 4096, "only {} bytes", whole.len());
    let told = FullStatus::parse(&whole).unwrap();
    assert_eq!((told.registrants.len(), told.truncated), (100, false));
    for allocation in [0, 7, 8, 31, 32, 100, 4096, 4097] {
        let cut = full_status(&mut lab, allocation);
        assert_eq!(
            cut,
            whole[..usize::from(allocation)],
            "allocation {allocation}"
        );
    }
    let cut = FullStatus::parse(&whole[..4096]).unwrap();
    assert!(cut.truncated && cut.registrants.len() < 100);
}

#[test]
fn one_registration_too_many_is_refused_and_changes_nothing() {
    let mut lab = Lab::new();
    for number in 0..REGISTRANTS_MAX {
        assert_eq!(lab.play(&format!("n{number} register 0 a")), "good");
    }
    assert_eq!(lab.play("m1 register 0 a"), "check 5/55/04");
    assert_eq!(lab.play("m1 ignore a"), "check 5/55/04");
    assert_eq!(lab.play("n7 register a 0"), "good");
    assert_eq!(lab.play("m1 register 0 a"), "good");
    let generation = u32::try_from(REGISTRANTS_MAX).unwrap() + 2;
    assert_eq!(lab.array.picture(LUN).generation, generation);
}
