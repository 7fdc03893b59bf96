//! Test bed of the live suites: what a real rollout needs around it, started here and removed again, and
//! the stories that are told on it.
//!
//! In: a Linux host with Docker and HAProxy installed. Out: an engine, images, a load balancer, a load
//! that counts every request; rollouts under that load, and what became of them. Absent: decisions; the
//! suites and the examples say what is promised.

pub mod bed;
pub mod cluster;
pub mod load;
pub mod place;
pub mod proxy;
pub mod rig;
pub mod story;
pub mod swarm;
pub mod tool;
