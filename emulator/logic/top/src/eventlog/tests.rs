use base::{GroupId, Incarnation, NodeId, NodeSet, Now, Rng, ViewId, WallTime};
use middle::membership::View;

use super::*;
use crate::testing;

fn node(number: u8) -> NodeId {
    NodeId::new(number).expect("1 to 64")
}

struct Bench {
    manager: EventLog,
    facts: middle::Facts,
}

impl Bench {
    /// Node 1 of a view of nodes 1 to 3.
    fn new() -> Self {
        let mut facts = testing::facts(node(1));
        facts.view = Some(Arc::new(View {
            id: ViewId {
                epoch: 1,
                coordinator: node(1),
                incarnation: Incarnation(1),
            },
            members: [node(1), node(2), node(3)].into_iter().collect(),
            reports: std::collections::BTreeMap::new(),
        }));
        let manager = EventLog::default();
        Self { manager, facts }
    }

    fn handle(&mut self, input: Input) -> Vec<Output> {
        let mut out = Outbox::default();
        let bottom = bottom::Facts::default();
        let mut cx = Context {
            now: Now::default(),
            me: self.facts.me,
            bottom: &bottom,
            middle: &self.facts,
            rng: &mut Rng::new(1, 1),
        };
        self.manager.handle(&mut cx, input, &mut out);
        self.manager.check(&cx);
        out.drain().collect()
    }

    fn limit(&mut self) -> Vec<Output> {
        let group = GroupId(7);
        self.handle(Input::Noticed(Notice::FailoversExhausted { group }))
    }
}

fn offered(outputs: &[Output]) -> Option<(NodeSet, EventRecord)> {
    outputs.iter().find_map(|output| match output {
        Output::Send {
            to,
            message: Message::Offer { record },
        } => Some((*to, record.clone())),
        Output::Publish { .. } => None,
    })
}

#[test]
fn an_event_is_kept_and_offered_to_every_other_member() {
    let mut bench = Bench::new();
    let (to, record) = offered(&bench.limit()).expect("an offer");
    assert_eq!(to, [node(2), node(3)].into_iter().collect());
    assert_eq!((record.node, record.id), (node(1), 1254));
    assert_eq!(record.level, Level::Error);
    assert_eq!(bench.manager.events.as_slice(), [record]);
}

#[test]
fn what_has_no_event_number_is_no_event() {
    let mut bench = Bench::new();
    let notice = Notice::Joined { formed: true };
    assert_eq!(bench.handle(Input::Noticed(notice)), []);
}

#[test]
fn an_offer_is_kept_only_from_the_node_that_it_is_about() {
    let mut bench = Bench::new();
    let record = EventRecord {
        node: node(2),
        incarnation: Incarnation(1),
        number: 1,
        at: WallTime(0),
        id: 1069,
        level: Level::Error,
        text: "resource app failed".into(),
    };
    for from in [node(3), node(2)] {
        let message = Message::Offer {
            record: record.clone(),
        };
        bench.handle(Input::Message { from, message });
    }
    assert_eq!(bench.manager.events.as_slice(), [record]);
}

#[test]
fn without_replication_events_stay_where_they_are() {
    let mut bench = Bench::new();
    let off = middle::database::Value::Dword(0);
    Arc::make_mut(&mut bench.facts.hive).set("", "EnableEventLogReplication", off);
    assert_eq!(offered(&bench.limit()), None);
    assert_eq!(bench.manager.events.len(), 1);
}

#[test]
fn the_log_forgets_its_oldest_events() {
    let mut bench = Bench::new();
    for _ in 0..2 * EVENTS_MAX {
        bench.limit();
    }
    let last = bench.manager.events.last().expect("events");
    assert_eq!(last.number, 2 * EVENTS_MAX as u64);
}
