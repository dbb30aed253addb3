//! The directory services that network names register with.

/// The directory of a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The domain below which network names are registered.
    pub domain: String,
    /// Whether anybody may register names; otherwise nobody may.
    pub takes_updates: bool,
}

impl Directory {
    /// What is before the domain in a name, in any case of its letters; a name that ends otherwise
    /// is left as it is.
    #[must_use]
    pub fn label<'a>(&self, name: &'a str) -> &'a str {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let domain = bare.len().checked_sub(self.domain.len());
        let parts = domain.and_then(|domain| bare.split_at_checked(domain));
        parts
            .filter(|(_, domain)| domain.eq_ignore_ascii_case(&self.domain))
            .and_then(|(label, _)| label.strip_suffix('.'))
            .unwrap_or(name)
    }
}

/// What goes wrong with the name server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsFault {
    /// It answers nothing.
    Down,
    /// It refuses every update.
    RefuseUpdates,
    /// It acknowledges updates and forgets them.
    LoseUpdates,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_a_name_is_what_stands_before_the_domain() {
        let directory = Directory {
            domain: "corp.example".to_owned(),
            takes_updates: true,
        };
        for (name, label) in [
            ("FS1", "FS1"),
            ("fs1.corp.example", "fs1"),
            ("FS1.Corp.Example.", "FS1"),
            ("fs1.other.example", "fs1.other.example"),
            ("xcorp.example", "xcorp.example"),
            ("corp.example", "corp.example"),
            ("é", "é"),
        ] {
            assert_eq!(directory.label(name), label, "{name}");
        }
    }
}
