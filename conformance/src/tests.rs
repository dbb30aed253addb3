//! The suite itself under test: its cases are well-formed, and its verdicts can be trusted.

use crate::Simulator;
use crate::case::{Case, Mark, Stop, Verdict};
use crate::observation::{
    Event, GroupSeen, NodeSeen, Observation, ResourceSeen, Service, Votes, WitnessSeen,
};
use crate::subject::{Database, Factory, Health, Of, Refusal, Subject, Told};
use crate::{Clause, Register, Report, Scope, Status, all_cases, judge};
use base::{
    Generation, GroupState, NodeId, NodeState, Notice, PaxosTag, QuorumModel, ResourceId,
    ResourceState,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn register() -> BTreeMap<String, Clause> {
    let register = Register::parse(crate::CLAUSES).unwrap();
    register
        .clause
        .into_iter()
        .map(|clause| (clause.id.clone(), clause))
        .collect()
}

#[test]
fn every_case_has_its_own_id_a_sentence_and_clauses_that_are_built() {
    let register = register();
    let mut ids = BTreeSet::new();
    for case in all_cases() {
        assert!(ids.insert(case.id.clone()), "{} stands twice", case.id);
        assert!(
            case.id.contains('/') && case.id.to_lowercase() == case.id,
            "{}",
            case.id
        );
        assert!(
            case.title.starts_with(char::is_uppercase),
            "{}: {}",
            case.id,
            case.title
        );
        assert!(
            !case.clauses.is_empty() && !case.generations.is_empty(),
            "{}",
            case.id
        );
        for id in case.clauses {
            let clause = register
                .get(*id)
                .unwrap_or_else(|| panic!("{}: {id}", case.id));
            assert_eq!(
                (clause.scope, clause.status),
                (Scope::In, Some(Status::Now)),
                "{id}"
            );
        }
    }
    assert!(ids.len() >= 40, "{} cases", ids.len());
}

#[test]
fn every_row_of_the_reference_has_an_answer_and_its_cases_exist() {
    let reference = crate::Reference::parse(crate::REFERENCE).unwrap();
    assert_eq!(reference.problems(), Vec::<String>::new());
    let mut ids: BTreeSet<String> = all_cases().into_iter().map(|case| case.id).collect();
    ids.extend(crate::storage::list(None).into_iter().map(|case| case.id));
    assert_eq!(reference.unknown_cases(&ids), Vec::<String>::new());
    assert!(reference.row.len() > 200, "{} rows", reference.row.len());
}

/// Something that happens to what is seen.
type Happening = fn(&mut Observation);

/// A cluster that follows a script: at each time, something happens to what is seen.
#[derive(Default)]
struct Scripted {
    seen: Observation,
    script: Vec<(Duration, Happening)>,
}

impl Subject for Scripted {
    fn form(&mut self, lab: &str) -> Result<(), Refusal> {
        assert!(lab.starts_with("lab: 1\n"));
        self.seen = healthy();
        Ok(())
    }

    fn fault(&mut self, fault: &str) -> Result<(), Refusal> {
        Err(Refusal::NotApplicable(format!(
            "this subject has no fault `{fault}`"
        )))
    }

    fn act(&mut self, action: &str) -> Result<(), Refusal> {
        Err(Refusal::Broken(format!("the cluster refused `{action}`")))
    }

    fn refuse(&mut self, _: &str, _: u32) -> Result<(), Refusal> {
        Ok(())
    }

    fn health(&mut self, _: &str, _: Health) -> Result<(), Refusal> {
        Ok(())
    }

    fn elapsed(&mut self) -> Duration {
        self.seen.at
    }

    fn observe(&mut self) -> &Observation {
        &self.seen
    }

    fn wait(&mut self, bound: Duration, until: &mut dyn FnMut(&Observation) -> bool) -> bool {
        let end = self.seen.at + bound;
        loop {
            if until(&self.seen) {
                return true;
            }
            match self.script.first() {
                Some((at, _)) if *at <= end => {
                    let (at, happen) = self.script.remove(0);
                    self.seen.at = at;
                    happen(&mut self.seen);
                }
                _ => {
                    self.seen.at = end;
                    return false;
                }
            }
        }
    }
}

fn healthy() -> Observation {
    let node = |number| NodeSeen {
        log: Vec::new(),
        registry: BTreeMap::new(),
        has_witness_hive: false,
        id: NodeId::new(number).unwrap(),
        service: Service::Running,
        state: NodeState::Up,
        view: BTreeSet::from(["n1".into(), "n2".into()]),
        votes: Some(Votes {
            model: QuorumModel::NodeMajority,
            have: 2,
            needed: 2,
            total: 2,
            held: true,
        }),
        tag: Some(PaxosTag::default()),
    };
    let program = ResourceSeen {
        id: ResourceId(7),
        state: ResourceState::Online,
        running_on: BTreeSet::from(["n1".into()]),
    };
    let group = GroupSeen {
        owner: Some("n1".into()),
        state: GroupState::Online,
        resources: BTreeMap::from([("prog".into(), program)]),
    };
    Observation {
        nodes: BTreeMap::from([("n1".into(), node(1)), ("n2".into(), node(2))]),
        groups: BTreeMap::from([("app".into(), group)]),
        ..Observation::default()
    }
}

struct Make(Vec<(u64, Happening)>);

impl Factory for Make {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn make(&self) -> Result<Box<dyn Subject>, Refusal> {
        let timed = |(at, happen): &(u64, Happening)| (Duration::from_secs(*at), *happen);
        let script = self.0.iter().map(timed).collect();
        Ok(Box::new(Scripted {
            script,
            ..Scripted::default()
        }))
    }
}

fn case(run: fn(&mut crate::Trial<'_>) -> Result<(), Stop>) -> Case {
    Case {
        id: "tests/made-up".into(),
        title: "Made up".into(),
        clauses: &["TOP-2"],
        source: &[("1.1", Mark::Stated)],
        generations: &[Generation::V2022],
        run: Box::new(run),
    }
}

fn verdict(run: fn(&mut crate::Trial<'_>) -> Result<(), Stop>) -> (Verdict, String) {
    let script: Vec<(u64, Happening)> = vec![(30, fail)];
    let row = judge(&case(run), Generation::V2022, &Make(script));
    (row.verdict, row.why.unwrap_or_default())
}

/// The program fails.
fn fail(seen: &mut Observation) {
    let group = seen.groups.get_mut("app").unwrap();
    group.state = GroupState::Failed;
    let program = group.resources.get_mut("prog").unwrap();
    program.state = ResourceState::Failed;
    program.running_on.clear();
    let (at, node) = (seen.at, "n1".into());
    let notice = Notice::IsAliveFailed {
        resource: ResourceId(7),
    };
    seen.events.push(Event { at, node, notice });
}

fn lab() -> crate::Lab {
    crate::Lab::of(2).program("")
}

#[test]
fn an_assertion_that_holds_passes_and_one_that_does_not_fails() {
    let found = verdict(|trial| {
        trial.form(&lab())?;
        trial.within(Duration::from_secs(30), "it fails", |seen| {
            !seen.online("app")
        })?;
        trial
            .first(0, "the failure", |it| {
                matches!(it, Notice::IsAliveFailed { .. })
            })
            .map(|_| ())
    });
    assert_eq!(found, (Verdict::Passed, String::new()));
    let (found, why) = verdict(|trial| {
        trial.form(&lab())?;
        trial.stays(Duration::from_secs(31), "it is online", |seen| {
            seen.online("app")
        })
    });
    assert_eq!(found, Verdict::Failed);
    assert!(
        why.contains("it is online for 31.000 s") && why.contains("app Failed on n1"),
        "{why}"
    );
}

#[test]
fn a_bound_that_ends_before_the_change_is_not_met() {
    let (found, _) = verdict(|trial| {
        trial.form(&lab())?;
        trial.within(Duration::from_secs(29), "it fails", |seen| {
            !seen.online("app")
        })
    });
    assert_eq!(found, Verdict::Failed);
}

#[test]
fn a_case_that_asserts_nothing_or_cannot_get_there_is_inconclusive() {
    let (found, why) = verdict(|trial| trial.form(&lab()));
    assert_eq!(
        (found, why.as_str()),
        (Verdict::Inconclusive, "the case asserted nothing")
    );
    let (found, _) = verdict(|trial| {
        trial.form(&lab())?;
        trial.needs(Duration::from_secs(9), "it fails", |seen| {
            !seen.online("app")
        })
    });
    assert_eq!(found, Verdict::Inconclusive);
    let (found, why) = verdict(|trial| trial.act("{ do: online, group: app }"));
    assert_eq!(found, Verdict::Inconclusive);
    assert!(why.contains("refused"), "{why}");
}

#[test]
fn what_the_subject_cannot_do_is_not_applicable_with_its_reason() {
    let (found, why) = verdict(|trial| trial.fault("{ node: n1, do: power-off }"));
    assert_eq!(found, Verdict::NotApplicable);
    assert!(why.contains("do: power-off"), "{why}");
}

#[test]
fn a_panic_is_a_failure_with_its_words() {
    let (found, why) = verdict(|_| panic!("two owners"));
    assert_eq!(
        (found, why.as_str()),
        (Verdict::Failed, "panicked: two owners")
    );
}

fn report(verdicts: &[Verdict]) -> Report {
    let case = case(|_| Ok(()));
    let row = |verdict: &Verdict| {
        crate::Row::new(&case, Generation::V2022, *verdict, None, Duration::ZERO)
    };
    Report::new("scripted", verdicts.iter().map(row).collect())
}

#[test]
fn a_run_is_as_bad_as_its_worst_case() {
    use Verdict::{Failed, Inconclusive, NotApplicable, Passed};
    for (verdicts, code) in [
        (&[Passed, NotApplicable][..], 0),
        (&[Passed, Failed, Inconclusive], 1),
        (&[Passed, Inconclusive], 2),
        (&[NotApplicable, NotApplicable], 2),
        (&[], 2),
    ] {
        assert_eq!(report(verdicts).exit_code(), code, "{verdicts:?}");
    }
}

#[test]
fn the_report_counts_every_verdict_in_text_and_json() {
    let report = report(&[Verdict::Passed, Verdict::Passed, Verdict::Failed]);
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    assert_eq!(json["counts"]["passed"], 2);
    assert_eq!(json["verdict"], "failed");
    assert_eq!(json["cases"][0]["source"][0][1], "MS");
    let text = report.to_string();
    assert!(text.ends_with("3 runs on scripted: failed"), "{text}");
    assert!(text.contains("failed: tests/made-up 2022"), "{text}");
}

/// Takes every lab, fault and action that a case asks for to the reader of lab files.
struct Reader {
    lab: String,
    seen: Observation,
}

impl Reader {
    fn read(&self, more: &str) -> Result<(), Refusal> {
        let text = format!("{}{more}", self.lab);
        let checked = file::check("case", text.as_bytes());
        if checked.is_good() {
            return Ok(());
        }
        let found = checked.diagnostics.iter().map(|it| format!("{it:?}"));
        Err(Refusal::Broken(format!(
            "{}\n{text}",
            found.collect::<Vec<_>>().join("\n")
        )))
    }
}

impl Subject for Reader {
    fn form(&mut self, lab: &str) -> Result<(), Refusal> {
        lab.clone_into(&mut self.lab);
        self.read("")
    }

    fn fault(&mut self, fault: &str) -> Result<(), Refusal> {
        self.read(&format!("scenario:\n  - fault: {fault}\n"))
    }

    fn act(&mut self, action: &str) -> Result<(), Refusal> {
        self.read(&format!("scenario:\n  - {action}\n"))
    }

    fn answer(&mut self, action: &str) -> Result<Told, Refusal> {
        self.act(action).map(|()| Told::Done)
    }

    fn property(&mut self, _: Option<&str>, _: &Of, _: &str) -> Result<Told, Refusal> {
        Ok(Told::Done)
    }

    fn objects(&mut self, _: &str) -> Result<Told, Refusal> {
        Ok(Told::Done)
    }

    fn database(&mut self, _: &str) -> Result<Database, Refusal> {
        Ok(Database::new())
    }

    fn cluster_log(&mut self, _: &str) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }

    fn own_disk(&mut self, _: &str, _: bool) -> Result<(), Refusal> {
        Ok(())
    }

    fn slow(&mut self, _: &str, _: Duration) -> Result<(), Refusal> {
        Ok(())
    }

    fn refuse(&mut self, _: &str, _: u32) -> Result<(), Refusal> {
        Ok(())
    }

    fn health(&mut self, _: &str, _: Health) -> Result<(), Refusal> {
        Ok(())
    }

    fn elapsed(&mut self) -> Duration {
        self.seen.at
    }

    fn observe(&mut self) -> &Observation {
        &self.seen
    }

    fn wait(&mut self, bound: Duration, _: &mut dyn FnMut(&Observation) -> bool) -> bool {
        self.seen.at += bound;
        false
    }
}

#[test]
fn every_lab_fault_and_action_of_every_case_is_a_good_lab_file() {
    for case in all_cases() {
        for generation in case.generations {
            let mut seen = healthy();
            let witness = WitnessSeen {
                state: crate::WitnessState::Online,
                owner: Some("n1".into()),
                tag: None,
            };
            seen.witness = Some(witness);
            let mut subject = Reader {
                lab: String::new(),
                seen,
            };
            let mut trial = crate::Trial::rehearsal(&mut subject, *generation);
            let walked = (case.run)(&mut trial);
            assert_eq!(walked, Ok(()), "{} {generation}", case.id);
            assert!(trial.assertions() > 0, "{} asserts nothing", case.id);
        }
    }
}

#[test]
fn the_reader_of_the_cases_refuses_words_that_lab_files_do_not_have() {
    let mut reader = Reader {
        lab: String::new(),
        seen: healthy(),
    };
    reader.form(&lab().text(Generation::V2022)).unwrap();
    assert!(reader.fault("{ node: n1, do: power-off }").is_ok());
    assert!(reader.fault("{ node: n1, do: explode }").is_err());
    assert!(reader.act("{ do: move, group: nowhere, to: n1 }").is_err());
    assert!(reader.form("lab: 1\nname: half\n").is_err());
}

#[test]
fn the_lab_file_that_the_readme_shows_is_good() {
    let readme = include_str!("../../README.md");
    let labs = readme
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let labs: Vec<_> = labs.filter(|text| text.starts_with("lab: 1")).collect();
    assert_eq!(labs.len(), 1);
    let checked = file::check("README", labs[0].as_bytes());
    assert!(checked.is_good(), "{:?}", checked.diagnostics);
    assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics);
}

/// A subject of real time, which no case may keep for longer than a moment.
struct Hurried;

impl Factory for Hurried {
    fn name(&self) -> &'static str {
        "hurried"
    }

    fn patience(&self) -> Option<Duration> {
        Some(Duration::from_secs(5))
    }

    fn make(&self) -> Result<Box<dyn Subject>, Refusal> {
        Simulator.make()
    }
}

#[test]
fn what_takes_too_long_for_a_subject_does_not_apply_and_says_how_long_it_takes() {
    let cases = all_cases();
    let judged = |id: &str| {
        let case = cases.iter().find(|case| case.id == id).unwrap();
        crate::judge(case, Generation::V2022, &Hurried)
    };
    let mut verdicts = cases.iter().take(12).map(|case| judged(&case.id));
    let long = verdicts.find(|row| row.verdict == Verdict::NotApplicable);
    let why = long.and_then(|row| row.why).unwrap_or_default();
    assert!(why.contains("s on its clock"), "{why}");
}
