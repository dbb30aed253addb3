//! The database on a log and a disk that crash, with a witness disk and a witness share.

mod rig;
mod share;
mod store;
mod witness;
