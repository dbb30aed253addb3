//! Who may read and write under each type, and that a conflict leaves the medium alone (section 6).

use super::Case;
use super::answer::Want;
use super::bench::{Bench, ROLES, Role, TYPES, is_for_registrants, is_write_exclusive, type_words};
use crate::case::{Mark, Source, Stop};

const SECTION: &[Source] = &[("scsi-pr 6", Mark::Stated), ("scsi-pr 13", Mark::Secondary)];

pub(super) fn cases() -> Vec<Case> {
    let cells = TYPES.into_iter().flat_map(|kind| {
        ROLES.into_iter().flat_map(move |role| {
            [false, true].map(|writes| {
                let (verb, who) = (if writes { "writes" } else { "reads" }, role.word());
                let id = format!("access/type-{kind}-the-{who}-{verb}");
                let title = format!("The {who} {verb} as {} says", type_words(kind));
                Case::new(id, title, SECTION, move |bench| {
                    cell(bench, kind, role, writes)
                })
            })
        })
    });
    cells.collect()
}

/// Whether the type lets a role do this.
fn is_allowed(kind: u8, role: Role, writes: bool) -> bool {
    match role {
        Role::Holder => true,
        _ if !writes && is_write_exclusive(kind) => true,
        Role::Registrant => is_for_registrants(kind),
        Role::Outsider => false,
    }
}

fn cell(bench: &mut Bench<'_>, kind: u8, role: Role, writes: bool) -> Result<(), Stop> {
    bench.arrange(Some(kind))?;
    let before = bench.actor(Role::Holder).read_block()?;
    bench.expect("the holder's read", &before, Want::Good)?;
    let wanted = match is_allowed(kind, role, writes) {
        true => Want::Good,
        false => Want::Conflict,
    };
    if !writes {
        let read = bench.actor(role).read_block()?;
        bench.expect("the read", &read, wanted)?;
        let same = wanted != Want::Good || read.data == before.data;
        return bench.check("both read the same", same);
    }
    let other: Vec<u8> = before.data.iter().map(|byte| !byte).collect();
    let write = bench.actor(role).write_block(&other)?;
    bench.expect("the write", &write, wanted)?;
    let after = bench.actor(Role::Holder).read_block()?;
    let now = if wanted == Want::Good {
        &other
    } else {
        &before.data
    };
    bench.check("the block is as the answer says", after.data == *now)
}
