//! Background clients of a lab, and what each has seen: when its target did not answer.
//!
//! Where machines have adapters of their own a client's looks are real; elsewhere an address
//! answers while a machine that is awake serves it and both reach each other.

use std::time::Duration;

use base::{NetworkId, NodeId, ResourceId, Timestamp};
use file::model::Workload;
use plan::Plan;
use top::rcm::ResourceParameters;

use crate::hosts::Thing;
use crate::net::Station;
use crate::report::{Millis, Outage, WorkloadSeen};
use crate::stage::Stage;
use crate::world::Life;

/// One look of a client: when, and whether there was an answer.
pub type Look = (Timestamp, bool);

/// A client of a lab, in the numbers of its plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What the file says of it.
    pub workload: Workload,
    /// The machine that it runs on.
    pub station: Station,
    /// The resource that it looks at.
    pub resource: ResourceId,
    /// Where that is: its network and address.
    pub target: (NetworkId, String),
}

impl Client {
    /// The client of a workload; none where the plan lacks its machine or its target.
    #[must_use]
    pub fn of(workload: &Workload, plan: &Plan) -> Option<Self> {
        let others = plan.others.iter().map(|it| it.name.as_str());
        let members = plan.members.iter().map(|it| it.machine.name.as_str());
        let mut machines = (0..).map(Station).zip(members.chain(others));
        let (station, _) = machines.find(|(_, name)| *name == workload.from)?;
        let (group, name) = &workload.target;
        let resource = plan.names.resource(group, name)?;
        let parameters = &plan.model.resources.get(&resource)?.parameters;
        let ResourceParameters::IpAddress { network, address } = parameters else {
            return None;
        };
        Some(Self {
            workload: workload.clone(),
            station,
            resource,
            target: (*network, address.clone()),
        })
    }

    /// Whether the target would answer now, as the lab's model has it.
    pub fn is_answered(&self, stage: &(impl Stage + ?Sized)) -> bool {
        let (network, address) = &self.target;
        let thing = Thing::Address(*network, address.clone());
        let awake = |node: &NodeId| matches!(stage.life(*node), Life::Running | Life::Stopped);
        let networks = stage.networks();
        let answers = |node: NodeId| {
            let there = Station::from(node);
            if networks.attached(*network).contains(self.station) {
                networks.reaches(*network, self.station, there)
                    && networks.reaches(*network, there, self.station)
            } else {
                networks.exchange(self.station, there)
            }
        };
        let served = stage.outside().served(&thing);
        served.iter().filter(awake).any(answers)
    }
}

/// What a client has seen.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) client: Client,
    /// The target has answered once; what came before is no outage.
    answered: bool,
    /// Since when there is no answer.
    silent_since: Option<Timestamp>,
    outages: Vec<(Timestamp, Duration)>,
    last: Timestamp,
}

impl Record {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            answered: false,
            silent_since: None,
            outages: Vec::new(),
            last: Timestamp::ZERO,
        }
    }

    pub(crate) fn see(&mut self, (at, answers): Look) {
        self.last = self.last.max(at);
        match (answers, self.silent_since) {
            (true, Some(since)) => {
                self.outages.push((since, at.since(since)));
                self.silent_since = None;
            }
            (false, None) if self.answered => self.silent_since = Some(at),
            _ => {}
        }
        self.answered |= answers;
    }

    /// The longest time without an answer, one that goes on included; none before the first answer.
    pub(crate) fn longest(&self) -> Option<Duration> {
        let over = self.outages.iter().map(|(_, took)| *took);
        let now = self.silent_since.map(|since| self.last.since(since));
        self.answered
            .then(|| over.chain(now).max().unwrap_or_default())
    }

    pub(crate) fn seen(&self) -> WorkloadSeen {
        let Workload {
            name,
            from,
            kind,
            target: (group, resource),
            ..
        } = &self.client.workload;
        let going_on = self
            .silent_since
            .map(|since| (since, self.last.since(since)));
        let outages = self.outages.iter().copied().chain(going_on);
        WorkloadSeen {
            name: name.clone(),
            from: from.clone(),
            kind: kind.label(),
            target: format!("{group}/{resource}"),
            answered: self.answered,
            longest_outage_s: Millis::from(self.longest().unwrap_or_default()).seconds(),
            outages: outages
                .map(|(at, took)| Outage {
                    at: at.into(),
                    took: took.into(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    fn record(looks: &[(u64, bool)]) -> Record {
        let workload = Workload {
            name: "pings".to_owned(),
            position: file::position::Position { line: 1, column: 1 },
            from: "cli".to_owned(),
            kind: file::model::WorkloadKind::Ping,
            target: ("app".to_owned(), "ip".to_owned()),
            every: Duration::from_millis(100),
        };
        let mut record = Record::new(Client {
            workload,
            station: Station(3),
            resource: ResourceId(0),
            target: (NetworkId(0), "10.0.0.1".to_owned()),
        });
        for (millis, answers) in looks {
            record.see((at(*millis), *answers));
        }
        record
    }

    #[test]
    fn an_outage_lasts_from_the_first_look_without_an_answer_to_the_next_with_one() {
        let record = record(&[
            (0, true),
            (100, false),
            (200, false),
            (300, true),
            (400, true),
        ]);
        assert_eq!(record.outages, [(at(100), Duration::from_millis(200))]);
        assert_eq!(record.longest(), Some(Duration::from_millis(200)));
    }

    #[test]
    fn what_comes_before_the_first_answer_is_no_outage() {
        assert_eq!(record(&[(0, false), (500, false)]).longest(), None);
        let later = record(&[(0, false), (500, true)]);
        assert_eq!(later.longest(), Some(Duration::ZERO));
    }

    #[test]
    fn an_outage_that_goes_on_counts_as_well() {
        let record = record(&[(0, true), (100, false), (900, false)]);
        assert_eq!(record.longest(), Some(Duration::from_millis(800)));
        assert_eq!(record.seen().outages.len(), 1);
    }
}
