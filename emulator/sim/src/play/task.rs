//! Steps as small machines: each is polled after every change and at its deadline.

use std::collections::VecDeque;
use std::time::Duration;

use base::{RequestId, Timestamp};
use file::model::{Action, Expectation, RandomFaults, StartOption, Step, StepKind, Witness};
use top::api::AdminReply;

use super::Player;
use crate::report::{StepWord, Verdict};
use crate::session::{Drawing, Unfit};
use crate::stage::Stage;

/// How long an action waits for the cluster's answer.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A step under way.
pub(super) enum Task<'s> {
    /// Not begun.
    Waiting(&'s Step),
    /// One after the other; the rest, first one first.
    Serial { left: VecDeque<Self> },
    /// All at once.
    Parallel(Vec<Self>),
    /// Time passes.
    Until { at: Timestamp, row: usize },
    /// The cluster has been asked for something.
    Answers(Answers),
    /// Expectations are judged side by side.
    Watches(Vec<Watch>),
    /// Faults are drawn.
    Drawing {
        step: &'s Step,
        random: &'s RandomFaults,
        drawing: Box<Drawing>,
    },
    /// A condition is waited for; the steps follow if it comes true.
    Guarded { watch: Watch, steps: &'s [Step] },
    /// Over.
    Done,
}

impl<'s> Task<'s> {
    pub(super) fn serial(steps: &'s [Step]) -> Self {
        Self::Serial {
            left: steps.iter().map(Task::Waiting).collect(),
        }
    }

    /// Goes on as far as possible now; whether the step is over.
    pub(super) fn poll<W: Stage>(&mut self, player: &mut Player<'_, W>) -> bool {
        loop {
            match self {
                Self::Waiting(step) => *self = begin(step, player),
                Self::Serial { left } => match left.pop_front() {
                    None => *self = Self::Done,
                    Some(mut first) => {
                        if !first.poll(player) {
                            left.push_front(first);
                            return false;
                        }
                    }
                },
                Self::Parallel(tasks) => {
                    tasks.retain_mut(|task| !task.poll(player));
                    if !tasks.is_empty() {
                        return false;
                    }
                    *self = Self::Done;
                }
                Self::Until { at, row } => {
                    if player.now() < *at {
                        return false;
                    }
                    player.decide(*row, Verdict::Passed, None);
                    *self = Self::Done;
                }
                Self::Answers(answers) => {
                    if !answers.poll(player) {
                        return false;
                    }
                    *self = Self::Done;
                }
                Self::Watches(watches) => {
                    watches.retain_mut(|watch| !watch.poll(player));
                    if !watches.is_empty() {
                        return false;
                    }
                    *self = Self::Done;
                }
                Self::Drawing {
                    step,
                    random,
                    drawing,
                } => {
                    if drawing.is_due(player.now()) {
                        draw(step, random, drawing, player);
                        continue;
                    }
                    if !drawing.is_over(player.now()) {
                        return false;
                    }
                    *self = Self::Done;
                }
                Self::Guarded { watch, steps } => {
                    if !watch.poll(player) {
                        return false;
                    }
                    let steps = *steps;
                    *self = match player.has_passed(watch.row) {
                        true => Self::serial(steps),
                        false => Self::Done,
                    };
                }
                Self::Done => return true,
            }
        }
    }

    /// When it has to be polled even if nothing changes.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting(_) | Self::Done => None,
            Self::Serial { left } => left.front().and_then(Task::deadline),
            Self::Parallel(tasks) => tasks.iter().filter_map(Task::deadline).min(),
            Self::Until { at, .. } => Some(*at),
            Self::Drawing { drawing, .. } => Some(drawing.deadline()),
            Self::Guarded { watch, .. } => watch.deadline(),
            Self::Answers(answers) => Some(answers.until),
            Self::Watches(watches) => watches.iter().filter_map(Watch::deadline).min(),
        }
    }
}

fn begin<'s, W: Stage>(step: &'s Step, player: &mut Player<'_, W>) -> Task<'s> {
    let name = step.name.as_ref();
    match &step.kind {
        StepKind::Serial(steps) => Task::serial(steps),
        StepKind::Parallel(steps) => Task::Parallel(steps.iter().map(Task::Waiting).collect()),
        StepKind::Repeat { times, steps } => {
            let rounds = (0..*times).map(|_| Task::serial(steps));
            Task::Serial {
                left: rounds.collect(),
            }
        }
        StepKind::When { condition, steps } => {
            let row = player.begin(condition.position, name, StepWord::When, &condition.text);
            let mut watch = Watch::new((**condition).clone(), row, player.now());
            watch.is_condition = true;
            Task::Guarded { watch, steps }
        }
        StepKind::Random(random) => Task::Drawing {
            step,
            random,
            drawing: Box::new(player.session.begin_drawing(random)),
        },
        StepKind::Run(span) => {
            let text = file::span_words(*span);
            let row = player.begin(step.position, name, StepWord::Run, &text);
            let at = player.now() + *span;
            Task::Until { at, row }
        }
        StepKind::Fault(fault) => {
            let text = step.text.strip_prefix("fault:").unwrap_or(&step.text);
            let row = player.begin(fault.position, name, StepWord::Fault, text.trim_start());
            match player.session.fault(fault) {
                Ok(()) => player.decide(row, Verdict::Passed, None),
                Err(why) => player.decide(row, verdict_of(&why), Some(why.to_string())),
            }
            Task::Done
        }
        StepKind::Do(action) => {
            let text = action_words(action);
            let row = player.begin(step.position, name, StepWord::Do, &text);
            match player.session.act(action) {
                Ok(requests) => Task::Answers(Answers {
                    row,
                    requests,
                    wanted: match action {
                        Action::ReadVolume { value, .. } => Some(value.clone()),
                        _ => None,
                    },
                    until: player.now() + ANSWER_MAX,
                }),
                Err(why) => {
                    player.decide(row, Verdict::Inconclusive, Some(why.to_string()));
                    Task::Done
                }
            }
        }
        StepKind::Expect(expectations) => {
            let mut waiting = Vec::new();
            for expectation in expectations {
                let watch = player.expect(expectation, name);
                if expectation.timing.always {
                    player.always.push(watch);
                } else {
                    waiting.push(watch);
                }
            }
            Task::Watches(waiting)
        }
    }
}

/// Draws a fault and makes it. One that the backend has no way to make is drawn no more.
fn draw<W: Stage>(
    step: &Step,
    random: &RandomFaults,
    drawing: &mut Drawing,
    player: &mut Player<'_, W>,
) {
    let Some(drawn) = player.session.draw_fault(random, drawing) else {
        return;
    };
    let name = step.name.as_ref();
    let row = player.begin(step.position, name, StepWord::Fault, &drawn.text);
    let (verdict, why) = match player.session.fault(&drawn.fault) {
        Ok(()) => (Verdict::Passed, None),
        Err(why @ Unfit::Unable(_)) => {
            drawing.leave_out(drawn.what);
            (Verdict::NotApplicable, Some(why.to_string()))
        }
        // Chance asks nobody whether there is something to break.
        Err(why) => (Verdict::Passed, Some(why.to_string())),
    };
    player.decide(row, verdict, why);
}

/// What cannot be done at the moment proves nothing; what a backend cannot do at all does not
/// apply to it.
fn verdict_of(why: &Unfit) -> Verdict {
    match why {
        Unfit::Unable(_) => Verdict::NotApplicable,
        Unfit::PicksNothing(_)
        | Unfit::NotDrawn(_)
        | Unfit::TwoSides(_)
        | Unfit::NobodyToAsk
        | Unfit::NoPower(_)
        | Unfit::UpAlready(_)
        | Unfit::Unknown(_) => Verdict::Inconclusive,
    }
}

/// What is done to a page of a shared volume.
fn volume_words(action: &Action) -> String {
    match action {
        Action::WriteVolume {
            nodes,
            group,
            resource,
            page,
            value,
        } => format!(
            "write-volume, node: {nodes}, resource: {group}/{resource}, property: {page}, \
             value: {value}"
        ),
        Action::ReadVolume {
            nodes,
            group,
            resource,
            page,
            value,
        } => format!(
            "read-volume, node: {nodes}, resource: {group}/{resource}, property: {page}, \
             value: {value}"
        ),
        _ => String::new(),
    }
}

/// An action on nodes or the quorum in the words of the file.
fn administration_words(action: &Action) -> String {
    match action {
        Action::Start { nodes, option } => {
            let option = match option {
                StartOption::Plain => "",
                StartOption::ForceQuorum => ", force-quorum: true",
                StartOption::ClearQuarantine => ", clear-quarantine: true",
                StartOption::PreventQuorum => ", prevent-quorum: true",
            };
            format!("start, node: {nodes}{option}")
        }
        Action::Stop(nodes) => format!("stop, node: {nodes}"),
        Action::Evict(nodes) => format!("evict, node: {nodes}"),
        Action::Add(nodes) => format!("add, node: {nodes}"),
        Action::Quorum { witness, disk_only } => quorum_words(witness, *disk_only),
        _ => String::new(),
    }
}

/// An action in the words of the file, without `do:`.
fn action_words(action: &Action) -> String {
    match action {
        Action::MoveGroup { group, to, queue } => {
            let to = to
                .as_ref()
                .map_or(String::new(), |to| format!(", to: {to}"));
            let queue = if *queue { ", queue: true" } else { "" };
            format!("move, group: {group}{to}{queue}")
        }
        Action::OnlineGroup(group) => format!("online, group: {group}"),
        Action::OfflineGroup(group) => format!("offline, group: {group}"),
        Action::OnlineResource { group, resource } => {
            format!("online, resource: {group}/{resource}")
        }
        Action::OfflineResource { group, resource } => {
            format!("offline, resource: {group}/{resource}")
        }
        Action::FailResource { group, resource } => {
            format!("fail, resource: {group}/{resource}")
        }
        Action::Pause(nodes) => format!("pause, node: {nodes}"),
        Action::Drain(nodes) => format!("drain, node: {nodes}"),
        Action::Resume(nodes) => format!("resume, node: {nodes}"),
        Action::Start { .. }
        | Action::Stop(_)
        | Action::Evict(_)
        | Action::Add(_)
        | Action::Quorum { .. } => administration_words(action),
        Action::Heal => "heal".to_owned(),
        Action::SetProperty {
            property, value, ..
        } => format!("set, property: {property}, value: {value}"),
        Action::Maintenance {
            group,
            resource,
            on,
        } => format!("maintenance, resource: {group}/{resource}, value: {on}"),
        Action::WriteVolume { .. } | Action::ReadVolume { .. } => volume_words(action),
        Action::WriteRegistry { nodes, key, value } => {
            format!("write-registry, node: {nodes}, property: {key}, value: {value}")
        }
    }
}

fn quorum_words(witness: &Witness, disk_only: bool) -> String {
    let witness = match witness {
        Witness::None => "none".to_owned(),
        Witness::Disk(lun) => format!("{{ disk: {lun} }}"),
        Witness::Share(share) => format!("{{ share: {share} }}"),
        Witness::Cloud(cloud) => format!("{{ cloud: {cloud} }}"),
    };
    let model = if disk_only { ", model: disk-only" } else { "" };
    format!("quorum, witness: {witness}{model}")
}

/// An action whose answers are awaited.
pub(super) struct Answers {
    row: usize,
    requests: Vec<RequestId>,
    /// What has to be read.
    wanted: Option<String>,
    until: Timestamp,
}

impl Answers {
    fn poll<W: Stage>(&mut self, player: &mut Player<'_, W>) -> bool {
        let mut refused = None;
        let wanted = self.wanted.as_deref();
        self.requests
            .retain(|request| match player.session.answer(*request) {
                None => true,
                Some(AdminReply::Data { bytes }) if wanted.is_some() => {
                    refused = refused.take().or_else(|| other_than(wanted?, bytes));
                    false
                }
                Some(AdminReply::Refused { code, reason, .. }) => {
                    refused = Some(format!("the cluster refused with error {code}: {reason}"));
                    false
                }
                Some(_) => false,
            });
        if refused.is_some() {
            player.decide(self.row, Verdict::Failed, refused);
            return true;
        }
        if self.requests.is_empty() {
            player.decide(self.row, Verdict::Passed, None);
            return true;
        }
        if player.now() >= self.until {
            let seconds = ANSWER_MAX.as_secs();
            let why = Some(format!("no answer came within {seconds} s"));
            player.decide(self.row, Verdict::Inconclusive, why);
            return true;
        }
        false
    }
}

/// What was read instead of a text, if so.
fn other_than(wanted: &str, bytes: &[u8]) -> Option<String> {
    let found = crate::session::page_text(bytes);
    (found != wanted).then(|| format!("`{found}` was read, not `{wanted}`"))
}

/// An expectation that is being judged.
#[derive(Debug)]
pub(crate) struct Watch {
    expectation: Expectation,
    row: usize,
    began: Timestamp,
    holds_since: Option<Timestamp>,
    /// Steps wait for it: nothing was proved if it does not hold.
    is_condition: bool,
}

impl Watch {
    pub(super) fn new(expectation: Expectation, row: usize, now: Timestamp) -> Self {
        Self {
            expectation,
            row,
            began: now,
            holds_since: None,
            is_condition: false,
        }
    }

    /// By when it must begin to hold.
    fn first_by(&self) -> Timestamp {
        self.began + self.expectation.timing.within.unwrap_or_default()
    }

    /// When it has held long enough.
    fn held_at(&self) -> Option<Timestamp> {
        let held_for = self.expectation.timing.held_for.unwrap_or_default();
        self.holds_since.map(|since| since + held_for)
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self.held_at() {
            Some(_) if self.expectation.timing.always => None,
            Some(at) => Some(at),
            None => Some(self.first_by()),
        }
    }

    /// Judges it now; whether its verdict is known.
    pub(super) fn poll<W: Stage>(&mut self, player: &mut Player<'_, W>) -> bool {
        let now = player.now();
        let found = player.judge(&self.expectation.claim);
        let always = self.expectation.timing.always;
        match (found, self.holds_since) {
            // Even a look that comes late: one that came in time and found nothing has failed it.
            (Ok(()), None) => self.holds_since = Some(now),
            (Ok(()), Some(_)) => {}
            (Err(found), Some(_)) if always => return self.fail(player, found),
            (Err(found), _) => {
                self.holds_since = None;
                if now >= self.first_by() {
                    return self.fail(player, found);
                }
            }
        }
        match self.held_at() {
            Some(at) if !always && now >= at => {
                player.decide(self.row, Verdict::Passed, None);
                true
            }
            _ => false,
        }
    }

    /// The scenario is over.
    pub(super) fn close<W: Stage>(self, player: &mut Player<'_, W>) {
        let (verdict, detail) = match self.holds_since {
            Some(_) => (Verdict::Passed, None),
            None => (
                Verdict::Inconclusive,
                Some("the scenario ended before it had to hold".to_owned()),
            ),
        };
        player.decide(self.row, verdict, detail);
    }

    fn fail<W: Stage>(&self, player: &mut Player<'_, W>, found: String) -> bool {
        if self.is_condition {
            let why = format!("the step is left out: {found}");
            player.decide(self.row, Verdict::Inconclusive, Some(why));
        } else {
            player.decide(self.row, Verdict::Failed, Some(found));
        }
        true
    }
}
