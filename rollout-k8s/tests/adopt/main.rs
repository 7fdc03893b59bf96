//! Adoptions and hand-backs on a real cluster, under load.
//!
//! `ROLLOUT_TEST_KUBECONFIG` names the kubeconfig of a cluster that `cargo xtask cluster up` has started: its
//! images are used. Without the variable nothing is run, which is said; with `ROLLOUT_REQUIRE_LIVE=1` that is
//! a failure.

#[cfg(test)]
mod handover;
#[cfg(test)]
mod in_place;
#[cfg(test)]
mod load;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod shop;
