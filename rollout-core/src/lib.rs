//! Pure core of a progressive-delivery engine.
//!
//! In: a [`spec::Spec`], then [`engine::Event`]s with the time they came. Out: [`engine::Step`]s of records
//! to keep, actions to attempt and notes for people. Absent by design: clocks, randomness, IO, threads,
//! hash-map order, floats in decisions. Same input, same bytes.

pub mod amount;
mod ascending;
pub mod calendar;
pub mod engine;
pub mod fleet;
pub mod guard;
pub mod id;
pub mod judge;
mod map;
pub mod plan;
pub mod port;
pub mod spec;
pub mod time;
pub mod weight;
pub mod yaml;
