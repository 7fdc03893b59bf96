//! Tests of the runtime from outside, in one binary.

mod control;
mod driver;
mod journals;
mod probes;
mod world;
