//! Zone transfers: the whole zone between two copies of its start, in messages of bounded size.
//!
//! RFC 5936. Over TCP only; IXFR (RFC 1995) is answered with the whole zone, as it allows.

use domain::base::iana::{Class, Rcode, Rtype};

use super::lookup::records;
use super::message::{Record, Reply, Request};
use super::zone::Zone;

/// About how many octets of records a message of a transfer carries.
const MESSAGE_BYTES: usize = 16 << 10;

/// The replies that carry a zone.
pub(super) fn replies(zone: &Zone, request: &Request) -> Vec<Reply> {
    let Some((ttl, soa)) = zone.start() else {
        return vec![Reply::to(request, Rcode::SERVFAIL)];
    };
    let name = zone.apex().clone();
    let start = Record {
        name,
        class: Class::IN,
        ttl,
        data: soa.clone(),
    };
    let mut all = vec![start.clone()];
    for (name, node) in zone.nodes() {
        let is_start = |rtype: &Rtype| *rtype == Rtype::SOA && name == zone.apex();
        let sets = node.sets.iter().filter(|(rtype, _)| !is_start(rtype));
        all.extend(sets.flat_map(|(rtype, set)| records(name, *rtype, set)));
    }
    all.push(start);
    let mut replies: Vec<Reply> = parts(&all).map(|some| part(request, some)).collect();
    // The question is in the first message; the others may leave it out (RFC 5936 section 2.2.1).
    replies
        .iter_mut()
        .skip(1)
        .for_each(|reply| reply.question = None);
    replies
}

/// Cuts the records into runs that fit into a message each.
fn parts(mut records: &[Record]) -> impl Iterator<Item = &[Record]> {
    std::iter::from_fn(move || {
        let mut room = MESSAGE_BYTES;
        let fitting = records.iter().take_while(|it| {
            let fits = room > 0;
            room = room.saturating_sub(it.size());
            fits
        });
        let (some, rest) = records.split_at_checked(fitting.count())?;
        records = rest;
        (!some.is_empty()).then_some(some)
    })
}

fn part(request: &Request, records: &[Record]) -> Reply {
    let mut reply = Reply::to(request, Rcode::NOERROR);
    reply.header.set_aa(true);
    reply.answer = records.to_vec();
    reply
}
