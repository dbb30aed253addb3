//! Lab files: their types, parser, static rules and JSON Schema.
//!
//! A lab file goes through three shapes: text, a syntax tree that mirrors the file word for word,
//! and the resolved [`model`] that the simulator, the conformance suite and the lab run.
//! Nothing here builds or runs a lab.

pub mod model;
pub mod position;
