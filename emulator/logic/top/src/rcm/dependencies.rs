//! What a resource depends on, as administrators write it: `[name] and ([name] or [name])`.
//!
//! Facts: reference section 3.2 (SetClusterResourceDependencyExpression): an item is one name or id
//! in brackets or a list in parentheses, setting an expression replaces all dependencies, an empty
//! one clears them; all are of the same group. The database has ids, so names are looked up on the
//! way in and out. What the model forbids (circles, missing providers) is judged with the change.

use base::ResourceId;
use middle::database::Value;

use super::Rcm;
use super::commands::Refusal;
use crate::api::code;

/// The property under which the expression is set and read; our name, as the product has calls of
/// its own for it.
pub(super) const EXPRESSION: &str = "DependencyExpression";

impl Rcm {
    /// An expression with names as the database keeps it.
    pub(super) fn expression_by_ids(&self, of: ResourceId, text: &str) -> Result<Value, Refusal> {
        let group = self.group_of(of)?;
        let (mut ids, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once('[') {
            let Some((name, after)) = after.split_once(']') else {
                let reason = format!("`{text}` has no `]` for each `[`");
                return Err(Refusal(code::INVALID_PARAMETER, reason));
            };
            let mut members = self.model.of_group(group);
            let named = |(id, it): &(ResourceId, &super::model::ResourceSettings)| {
                it.name.eq_ignore_ascii_case(name.trim()) || id.to_string() == name.trim()
            };
            let Some((id, _)) = members.find(named) else {
                let group = self.model.group_name(group);
                let reason = format!("group {group} has no resource `{name}`");
                return Err(Refusal(code::RESOURCE_NOT_FOUND, reason));
            };
            ids += &format!("{before}[{id}]");
            rest = after;
        }
        Ok(Value::Text(ids + rest))
    }

    /// What a resource depends on, by names.
    pub(super) fn expression_by_names(&self, of: ResourceId) -> Value {
        let settings = self.model.resources.get(&of);
        let items = settings.map_or(&[][..], |it| it.dependencies.0.as_slice());
        let name = |id: &ResourceId| {
            let known = self.model.resources.get(id);
            known.map_or_else(|| format!("[{id}]"), |it| format!("[{}]", it.name))
        };
        let item = |item: &Vec<ResourceId>| {
            let names: Vec<String> = item.iter().map(name).collect();
            match names.as_slice() {
                [one] => one.clone(),
                several => format!("({})", several.join(" or ")),
            }
        };
        let items: Vec<String> = items.iter().map(item).collect();
        Value::Text(items.join(" and "))
    }
}
