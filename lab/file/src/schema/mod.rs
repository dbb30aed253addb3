//! The JSON Schema of lab files, generated from the syntax types.

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use crate::syntax::LabFile;

/// The schema as JSON text, with a line break at the end. It is committed with the project, and
/// editors that know YAML schemas complete and check lab files with it.
#[must_use]
pub fn json_schema() -> String {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<LabFile>();
    schema.insert(
        "title".to_owned(),
        "looksalive lab file, schema version 1".into(),
    );
    let text = serde_json::to_string_pretty(&sorted(schema.to_value())).unwrap_or_default();
    text + "\n"
}

/// Keys in alphabetical order, whatever map the JSON library was built with.
fn sorted(json: Json) -> Json {
    match json {
        Json::Object(object) => {
            let mut entries: Vec<(String, Json)> = object.into_iter().collect();
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            entries
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect()
        }
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests;
