//! What an administrator does, asked of a live member.

use base::{GroupId, NodeId, RequestId};
use file::model::{Action, Selector};
use top::api::AdminCommand;

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
            Action::MoveGroup { group, to } => {
                let group = self.group(group)?;
                let to = match to {
                    Some(to) => self.nodes(to)?.first().copied(),
                    None => None,
                };
                vec![AdminCommand::MoveGroup { group, to }]
            }
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
        })
    }

    fn for_each(
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
