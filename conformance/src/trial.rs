//! One run of one case: the subject with the words that cases are written in.

use crate::case::Stop;
use crate::lab::Lab;
use crate::observation::{Event, Frame, Observation, Service};
use crate::subject::{Database, Health, Of, Subject, Told};
use crate::words::Worded;
use base::{Generation, Notice, ResourceId};
use std::time::Duration;

/// How long a healthy lab may take to form; generous, because nothing is asserted about it.
const FORM_BOUND: Duration = Duration::from_secs(300);

/// How long a fault may take to be seen where time is real.
const TAKES_EFFECT: Duration = Duration::from_secs(10);

/// One run of one case on one subject, for one generation.
pub struct Trial<'a> {
    subject: &'a mut dyn Subject,
    generation: Generation,
    /// Assertions made so far; a run that made none proves nothing.
    assertions: u32,
    /// Walks through every step whatever is seen, to check the words that a case uses.
    rehearsing: bool,
}

impl std::fmt::Debug for Trial<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl<'a> Trial<'a> {
    /// A run that has not begun.
    pub fn new(subject: &'a mut dyn Subject, generation: Generation) -> Self {
        Self {
            subject,
            generation,
            assertions: 0,
            rehearsing: false,
        }
    }

    /// A walk through a case that neither fails nor stops, for the test of the cases' own words.
    #[cfg(test)]
    pub(crate) fn rehearsal(subject: &'a mut dyn Subject, generation: Generation) -> Self {
        Self {
            rehearsing: true,
            ..Self::new(subject, generation)
        }
    }

    /// Whether this is a walk that shows nothing.
    pub(crate) fn is_rehearsal(&self) -> bool {
        self.rehearsing
    }

    /// The generation that this run is for.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Assertions made so far.
    #[must_use]
    pub fn assertions(&self) -> u32 {
        self.assertions
    }

    /// Forms the lab and waits until all nodes are members and all groups are online.
    ///
    /// # Errors
    /// Inconclusive when the healthy lab does not come up.
    pub fn form(&mut self, lab: &Lab) -> Result<(), Stop> {
        self.start(lab)?;
        let names = lab.names();
        self.needs(FORM_BOUND, "the healthy lab comes up", |seen| {
            seen.all_up(names.iter().map(String::as_str))
                && lab.group_names().all(|group| seen.online(group))
        })
    }

    /// Forms the lab and returns at once, for cases about the forming itself.
    ///
    /// # Errors
    /// When the subject cannot have this lab.
    pub fn start(&mut self, lab: &Lab) -> Result<(), Stop> {
        Ok(self.subject.form(&lab.text(self.generation))?)
    }

    /// Begins a fault in the lab file's words.
    ///
    /// # Errors
    /// When the subject has no such fault.
    pub fn fault(&mut self, fault: impl AsRef<str>) -> Result<(), Stop> {
        Ok(self.subject.fault(fault.as_ref())?)
    }

    /// Switches these nodes off at one moment, and sees that they are.
    ///
    /// # Errors
    /// When the subject has no such fault; inconclusive when it has no effect.
    pub fn power_off(&mut self, nodes: &[String]) -> Result<(), Stop> {
        self.fault(format!("{{ node: [{}], do: power-off }}", nodes.join(", ")))?;
        let off = |seen: &Observation, node: &String| {
            let node = seen.nodes.get(node);
            node.is_some_and(|it| it.service == Service::Stopped)
        };
        self.needs(TAKES_EFFECT, "the nodes are off", |seen| {
            nodes.iter().all(|node| off(seen, node))
        })
    }

    /// Does what an administrator would do, in the lab file's words.
    ///
    /// # Errors
    /// When the subject or the cluster refuses.
    pub fn act(&mut self, action: impl AsRef<str>) -> Result<(), Stop> {
        Ok(self.subject.act(action.as_ref())?)
    }

    /// As [`Self::act`], and what the cluster answered.
    ///
    /// # Errors
    /// When the subject cannot show it.
    pub fn answer(&mut self, action: impl AsRef<str>) -> Result<Told, Stop> {
        Ok(self.subject.answer(action.as_ref())?)
    }

    /// Asserts that the cluster refuses an action with this error number.
    ///
    /// # Errors
    /// Failed when it does not.
    pub fn refused(&mut self, action: impl AsRef<str>, code: u32) -> Result<(), Stop> {
        let action = action.as_ref();
        let told = self.answer(action)?;
        let is = matches!(told, Told::Refused(it, _) if it == code);
        let text = format!(
            "`{action}` is refused with {code}, and the answer is {}",
            told.words()
        );
        self.check(&text, is)
    }

    /// Reads a property through a node, or through any.
    ///
    /// # Errors
    /// When the subject cannot.
    pub fn property(&mut self, through: Option<&str>, of: &Of, name: &str) -> Result<Told, Stop> {
        Ok(self.subject.property(through, of, name)?)
    }

    /// Every object that a node's object manager has, a line each: name, colon, state.
    ///
    /// # Errors
    /// When the subject cannot; failed when the cluster refuses.
    pub fn objects(&mut self, through: &str) -> Result<Vec<String>, Stop> {
        match self.subject.objects(through)? {
            Told::Value(lines) => Ok(lines.lines().map(str::to_owned).collect()),
            _ => {
                self.check("the objects are listed", false)?;
                Ok(Vec::new())
            }
        }
    }

    /// Asserts the value of a property.
    ///
    /// # Errors
    /// Failed when it has another value, or none.
    pub fn has(&mut self, of: &Of, name: &str, expected: &str) -> Result<(), Stop> {
        let told = self.property(None, of, name)?;
        self.equal(name, told, Told::Value(expected.to_owned()))
    }

    /// What a node shows as its cluster database.
    ///
    /// # Errors
    /// When the subject cannot look into it.
    pub fn database(&mut self, node: &str) -> Result<Database, Stop> {
        Ok(self.subject.database(node)?)
    }

    /// The cluster log of a node.
    ///
    /// # Errors
    /// When the subject keeps none.
    pub fn cluster_log(&mut self, node: &str) -> Result<Vec<String>, Stop> {
        Ok(self.subject.cluster_log(node)?)
    }

    /// From now on, or no longer, a node's own disk refuses to write.
    ///
    /// # Errors
    /// When the subject has no such fault.
    pub fn own_disk(&mut self, node: &str, fails: bool) -> Result<(), Stop> {
        Ok(self.subject.own_disk(node, fails)?)
    }

    /// Makes every entry point of a resource slower.
    ///
    /// # Errors
    /// When the subject cannot.
    pub fn slow(&mut self, resource: &str, by: Duration) -> Result<(), Stop> {
        Ok(self.subject.slow(resource, by)?)
    }

    /// Has Online of a resource fail with this error.
    ///
    /// # Errors
    /// When the subject cannot.
    pub fn refuse(&mut self, resource: &str, code: u32) -> Result<(), Stop> {
        Ok(self.subject.refuse(resource, code)?)
    }

    /// Scripts the answers of a resource's health checks.
    ///
    /// # Errors
    /// When the subject cannot.
    pub fn health(&mut self, resource: &str, looks: bool, is: bool) -> Result<(), Stop> {
        let health = Health {
            looks_alive: looks,
            is_alive: is,
        };
        Ok(self.subject.health(resource, health)?)
    }

    /// What can be seen now.
    pub fn seen(&mut self) -> &Observation {
        self.subject.observe()
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        self.subject.wait(time, &mut |_| false);
    }

    /// The number of events so far, to tell later ones from earlier ones.
    pub fn mark(&mut self) -> usize {
        self.seen().events.len()
    }

    /// The number of frames so far.
    pub fn frame_mark(&mut self) -> usize {
        self.seen().frames.as_ref().map_or(0, Vec::len)
    }

    /// Frames after the mark, which the case needs.
    ///
    /// # Errors
    /// Not applicable where the subject cannot look into frames.
    pub fn frames(&mut self, mark: usize) -> Result<Vec<Frame>, Stop> {
        let rehearsing = self.rehearsing;
        match &self.seen().frames {
            Some(frames) => Ok(frames.get(mark..).unwrap_or_default().to_vec()),
            None if rehearsing => Ok(Vec::new()),
            None => Err(Stop::NotApplicable(
                "this subject cannot look into the frames between nodes".to_owned(),
            )),
        }
    }

    /// Asserts something of this moment.
    ///
    /// # Errors
    /// Failed when it does not hold.
    pub fn check(&mut self, what: &str, holds: bool) -> Result<(), Stop> {
        self.assertions += 1;
        if holds || self.rehearsing {
            return Ok(());
        }
        let seen = self.seen();
        Err(Stop::Failed(format!(
            "after {}: expected that {what}; {}",
            seen.at.words(),
            brief(seen)
        )))
    }

    /// Asserts that two values are equal.
    ///
    /// # Errors
    /// Failed when they are not.
    pub fn equal<T: PartialEq + Worded>(
        &mut self,
        what: &str,
        is: T,
        expected: T,
    ) -> Result<(), Stop> {
        let (wanted, found) = (expected.words(), is.words());
        let text = format!("{what} is {wanted}, and it is {found}");
        self.check(&text, is == expected)
    }

    /// Asserts that a time lies between two bounds, both included.
    ///
    /// # Errors
    /// Failed when it does not.
    pub fn between(
        &mut self,
        what: &str,
        time: Duration,
        bounds: (Duration, Duration),
    ) -> Result<(), Stop> {
        let (least, most, took) = (bounds.0.words(), bounds.1.words(), time.words());
        let text = format!("{what} takes {least} to {most}, and it took {took}");
        // Both ends of what is measured may be seen late.
        let late = self.subject.lateness();
        let fits = bounds.0.saturating_sub(late) <= time && time <= bounds.1 + late;
        self.check(&text, fits)
    }

    /// Asserts that something becomes true before the bound.
    ///
    /// # Errors
    /// Failed when it does not.
    pub fn within(
        &mut self,
        bound: Duration,
        what: &str,
        mut until: impl FnMut(&Observation) -> bool,
    ) -> Result<(), Stop> {
        let held = self.subject.wait(bound, &mut until);
        self.check(&format!("{what} within {}", bound.words()), held)
    }

    /// Asserts that something stays true for all of this time.
    ///
    /// # Errors
    /// Failed when it ever is not.
    pub fn stays(
        &mut self,
        time: Duration,
        what: &str,
        mut holds: impl FnMut(&Observation) -> bool,
    ) -> Result<(), Stop> {
        let broken = self.subject.wait(time, &mut |seen| !holds(seen));
        self.check(&format!("{what} for {}", time.words()), !broken)
    }

    /// Waits for something that the case needs but does not assert.
    ///
    /// # Errors
    /// Inconclusive when it does not come.
    pub fn needs(
        &mut self,
        bound: Duration,
        what: &str,
        mut until: impl FnMut(&Observation) -> bool,
    ) -> Result<(), Stop> {
        if self.subject.wait(bound, &mut until) || self.rehearsing {
            return Ok(());
        }
        let seen = brief(self.seen());
        Err(Stop::Inconclusive(format!(
            "the case needs that {what} within {}; {seen}",
            bound.words()
        )))
    }

    /// The owner of a group.
    ///
    /// # Errors
    /// Inconclusive when it has none.
    pub fn owner(&mut self, group: &str) -> Result<String, Stop> {
        let owner = self
            .seen()
            .groups
            .get(group)
            .and_then(|group| group.owner.clone());
        let owner = owner.or_else(|| self.rehearsing.then(|| "n1".into()));
        owner.ok_or_else(|| Stop::Inconclusive(format!("group {group} has no owner")))
    }

    /// The number by which notices name a resource.
    ///
    /// # Errors
    /// Inconclusive when the subject does not show the resource.
    pub fn id(&mut self, resource: &str) -> Result<ResourceId, Stop> {
        let id = self.seen().resource(resource).map(|resource| resource.id);
        let id = id.or_else(|| self.rehearsing.then(ResourceId::default));
        id.ok_or_else(|| Stop::Inconclusive(format!("resource {resource} is not shown")))
    }

    /// Events after the mark whose notice the filter takes.
    pub fn events(&mut self, mark: usize, mut filter: impl FnMut(&Notice) -> bool) -> Vec<Event> {
        let seen = self.seen().since(mark);
        seen.filter(|event| filter(&event.notice))
            .cloned()
            .collect()
    }

    /// Times of the events after the mark whose notice the filter takes.
    pub fn times(&mut self, mark: usize, filter: impl FnMut(&Notice) -> bool) -> Vec<Duration> {
        self.events(mark, filter)
            .into_iter()
            .map(|event| event.at)
            .collect()
    }

    /// Time of the first event after the mark, which the case needs.
    ///
    /// # Errors
    /// Failed when there is none: the behaviour that the case is about did not happen.
    pub fn first(
        &mut self,
        mark: usize,
        what: &str,
        filter: impl FnMut(&Notice) -> bool,
    ) -> Result<Duration, Stop> {
        let first = self.times(mark, filter).first().copied();
        self.check(&format!("{what} was reported"), first.is_some())?;
        Ok(first.unwrap_or_default())
    }
}

/// The state of the cluster in one line, for messages.
fn brief(seen: &Observation) -> String {
    let nodes = seen.nodes.iter().map(|(name, node)| {
        let view: Vec<&str> = node.view.iter().map(String::as_str).collect();
        format!("{name} {} view [{}]", node.state, view.join(" "))
    });
    let groups = seen.groups.iter().map(|(name, group)| {
        let owner = group.owner.as_deref().unwrap_or("nobody");
        format!("{name} {} on {owner}", group.state)
    });
    let parts: Vec<String> = nodes.chain(groups).collect();
    format!("seen: {}", parts.join(", "))
}
