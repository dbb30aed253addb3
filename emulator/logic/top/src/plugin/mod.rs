//! The resource plug-in protocol: what a resource host and a program of the user's own say to each
//! other over the program's standard streams, one JSON object per line.
//!
//! Clauses: seed 000, item 7 (other vendors' resource types, in a monitor of a kind of their own).
//! The document is docs/protocol/resource-plug-in.md. This is the pure half: words to lines and
//! lines to words. Starting programs and carrying lines is the resource host's affair; so is every
//! limit in time, which resource control judges as for any other resource.

mod lines;

pub use lines::{FromPlugIn, PlugInError, ResultWord, ToPlugIn, parse, render};

/// The version of the protocol.
pub const VERSION: u32 = 1;

/// Longest line, its end not counted, in bytes.
pub const LINE_BYTES_MAX: usize = 65_536;
