//! Every router against a real API server; the one of the Gateway API through Envoy with real pods as well.
//!
//! In: a cluster, the one that runs or one of its own. They run when they are asked for by name, and then
//! never skip: `cargo test -p rollout-k8s --test routers`.

mod gateway;
mod place;
mod requests;
mod service;
mod written;
