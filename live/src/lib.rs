//! Test bed of the live suites: what a real rollout needs around it, started here and removed again.
//!
//! In: a Linux host with Docker and HAProxy installed. Out: an engine, images, a load balancer and a
//! load that counts every request. Absent: any knowledge of rollouts; the suites bring that.

pub mod bed;
pub mod load;
pub mod swarm;
