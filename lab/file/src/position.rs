//! Where something stands in a lab file.

use std::fmt;

/// Line and column of the first character of a thing, both counted from one, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// Line, counted from one; zero means "not in the file" (a default).
    pub line: u32,
    /// Column in characters, counted from one.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}
