//! What an administrator asks a lab to show or to set: objects, their properties, and what the
//! answers look like as JSON.

use serde_json::{Value, json};
use sim::session::{self, Of};
use sim::{Session, Stage};
use top::api::{AdminCommand, AdminReply, Entry, Object};

/// The request for `list`, `show` or `set`; nothing for what is no such thing.
///
/// # Errors
/// There is no object of that name, or a word is missing.
pub(crate) fn command<W: Stage>(
    session: &Session<W>,
    what: &Value,
) -> Result<Option<AdminCommand>, String> {
    let text = |key: &str| what[key].as_str().map(str::to_owned);
    let object = || {
        let of = of(what["kind"].as_str().unwrap_or_default(), text("name"))?;
        session.object(&of).map_err(|_| match text("name") {
            Some(name) => format!("the lab has no such object as `{name}`"),
            None => "which object?".to_owned(),
        })
    };
    Ok(Some(match what["action"].as_str().unwrap_or_default() {
        "list" => AdminCommand::ListObjects,
        "show" => {
            let object = object()?;
            match text("property") {
                Some(name) => AdminCommand::GetProperty { object, name },
                None => AdminCommand::ListProperties { object },
            }
        }
        "set" => {
            let object = object()?;
            let name = text("property").ok_or("which property?")?;
            let value = text("value").ok_or("to which value?")?;
            let generation = session.world().plan().settings.generation;
            AdminCommand::SetProperty {
                value: session::property_value(&object, &name, generation, &value),
                object,
                name,
            }
        }
        _ => return Ok(None),
    }))
}

fn of(kind: &str, name: Option<String>) -> Result<Of, String> {
    if kind == "cluster" {
        return Ok(Of::Cluster);
    }
    let name = name.ok_or_else(|| format!("which {kind}?"))?;
    let two = || {
        let parts = name
            .split_once('/')
            .map(|(a, b)| (a.to_owned(), b.to_owned()));
        parts.ok_or_else(|| format!("`{name}` needs a `/` between its two parts"))
    };
    Ok(match kind {
        "node" => Of::Node(name),
        "group" => Of::Group(name),
        "resource" => {
            let (group, name) = two()?;
            Of::Resource(group, name)
        }
        "type" => Of::Type(name),
        "network" => Of::Network(name),
        "interface" => {
            let (node, network) = two()?;
            Of::Interface(node, network)
        }
        other => return Err(format!("there is no kind of object `{other}`")),
    })
}

/// An answer as JSON, where there is more to it than that it was carried out.
pub(crate) fn shown(reply: &AdminReply) -> Option<Value> {
    Some(match reply {
        AdminReply::Done | AdminReply::Refused { .. } => return None,
        AdminReply::Data { bytes } => json!(session::page_text(bytes)),
        AdminReply::Value { value } => json!(session::text(value)),
        AdminReply::Properties { values } => {
            let value = |(name, value): &(String, _)| (name.clone(), json!(session::text(value)));
            Value::Object(values.iter().map(value).collect())
        }
        AdminReply::Objects { entries } => entries.iter().map(entry).collect(),
    })
}

fn entry(entry: &Entry) -> Value {
    let kind = match entry.object {
        Object::Cluster => "cluster",
        Object::Group { .. } => "group",
        Object::Resource { .. } => "resource",
        Object::Type { .. } => "type",
        Object::Node { .. } => "node",
        Object::Network { .. } => "network",
        Object::Interface { .. } => "interface",
    };
    json!({ "kind": kind, "name": entry.name, "state": entry.state,
            "owner": entry.owner.map(|node| node.number()) })
}
