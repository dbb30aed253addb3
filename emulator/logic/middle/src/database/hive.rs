//! The hive: keys with named values, as under HKLM\Cluster (reference section 7).

use std::collections::BTreeMap;

/// A value, by registry type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// REG_DWORD.
    Dword(u32),
    /// REG_QWORD.
    Qword(u64),
    /// REG_SZ.
    Text(String),
    /// REG_MULTI_SZ.
    Texts(Vec<String>),
    /// REG_BINARY.
    Binary(Vec<u8>),
}

/// One change of the hive; travels in a global update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HiveChange {
    /// Set a value, making its key where it is missing.
    Set {
        key: String,
        name: String,
        value: Value,
    },
    /// Delete a value.
    Unset { key: String, name: String },
    /// Delete a key with everything below it.
    DeleteKey { key: String },
}

/// The cluster database: key path (backslash-separated, no leading one; the root is empty) to
/// named values. Key and value names compare without case in the product; here they are always
/// written in the documented spelling.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Hive {
    keys: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Hive {
    /// The value `name` of `key`.
    #[must_use]
    pub fn value(&self, key: &str, name: &str) -> Option<&Value> {
        self.keys.get(key)?.get(name)
    }

    /// A DWORD value.
    #[must_use]
    pub fn dword(&self, key: &str, name: &str) -> Option<u32> {
        match self.value(key, name)? {
            Value::Dword(number) => Some(*number),
            _ => None,
        }
    }

    /// A text value.
    #[must_use]
    pub fn text(&self, key: &str, name: &str) -> Option<&str> {
        match self.value(key, name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A list of texts; empty where it is missing.
    #[must_use]
    pub fn texts(&self, key: &str, name: &str) -> &[String] {
        match self.value(key, name) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// Names of the direct subkeys of `key`, in order.
    pub fn subkeys<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let prefix = if key.is_empty() {
            String::new()
        } else {
            format!("{key}\\")
        };
        let start = prefix.clone();
        self.keys
            .range(start..)
            .map_while(move |(path, _)| {
                path.strip_prefix(prefix.as_str())
                    .map(|rest| &path[path.len() - rest.len()..])
            })
            .filter(|rest| !rest.is_empty() && !rest.contains('\\'))
    }

    /// Named values of `key`, in order.
    pub fn values<'a>(&'a self, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + 'a {
        self.keys
            .get(key)
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// Sets a value, making its key where it is missing.
    pub fn set(&mut self, key: &str, name: &str, value: Value) {
        self.keys
            .entry(key.to_owned())
            .or_default()
            .insert(name.to_owned(), value);
    }

    /// Makes a key without values.
    pub fn create(&mut self, key: &str) {
        self.keys.entry(key.to_owned()).or_default();
    }

    /// Applies one change.
    pub fn apply(&mut self, change: &HiveChange) {
        match change {
            HiveChange::Set { key, name, value } => self.set(key, name, value.clone()),
            HiveChange::Unset { key, name } => {
                if let Some(values) = self.keys.get_mut(key) {
                    values.remove(name);
                }
            }
            HiveChange::DeleteKey { key } => {
                let below = format!("{key}\\");
                self.keys
                    .retain(|path, _| path != key && !path.starts_with(&below));
            }
        }
    }

    /// The changes that make another one of this.
    pub fn changes_to<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = HiveChange> + 'a {
        let gone = self.keys.iter().flat_map(move |(key, values)| {
            let kept = other.keys.get(key);
            let lost = values
                .keys()
                .filter(move |name| kept.is_some_and(|kept| !kept.contains_key(*name)));
            let lost = lost.map(|name| HiveChange::Unset {
                key: key.clone(),
                name: name.clone(),
            });
            let key = key.clone();
            let deleted = kept.is_none().then_some(HiveChange::DeleteKey { key });
            deleted.into_iter().chain(lost)
        });
        let set = other.keys.iter().flat_map(move |(key, values)| {
            let known = self.keys.get(key);
            let new = values.iter().filter(move |(name, value)| {
                known.and_then(|known| known.get(*name)) != Some(*value)
            });
            new.map(|(name, value)| HiveChange::Set {
                key: key.clone(),
                name: name.clone(),
                value: value.clone(),
            })
        });
        gone.chain(set)
    }

    /// Every key with its values, in order, for encoding and comparison.
    #[must_use]
    pub fn keys(&self) -> &BTreeMap<String, BTreeMap<String, Value>> {
        &self.keys
    }
}

wire::codec!(enum Value {
    0 = Dword(number),
    1 = Qword(number),
    2 = Text(text),
    3 = Texts(texts),
    4 = Binary(bytes),
});
wire::codec!(enum HiveChange {
    0 = Set { key, name, value },
    1 = Unset { key, name },
    2 = DeleteKey { key },
});
wire::codec!(struct Hive { keys });
