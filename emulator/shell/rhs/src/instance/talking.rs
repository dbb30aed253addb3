//! Resources that are programs of the plug-in protocol: calls go to the program as they come, so
//! that one overtakes another, and answers come back as work.

use base::CallId;
use top::plugin::FromPlugIn;
use top::rcm::{EntryPoint, EntryResult, HostReport};

use super::{FAILED, Instance, of_check};
use crate::plug_in::{Heard, PlugIn};

impl Instance {
    pub(super) fn call_plug_in(&mut self, call: CallId, entry: EntryPoint) {
        match &entry {
            EntryPoint::LooksAlive | EntryPoint::IsAlive => {
                let thorough = entry == EntryPoint::IsAlive;
                if let Some(alive) = self.known_health(thorough) {
                    return self.answer(call, of_check(alive.then_some(()).ok_or(FAILED)));
                }
            }
            EntryPoint::Online(_) => {
                self.broken = false;
                if self.shared.script(self.resource).crashing {
                    // What a fault of a resource DLL does to its host.
                    std::process::abort();
                }
            }
            _ => {}
        }
        let begins = matches!(entry, EntryPoint::Open(_) | EntryPoint::Online(_));
        if begins && let Err(code) = self.begin_plug_in(&entry) {
            return self.answer(call, EntryResult::Failure { code });
        }
        match &mut self.plug_in {
            Some(plug_in) => plug_in.call(call, entry),
            // Whoever has ended does nothing any more.
            None if matches!(entry, EntryPoint::Terminate | EntryPoint::Close) => {
                self.let_go();
                self.answer(call, EntryResult::Success);
            }
            None => self.answer(call, EntryResult::Failure { code: FAILED }),
        }
    }

    /// Starts the program where it does not run; one that is told to come online is opened first.
    fn begin_plug_in(&mut self, entry: &EntryPoint) -> Result<(), u32> {
        if self.plug_in.is_some() {
            return Ok(());
        }
        self.runs += 1;
        let started = PlugIn::start(&self.program_start(None), self.runs, &self.to_myself);
        let mut plug_in = started.map_err(|error| self.complain(&error))?;
        if let EntryPoint::Online(spec) = entry {
            plug_in.tell(&EntryPoint::Open(spec.clone()));
        }
        self.plug_in = Some(plug_in);
        Ok(())
    }

    /// What a check would find without asking the program.
    fn known_health(&mut self, thorough: bool) -> Option<bool> {
        self.checks += 1;
        let script = self.shared.script(self.resource);
        let flaps = script.flapping && self.checks.is_multiple_of(2);
        match script.answers {
            Some((looks_alive, is_alive)) => Some(if thorough { is_alive } else { looks_alive }),
            None if !self.online || self.broken || flaps => Some(false),
            None => None,
        }
    }

    pub(super) fn heard(&mut self, heard: Heard) {
        match heard {
            Ok(words @ FromPlugIn::Answer { call, .. }) => self.answered(call, &words),
            Ok(words @ FromPlugIn::Status { .. }) => self.status(&words),
            Ok(FromPlugIn::Failed) => {
                let resource = self.resource;
                self.shared.report(&HostReport::Signalled { resource });
            }
            Ok(FromPlugIn::Log { text }) => eprintln!("{}: {text}", self.spec.name),
            Ok(FromPlugIn::Hello { .. }) => {}
            Err(why) => {
                eprintln!("{}: {why}", self.spec.name);
                self.fail();
            }
        }
    }

    fn answered(&mut self, call: u64, words: &FromPlugIn) {
        let known = self.plug_in.as_mut().and_then(|it| it.answered(call));
        let Some((call, entry)) = known else {
            return;
        };
        let result = words.result().unwrap_or(EntryResult::Success);
        let result = self.settled(&entry, result);
        match words.output() {
            Some(output) if result == EntryResult::Success => {
                let resource = self.resource;
                self.shared.report(&HostReport::Controlled {
                    call,
                    resource,
                    output,
                });
            }
            _ => self.answer(call, result),
        }
    }

    /// A worker of the program goes on, or has ended.
    fn status(&mut self, words: &FromPlugIn) {
        let (resource, mut result) = (self.resource, words.result());
        if let Some(ended) = result {
            // Offline that was pending has ended where it was online.
            let entry = if self.online {
                EntryPoint::Offline
            } else {
                EntryPoint::Online(self.spec.clone())
            };
            result = Some(self.settled(&entry, ended));
        }
        self.shared.report(&HostReport::Status { resource, result });
    }

    /// What the end of an entry point means for what runs.
    fn settled(&mut self, entry: &EntryPoint, result: EntryResult) -> EntryResult {
        let done = matches!(result, EntryResult::Success | EntryResult::Watched);
        match entry {
            EntryPoint::Online(_) if done => match self.hold.acquire(&self.spec.parameters) {
                Ok(()) => self.online = true,
                Err(code) => return EntryResult::Failure { code },
            },
            EntryPoint::Offline | EntryPoint::Terminate | EntryPoint::Close if done => {
                if std::mem::take(&mut self.online) {
                    self.let_go();
                }
                self.shared.save(self.resource);
            }
            _ => {}
        }
        result
    }

    /// The program has ended: it answers nothing any more, and does not work.
    pub(super) fn lose_plug_in(&mut self) {
        let Some(mut plug_in) = self.plug_in.take() else {
            return;
        };
        self.online = false;
        for call in plug_in.unanswered() {
            self.answer(call, EntryResult::Failure { code: FAILED });
        }
    }

    /// The resource is closed: its program may end by itself, and is killed if it does not.
    pub(super) fn end_plug_in(&mut self) {
        if let Some(mut plug_in) = self.plug_in.take() {
            for call in plug_in.unanswered() {
                self.answer(call, EntryResult::Success);
            }
            if !plug_in.program.ask_to_end(super::PENDING_FROM) {
                plug_in.program.kill();
            }
        }
    }

    fn answer(&self, call: CallId, result: EntryResult) {
        self.shared.returned(call, self.resource, result);
    }
}
