//! What an administrator does, asked of a live member.

use base::{Generation, GroupId, NodeId, RequestId};
use bottom::csvfs::PageIo;
use file::model::{Action, PropertyOwner, Selector};
use middle::database::Value;
use top::api::property::Form;
use top::api::{AdminCommand, Object};

use super::{Session, Unfit};
use crate::stage::Stage;

impl<W: Stage> Session<W> {
    /// Does one thing as an administrator would, at the lowest node that is an active member.
    /// Returns the requests that were made; [`Session::answer`] has what becomes of them.
    ///
    /// # Errors
    /// It picks nothing at the moment, or nobody can be asked.
    pub fn act(&mut self, action: &Action) -> Result<Vec<RequestId>, Unfit> {
        let commands = self.commands(action)?;
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let quorate = self.observe().quorate();
        let at = quorate.first().ok_or(Unfit::NobodyToAsk)?;
        let asked = commands.into_iter().map(|it| self.world.ask(at, it));
        Ok(asked.collect())
    }

    fn commands(&mut self, action: &Action) -> Result<Vec<AdminCommand>, Unfit> {
        Ok(match action {
            Action::MoveGroup { group, to, queue } => {
                let group = self.group(group)?;
                let to = match to {
                    Some(to) => self.nodes(to)?.first().copied(),
                    None => None,
                };
                vec![if *queue {
                    AdminCommand::QueueMove { group, to }
                } else {
                    AdminCommand::MoveGroup { group, to }
                }]
            }
            Action::Pause(nodes) => {
                self.for_each(nodes, |node| AdminCommand::PauseNode { node, drain: false })?
            }
            Action::Drain(nodes) => {
                self.for_each(nodes, |node| AdminCommand::PauseNode { node, drain: true })?
            }
            Action::Resume(nodes) => {
                self.for_each(nodes, |node| AdminCommand::ResumeNode { node })?
            }
            Action::Heal => {
                self.heal();
                Vec::new()
            }
            Action::SetProperty {
                of,
                property,
                value,
            } => self.set_property(of, property, value)?,
            other => self.on_things(other)?,
        })
    }

    /// What is done to groups, resources and volumes.
    fn on_things(&mut self, action: &Action) -> Result<Vec<AdminCommand>, Unfit> {
        Ok(match action {
            Action::OnlineGroup(group) => {
                let group = self.group(group)?;
                vec![AdminCommand::OnlineGroup { group }]
            }
            Action::OfflineGroup(group) => {
                let group = self.group(group)?;
                vec![AdminCommand::OfflineGroup { group }]
            }
            Action::OnlineResource { group, resource } => {
                let resource = self.resource(group, resource)?;
                vec![AdminCommand::OnlineResource { resource }]
            }
            Action::OfflineResource { group, resource } => {
                let resource = self.resource(group, resource)?;
                vec![AdminCommand::OfflineResource { resource }]
            }
            Action::FailResource { group, resource } => {
                let resource = self.resource(group, resource)?;
                vec![AdminCommand::FailResource { resource }]
            }
            Action::Maintenance {
                group,
                resource,
                on,
            } => {
                let resource = self.resource(group, resource)?;
                let (on, at) = (*on, None);
                vec![AdminCommand::SetMaintenanceMode { resource, on, at }]
            }
            Action::WriteVolume {
                nodes,
                group,
                resource,
                page,
                value,
            } => {
                let (page, data) = (*page, value.clone().into_bytes());
                self.volume_io(nodes, group, resource, &PageIo::Write { page, data })?
            }
            Action::ReadVolume {
                nodes,
                group,
                resource,
                page,
                ..
            } => {
                let page = *page;
                self.volume_io(nodes, group, resource, &PageIo::Read { page })?
            }
            other => self.administer(other)?,
        })
    }

    fn volume_io(
        &mut self,
        nodes: &Selector,
        group: &str,
        resource: &str,
        io: &PageIo,
    ) -> Result<Vec<AdminCommand>, Unfit> {
        let resource = self.resource(group, resource)?;
        self.for_each(nodes, |at| AdminCommand::VolumeIo {
            resource,
            at,
            io: io.clone(),
        })
    }

    fn set_property(
        &mut self,
        of: &PropertyOwner,
        name: &str,
        value: &str,
    ) -> Result<Vec<AdminCommand>, Unfit> {
        let objects = match of {
            PropertyOwner::Cluster => vec![Object::Cluster],
            PropertyOwner::Group(group) => {
                let group = self.group(group)?;
                vec![Object::Group { group }]
            }
            PropertyOwner::Resource(group, resource) => {
                let resource = self.resource(group, resource)?;
                vec![Object::Resource { resource }]
            }
            PropertyOwner::Networks(networks) => {
                let networks = self.networks(Some(networks))?.into_iter();
                networks
                    .map(|network| Object::Network { network })
                    .collect()
            }
            PropertyOwner::Type(label) => vec![Object::Type {
                label: label.clone(),
            }],
            PropertyOwner::Nodes(nodes) => {
                let nodes = self.nodes(nodes)?.into_iter();
                nodes.map(|node| Object::Node { node }).collect()
            }
        };
        let generation = self.world.plan().settings.generation;
        let command = |object: Object| AdminCommand::SetProperty {
            value: property_value(&object, name, generation, value),
            name: name.to_owned(),
            object,
        };
        Ok(objects.into_iter().map(command).collect())
    }

    pub(super) fn for_each(
        &mut self,
        nodes: &Selector,
        command: impl Fn(NodeId) -> AdminCommand,
    ) -> Result<Vec<AdminCommand>, Unfit> {
        Ok(self.nodes(nodes)?.into_iter().map(command).collect())
    }

    fn group(&self, name: &str) -> Result<GroupId, Unfit> {
        let group = self.world.plan().names.group(name);
        group.ok_or_else(|| Unfit::Unknown(format!("group `{name}`")))
    }
}

/// The value as the property of an object wants it; a number where it looks like one and nobody
/// knows better.
pub fn property_value(object: &Object, name: &str, generation: Generation, text: &str) -> Value {
    let form = object.property(name, generation).map(|it| it.form);
    match (form, text.parse()) {
        (Some(Form::Texts), _) => {
            let texts = text.split(',').map(|word| word.trim().to_owned());
            Value::Texts(texts.filter(|word| !word.is_empty()).collect())
        }
        (Some(Form::Dword { .. } | Form::OneOf(_)) | None, Ok(number)) => Value::Dword(number),
        _ => Value::Text(text.to_owned()),
    }
}
