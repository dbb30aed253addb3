//! Network names and the directory: what becomes of a name that cannot be registered.

use super::{ALL, EVENTUALLY, SINCE_2008, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;
use base::{Generation, Notice, ResourceState};

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_name_is_registered_when_it_comes_online(),
        a_name_that_cannot_be_registered_is_online_all_the_same(),
        a_required_registration_that_fails_fails_the_resource(),
        a_registration_that_is_not_required_fails_nothing(),
    ]
}

const ONLY_2003: &[Generation] = &[Generation::V2003];
const NAME: &str = "fs/name";

/// A group `fs` with an address and a name of these properties.
fn with_name(properties: &str) -> Lab {
    let resources = format!(
        "ip: {{ type: ip-address, address: 10.10.1.101 }}, \
         name: {{ type: network-name, name: FS1, depends: ip, properties: {{ {properties} }} }}"
    );
    Lab::of(3).group("fs", &format!("{{ resources: {{ {resources} }} }}"))
}

fn not_registered(notice: &Notice) -> bool {
    matches!(notice, Notice::NetworkName { .. })
}

/// The name goes offline and comes online while the name server has this fault.
fn come_online_while(trial: &mut Trial<'_>, fault: &str) -> Result<usize, Stop> {
    trial.act("{ do: offline, group: fs }")?;
    trial.needs(secs(60), "the name is offline", |seen| {
        seen.state(NAME) == ResourceState::Offline
    })?;
    trial.fault(format!("{{ directory: dns, do: {fault} }}"))?;
    let mark = trial.mark();
    trial.act("{ do: online, group: fs }")?;
    Ok(mark)
}

/// A registration has failed since the mark, with this event if one is named.
fn is_told(trial: &mut Trial<'_>, mark: usize, event: Option<u16>) -> Result<(), Stop> {
    let fits = move |notice: &Notice| {
        not_registered(notice) && event.is_none_or(|event| notice.event_id() == Some(event))
    };
    trial.within(secs(60), "the failed registration is reported", |seen| {
        seen.since(mark).any(|said| fits(&said.notice))
    })
}

fn is_online(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.within(EVENTUALLY, "the name is online", |seen| {
        seen.state(NAME) == ResourceState::Online
    })
}

fn a_name_is_registered_when_it_comes_online() -> Case {
    Case {
        id: "names/a-name-is-registered-when-it-comes-online".into(),
        title: "A virtual server's name is registered in DNS whenever it comes online: a server \
                that takes it hears of it, and one that does not is told of"
            .into(),
        clauses: &["OS-3"],
        source: &[],
        generations: ALL,
        run: Box::new(|trial| {
            trial.form(&with_name("HostRecordTTL: 300"))?;
            let started = trial.events(0, not_registered).len();
            trial.equal("registrations that failed", started, 0)?;
            let mark = come_online_while(trial, "refuse-updates")?;
            is_online(trial)?;
            is_told(trial, mark, None)?;
            trial.act("{ do: heal }")?;
            trial.act("{ do: offline, group: fs }")?;
            trial.run(secs(5));
            let mark = trial.mark();
            trial.act("{ do: online, group: fs }")?;
            is_online(trial)?;
            let failed = trial.events(mark, not_registered).len();
            trial.equal("registrations that failed after healing", failed, 0)
        }),
    }
}

fn a_name_that_cannot_be_registered_is_online_all_the_same() -> Case {
    Case {
        id: "names/a-name-that-cannot-be-registered-is-online-all-the-same".into(),
        title: "A name server that is silent or refuses costs a warning and not the resource"
            .into(),
        clauses: &["OS-3"],
        source: &[("8", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&with_name("HostRecordTTL: 300"))?;
            for (fault, event) in [("down", 1258), ("refuse-updates", 1257)] {
                let mark = come_online_while(trial, fault)?;
                is_online(trial)?;
                is_told(trial, mark, Some(event))?;
                trial.act("{ do: heal }")?;
            }
            trial.stays(secs(120), "the name is online", |seen| {
                seen.state(NAME) == ResourceState::Online
            })
        }),
    }
}

fn a_required_registration_that_fails_fails_the_resource() -> Case {
    Case {
        id: "names/a-required-registration-that-fails-fails-the-resource".into(),
        title: "With RequireDNS a name that cannot be registered does not come online".into(),
        clauses: &["ADDR-4"],
        source: &[("8", Mark::Stated)],
        generations: ONLY_2003,
        run: Box::new(|trial| {
            trial.form(&with_name("RequireDNS: 1"))?;
            come_online_while(trial, "refuse-updates")?;
            trial.within(EVENTUALLY, "the name has failed", |seen| {
                seen.state(NAME) == ResourceState::Failed
            })?;
            trial.act("{ do: heal }")?;
            trial.act("{ do: online, group: fs }")?;
            is_online(trial)
        }),
    }
}

fn a_registration_that_is_not_required_fails_nothing() -> Case {
    Case {
        id: "names/a-registration-that-is-not-required-fails-nothing".into(),
        title: "Without RequireDNS a name that cannot be registered comes online".into(),
        clauses: &["ADDR-4"],
        source: &[("8", Mark::Stated)],
        generations: ONLY_2003,
        run: Box::new(|trial| {
            trial.form(&with_name("RequireDNS: 0"))?;
            come_online_while(trial, "refuse-updates")?;
            is_online(trial)
        }),
    }
}
