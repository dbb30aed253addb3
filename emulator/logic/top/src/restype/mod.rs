//! The pure half of the resource types.
