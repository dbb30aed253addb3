//! The life cycle of a cluster's computer object, as the Network Name resource drives it.
//!
//! Duty: say what to ask of the directory next ([`Ask`]), take its answer, and end with the object
//! in order or with the documented event. It asks through data, so that the simulator lets it run
//! against a [`crate::store::Store`] ([`execute`]) and a shell against a real directory. Serves
//! reference rows 1.1, 2 and 8. Deliberately not done here: DNS and NetBIOS registration, renaming,
//! and finding a domain controller.

mod ask;
mod event;
#[cfg(test)]
mod tests;

pub use ask::{Answer, Ask, Found, execute};
pub use event::Event;

use crate::Entropy;
use crate::store::object::control;
use crate::store::{Guid, Name};
use base::WallTime;
use std::time::Duration;

/// Age at which a password is renewed, unless the domain says otherwise (reference, 2).
pub const PASSWORD_AGE: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Win32 statuses that the life cycle tells apart (reference, 8).
pub mod status {
    /// Nothing is wrong.
    pub const SUCCESS: u32 = 0;
    /// No right.
    pub const ACCESS_DENIED: u32 = 5;
    /// Wrong name or password.
    pub const LOGON_FAILURE: u32 = 1_326;
    /// The account is disabled.
    pub const ACCOUNT_DISABLED: u32 = 1_331;
    /// No domain controller answers.
    pub const NO_SUCH_DOMAIN: u32 = 1_355;
    /// Client and directory differ by more than five minutes.
    pub const TIME_SKEW: u32 = 1_398;
    /// An account of that name exists and is somebody's.
    pub const ACCOUNT_EXISTS: u32 = 2_224;
    /// The quota of computer objects is used up.
    pub const QUOTA_EXCEEDED: u32 = 8_557;
    /// No such object.
    pub const NO_SUCH_OBJECT: u32 = 0x8007_2030;
}

/// Which of the cluster's objects it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The object of the cluster's own name (CNO): its creator's credentials make it.
    ClusterName,
    /// The object of another Network Name (VCO): the CNO makes and mends it.
    VirtualServer,
}

/// What the object is to be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// NetBIOS name, `VS1`.
    pub name: String,
    /// DNS suffix, `corp.example`.
    pub suffix: String,
    /// Which of the cluster's objects it is.
    pub role: Role,
    /// Where new objects go.
    pub container: Name,
    /// A deleted object is made anew (Server 2012 and later; reference, 1.1).
    pub recreates: bool,
    /// Age at which the password is renewed.
    pub password_age: Duration,
}

impl Settings {
    /// The logon name, `VS1$`.
    #[must_use]
    pub fn account(&self) -> String {
        format!("{}$", self.name)
    }

    fn host(&self) -> String {
        format!("{}.{}", self.name.to_lowercase(), self.suffix)
    }

    /// Service principal names (reference, 4.5).
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let classes: &[&str] = match self.role {
            Role::VirtualServer => &["HOST", "MSClusterVirtualServer"],
            Role::ClusterName => &[
                "HOST",
                "MSClusterVirtualServer",
                "MSServerClusterMgmtAPI",
                "MSServerCluster",
            ],
        };
        let both = |class: &&str| {
            [
                format!("{class}/{}", self.name),
                format!("{class}/{}", self.host()),
            ]
        };
        classes.iter().flat_map(both).collect()
    }
}

/// What the cluster's database keeps of the object (ObjectGUID, ResourceData; reference, 1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Finds the object again.
    pub guid: Option<Guid>,
    /// Its password.
    pub password: Option<String>,
    /// When the password was set.
    pub changed: WallTime,
}

/// What the resource has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask the directory this, and give the answer back.
    Ask(Ask),
    /// The object is in order. What is kept may have changed: write it down.
    Done,
    /// It is not; StatusKerberos is the status of the event.
    Failed(Event),
}

/// Where the life cycle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Finding,
    FindingByName,
    Creating,
    Resetting { mends: bool },
    Describing,
    LoggingOn { again: bool },
    Rotating,
    Deleting,
    Disabling,
}

/// The life cycle of one computer object.
#[derive(Clone, Debug)]
pub struct Computer {
    /// What the object is to be.
    pub settings: Settings,
    /// What the cluster's database keeps.
    pub kept: Kept,
    stage: Stage,
    /// A new password on its way: kept once the directory has it.
    fresh: Option<String>,
    control: u32,
}

impl Computer {
    /// An object with what is known of it.
    #[must_use]
    pub fn new(settings: Settings, kept: Kept) -> Self {
        Self {
            settings,
            kept,
            stage: Stage::Idle,
            fresh: None,
            control: 0,
        }
    }

    /// Begins to bring the name online: find, create or take over, log on.
    pub fn online(&mut self) -> Next {
        match self.kept.guid {
            Some(guid) => self.ask(Stage::Finding, Ask::FindByGuid(guid)),
            None => self.find_by_name(),
        }
    }

    /// Begins a repair: the same with a new password, for which the caller's own rights count.
    pub fn repair(&mut self, entropy: &mut dyn Entropy) -> Next {
        match self.kept.guid {
            Some(guid) => self.reset(guid, true, entropy),
            None => self.find_by_name(),
        }
    }

    /// When the password is due for a new one.
    #[must_use]
    pub fn due(&self) -> Option<WallTime> {
        let age = u64::try_from(self.settings.password_age.as_millis()).unwrap_or(u64::MAX);
        self.kept.password.as_ref()?;
        Some(WallTime(self.kept.changed.0.saturating_add(age)))
    }

    /// Begins to renew the password as the object itself.
    pub fn rotate(&mut self, entropy: &mut dyn Entropy) -> Next {
        let (Some(guid), Some(old)) = (self.kept.guid, self.kept.password.clone()) else {
            return Next::Done;
        };
        let new = random_password(entropy);
        self.fresh = Some(new.clone());
        self.ask(Stage::Rotating, Ask::ChangePassword { guid, old, new })
    }

    /// Begins to delete the object, or to disable it where it is to be kept.
    pub fn delete(&mut self, keeps: bool) -> Next {
        match self.kept.guid {
            None => Next::Done,
            Some(guid) if keeps => self.ask(Stage::Disabling, Ask::Disable(guid)),
            Some(guid) => self.ask(Stage::Deleting, Ask::Delete(guid)),
        }
    }

    /// Takes the directory's answer. `in_use` says that some other system answers to the name,
    /// which keeps the cluster from mending a password (KB 2797272).
    pub fn answered(
        &mut self,
        answer: Answer,
        in_use: bool,
        now: WallTime,
        entropy: &mut dyn Entropy,
    ) -> Next {
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        match (stage, answer) {
            // An object that was there is looked for, and missed, by its GUID (KB 950805).
            (Stage::Finding, Answer::Refused(status::NO_SUCH_DOMAIN)) => {
                self.fail(Event::update(status::NO_SUCH_DOMAIN))
            }
            (_, Answer::Refused(status::NO_SUCH_DOMAIN)) => self.fail(Event::no_controller()),
            (Stage::Finding, Answer::Found(Some(found))) => self.found_own(&found),
            (Stage::Finding, Answer::Found(None)) if self.settings.recreates => {
                self.kept = Kept::default();
                self.find_by_name()
            }
            (Stage::Finding, Answer::Found(None)) => {
                self.fail(Event::update(status::NO_SUCH_OBJECT))
            }
            (Stage::FindingByName, Answer::Found(None)) => self.create(),
            (Stage::FindingByName, Answer::Found(Some(found))) => self.take_over(&found, entropy),
            (Stage::Creating, Answer::Created(guid)) => {
                self.kept.guid = Some(guid);
                self.control = control::WORKSTATION;
                self.reset(guid, false, entropy)
            }
            (Stage::Creating, Answer::Refused(status)) => self.fail(Event::create(status)),
            (Stage::Resetting { mends }, Answer::Done) => self.is_reset(mends, now),
            (Stage::Describing, Answer::Done) => self.log_on(false),
            (Stage::LoggingOn { .. } | Stage::Disabling, Answer::Done) => Next::Done,
            (Stage::LoggingOn { again }, Answer::Refused(status)) => {
                self.not_logged_on(status, again || in_use, entropy)
            }
            (Stage::Rotating, Answer::Done) => {
                self.keep_fresh(now);
                Next::Done
            }
            (Stage::Deleting, Answer::Done | Answer::Refused(status::NO_SUCH_OBJECT)) => {
                self.kept = Kept::default();
                Next::Done
            }
            (Stage::Deleting, Answer::Refused(status)) => self.fail(Event::delete(status)),
            (Stage::Disabling, Answer::Refused(status)) => self.fail(Event::disable(status)),
            (_, Answer::Refused(status)) => self.fail(Event::update(status)),
            // An answer to something that was not asked changes nothing.
            _ => Next::Failed(Event::update(status::LOGON_FAILURE)),
        }
    }

    fn ask(&mut self, stage: Stage, ask: Ask) -> Next {
        self.stage = stage;
        Next::Ask(ask)
    }

    fn fail(&mut self, event: Event) -> Next {
        self.fresh = None;
        Next::Failed(event)
    }

    fn find_by_name(&mut self) -> Next {
        let account = self.settings.account();
        self.ask(Stage::FindingByName, Ask::FindByAccount(account))
    }

    fn create(&mut self) -> Next {
        let name = self.settings.container.child("CN", &self.settings.name);
        let account = self.settings.account();
        self.ask(Stage::Creating, Ask::Create { name, account })
    }

    /// A prestaged CNO has to be disabled, as proof that nobody uses it; a VCO need not be.
    fn take_over(&mut self, found: &Found, entropy: &mut dyn Entropy) -> Next {
        let in_use = found.control & control::DISABLED == 0;
        if self.settings.role == Role::ClusterName && in_use {
            return self.fail(Event::create(status::ACCOUNT_EXISTS));
        }
        self.kept.guid = Some(found.guid);
        self.control = found.control;
        self.reset(found.guid, false, entropy)
    }

    fn found_own(&mut self, found: &Found) -> Next {
        self.control = found.control;
        if found.control & control::DISABLED != 0 {
            return self.fail(Event::update(status::ACCOUNT_DISABLED));
        }
        self.log_on(false)
    }

    fn reset(&mut self, guid: Guid, mends: bool, entropy: &mut dyn Entropy) -> Next {
        let password = random_password(entropy);
        self.fresh = Some(password.clone());
        self.ask(
            Stage::Resetting { mends },
            Ask::ResetPassword { guid, password },
        )
    }

    fn is_reset(&mut self, mends: bool, now: WallTime) -> Next {
        self.keep_fresh(now);
        match self.kept.guid {
            Some(guid) if !mends => self.describe(guid),
            _ => self.log_on(true),
        }
    }

    fn keep_fresh(&mut self, now: WallTime) {
        self.kept.password = self.fresh.take();
        self.kept.changed = now;
    }

    /// Host name, service names and, last, the bits that enable the object.
    fn describe(&mut self, guid: Guid) -> Next {
        let unset = control::DISABLED | control::PASSWORD_NOT_REQUIRED;
        let bits = self.control & !unset | control::WORKSTATION;
        let ask = Ask::Describe {
            guid,
            host: self.settings.host(),
            services: self.settings.services(),
            // The quota gives no right to these bits, and a new object needs none changed.
            control: (self.control & control::DISABLED != 0).then_some(bits),
        };
        self.ask(Stage::Describing, ask)
    }

    fn log_on(&mut self, again: bool) -> Next {
        let ask = Ask::LogOn {
            account: self.settings.account(),
            password: self.kept.password.clone().unwrap_or_default(),
        };
        self.ask(Stage::LoggingOn { again }, ask)
    }

    /// The password of a VCO is mended by the CNO, once; that of the CNO is an administrator's
    /// task (Repair).
    fn not_logged_on(&mut self, status: u32, last: bool, entropy: &mut dyn Entropy) -> Next {
        let mends = status == status::LOGON_FAILURE && self.settings.role == Role::VirtualServer;
        match self.kept.guid {
            Some(guid) if mends && !last => self.reset(guid, true, entropy),
            _ => self.fail(Event::log_on(status)),
        }
    }
}

/// A password nobody has to type: 32 characters of the four kinds that complexity asks for.
fn random_password(entropy: &mut dyn Entropy) -> String {
    let mut bytes = [0_u8; 32];
    entropy.fill(&mut bytes);
    let letters = bytes.iter().map(|byte| char::from(b'!' + byte % 94));
    letters.chain("aA1.".chars()).collect()
}
