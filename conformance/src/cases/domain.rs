//! Network names in the domain: their computer objects, their NetBIOS names, and what follows when
//! the directory is in trouble.

use super::{EVENTUALLY, SINCE_2008, SINCE_2012, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;
use crate::{Of, Told};
use base::{Generation, Notice, ResourceState};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        a_name_has_a_computer_object(),
        a_name_of_2003_has_one_on_request(),
        a_password_out_of_step_is_mended(),
        a_name_that_loses_its_registration_says_so(),
        netbios_is_bound_until_2016(),
        netbios_is_gone_from_2016_on(),
        a_silent_netbios_name_server_only_warns(),
        the_quota_keeps_a_name_offline(),
        a_deleted_object_is_made_anew(),
        a_deleted_object_fails_the_name(),
        a_node_that_is_cut_from_the_directory_cannot_take_a_name(),
        trouble_of_an_object_is_told_while_the_name_is_online(),
        statuses_are_properties(),
    ];
    cases.extend(TROUBLES.iter().map(trouble_fails_the_name));
    cases
}

const ONLY_2003: &[Generation] = &[Generation::V2003];
const WITH_NETBIOS: &[Generation] = &[
    Generation::V2003,
    Generation::V2008,
    Generation::V2008R2,
    Generation::V2012,
    Generation::V2012R2,
];
const WITHOUT_NETBIOS: &[Generation] = &[Generation::V2016, Generation::V2019, Generation::V2022];
const BEFORE_2012: &[Generation] = &[Generation::V2008, Generation::V2008R2];
const NAME: &str = "fs/name";
/// A status of a registration that was never tried.
const NEVER: &str = "4294967295";

/// A lab with a domain and a group `fs` with an address and a name of these properties.
fn in_domain(properties: &str) -> Lab {
    let resources = format!(
        "ip: {{ type: ip-address, address: 10.10.1.101 }}, \
         name: {{ type: network-name, name: FS1, depends: ip, properties: {{ {properties} }} }}"
    );
    let policy = "failover: { limit: 0 }";
    Lab::of(3).domain().group(
        "fs",
        &format!("{{ {policy}, resources: {{ {resources} }} }}"),
    )
}

fn has_event(event: u16) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::NetworkName { .. }) && notice.event_id() == Some(event)
}

fn is_told(trial: &mut Trial<'_>, mark: usize, event: u16) -> Result<(), Stop> {
    let what = format!("event {event} is told");
    trial.within(secs(120), &what, |seen| {
        seen.since(mark).any(|said| has_event(event)(&said.notice))
    })
}

fn is_online(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.within(EVENTUALLY, "the name is online", |seen| {
        seen.state(NAME) == ResourceState::Online
    })
}

fn has_failed(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.within(EVENTUALLY, "the name has failed", |seen| {
        seen.state(NAME) == ResourceState::Failed
    })
}

fn go_offline(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.act("{ do: offline, group: fs }")?;
    trial.needs(secs(60), "the name is offline", |seen| {
        seen.state(NAME) == ResourceState::Offline
    })
}

/// The name goes offline and comes online during a fault; where the log was before.
fn come_online_during(trial: &mut Trial<'_>, fault: &str) -> Result<usize, Stop> {
    go_offline(trial)?;
    trial.fault(fault)?;
    let mark = trial.mark();
    trial.act("{ do: online, group: fs }")?;
    Ok(mark)
}

/// The name's resource.
fn name() -> Of {
    Of::Resource("fs".into(), "name".into())
}

/// What a name's host reports takes an update of the cluster to be seen.
const UPDATE: std::time::Duration = secs(5);

/// The name shows this value of a private property.
fn shows(trial: &mut Trial<'_>, property: &str, value: &str) -> Result<(), Stop> {
    trial.run(UPDATE);
    trial.has(&name(), property, value)
}

/// A private property of the name, as the cluster shows it.
fn property(trial: &mut Trial<'_>, property: &str) -> Result<String, Stop> {
    trial.run(UPDATE);
    match trial.property(None, &name(), property)? {
        Told::Value(value) => Ok(value),
        _ => {
            trial.check(&format!("the name has a property {property}"), false)?;
            Ok(String::new())
        }
    }
}

fn a_name_has_a_computer_object() -> Case {
    Case {
        id: "domain/a-name-has-a-computer-object".into(),
        title: "A client access point has a computer account, which every owner of the name finds \
                by its GUID: it stays the same when the name moves"
            .into(),
        clauses: &["OS-4"],
        source: &[("8", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            shows(trial, "StatusKerberos", "0")?;
            let guid = property(trial, "ObjectGUID")?;
            trial.equal("digits of ObjectGUID", guid.len(), 32)?;
            let owner = trial.owner("fs")?;
            trial.act("{ do: move, group: fs }")?;
            trial.within(secs(60), "the name is online elsewhere", |seen| {
                let moved = seen.owner("fs").is_some_and(|now| now != owner);
                moved && seen.state(NAME) == ResourceState::Online
            })?;
            shows(trial, "ObjectGUID", &guid)
        }),
    }
}

fn a_name_of_2003_has_one_on_request() -> Case {
    Case {
        id: "domain/a-name-of-2003-has-an-object-on-request".into(),
        title: "A name of 2003 has a computer object, and needs the domain, only with \
                RequireKerberos"
            .into(),
        clauses: &["OS-4"],
        source: &[("8", Mark::Excerpt)],
        generations: ONLY_2003,
        run: Box::new(|trial| {
            trial.form(&in_domain("RequireKerberos: 1"))?;
            is_online(trial)?;
            shows(trial, "StatusKerberos", "0")?;
            come_online_during(trial, "{ directory: ad, do: down }")?;
            has_failed(trial)?;
            trial.form(&in_domain(""))?;
            come_online_during(trial, "{ directory: ad, do: down }")?;
            is_online(trial)?;
            shows(trial, "StatusKerberos", NEVER)
        }),
    }
}

fn a_password_out_of_step_is_mended() -> Case {
    Case {
        id: "domain/a-password-out-of-step-is-mended".into(),
        title:
            "The cluster mends the password of a virtual server, unless it has lost its rights on \
                the object"
                .into(),
        clauses: &["OS-4"],
        source: &[("8", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            let change = "{ directory: ad, do: change-password, account: FS1 }";
            come_online_during(trial, change)?;
            is_online(trial)?;
            trial.fault("{ directory: ad, do: strip-rights, account: FS1 }")?;
            let mark = come_online_during(trial, change)?;
            has_failed(trial)?;
            is_told(trial, mark, 1207)
        }),
    }
}

fn a_name_that_loses_its_registration_says_so() -> Case {
    Case {
        id: "domain/a-name-that-loses-its-registration-says-so".into(),
        title: "A name that is no longer registered on its node logs 1215 and is started again"
            .into(),
        clauses: &["OS-3"],
        source: &[("9", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            let mark = trial.mark();
            trial.fault("{ resource: fs/name, do: fail }")?;
            is_told(trial, mark, 1215)?;
            is_online(trial)
        }),
    }
}

fn netbios_is_bound_until_2016() -> Case {
    Case {
        id: "domain/netbios-is-bound-until-2016".into(),
        title:
            "The owner of a name registers it with NetBIOS; a name that another computer has does \
                not come online"
                .into(),
        clauses: &["OS-3"],
        source: &[("8", Mark::Stated)],
        generations: WITH_NETBIOS,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            shows(trial, "StatusNetBIOS", "0")?;
            let take = "{ directory: netbios, do: take-name, account: FS1 }";
            let mark = come_online_during(trial, take)?;
            has_failed(trial)?;
            is_told(trial, mark, 1214)?;
            trial.act("{ do: heal }")?;
            trial.act("{ do: online, group: fs }")?;
            is_online(trial)
        }),
    }
}

fn netbios_is_gone_from_2016_on() -> Case {
    Case {
        id: "domain/netbios-is-gone-from-2016-on".into(),
        title:
            "From 2016 on names are not registered with NetBIOS, so that nobody can take them there"
                .into(),
        clauses: &["OS-3"],
        source: &[("8", Mark::Stated)],
        generations: WITHOUT_NETBIOS,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            let take = "{ directory: netbios, do: take-name, account: FS1 }";
            come_online_during(trial, take)?;
            is_online(trial)?;
            shows(trial, "StatusNetBIOS", NEVER)
        }),
    }
}

fn a_silent_netbios_name_server_only_warns() -> Case {
    Case {
        id: "domain/a-silent-netbios-name-server-only-warns".into(),
        title: "A NetBIOS name server that does not answer costs event 1078 and not the name"
            .into(),
        clauses: &["OS-3"],
        source: &[("9", Mark::Stated)],
        generations: WITH_NETBIOS,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            let mark = come_online_during(trial, "{ directory: netbios, do: down }")?;
            is_online(trial)?;
            is_told(trial, mark, 1078)
        }),
    }
}

fn the_quota_keeps_a_name_offline() -> Case {
    Case {
        id: "domain/the-quota-keeps-a-name-offline".into(),
        title:
            "The quota of computer objects counts for the cluster's own object too: where it is \
                used up, a new name fails with event 1194 until there is room"
                .into(),
        clauses: &["OS-4"],
        source: &[("8", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            trial.fault("{ directory: ad, do: quota, count: 0 }")?;
            let delete = "{ directory: ad, do: delete, account: FS1 }";
            let mark = come_online_during(trial, delete)?;
            has_failed(trial)?;
            is_told(trial, mark, 1194)?;
            shows(trial, "StatusKerberos", "8557")?;
            trial.act("{ do: heal }")?;
            trial.act("{ do: online, group: fs }")?;
            is_online(trial)
        }),
    }
}

fn a_deleted_object_is_made_anew() -> Case {
    Case {
        id: "domain/a-deleted-object-is-made-anew".into(),
        title: "From 2012 on the object of a virtual server that was deleted is made anew".into(),
        clauses: &["OS-4"],
        source: &[("8", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            let before = property(trial, "ObjectGUID")?;
            come_online_during(trial, "{ directory: ad, do: delete, account: FS1 }")?;
            is_online(trial)?;
            let after = property(trial, "ObjectGUID")?;
            trial.check("the name has another object", before != after)
        }),
    }
}

fn a_deleted_object_fails_the_name() -> Case {
    Case {
        id: "domain/a-deleted-object-fails-the-name".into(),
        title: "Before 2012 a name whose object was deleted does not come online".into(),
        clauses: &["OS-4"],
        source: &[("9", Mark::Stated)],
        generations: BEFORE_2012,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            let delete = "{ directory: ad, do: delete, account: FS1 }";
            let mark = come_online_during(trial, delete)?;
            has_failed(trial)?;
            is_told(trial, mark, 1207)
        }),
    }
}

fn a_node_that_is_cut_from_the_directory_cannot_take_a_name() -> Case {
    Case {
        id: "domain/a-node-that-is-cut-from-the-directory-cannot-take-a-name".into(),
        title:
            "A node that does not reach the domain controller cannot bring a name online; one that \
                does can"
                .into(),
        clauses: &["OS-4"],
        source: &[("8", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&in_domain("").controller())?;
            is_online(trial)?;
            go_offline(trial)?;
            let owner = trial.owner("fs")?;
            trial.fault(format!("{{ link: [{owner}, dc], do: down }}"))?;
            let mark = trial.mark();
            trial.act("{ do: online, group: fs }")?;
            has_failed(trial)?;
            is_told(trial, mark, 1207)?;
            trial.act("{ do: move, group: fs }")?;
            trial.act("{ do: online, group: fs }")?;
            is_online(trial)
        }),
    }
}

fn trouble_of_an_object_is_told_while_the_name_is_online() -> Case {
    Case {
        id: "domain/trouble-of-an-object-is-told-while-the-name-is-online".into(),
        title:
            "A name that is online looks after its object: a domain that is down, an object that \
                is disabled or gone is told by an event of 1683 to 1688, and the name stays online"
                .into(),
        clauses: &["OS-4"],
        source: &[("9", Mark::Stated)],
        generations: WITHOUT_NETBIOS,
        run: Box::new(|trial| {
            for fault in [
                "{ directory: ad, do: down }",
                "{ directory: ad, do: disable, account: FS1 }",
                "{ directory: ad, do: delete, account: FS1 }",
            ] {
                trial.form(&in_domain(""))?;
                is_online(trial)?;
                let mark = trial.mark();
                trial.fault(fault)?;
                let of_object = |notice: &Notice| {
                    let event = notice.event_id();
                    event.is_some_and(|event| (1683..=1688).contains(&event))
                };
                trial.within(secs(150), "the trouble is told", |seen| {
                    seen.since(mark).any(|said| of_object(&said.notice))
                })?;
                is_online(trial)?;
            }
            Ok(())
        }),
    }
}

fn statuses_are_properties() -> Case {
    Case {
        id: "domain/statuses-are-properties".into(),
        title: "StatusDNS shows what became of the last registration; nobody may set it".into(),
        clauses: &["OS-3"],
        source: &[("2.1", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            shows(trial, "StatusDNS", "0")?;
            shows(trial, "HostRecordTTL", "1200")?;
            come_online_during(trial, "{ directory: dns, do: refuse-updates }")?;
            is_online(trial)?;
            shows(trial, "StatusDNS", "9005")?;
            let set = "{ do: set, resource: fs/name, property: StatusDNS, value: 0 }";
            trial.refused(set, INVALID_PARAMETER)
        }),
    }
}

/// ERROR_INVALID_PARAMETER
const INVALID_PARAMETER: u32 = 87;

/// A trouble of the domain that a name does not come online in.
struct Trouble {
    word: &'static str,
    fault: &'static str,
    event: u16,
    heals: bool,
}

const TROUBLES: &[Trouble] = &[
    Trouble {
        word: "a-domain-controller-that-is-down",
        fault: "{ directory: ad, do: down }",
        event: 1207,
        heals: true,
    },
    Trouble {
        word: "a-clock-ten-minutes-off",
        fault: "{ directory: ad, do: skew, offset: 10m }",
        event: 1231,
        heals: true,
    },
    Trouble {
        word: "a-disabled-object",
        fault: "{ directory: ad, do: disable, account: FS1 }",
        event: 1207,
        heals: true,
    },
    Trouble {
        word: "a-disabled-cluster-name",
        fault: "{ directory: ad, do: disable, account: CLU1 }",
        event: 1207,
        heals: true,
    },
    Trouble {
        word: "a-deleted-cluster-name",
        fault: "{ directory: ad, do: delete, account: CLU1 }",
        event: 1207,
        heals: false,
    },
];

fn trouble_fails_the_name(trouble: &'static Trouble) -> Case {
    let words = trouble.word.replace('-', " ");
    Case {
        id: format!("domain/{}-fails-the-name", trouble.word),
        title: format!(
            "With {words} a name does not come online, and event {} says why",
            trouble.event
        ),
        clauses: &["OS-4"],
        source: &[("8", Mark::Stated), ("9", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(move |trial| {
            trial.form(&in_domain(""))?;
            is_online(trial)?;
            let mark = come_online_during(trial, trouble.fault)?;
            has_failed(trial)?;
            is_told(trial, mark, trouble.event)?;
            if trouble.heals {
                trial.act("{ do: heal }")?;
                trial.act("{ do: online, group: fs }")?;
                is_online(trial)?;
            }
            Ok(())
        }),
    }
}
