//! Sentences about the manager's behaviour, tried in a small world.

mod checker;
mod contract;
mod gate;
mod groups;
mod health;
mod ladder;
mod objects;
mod policies;
mod properties;
mod requests;
mod room;
mod table;
mod witness;
mod world;
