use proptest::prelude::*;

use super::*;

fn filled(store: &mut MemoryStore, offset: u64, byte: u8) {
    store.write(offset, &[byte; 1024]).unwrap();
}

fn read(store: &mut MemoryStore, offset: u64, bytes: usize) -> Vec<u8> {
    let mut into = vec![0xff; bytes];
    store.read(offset, &mut into).unwrap();
    into
}

#[test]
fn what_was_synced_survives_power_loss_and_the_rest_goes_as_fate_says() {
    let mut store = MemoryStore::default();
    filled(&mut store, 0, 1);
    store.sync();
    filled(&mut store, 0, 2);
    filled(&mut store, 8192, 3);
    let mut fates = [Fate::Lost, Fate::Kept].into_iter();
    store.power_loss(|_| fates.next().unwrap());
    assert_eq!(read(&mut store, 0, 1024), [1; 1024]);
    assert_eq!(read(&mut store, 8192, 1024), [3; 1024]);
}

#[test]
fn a_torn_write_keeps_its_first_sectors() {
    let mut store = MemoryStore::default();
    filled(&mut store, 4096 - 512, 7);
    store.power_loss(|_| Fate::Torn(1));
    assert_eq!(
        read(&mut store, 4096 - 512, 1024),
        [[7; 512], [0; 512]].concat()
    );
}

#[test]
fn a_discard_that_no_sync_covered_can_be_lost() {
    let mut store = MemoryStore::default();
    filled(&mut store, 0, 1);
    store.sync();
    store.discard(0, 4096).unwrap();
    assert_eq!(read(&mut store, 0, 1024), [0; 1024]);
    store.power_loss(|_| Fate::Lost);
    assert_eq!(read(&mut store, 0, 1024), [1; 1024]);
}

#[test]
fn extents_of_a_large_empty_store_are_told_at_once() {
    let mut store = MemoryStore::default();
    assert_eq!(
        store.extent(512, 1 << 60),
        Extent {
            mapped: false,
            bytes: 1 << 60
        }
    );
    filled(&mut store, 1 << 40, 1);
    assert_eq!(
        store.extent(0, 1 << 60),
        Extent {
            mapped: false,
            bytes: 1 << 40
        }
    );
    assert_eq!(
        store.extent(1 << 40, 1 << 50),
        Extent {
            mapped: true,
            bytes: 4096
        }
    );
}

#[derive(Debug, Clone)]
enum Step {
    Write(u64, Vec<u8>),
    Discard(u64, u64),
    Sync,
    PowerLossKeepingAll,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let write = (0_u64..20_000, prop::collection::vec(any::<u8>(), 1..6000));
    let step = prop_oneof![
        4 => write.prop_map(|(offset, data)| Step::Write(offset, data)),
        2 => (0_u64..20_000, 1_u64..10_000).prop_map(|(at, bytes)| Step::Discard(at, bytes)),
        1 => Just(Step::Sync),
        1 => Just(Step::PowerLossKeepingAll),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A flat array is the naive second version.
    #[test]
    fn the_store_reads_as_a_flat_array_does(steps in steps()) {
        let mut store = MemoryStore::default();
        let mut flat = vec![0_u8; 32_768];
        for step in steps {
            match step {
                Step::Write(offset, data) => {
                    store.write(offset, &data).unwrap();
                    flat[size(offset)..][..data.len()].copy_from_slice(&data);
                }
                Step::Discard(offset, bytes) => {
                    store.discard(offset, bytes).unwrap();
                    flat[size(offset)..][..size(bytes)].fill(0);
                }
                Step::Sync => store.sync(),
                Step::PowerLossKeepingAll => store.power_loss(|_| Fate::Kept),
            }
            prop_assert_eq!(&read(&mut store, 0, flat.len()), &flat);
        }
    }
}
