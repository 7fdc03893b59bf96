//! Nodes: where instances run. An instance is on the node that its address is of.
//!
//! In: addresses. Out: which instances die with a node. Absent: capacity; there is room elsewhere.

use std::{collections::BTreeSet, net::IpAddr};

use rollout_core::id::InstanceId;

use super::{Instance, World};

/// Nodes that there are.
const NODES: u32 = 3;

/// Nodes that have died, and who was on them.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    dead: BTreeSet<u32>,
    died: BTreeSet<InstanceId>,
}

impl Nodes {
    /// The next number of an address on a node that lives.
    pub(super) fn next_address(&self, last: u32) -> u32 {
        let next = last + 1..=last + NODES;
        next.into_iter().find(|number| !self.dead.contains(&(number % NODES))).unwrap_or(last + 1)
    }
}

impl World {
    /// The nodes that live.
    #[must_use]
    pub fn living_nodes(&self) -> Vec<u32> {
        (0..NODES).filter(|node| !self.nodes.dead.contains(node)).collect()
    }

    /// Instances that died with their node.
    #[must_use]
    pub const fn died_with_nodes(&self) -> &BTreeSet<InstanceId> {
        &self.nodes.died
    }

    /// Lets a node die with every instance on it. Nothing is made there any more. Returns whether it lived.
    pub fn lose_node(&mut self, node: u32) -> bool {
        if !self.nodes.dead.insert(node) {
            return false;
        }
        let on_it = self.instances.iter().filter(|(_, one)| one.exists() && is_on(one, node));
        let lost: Vec<InstanceId> = on_it.map(|(name, _)| name.clone()).collect();
        for name in &lost {
            self.lose(name);
        }
        self.nodes.died.extend(lost);
        true
    }
}

fn is_on(instance: &Instance, node: u32) -> bool {
    match instance.address {
        IpAddr::V4(address) => u32::from(address) % NODES == node,
        IpAddr::V6(_) => false,
    }
}
