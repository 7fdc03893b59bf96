//! One file for each thing that the engine can be doing.

pub(super) mod ended;
pub(super) mod gating;
pub(super) mod idle;
pub(super) mod moving;
pub(super) mod reverting;
