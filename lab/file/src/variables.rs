//! Variables: `${var.name}` in any text of the file.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{
    AnyScalar, At, ByteSize, Decode, Decoder, Entry, Named, Plain, Scalar, VariableSpec,
    VariableType,
};
use crate::yaml::{Node, VALUES_MAX, Value};

/// Longest value of a variable in bytes.
const VALUE_BYTES_MAX: usize = 256;

/// Fills the variables in everywhere but in their own section.
pub(crate) fn fill(root: &Node, decoder: &mut Decoder<'_>) -> Node {
    let mut filler = Filler::of(root, decoder);
    let mut root = root.clone();
    if let Value::Map(entries) = &mut root.value {
        for (key, node) in entries {
            if key.text != "vars" {
                filler.node(node);
            }
        }
    }
    root
}

/// Fills the variables of a lab file into something that stands in no file.
pub(crate) fn fill_aside(lab: &Node, mut node: Node, decoder: &mut Decoder<'_>) -> Node {
    Filler::of(lab, decoder).node(&mut node);
    node
}

fn declared(root: &Node, decoder: &mut Decoder<'_>) -> BTreeMap<String, String> {
    let Value::Map(entries) = &root.value else {
        return BTreeMap::new();
    };
    let Some((_, node)) = entries.iter().find(|(key, _)| key.text == "vars") else {
        return BTreeMap::new();
    };
    let variables = Named::<VariableSpec>::decode(node, decoder);
    let entries = variables.map(|named| named.entries).unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|entry| value_of(entry, decoder))
        .collect()
}

fn value_of(entry: Entry<VariableSpec>, decoder: &mut Decoder<'_>) -> Option<(String, String)> {
    let At {
        value: AnyScalar(value),
        span,
    } = entry.value.default.as_ref()?;
    let complaint = if value.len() > VALUE_BYTES_MAX {
        Some(format!("the value is longer than {VALUE_BYTES_MAX} bytes"))
    } else {
        mismatch(&entry.value, value)
    };
    if let Some(message) = complaint {
        decoder.sink.error(Rule::BadVariable, *span, message);
    }
    Some((entry.name, value.clone()))
}

/// What is wrong with the value, measured by its declaration.
fn mismatch(spec: &VariableSpec, value: &str) -> Option<String> {
    let scalar = Scalar {
        text: value,
        quoted: false,
    };
    let of_type = spec
        .r#type
        .as_ref()
        .map_or(VariableType::Text, |word| word.value);
    let problem = match of_type {
        VariableType::Text => None,
        VariableType::Int => crate::syntax::Natural::read(&scalar).err(),
        VariableType::Duration => std::time::Duration::read(&scalar).err(),
        VariableType::Size => ByteSize::read(&scalar).err(),
    };
    if let Some(problem) = problem {
        return Some(problem.message);
    }
    let allowed: Vec<&str> = spec
        .r#enum
        .iter()
        .flatten()
        .map(|word| word.value.0.as_str())
        .collect();
    if !allowed.is_empty() && !allowed.contains(&value) {
        return Some(format!("`{value}` is none of {}", allowed.join(", ")));
    }
    out_of_bounds(spec, value)
}

fn out_of_bounds(spec: &VariableSpec, value: &str) -> Option<String> {
    let number: u32 = value.parse().ok()?;
    let min = spec
        .min
        .as_ref()
        .map(|min| min.value.0)
        .filter(|min| number < *min);
    let max = spec
        .max
        .as_ref()
        .map(|max| max.value.0)
        .filter(|max| number > *max);
    match (min, max) {
        (Some(min), _) => Some(format!("{value} is less than {min}")),
        (_, Some(max)) => Some(format!("{value} is more than {max}")),
        (None, None) => None,
    }
}

struct Filler<'d, 's> {
    values: BTreeMap<String, String>,
    decoder: &'d mut Decoder<'s>,
    used: usize,
}

impl<'d, 's> Filler<'d, 's> {
    /// Fills in the variables that a lab file declares.
    fn of(lab: &Node, decoder: &'d mut Decoder<'s>) -> Self {
        Self {
            values: declared(lab, decoder),
            decoder,
            used: 0,
        }
    }

    fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Scalar { text, quoted } => {
                if let Some(filled) = self.text(text, node.span) {
                    *text = filled;
                    *quoted = false;
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.node(item)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    if let Some(filled) = self.text(&key.text, key.span) {
                        key.text = filled;
                    }
                    self.node(value);
                }
            }
        }
    }

    /// The text with its variables filled in; `None` when there are none.
    fn text(&mut self, text: &str, span: Span) -> Option<String> {
        if !text.contains("${") {
            return None;
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            filled.push_str(before);
            filled.push_str(&self.value(name, span)?);
            rest = tail;
        }
        filled.push_str(rest);
        Some(filled)
    }

    fn value(&mut self, reference: &str, span: Span) -> Option<String> {
        let name = reference.strip_prefix("var.").unwrap_or_default();
        if let Some(value) = self.values.get(name) {
            self.used += 1;
            if self.used > VALUES_MAX {
                let message = format!("variables are used more than {VALUES_MAX} times");
                self.decoder.sink.error(Rule::TooManyValues, span, message);
                return None;
            }
            return Some(value.clone());
        }
        let near = nearest(name, self.values.keys().map(String::as_str));
        let hint = match near {
            Some(near) => format!("did you mean `${{var.{near}}}`?"),
            None => "declare it under `vars:` and write `${var.name}`".to_owned(),
        };
        let message = format!("there is no variable `${{{reference}}}`");
        self.decoder
            .sink
            .report(Diagnostic::error(Rule::UnknownVariable, span, message).hint(hint));
        None
    }
}
