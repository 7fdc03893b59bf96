//! Hello: a first deploy and a rolling update, by the real engine on a simulated fleet under traffic.
//!
//! `cargo run --release --example hello` plays about 9 s in no time: the fleet is simulated, and so is time.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use rollout_core::{
    plan::{self, Timing},
    spec::{CheckedSpec, Spec},
    time::Span,
};
use rollout_examples::Simulated;
use rollout_runtime::{Options, Runtime, journal::MemoryJournal};

const SPEC: &str = "
version: 1
workload: web
revision: REVISION
replicas: 4
strategy: { rolling: { surge: 1, unavailable: 0 } }
health:
  readiness: { http: { path: /healthz, port: 8080 }, period: 100ms }
  min_ready: 500ms
";

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let workload = "web".parse()?;
    let fleet = Simulated::new(&workload);
    let ports = fleet.ports(MemoryJournal::new("hello"));
    let capabilities = ports.capabilities();
    let runtime = Runtime::new();
    let handle = runtime.start(&workload, ports, Options::default()).await?;
    for (revision, is_first) in [("v1", true), ("v2", false)] {
        let spec = CheckedSpec::new(Spec::from_yaml(&SPEC.replace("REVISION", revision))?)?;
        let plan = plan::build(&spec, &capabilities, is_first)?;
        let timing = Timing::at_best(&spec, Simulated::BOOT, Span::ZERO);
        println!("{workload} to {revision}: {}", plan.table(timing));
        handle.submit(spec, "ann").await?;
        let (end, facts) = fleet.measure(&revision.parse()?, handle.wait_ended()).await;
        let bound = plan::predict(&plan, &timing).bound;
        println!("\n{}\ntook      {}, at least {bound}", end?, facts.took);
        // During the first deploy there is nothing yet that requests could be sent to.
        println!("{}", if is_first { String::new() } else { facts.to_string() });
    }
    Ok(())
}
