//! The database on a log and a disk that crash, and with a witness disk.

mod rig;
mod store;
mod witness;
