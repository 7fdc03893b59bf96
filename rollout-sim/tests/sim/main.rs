//! The one test binary of the simulator.

mod conformance;
mod counterexamples;
mod explored;
mod museum;
mod planted_bugs;
mod seeds;
