//! The schema and the parser agree: on the committed text, on every good lab, on every structural
//! mistake, and on leaving everything else to the rules of `check`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::json_schema;
use crate::source::Source;
use crate::yaml::{Node, Value, parse};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder exists");
    let mut files: Vec<(String, String)> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.to_string_lossy().ends_with(".lab.yaml"))
        .map(|path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (name, fs::read_to_string(path).expect("a lab file is UTF-8"))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no lab files");
    files
}

/// The document as any other YAML 1.2 reader sees it.
fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Scalar { text, quoted: true } => Json::from(text.as_str()),
        Value::Scalar {
            text,
            quoted: false,
        } if node.is_null() => {
            assert!(text.len() < 5);
            Json::Null
        }
        Value::Scalar { text, .. } => match text.as_str() {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ if crate::syntax::is_number_or_boolean(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| Json::from(text.as_str()))
            }
            _ => Json::from(text.as_str()),
        },
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, node)| (key.text.clone(), to_json(node)))
                .collect::<Map<_, _>>(),
        ),
    }
}

fn problems(validator: &jsonschema::Validator, name: &str, text: &str) -> Vec<String> {
    let source = Source::new(name, text);
    let document = to_json(&parse(&source).expect("the file is YAML"));
    validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect()
}

fn validator() -> jsonschema::Validator {
    let schema: Json = serde_json::from_str(&json_schema()).expect("the schema is JSON");
    jsonschema::draft202012::new(&schema).expect("the schema is a schema")
}

#[test]
fn the_committed_schema_is_the_generated_one() {
    let path = root().join("schemas/lab-1.schema.json");
    let generated = json_schema();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &generated).expect("the schema can be written");
    }
    let committed = fs::read_to_string(path).expect("the schema is committed");
    assert!(
        committed == generated,
        "run `looksalive schema > schemas/lab-1.schema.json` and commit the result"
    );
}

#[test]
fn good_labs_are_valid() {
    let validator = validator();
    for (name, text) in [files("topologies"), files("fixtures/labs/good")].concat() {
        let problems = problems(&validator, &name, &text);
        assert!(problems.is_empty(), "{name}: {problems:#?}");
    }
}

#[test]
fn structural_mistakes_are_refused_and_others_are_left_to_check() {
    let validator = validator();
    let (mut refused, mut accepted) = (0, 0);
    for (name, text) in files("fixtures/labs/bad") {
        let header = text.lines().next().unwrap_or_default();
        let problems = match header.split_once("; schema ") {
            None => continue, // no YAML at all
            Some((_, "refuses")) => {
                refused += 1;
                (problems(&validator, &name, &text).is_empty())
                    .then(|| "the schema accepts it".to_owned())
            }
            Some((_, "accepts")) => {
                accepted += 1;
                problems(&validator, &name, &text).into_iter().next()
            }
            Some((_, other)) => Some(format!("unknown verdict `{other}`")),
        };
        assert_eq!(problems, None, "{name}");
    }
    assert!(
        refused >= 40 && accepted >= 90,
        "{refused} refused, {accepted} accepted"
    );
}

#[test]
fn every_key_explains_itself() {
    fn undocumented(path: &str, schema: &Json, found: &mut Vec<String>) {
        let Some(properties) = schema["properties"].as_object() else {
            return;
        };
        for (key, property) in properties {
            if property["description"].as_str().is_none_or(str::is_empty) {
                found.push(format!("{path}.{key}"));
            }
        }
    }
    let schema: Json = serde_json::from_str(&json_schema()).expect("the schema is JSON");
    let mut found = Vec::new();
    undocumented("lab", &schema, &mut found);
    let definitions = schema["$defs"]
        .as_object()
        .expect("the schema has definitions");
    for (name, definition) in definitions {
        undocumented(name, definition, &mut found);
    }
    assert!(found.is_empty(), "keys without a description: {found:?}");
}
