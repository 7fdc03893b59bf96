//! The one test binary of the simulator.

mod conformance;
mod planted_bugs;
mod seeds;
