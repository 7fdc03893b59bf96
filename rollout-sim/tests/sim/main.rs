//! The one test binary of the simulator.

mod conformance;
mod counterexamples;
mod explored;
mod museum;
mod oracles;
mod planted_bugs;
mod seeds;
mod stories;
mod torture;
