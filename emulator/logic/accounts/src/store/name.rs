//! Distinguished names (RFC 4514): reading, comparing, walking up.

use std::fmt;

/// A distinguished name. Two names are equal when they differ in case and escaping only.
#[derive(Clone, Debug, Default)]
pub struct Name {
    /// From the object upwards: attribute and value, as given.
    parts: Vec<(String, String)>,
}

impl Name {
    /// Reads `CN=VS1,CN=Computers,DC=corp,DC=example`; the empty text is the root.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self::default());
        }
        let parts = split(text)?
            .iter()
            .map(|part| parse_part(part))
            .collect::<Option<_>>()?;
        Some(Self { parts })
    }

    /// The name of a child.
    #[must_use]
    pub fn child(&self, attribute: &str, value: &str) -> Self {
        let mut parts = vec![(attribute.to_owned(), value.to_owned())];
        parts.extend(self.parts.iter().cloned());
        Self { parts }
    }

    /// The name of a DNS domain, `DC=corp,DC=example`.
    #[must_use]
    pub fn of_domain(domain: &str) -> Self {
        let labels = domain.split('.').filter(|label| !label.is_empty());
        let parts = labels
            .map(|label| ("DC".to_owned(), label.to_owned()))
            .collect();
        Self { parts }
    }

    /// The name above; none for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.parts.split_first()?;
        Some(Self {
            parts: above.to_vec(),
        })
    }

    /// Attribute and value of the object itself.
    #[must_use]
    pub fn relative(&self) -> Option<(&str, &str)> {
        self.parts
            .first()
            .map(|(attribute, value)| (attribute.as_str(), value.as_str()))
    }

    /// True for the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.parts.is_empty()
    }

    /// True for `base` itself and all below.
    #[must_use]
    pub fn is_within(&self, base: &Self) -> bool {
        let Some(above) = self.parts.len().checked_sub(base.parts.len()) else {
            return false;
        };
        let tail = self.parts.iter().skip(above);
        tail.zip(&base.parts)
            .all(|(ours, theirs)| key_of(ours) == key_of(theirs))
    }

    /// The same place below `new` that this name has below `old`.
    #[must_use]
    pub(super) fn moved(&self, old: &Self, new: &Self) -> Self {
        let own = self.parts.len().saturating_sub(old.parts.len());
        let mut parts: Vec<_> = self.parts.iter().take(own).cloned().collect();
        parts.extend(new.parts.iter().cloned());
        Self { parts }
    }

    /// The form that names are compared in.
    #[must_use]
    pub fn key(&self) -> String {
        let keys: Vec<String> = self.parts.iter().map(key_of).collect();
        keys.join(",")
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (attribute, value)) in self.parts.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{attribute}={}", escape(value))?;
        }
        Ok(())
    }
}

fn key_of((attribute, value): &(String, String)) -> String {
    format!(
        "{}={}",
        attribute.to_lowercase(),
        escape(&value.to_lowercase())
    )
}

/// Cuts at commas that are not escaped; none when a part would be empty.
fn split(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == ',' {
            parts.push(String::new());
            continue;
        }
        let part = parts.last_mut()?;
        part.push(letter);
        if letter == '\\' {
            part.push(letters.next()?);
        }
    }
    parts
        .iter()
        .all(|part| !part.trim().is_empty())
        .then_some(parts)
}

fn parse_part(part: &str) -> Option<(String, String)> {
    let (attribute, value) = part.split_once('=')?;
    let attribute = attribute.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if attribute.is_empty() || !attribute.chars().all(fits) {
        return None;
    }
    Some((attribute.to_owned(), unescape(&trimmed(value))?))
}

/// Without the spaces around, but with a last one that is escaped.
fn trimmed(value: &str) -> String {
    let text = value.trim();
    let escapes = text
        .chars()
        .rev()
        .take_while(|letter| *letter == '\\')
        .count();
    let space = if escapes % 2 == 1 { " " } else { "" };
    format!("{text}{space}")
}

fn unescape(value: &str) -> Option<String> {
    let bytes = value.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3);
        let pair = pair.filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let pair = pair.and_then(|pair| std::str::from_utf8(pair).ok());
        let hex = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (byte, hex) {
            (b'\\', Some(code)) => {
                plain.push(code);
                at += 3;
            }
            (b'\\', None) => {
                plain.push(*bytes.get(at + 1)?);
                at += 2;
            }
            (byte, _) => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).ok()
}

fn escape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (at, letter) in value.chars().enumerate() {
        let edge = (letter == ' ' && (at == 0 || at == last)) || (letter == '#' && at == 0);
        match letter {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => text.extend(['\\', letter]),
            _ if edge => text.extend(['\\', letter]),
            letter if letter.is_control() => {
                text.push_str(&format!("\\{:02X}", u32::from(letter)));
            }
            letter => text.push(letter),
        }
    }
    text
}
