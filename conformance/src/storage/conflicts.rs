//! The conflict table: each command under each type, and under a reservation of SPC-2 (section 7).

use super::Case;
use super::answer::{RESERVATION_CONFLICT, Want, is_unknown, words};
use super::bench::{Bench, ROLES, Role, TYPES, is_for_registrants, is_write_exclusive, type_words};
use super::initiator::{ALL, Initiator, REPORT_CAPABILITIES};
use crate::case::{Mark, Source, Stop};
use libiscsi::Answer;

const SECTION: &[Source] = &[("scsi-pr 7", Mark::Stated)];
const UNSOURCED: &[Source] = &[("scsi-pr 7", Mark::Inferred)];
const TABLE: &str = include_str!("conflicts.txt");

/// What moves with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    None,
    In(usize),
    Out(usize),
    InBlock,
    OutBlocks(usize),
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub name: String,
    /// Under write exclusive types, exclusive access types, and SPC-2.
    pub cells: [char; 3],
    is_safe: bool,
    data: Data,
    pub cdb: Vec<u8>,
}

/// The table; a line that cannot be read is left out, which the tests would notice.
pub(super) fn table() -> Vec<Line> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(line).collect()
}

fn line(text: &str) -> Option<Line> {
    let mut parts = text.split('|').map(str::trim);
    let name = parts.next()?.to_owned();
    let cells: Vec<char> = parts.next()?.chars().filter(|it| *it != ' ').collect();
    let is_safe = parts.next()? == "safe";
    let data = data(parts.next()?)?;
    let bytes = parts.next()?.split(' ');
    let cdb: Result<Vec<u8>, _> = bytes.map(|byte| u8::from_str_radix(byte, 16)).collect();
    Some(Line {
        name,
        cells: cells.try_into().ok()?,
        is_safe,
        data,
        cdb: cdb.ok()?,
    })
}

fn data(text: &str) -> Option<Data> {
    Some(match text.split_once(' ') {
        None => Data::None,
        Some(("in", "block")) => Data::InBlock,
        Some(("in", bytes)) => Data::In(bytes.parse().ok()?),
        Some(("out", "block")) => Data::OutBlocks(1),
        Some(("out", "2 blocks")) => Data::OutBlocks(2),
        Some(("out", bytes)) => Data::Out(bytes.parse().ok()?),
        Some(_) => return None,
    })
}

/// Commands that no annex which was read has a row for.
fn is_inferred(name: &str) -> bool {
    let newer = [
        "sanitize",
        "write-atomic",
        "orwrite",
        "compare-and-write",
        "extended-copy",
    ];
    let newer = newer
        .into_iter()
        .chain(["get-lba-status", "unmap", "receive-copy"]);
    newer.into_iter().any(|word| name.starts_with(word))
}

pub(super) fn cases() -> Vec<Case> {
    let lines = table();
    let under_types = lines.iter().flat_map(|line| {
        TYPES.into_iter().filter_map(|kind| {
            let cell = line.cells[usize::from(!is_write_exclusive(kind))];
            (cell != '-').then(|| under_type(line.clone(), kind, cell))
        })
    });
    let under_legacy = lines.iter().map(|line| {
        let (id, line) = (format!("conflict/spc-2-{}", line.name), line.clone());
        let title = format!(
            "{} while another holds RESERVE of SPC-2",
            line.name.replace('-', " ")
        );
        let case = Case::new(id, title, SECTION, move |bench| legacy(bench, &line));
        // The annex has no row for it; general knowledge says so.
        case.hearsay_if(is_doubtful)
    });
    under_types.chain(under_legacy).collect()
}

/// Rows about SPC-2 that rest on general knowledge alone.
fn is_doubtful(id: &str) -> bool {
    id.ends_with("persistent-reserve-in") || id.ends_with("persistent-reserve-out-register")
}

impl Case {
    fn hearsay_if(self, doubtful: impl Fn(&str) -> bool) -> Self {
        if doubtful(&self.id) {
            self.hearsay()
        } else {
            self
        }
    }
}

fn under_type(line: Line, kind: u8, cell: char) -> Case {
    let id = format!("conflict/type-{kind}-{}", line.name);
    let (name, words) = (line.name.replace('-', " "), type_words(kind));
    let title = format!("{name} of outsider, registrant and holder under {words}");
    let section = if is_inferred(&line.name) {
        UNSOURCED
    } else {
        SECTION
    };
    let case = Case::new(id, title, section, move |bench| {
        one_type(bench, &line, kind, cell)
    });
    case.hearsay_if(|id| {
        is_inferred(
            id.rsplit_once(&format!("type-{kind}-"))
                .map_or("", |it| it.1),
        )
    })
}

/// Sends a line's command. Data that is written is what stands there, so that nothing changes.
fn send(one: &mut Initiator, line: &Line, block: &[u8]) -> Result<Answer, Stop> {
    match line.data {
        Data::None => one.send(&line.cdb, &[], 0),
        Data::In(bytes) => one.send(&line.cdb, &[], bytes),
        Data::InBlock => one.send(&line.cdb, &[], block.len()),
        Data::OutBlocks(count) => one.send(&line.cdb, &block.repeat(count), 0),
        Data::Out(bytes) => one.send(&line.cdb, &vec![0; bytes], 0),
    }
}

/// Stops where the unit lacks the command.
fn needs(line: &Line, answer: &Answer) -> Result<(), Stop> {
    if is_unknown(answer) {
        let name = line.name.replace('-', " ");
        return Err(Stop::NotApplicable(format!("the unit has no {name}")));
    }
    Ok(())
}

/// What the unit advertises for the 'variable' commands: conflict, pass, or nothing (SPC-4 6.15.4).
fn advertised(bench: &mut Bench<'_>, kind: u8) -> Result<Option<Want>, Stop> {
    let answer = bench.observer().reserve_in(REPORT_CAPABILITIES, ALL)?;
    let allowed = answer.data.get(3).map_or(0, |byte| byte >> 4 & 7);
    Ok(match (allowed, is_write_exclusive(kind)) {
        (2, _) | (3, false) => Some(Want::Conflict),
        (3, true) | (4, _) => Some(Want::NoConflict),
        _ => None,
    })
}

fn one_type(bench: &mut Bench<'_>, line: &Line, kind: u8, cell: char) -> Result<(), Stop> {
    let block = bench.actor(Role::Holder).read_block()?.data;
    if line.is_safe {
        let answer = send(bench.actor(Role::Outsider), line, &block)?;
        needs(line, &answer)?;
    }
    bench.arrange(Some(kind))?;
    let outsider = match cell {
        'A' => Some(Want::NoConflict),
        'C' => Some(Want::Conflict),
        _ => advertised(bench, kind)?,
    };
    let Some(outsider) = outsider else {
        let why = "ALLOW COMMANDS says nothing about this command";
        return Err(Stop::NotApplicable(why.to_owned()));
    };
    for role in ROLES {
        let inside = role == Role::Holder || role == Role::Registrant && is_for_registrants(kind);
        let want = if inside { Want::NoConflict } else { outsider };
        if line.is_safe || want == Want::Conflict {
            let answer = send(bench.actor(role), line, &block)?;
            needs(line, &answer)?;
            without_sense(bench, role, &answer)?;
            bench.expect(&format!("the {}'s command", role.word()), &answer, want)?;
        }
    }
    Ok(())
}

/// RESERVATION CONFLICT is a status alone.
fn without_sense(bench: &mut Bench<'_>, role: Role, answer: &Answer) -> Result<(), Stop> {
    if answer.status != RESERVATION_CONFLICT {
        return Ok(());
    }
    let is_bare = answer.sense.is_none() && answer.data.is_empty();
    bench.check(
        &format!("the {}'s conflict has neither sense nor data", role.word()),
        is_bare,
    )
}

fn legacy(bench: &mut Bench<'_>, line: &Line) -> Result<(), Stop> {
    let block = bench.actor(Role::Holder).read_block()?.data;
    if line.is_safe {
        let answer = send(bench.actor(Role::Outsider), line, &block)?;
        needs(line, &answer)?;
        super::legacy::release(bench.actor(Role::Outsider))?;
    }
    super::legacy::reserve(bench, Role::Holder)?;
    let answer = send(bench.actor(Role::Outsider), line, &block)?;
    needs(line, &answer)?;
    let want = match line.cells[2] {
        'C' => Want::Conflict,
        _ => Want::NoConflict,
    };
    let what = format!("the outsider's command ({})", words(&answer));
    bench.expect(&what, &answer, want)
}
