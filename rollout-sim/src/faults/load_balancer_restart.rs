//! Load balancer restart: it forgets every instance and the route.

use super::{Deed, Fault, Scene};
use crate::random::Stream;

struct LoadBalancerRestart {
    stream: Stream,
    mean: u64,
}

pub(super) fn make(stream: &mut Stream) -> Box<dyn Fault> {
    Box::new(LoadBalancerRestart {
        mean: stream.magnitude(10_000, 120_000),
        stream: stream.clone(),
    })
}

impl Fault for LoadBalancerRestart {
    fn wait(&mut self) -> Option<u64> {
        Some(self.stream.wait(self.mean))
    }

    fn strike(&mut self, scene: &mut Scene<'_>) -> bool {
        scene.deeds.push(Deed::RestartLoadBalancer);
        true
    }
}
