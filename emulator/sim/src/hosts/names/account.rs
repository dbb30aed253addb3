//! The computer objects of a cluster's names: who asks the directory for what, and when.
//!
//! The life cycle itself is `accounts::computer`. Facts: directory fact sheet, sections 1.1 and 2.
//! From 2008 on the cluster's own object (CNO) makes and mends those of the other names; before,
//! the cluster service's account did, and only for names with RequireKerberos. Setup makes the CNO
//! with the rights of whoever creates the cluster. Deliberately not done here: renaming.

use accounts::Entropy;
use accounts::computer::{
    Answer, Computer, Event, Kept, Next, PASSWORD_AGE, Role, Settings, execute, status,
};
use accounts::store::{Call, Caller, Guid, NewObject, Store};
use base::{Generation, WallTime};
use top::restype::{NameAccount, NameEvent, NameSettings};

use super::{Clocks, Services};

/// The account of the cluster service of 2003.
const SERVICE_ACCOUNT: &str = "clussvc";
/// userAccountControl of a user whose password does not expire.
const NORMAL_ACCOUNT: &str = "66048";
/// What the CNO's own service writes when it has changed a password (event 1636).
const PASSWORD_CHANGED: u16 = 1636;

/// The accounts as the cluster uses them.
#[derive(Debug)]
pub(super) struct Accounts {
    /// The cluster's name.
    pub(super) cluster: String,
    pub(super) domain: String,
    pub(super) generation: Generation,
    /// What setup has made for the cluster's own name.
    pub(super) setup: Option<Kept>,
}

/// What a life cycle has led to.
#[derive(Debug)]
pub(super) struct Lived {
    /// What is kept of the object now.
    pub(super) account: NameAccount,
    /// Why the object is not in order.
    pub(super) failed: Option<Event>,
}

/// One life cycle under way: whose it is, and how the directory looks to whoever asks.
struct Life<'a> {
    caller: Caller,
    clocks: Clocks,
    /// Nobody answers.
    is_silent: bool,
    /// Another system answers to the name.
    in_use: bool,
    entropy: &'a mut dyn Entropy,
}

impl Accounts {
    /// Whether names of these settings have computer objects.
    pub(super) fn wants(&self, settings: &NameSettings) -> bool {
        self.generation >= Generation::V2008 || settings.require_kerberos
    }

    fn role(&self, name: &str) -> Role {
        let is_cluster = name.eq_ignore_ascii_case(&self.cluster);
        match is_cluster && self.generation >= Generation::V2008 {
            true => Role::ClusterName,
            false => Role::VirtualServer,
        }
    }

    fn computer(&self, store: &Store, name: &str, kept: Kept) -> Computer {
        let role = self.role(name);
        let settings = Settings {
            name: name.to_uppercase(),
            suffix: self.domain.clone(),
            role,
            container: store.domain().computers(),
            // The CNO is an administrator's to restore.
            recreates: role == Role::VirtualServer && self.generation >= Generation::V2012,
            password_age: PASSWORD_AGE,
        };
        Computer::new(settings, kept)
    }

    /// Brings the object of a name in order, so that the name can come online.
    pub(super) fn online(
        &mut self,
        services: &mut dyn Services,
        name: &str,
        account: &NameAccount,
        at: &At,
    ) -> Lived {
        let mut lived = None;
        services.accounts(&mut |store, entropy| {
            lived = Some(self.online_in(store, name, account, at, entropy));
        });
        lived.unwrap_or_else(|| Lived {
            account: account.clone(),
            failed: None,
        })
    }

    fn online_in(
        &mut self,
        store: &mut Store,
        name: &str,
        account: &NameAccount,
        at: &At,
        entropy: &mut dyn Entropy,
    ) -> Lived {
        if !at.is_silent {
            self.set_up(store, at, entropy);
        }
        let kept = self.kept(name, account);
        let mut computer = self.computer(store, name, kept);
        let asked = self.asks_as(store, &computer, at.clocks.directory);
        let first = computer.online();
        let failed = match asked {
            Ok(caller) => at.life(caller, entropy).play(store, &mut computer, first),
            Err(event) => Some(event),
        };
        let account = keep(store, computer.kept);
        Lived { account, failed }
    }

    /// What is known of the name's object: what the cluster database has, else what setup made.
    fn kept(&self, name: &str, account: &NameAccount) -> Kept {
        match (Guid::parse(&account.object_guid), &self.setup) {
            (None, Some(setup)) if self.role(name) == Role::ClusterName => setup.clone(),
            (None, _) => Kept::default(),
            (guid, _) => Kept {
                guid,
                password: Some(account.password.clone()),
                changed: account.changed,
            },
        }
    }

    /// Makes what there is before any name comes online: the CNO, or the service's account.
    fn set_up(&mut self, store: &mut Store, at: &At, entropy: &mut dyn Entropy) {
        if self.generation < Generation::V2008 {
            if store.by_account(SERVICE_ACCOUNT).is_none() {
                add_service_account(store, at.clocks.directory, entropy);
            }
            return;
        }
        let has_object = store.by_account(&format!("{}$", self.cluster)).is_some();
        if self.setup.is_some() || has_object {
            return;
        }
        let Some(administrator) = administrator(store) else {
            return;
        };
        let mut computer = self.computer(store, &self.cluster, Kept::default());
        let first = computer.online();
        // Setup runs on a computer whose clock is right.
        let right = At {
            clocks: Clocks {
                node: at.clocks.directory,
                ..at.clocks
            },
            ..*at
        };
        let failed = right
            .life(administrator, entropy)
            .play(store, &mut computer, first);
        self.setup = failed.is_none().then_some(computer.kept);
    }

    /// Whose rights count for a name's object.
    fn asks_as(&self, store: &Store, computer: &Computer, now: WallTime) -> Result<Caller, Event> {
        let missing = |status| Event::of_cluster_name(status, computer.kept.guid.is_some());
        if computer.settings.role == Role::ClusterName && computer.kept.guid.is_none() {
            return administrator(store).ok_or_else(|| missing(status::NO_SUCH_OBJECT));
        }
        let asks = match self.generation < Generation::V2008 {
            true => SERVICE_ACCOUNT.to_owned(),
            false => format!("{}$", self.cluster),
        };
        match store.by_account(&asks) {
            // What is wrong with the CNO's own object its own life cycle finds.
            _ if computer.settings.role == Role::ClusterName => Ok(computer
                .kept
                .guid
                .map_or(Caller::Anonymous, Caller::Account)),
            None => Err(missing(status::LOGON_FAILURE)),
            Some(object) if store.usable(object, now).is_err() => {
                Err(missing(status::ACCOUNT_DISABLED))
            }
            Some(object) => Ok(Caller::Account(object.guid)),
        }
    }

    /// Renews the password of a name when it is old enough.
    pub(super) fn rotate(
        &mut self,
        services: &mut dyn Services,
        name: &str,
        account: &NameAccount,
        at: &At,
    ) -> Option<Lived> {
        let mut lived = None;
        services.accounts(&mut |store, entropy| {
            let kept = self.kept(name, account);
            let mut computer = self.computer(store, name, kept);
            if computer.due().is_none_or(|due| due > at.clocks.node) {
                return;
            }
            let caller = computer
                .kept
                .guid
                .map_or(Caller::Anonymous, Caller::Account);
            let first = computer.rotate(entropy);
            let failed = at.life(caller, entropy).play(store, &mut computer, first);
            let account = keep(store, computer.kept);
            lived = Some(Lived { account, failed });
        });
        lived
    }
}

/// How the directory looks to whoever asks it.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) clocks: Clocks,
    /// No domain controller answers.
    pub(super) is_silent: bool,
    /// Another system answers to the name, which keeps the cluster from mending a password.
    pub(super) in_use: bool,
}

impl At {
    fn life<'a>(&self, caller: Caller, entropy: &'a mut dyn Entropy) -> Life<'a> {
        Life {
            caller,
            clocks: self.clocks,
            is_silent: self.is_silent,
            in_use: self.in_use,
            entropy,
        }
    }
}

impl Life<'_> {
    /// Asks the directory until the life cycle has come to its end.
    fn play(&mut self, store: &mut Store, computer: &mut Computer, first: Next) -> Option<Event> {
        let mut next = first;
        loop {
            let ask = match next {
                Next::Ask(ask) => ask,
                Next::Done => return None,
                Next::Failed(event) => return Some(event),
            };
            let now = self.clocks.directory;
            let answer = if self.is_silent {
                Answer::Refused(status::NO_SUCH_DOMAIN)
            } else {
                let mut call = Call::new(self.caller, now, self.entropy);
                execute(store, &ask, self.clocks.node, &mut call)
            };
            next = computer.answered(answer, self.in_use, self.clocks.node, self.entropy);
        }
    }
}

fn keep(store: &Store, kept: Kept) -> NameAccount {
    let object_guid = kept.guid.map(|guid| guid.digits()).unwrap_or_default();
    let is_known = !object_guid.is_empty();
    NameAccount {
        object_guid,
        creating_dc: match is_known {
            true => store.domain().controller(),
            false => String::new(),
        },
        password: kept.password.unwrap_or_default(),
        changed: kept.changed,
    }
}

/// Whoever creates the cluster.
fn administrator(store: &Store) -> Option<Caller> {
    let object = store.by_account("administrator")?;
    Some(Caller::Account(object.guid))
}

fn add_service_account(store: &mut Store, now: WallTime, entropy: &mut dyn Entropy) {
    let value = |text: &str| vec![text.as_bytes().to_vec()];
    let users = store.domain().base().child("CN", "Users");
    let new = NewObject {
        name: users.child("CN", SERVICE_ACCOUNT),
        attributes: vec![
            ("objectClass".into(), value("user")),
            ("sAMAccountName".into(), value(SERVICE_ACCOUNT)),
            ("userAccountControl".into(), value(NORMAL_ACCOUNT)),
        ],
    };
    // Without it names have nobody to ask as, and say so.
    let _named_when_it_is_missed = store.create(&new, &mut Call::new(Caller::System, now, entropy));
}

/// An event of the life cycle as the cluster reports it.
pub(super) fn event(event: Event) -> NameEvent {
    NameEvent {
        number: u16::try_from(event.number).unwrap_or(u16::MAX),
        status: event.status,
    }
}

/// The event of a password that was renewed.
pub(super) fn renewed() -> NameEvent {
    NameEvent {
        number: PASSWORD_CHANGED,
        status: status::SUCCESS,
    }
}
