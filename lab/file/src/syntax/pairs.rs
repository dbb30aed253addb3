//! Mappings from free words to single values.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::decode::{Decode, Decoder, Entry, to_schema};
use crate::yaml::Node;

/// A mapping from free words to single values, in file order.
#[derive(Debug, Clone)]
pub(crate) struct Pairs<T> {
    pub(crate) entries: Vec<Entry<T>>,
}

impl<T: Decode> Decode for Pairs<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut entries: Vec<Entry<T>> = Vec::new();
        let mut names = BTreeSet::new();
        for (key, node) in decoder.entries(node, "a mapping from words to values")? {
            if !names.insert(key.text.clone()) {
                decoder.duplicate_key(&key.text, key.span);
            } else if let Some(value) = T::decode(node, decoder) {
                entries.push(Entry {
                    name: key.text.clone(),
                    span: key.span,
                    value,
                });
            }
        }
        Some(Self { entries })
    }
}

impl<T: JsonSchema> JsonSchema for Pairs<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Pairs", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        to_schema(json!({ "type": "object", "additionalProperties": value }))
    }
}
