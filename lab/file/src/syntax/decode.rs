//! From the YAML tree to typed values: the traits, the wrappers, and mappings with known keys.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value as Json, json};

use crate::diagnostic::{Diagnostic, Sink};
use crate::nearest::nearest;
use crate::position::Position;
use crate::rule::Rule;
use crate::source::{Source, Span};
use crate::yaml::{Key, Node, Value};

/// Collects what is wrong while values are decoded.
pub(crate) struct Decoder<'s> {
    pub(crate) sink: Sink,
    pub(crate) source: &'s Source,
    /// Values that name ranges multiplied, against [`crate::yaml::VALUES_MAX`].
    pub(crate) expanded: usize,
    /// A network was refused, so an address without a network proves nothing.
    pub(crate) networks_incomplete: bool,
}

impl<'s> Decoder<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        Self {
            sink: Sink::default(),
            source,
            expanded: 0,
            networks_incomplete: false,
        }
    }
}

/// Reads a value of the tree. Everything wrong goes to the sink; `None` means nothing was usable.
pub(crate) trait Decode: Sized {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self>;
}

/// A single value as the file has it.
pub(crate) struct Scalar<'n> {
    pub(crate) text: &'n str,
    pub(crate) quoted: bool,
}

/// Why a single value is not what its place needs.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) rule: Rule,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(rule: Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    pub(crate) fn not_supported(word: &str) -> Self {
        Self::new(
            Rule::NotSupported,
            format!("`{word}` is not supported yet by any backend of this version"),
        )
    }

    pub(crate) fn unknown_word(word: &str, allowed: &[(&str, &str)]) -> Self {
        let words: Vec<&str> = allowed.iter().map(|(word, _)| *word).collect();
        let problem = Self::new(
            Rule::UnknownWord,
            format!("`{word}` is not a word known here"),
        );
        let allowed = words.join(", ");
        match nearest(word, words.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean `{near}`? allowed: {allowed}")),
            None => problem.hint(format!("allowed: {allowed}")),
        }
    }
}

/// A type that a single value stands for.
pub(crate) trait Plain: Sized + Clone + 'static {
    /// What the place needs, for messages: "a duration such as 90s".
    fn what() -> String;
    /// Name of its definition in the schema.
    fn schema_id() -> Cow<'static, str>;
    /// Its JSON Schema, without the allowance for variables.
    fn schema() -> Json;
    fn read(scalar: &Scalar<'_>) -> Result<Self, Problem>;
    /// What to write where a list or a mapping stands by mistake.
    fn instead_of_structure() -> Option<&'static str> {
        None
    }
    /// The words and their meaning, for enumerations.
    fn words() -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

/// A single value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<T: Plain> Decode for At<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::Scalar { text, quoted } = &node.value else {
            decoder.wrong_structure(node, &T::what(), T::instead_of_structure());
            return None;
        };
        if node.is_null() {
            decoder.wrong_type(node, &T::what());
            return None;
        }
        if text.contains("${") {
            // A variable that nobody declared, which was reported when it was filled in.
            decoder.sink.note_repetition();
            return None;
        }
        match T::read(&Scalar {
            text,
            quoted: *quoted,
        }) {
            Ok(value) => Some(Self {
                value,
                span: node.span,
            }),
            Err(problem) => {
                let diagnostic = Diagnostic::error(problem.rule, node.span, problem.message);
                decoder.sink.report(diagnostic.maybe_hint(problem.hint));
                None
            }
        }
    }
}

impl<T: Plain> JsonSchema for At<T> {
    fn schema_name() -> Cow<'static, str> {
        let id = T::schema_id();
        id.rsplit("::")
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
            .into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = T::schema();
        let description = schema
            .as_object_mut()
            .and_then(|object| object.remove("description"));
        // Variables and range templates may stand for every single value.
        let template = json!({ "type": "string", "pattern": r"\$\{|\{([0-9]+\+)?i\}" });
        let mut whole = json!({ "anyOf": [schema, template] });
        if let (Some(object), Some(description)) = (whole.as_object_mut(), description) {
            object.insert("description".to_owned(), description);
        }
        to_schema(whole)
    }
}

/// A list, or one item that stands for a list of one.
#[derive(Debug, Clone)]
pub(crate) struct OneOrMany<T> {
    pub(crate) items: Vec<T>,
    pub(crate) span: Span,
}

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let items = match &node.value {
            Value::List(nodes) => nodes
                .iter()
                .filter_map(|item| T::decode(item, decoder))
                .collect(),
            Value::Scalar { .. } | Value::Map(_) => vec![T::decode(node, decoder)?],
        };
        Some(Self {
            items,
            span: node.span,
        })
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrList", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        to_schema(json!({ "anyOf": [item, { "type": "array", "items": item }] }))
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::List(nodes) = &node.value else {
            decoder.wrong_type(node, "a list");
            return None;
        };
        Some(
            nodes
                .iter()
                .filter_map(|item| T::decode(item, decoder))
                .collect(),
        )
    }
}

/// A mapping from names to things, in file order, name ranges expanded.
#[derive(Debug, Clone)]
pub(crate) struct Named<T> {
    pub(crate) entries: Vec<Entry<T>>,
}

/// One named thing.
#[derive(Debug, Clone)]
pub(crate) struct Entry<T> {
    pub(crate) name: String,
    /// Where the name (or the range that it came from) stands.
    pub(crate) span: Span,
    pub(crate) value: T,
}

impl<T: Decode> Decode for Named<T> {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut entries: Vec<Entry<T>> = Vec::new();
        let mut names = BTreeSet::new();
        for (key, node) in decoder.entries(node, "a mapping from names to things")? {
            for (name, node) in crate::template::expand(key, node, decoder) {
                if !names.insert(name.clone()) {
                    decoder.duplicate_key(&name, key.span);
                } else if let Some(value) = T::decode(&node, decoder) {
                    entries.push(Entry {
                        name,
                        span: key.span,
                        value,
                    });
                }
            }
        }
        Some(Self { entries })
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        to_schema(json!({
            "type": "object",
            "propertyNames": { "pattern": crate::template::NAME_OR_RANGE_PATTERN },
            "additionalProperties": generator.subschema_for::<T>(),
        }))
    }
}

/// Whether a key of a mapping must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(non_camel_case_types, reason = "the words of the record macro")]
pub(crate) enum Need {
    required,
    optional,
    Later,
}

/// A key that a mapping knows.
#[derive(Debug)]
pub(crate) struct KeySpec {
    pub(crate) field: &'static str,
    /// The key, when it is not the field's name in kebab-case.
    pub(crate) renamed: &'static [&'static str],
    pub(crate) need: Need,
}

impl KeySpec {
    fn key(&self) -> String {
        match self.renamed.first() {
            Some(name) => (*name).to_owned(),
            None => self.field.replace('_', "-"),
        }
    }
}

/// The entries of a mapping, taken out one by one.
pub(crate) struct Fields<'n> {
    keys: &'static [KeySpec],
    entries: Vec<(String, &'n Node)>,
}

impl Fields<'_> {
    /// Decodes the value of a field if the mapping has it.
    pub(crate) fn take<T: Decode>(&mut self, field: &str, decoder: &mut Decoder<'_>) -> Option<T> {
        let key = self.keys.iter().find(|spec| spec.field == field)?.key();
        let index = self.entries.iter().position(|(name, _)| *name == key)?;
        let (_, node) = self.entries.swap_remove(index);
        T::decode(node, decoder)
    }
}

impl Decoder<'_> {
    /// The entries of a mapping; reports anything that is none.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [(Key, Node)]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            Value::Scalar { .. } | Value::List(_) => {
                self.wrong_type(node, what);
                None
            }
        }
    }

    /// The entries of a mapping with known keys; reports unknown, repeated and missing ones.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        keys: &'static [KeySpec],
    ) -> Option<Fields<'n>> {
        let mut taken: Vec<(String, &Node)> = Vec::new();
        let mut meant: Vec<String> = Vec::new();
        for (key, value) in self.entries(node, "a mapping")? {
            match keys.iter().find(|spec| spec.key() == key.text) {
                None => meant.extend(self.unknown_key(key, keys)),
                Some(spec) if spec.need == Need::Later => self.later_key(key),
                Some(_) if taken.iter().any(|(name, _)| *name == key.text) => {
                    self.duplicate_key(&key.text, key.span);
                }
                Some(_) => taken.push((key.text.clone(), value)),
            }
        }
        let seen = taken
            .iter()
            .map(|(name, _)| name.clone())
            .chain(meant)
            .collect::<Vec<_>>();
        self.missing_keys(node, keys, &seen);
        Some(Fields {
            keys,
            entries: taken,
        })
    }

    fn missing_keys(&mut self, node: &Node, keys: &[KeySpec], seen: &[String]) {
        let missing: Vec<String> = keys
            .iter()
            .filter(|spec| spec.need == Need::required)
            .map(KeySpec::key)
            .filter(|key| !seen.contains(key))
            .collect();
        if !missing.is_empty() {
            let keys = missing.join("`, `");
            let message = format!("missing here: `{keys}`");
            self.sink.error(Rule::MissingKey, node.span, message);
        }
    }

    /// Reports an unknown key; returns the known one that was probably meant.
    fn unknown_key(&mut self, key: &Key, keys: &[KeySpec]) -> Option<String> {
        let known = keys.iter().filter(|spec| spec.need != Need::Later);
        let names: Vec<String> = known.map(KeySpec::key).collect();
        let near = nearest(&key.text, names.iter().map(String::as_str));
        let allowed = names.join(", ");
        let hint = match near {
            _ if key.text == "<<" => {
                "YAML 1.2 has no merge keys; use `defaults` and `profiles`, or repeat it".to_owned()
            }
            Some(near) => format!("did you mean `{near}`? known here: {allowed}"),
            None => format!("known here: {allowed}"),
        };
        let message = format!("unknown key `{}`", key.text);
        self.sink
            .report(Diagnostic::error(Rule::UnknownKey, key.span, message).hint(hint));
        near.map(str::to_owned)
    }

    fn later_key(&mut self, key: &Key) {
        let text = &key.text;
        let message = format!("`{text}` is not supported yet by any backend of this version");
        self.sink.error(Rule::NotSupported, key.span, message);
    }

    pub(super) fn duplicate_key(&mut self, name: &str, span: Span) {
        let message = format!("`{name}` stands twice in this mapping");
        self.sink.error(Rule::DuplicateKey, span, message);
    }

    /// Line and column of a place.
    pub(crate) fn position(&self, span: Span) -> Position {
        self.source.position(span.start)
    }

    pub(crate) fn wrong_type(&mut self, node: &Node, what: &str) {
        self.wrong_structure(node, what, None);
    }

    fn wrong_structure(&mut self, node: &Node, what: &str, hint: Option<&str>) {
        let message = format!("expected {what}, found {}", node.describe());
        let found = Diagnostic::error(Rule::WrongType, node.span, message);
        self.sink.report(found.maybe_hint(hint.map(str::to_owned)));
    }
}

/// The schema of one field: its type with the field's own description.
pub(crate) fn field_schema(of_type: &Schema, description: &str) -> Json {
    let mut schema = of_type.as_value().clone();
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), Json::from(description.trim()));
    }
    schema
}

/// The schema of a mapping with known keys.
pub(crate) fn record_schema(about: &str, keys: &[KeySpec], fields: Vec<Json>) -> Schema {
    let mut properties = serde_json::Map::new();
    let later = std::iter::repeat_n(json!({ "description": "Not supported yet." }), keys.len());
    for (spec, field) in keys.iter().zip(fields.into_iter().chain(later)) {
        properties.insert(spec.key(), field);
    }
    let required: Vec<String> = keys
        .iter()
        .filter(|spec| spec.need == Need::required)
        .map(KeySpec::key)
        .collect();
    let mut schema = json!({
        "description": about.trim(),
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Some(object), false) = (schema.as_object_mut(), required.is_empty()) {
        object.insert("required".to_owned(), json!(required));
    }
    to_schema(schema)
}

/// The schema of an enumeration.
pub(crate) fn words_schema(about: &str, words: &[(&str, &str)], later: &[&str]) -> Json {
    let mut options: Vec<Json> = words
        .iter()
        .map(|(word, meaning)| json!({ "const": word, "description": meaning }))
        .collect();
    if !later.is_empty() {
        options.push(json!({ "enum": later, "description": "Not supported yet." }));
    }
    json!({ "description": about.trim(), "oneOf": options })
}

pub(crate) fn to_schema(json: Json) -> Schema {
    Schema::try_from(json).unwrap_or_default()
}
