//! What administrators are told: properties, and the answers to what they do.
//!
//! Answers are plain text here, so that whoever judges them needs no word of the managers'.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{NodeId, RequestId};
use file::model::Action;
use middle::database::Value;
use top::api::{AdminCommand, AdminReply, Object};

use super::{Session, Unfit};
use crate::stage::Stage;
use crate::world::{Fault, MachineFault};

/// How long an administrator waits for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// What has properties, by the lab file's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// The cluster.
    Cluster,
    /// A node.
    Node(String),
    /// A group.
    Group(String),
    /// A resource, by group and name.
    Resource(String, String),
    /// A resource type, by the product's name for it.
    Type(String),
}

/// What an administrator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is done, or under way where it takes time.
    Done,
    /// A value: a number in decimal, a text as it is, several texts with commas between.
    Value(String),
    /// It is not done, with the product's error number and the reason in words.
    Refused(u32, String),
    /// Nothing, for as long as anybody would wait.
    Silence,
}

impl<W: Stage> Session<W> {
    /// Reads a property through a node; through the lowest active member where none is named.
    ///
    /// # Errors
    /// There is no such object, or nobody can be asked.
    pub fn property(&mut self, through: Option<&str>, of: &Of, name: &str) -> Result<Told, Unfit> {
        let object = self.object(of)?;
        let name = name.to_owned();
        let at = match through {
            Some(node) => self.node(node)?,
            None => self.observe().quorate().first().ok_or(Unfit::NobodyToAsk)?,
        };
        let request = self
            .world
            .ask(at, AdminCommand::GetProperty { object, name });
        Ok(self.told(request))
    }

    /// Does what an administrator would do and waits for the answer. Of several nodes the first
    /// refusal counts.
    ///
    /// # Errors
    /// It picks nothing at the moment, or nobody can be asked.
    pub fn answered(&mut self, action: &Action) -> Result<Told, Unfit> {
        let requests = self.act(action)?;
        let told: Vec<Told> = requests.into_iter().map(|it| self.told(it)).collect();
        let refused = told.into_iter().find(|it| *it != Told::Done);
        Ok(refused.unwrap_or(Told::Done))
    }

    /// From now on, or no longer, a node's own disk refuses to write.
    ///
    /// # Errors
    /// There is no such node, or the backend has no way to do it.
    pub fn set_own_disk(&mut self, node: &str, fails: bool) -> Result<(), Unfit> {
        let node = self.node(node)?;
        if let Some(fault) = self.own_disks.remove(&node) {
            self.world.heal(fault);
        }
        if fails {
            let id = self.world.next_fault();
            let fault = Fault::Machine(node, MachineFault::DiskFails);
            self.world.make(id, fault)?;
            self.own_disks.insert(node, id);
        }
        Ok(())
    }

    /// A node's replica of the cluster database as it shows it now: keys with their values. Nothing
    /// while its service does not run.
    #[must_use]
    pub fn database(&self, node: &str) -> Option<BTreeMap<String, BTreeMap<String, String>>> {
        let node = self.world.plan().names.node(node)?;
        let picture = self.world.picture(node)?;
        let shown = |(key, values): (&String, &BTreeMap<String, Value>)| {
            let values = values.iter().map(|(name, it)| (name.clone(), text(it)));
            (key.clone(), values.collect())
        };
        Some(picture.hive.keys().iter().map(shown).collect())
    }

    fn told(&mut self, request: RequestId) -> Told {
        self.run_until(PATIENCE, |session| session.answer(request).is_some());
        match self.answer(request) {
            None => Told::Silence,
            Some(AdminReply::Value { value }) => Told::Value(text(value)),
            Some(AdminReply::Refused { code, reason, .. }) => Told::Refused(*code, reason.clone()),
            Some(_) => Told::Done,
        }
    }

    fn node(&self, name: &str) -> Result<NodeId, Unfit> {
        let node = self.world.plan().names.node(name);
        node.ok_or_else(|| Unfit::Unknown(format!("node `{name}`")))
    }

    fn object(&self, of: &Of) -> Result<Object, Unfit> {
        let names = &self.world.plan().names;
        let found = match of {
            Of::Cluster => Some(Object::Cluster),
            Of::Node(node) => names.node(node).map(|node| Object::Node { node }),
            Of::Group(group) => names.group(group).map(|group| Object::Group { group }),
            Of::Resource(group, name) => {
                let resource = names.resource(group, name);
                resource.map(|resource| Object::Resource { resource })
            }
            Of::Type(label) => Some(Object::Type {
                label: label.clone(),
            }),
        };
        found.ok_or_else(|| Unfit::Unknown("object of that name".to_owned()))
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Dword(number) => number.to_string(),
        Value::Qword(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Texts(texts) => texts.join(","),
        Value::Binary(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
