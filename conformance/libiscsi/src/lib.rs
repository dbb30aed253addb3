//! Sessions of libiscsi, the iSCSI initiator that others wrote and use, loaded at run time.
//!
//! The conformance suite drives storage through it so that the emulator's target is not judged by
//! the emulator's own initiator. Nothing of the library is needed to build: its functions and how
//! its tasks lie in memory come from bindings that `generate` made, one for each known layout.
//! Not done here: what the bytes mean.

mod library;
mod session;

#[allow(
    unsafe_code,
    unsafe_op_in_unsafe_fn,
    unreachable_pub,
    missing_debug_implementations,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    dead_code,
    clippy::all,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::undocumented_unsafe_blocks,
    clippy::use_self,
    reason = "generated"
)]
mod generated {
    pub mod v1_19;
    pub mod v1_20;
}

pub use library::{Library, LoadError};
pub use session::{Answer, Error, Function, Login, Session};
