//! The dependency tree: order of coming online and going offline, and what a failure pulls along.

use super::{EVENTUALLY, SAMPLE, SINCE_2008, break_once, enters, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::observation::Observation;
use crate::subject::{Of, Told};
use crate::trial::Trial;
use base::ResourceState::{Offline, OfflinePending, Online, OnlinePending};
use base::{Notice, ResourceState};

pub(super) fn cases() -> Vec<Case> {
    vec![
        providers_come_online_first(),
        dependents_go_offline_first(),
        a_failed_provider_takes_its_dependents_along(),
        the_order_holds_through_a_failover(),
        one_provider_of_an_or_list_is_enough(),
        an_administrator_changes_what_a_resource_depends_on(),
    ]
}

/// A group `app` in which `top` depends on `mid` and `mid` on `low`.
fn chain() -> Lab {
    let program =
        |depends: &str| format!("{{ type: generic-application, command: sleep 86400{depends} }}");
    let (low, mid, top) = (
        program(""),
        program(", depends: low"),
        program(", depends: mid"),
    );
    Lab::of(2).group(
        "app",
        &format!("{{ resources: {{ low: {low}, mid: {mid}, top: {top} }} }}"),
    )
}

const LINKS: [(&str, &str); 2] = [("app/low", "app/mid"), ("app/mid", "app/top")];

/// Place in the list of events of the first one that the filter takes.
fn place(
    trial: &mut Trial<'_>,
    mark: usize,
    resource: &str,
    state: ResourceState,
) -> Result<usize, Stop> {
    let mut filter = enters(trial.id(resource)?, state);
    let place = trial
        .seen()
        .since(mark)
        .position(|event| filter(&event.notice));
    trial.check(&format!("{resource} becomes {state}"), place.is_some())?;
    Ok(place.unwrap_or_default())
}

fn providers_come_online_first() -> Case {
    Case {
        id: "dependency/providers-come-online-first".into(),
        title: "A resource begins to come online only after all it depends on is online".into(),
        clauses: &["RCM-10", "RCM-5"],
        source: &[("3.2", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&chain())?;
            for (provider, dependent) in LINKS {
                let ready = place(trial, 0, provider, Online)?;
                let begins = place(trial, 0, dependent, OnlinePending)?;
                trial.check(
                    &format!("{provider} is online before {dependent}"),
                    ready < begins,
                )?;
            }
            Ok(())
        }),
    }
}

fn dependents_go_offline_first() -> Case {
    Case {
        id: "dependency/dependents-go-offline-first".into(),
        title: "A resource begins to go offline only after all that depends on it is offline"
            .into(),
        clauses: &["RCM-10", "RCM-11", "RCM-5"],
        source: &[("3.2", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&chain())?;
            let mark = trial.mark();
            trial.act("{ do: offline, group: app }")?;
            trial.needs(secs(60), "the group is offline", |seen| {
                seen.state("app/low") == Offline
            })?;
            for (provider, dependent) in LINKS {
                let gone = place(trial, mark, dependent, Offline)?;
                let begins = place(trial, mark, provider, OfflinePending)?;
                trial.check(
                    &format!("{dependent} is offline before {provider}"),
                    gone < begins,
                )?;
            }
            Ok(())
        }),
    }
}

fn a_failed_provider_takes_its_dependents_along() -> Case {
    Case {
        id: "dependency/a-failed-provider-takes-its-dependents-along".into(),
        title: "When a provider fails its dependents go offline, and return when it restarts"
            .into(),
        clauses: &["RCM-11"],
        source: &[("1.2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&chain())?;
            let mark = break_once(trial, "app/low")?;
            trial.within(EVENTUALLY, "the group is online again", |seen| {
                seen.online("app")
            })?;
            for dependent in ["app/mid", "app/top"] {
                place(trial, mark, dependent, Offline)?;
            }
            let failed = |notice: &Notice| matches!(notice, Notice::IsAliveFailed { .. });
            let failed = trial.events(mark, failed);
            trial.equal("the number of failures", failed.len(), 1)
        }),
    }
}

/// No resource is online while what it depends on is not.
fn in_order(seen: &Observation) -> bool {
    LINKS.iter().all(|(provider, dependent)| {
        seen.state(dependent) != Online || seen.state(provider) == Online
    })
}

fn the_order_holds_through_a_failover() -> Case {
    Case {
        id: "dependency/the-order-holds-through-a-move".into(),
        title: "At no moment of a move is a resource online without what it depends on".into(),
        clauses: &["RCM-10", "RCM-7"],
        source: &[("3.2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&chain())?;
            let owner = trial.owner("app")?;
            let target = if owner == "n1" { "n2" } else { "n1" };
            trial.act(format!("{{ do: move, group: app, to: {target} }}"))?;
            trial.stays(
                secs(120),
                "providers are online before dependents",
                in_order,
            )?;
            let now = trial.owner("app")?;
            trial.equal("the owner", now.as_str(), target)?;
            let online = trial.seen().online("app");
            trial.check("the group is online", online)
        }),
    }
}

fn one_provider_of_an_or_list_is_enough() -> Case {
    Case {
        id: "dependency/one-provider-of-an-or-list-is-enough".into(),
        title: "A dependent of an or-list stays online while one provider of it is online".into(),
        clauses: &["RCM-10", "RCM-11"],
        source: &[("3.2", Mark::Excerpt)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let program = "type: generic-application, command: sleep 86400";
            let either = format!("{{ {program}, depends: left or right }}");
            let resources =
                format!("{{ left: {{ {program} }}, right: {{ {program} }}, either: {either} }}");
            trial.form(&Lab::of(2).group("app", &format!("{{ resources: {resources} }}")))?;
            trial.act("{ do: offline, resource: app/left }")?;
            trial.needs(secs(60), "left is offline", |seen| {
                seen.state("app/left") == Offline
            })?;
            trial.stays(secs(60), "the dependent stays online", |seen| {
                seen.state("app/either") == Online
            })?;
            trial.act("{ do: offline, resource: app/right }")?;
            trial.within(secs(60), "the dependent is offline", |seen| {
                seen.state("app/either") == Offline
            })
        }),
    }
}

const EXPRESSION: &str = "DependencyExpression";

fn set(trial: &mut Trial<'_>, resource: &str, expression: &str) -> Result<(), Stop> {
    let property = format!("property: {EXPRESSION}, value: \"{expression}\"");
    let told = trial.answer(format!(
        "{{ do: set, resource: app/{resource}, {property} }}"
    ))?;
    trial.equal("the answer", told, Told::Done)?;
    let of = Of::Resource("app".into(), resource.into());
    trial.has(&of, EXPRESSION, expression)
}

fn an_administrator_changes_what_a_resource_depends_on() -> Case {
    Case {
        id: "dependency/an-administrator-changes-what-a-resource-depends-on".into(),
        title: "Setting a dependency expression replaces all dependencies, and the tree follows"
            .into(),
        clauses: &["RCM-10"],
        source: &[("3.2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&chain())?;
            let top = Of::Resource("app".into(), "top".into());
            trial.has(&top, EXPRESSION, "[mid]")?;
            for (expression, code) in [("[top]", 87), ("[elsewhere]", 5_007), ("[mid", 87)] {
                let property = format!("property: {EXPRESSION}, value: \"{expression}\"");
                trial.refused(
                    format!("{{ do: set, resource: app/low, {property} }}"),
                    code,
                )?;
            }
            set(trial, "top", "")?;
            trial.act("{ do: offline, resource: app/mid }")?;
            trial.needs(secs(60), "mid is offline", |seen| {
                seen.state("app/mid") == Offline
            })?;
            trial.stays(secs(30), "top stays online without it", |seen| {
                seen.state("app/top") == Online
            })?;
            set(trial, "top", "[low]")?;
            trial.act("{ do: offline, resource: app/low }")?;
            trial.within(secs(60), "top goes offline with low", |seen| {
                seen.state("app/top") == Offline
            })
        }),
    }
}
