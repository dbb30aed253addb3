//! Sentences about the manager's behaviour, tried in a small world.

mod checker;
mod gate;
mod groups;
mod health;
mod ladder;
mod properties;
mod requests;
mod witness;
mod world;
