//! Macros that make one declaration both the decoder and the schema of a mapping or a set of words.

/// Declares a mapping: a struct of optional fields, its [`Decode`](super::Decode) and its JSON
/// Schema. Keys are the field names in kebab-case unless `as` names another. `later` keys are known
/// but refused by this version. The documentation of a field is its hover text in editors.
macro_rules! record {
    (
        $(#[doc = $about:literal])+
        $record:ident {
            $(
                $(#[doc = $doc:literal])+
                $need:ident $field:ident $(as $key:literal)? : $type:ty,
            )+
        }
        later { $($later:literal),* $(,)? }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Default)]
        #[allow(dead_code, reason = "a mapping is read whole, and some keys only to be checked")]
        pub(crate) struct $record {
            /// Where the mapping stands.
            pub(crate) span: crate::source::Span,
            /// Whether something in it was reported already.
            pub(crate) broken: bool,
            $($(#[doc = $doc])+ pub(crate) $field: Option<$type>,)+
        }

        impl $record {
            const KEYS: &'static [crate::syntax::decode::KeySpec] = &[
                $(crate::syntax::decode::KeySpec {
                    field: stringify!($field),
                    renamed: &[$($key)?],
                    need: crate::syntax::decode::Need::$need,
                },)+
                $(crate::syntax::decode::KeySpec {
                    field: $later,
                    renamed: &[$later],
                    need: crate::syntax::decode::Need::Later,
                },)*
            ];
        }

        impl crate::syntax::Decode for $record {
            fn decode(
                node: &crate::yaml::Node,
                decoder: &mut crate::syntax::Decoder<'_>,
            ) -> Option<Self> {
                let before = decoder.sink.reports();
                let mut fields = decoder.fields(node, Self::KEYS)?;
                let mut record = Self {
                    span: node.span,
                    broken: false,
                    $($field: fields.take(stringify!($field), decoder),)+
                };
                record.broken = decoder.sink.reports() > before;
                Some(record)
            }
        }

        impl schemars::JsonSchema for $record {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($record).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let fields = vec![
                    $(crate::syntax::decode::field_schema(
                        &generator.subschema_for::<$type>(),
                        concat!($($doc,)+),
                    ),)+
                ];
                crate::syntax::decode::record_schema(concat!($($about,)+), Self::KEYS, fields)
            }
        }
    };
}

/// Declares the words of an enumeration: how they are read and their JSON Schema. `later` words are
/// known but refused by this version.
macro_rules! words {
    (
        $(#[doc = $about:literal])+
        $type:ty {
            $( $word:literal => $value:expr, $doc:literal; )+
        }
        later { $($later:literal),* $(,)? }
        $(instead_of_structure $instead:literal)?
    ) => {
        impl crate::syntax::decode::Plain for $type {
            $(
                fn instead_of_structure() -> Option<&'static str> {
                    Some($instead)
                }
            )?

            fn what() -> String {
                let words: Vec<&str> = Self::words().iter().map(|(word, _)| *word).collect();
                format!("one of {}", words.join(", "))
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema() -> serde_json::Value {
                crate::syntax::decode::words_schema(
                    concat!($($about,)+),
                    Self::words(),
                    &[$($later),*],
                )
            }

            fn read(
                scalar: &crate::syntax::decode::Scalar<'_>,
            ) -> Result<Self, crate::syntax::decode::Problem> {
                use crate::syntax::decode::Problem;
                match scalar.text {
                    $($word => Ok($value),)+
                    $($later => Err(Problem::not_supported(scalar.text)),)*
                    other => Err(Problem::unknown_word(other, Self::words())),
                }
            }

            fn words() -> &'static [(&'static str, &'static str)] {
                &[$(($word, $doc),)+]
            }
        }
    };
}

/// Implements [`Plain`](super::decode::Plain) for text with a pattern.
macro_rules! text_form {
    ($type:ty, $id:literal, $what:literal, $pattern:literal, $read:expr) => {
        impl crate::syntax::decode::Plain for $type {
            fn what() -> String {
                $what.to_owned()
            }
            fn schema_id() -> std::borrow::Cow<'static, str> {
                $id.into()
            }
            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "pattern": $pattern, "description": $what })
            }
            fn read(
                scalar: &crate::syntax::decode::Scalar<'_>,
            ) -> Result<Self, crate::syntax::decode::Problem> {
                let read: fn(&str) -> Result<Self, crate::syntax::decode::Problem> = $read;
                read(scalar.text)
            }
        }
    };
}

pub(crate) use {record, text_form, words};
