//! Sentences about the manager's behaviour, tried in a small world.

mod checker;
mod contract;
mod gate;
mod groups;
mod health;
mod ladder;
mod policies;
mod properties;
mod requests;
mod table;
mod witness;
mod world;
