//! The main job on real input: the Compose file of `examples/docker` on a Docker engine behind HAProxy,
//! moved from one version to the next under load; then every other story, and Docker's own rolling update
//! of the same file, side by side in one run.
//!
//! In: a Linux host with Docker and HAProxy installed; as root it starts a Docker engine of its own, unless
//! `DOCKER_HOST` names one. `--all` tells each story with three kinds of servers. Out: a table, and exit
//! code 1 if a promise was broken. Everything it started is gone afterwards.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{env, error::Error, process::ExitCode, sync::Arc, time::Duration};

use rollout_core::time::Span;
use rollout_live::{
    bed::{Bed, Image, Manners},
    load::{LoadPlan, Report},
    rig::{REPLICAS, Rig},
    story::{Story, Told},
    swarm::Swarm,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let all = match env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => &Manners::ALL[..1],
        [only] if only == "--all" => &Manners::ALL[..],
        _ => return Err("usage: docker_rolling [--all]".into()),
    };
    println!("building the server and its images, starting what is missing …");
    let bed = Bed::start()?;
    let mut broken = Vec::new();
    let first = tell(&bed, Story::Rolling, Manners::Graceful, &mut broken).await?;
    main_job(&first);
    heading();
    row(Story::Rolling.name(), Manners::Graceful, &first);
    for story in Story::ALL {
        for manners in all {
            if (story, *manners) != (Story::Rolling, Manners::Graceful) {
                let told = tell(&bed, story, *manners, &mut broken).await?;
                row(story.name(), *manners, &told);
            }
        }
    }
    for manners in all {
        let (took, report) = swarm(&bed, *manners).await?;
        line("docker service update", *manners, "completed", took, &report);
    }
    footnotes();
    for promise in &broken {
        println!("BROKEN: {promise}");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells a story on a bed of its own, on the engine of `bed`.
async fn tell(
    bed: &Bed,
    story: Story,
    manners: Manners,
    broken: &mut Vec<String>,
) -> Result<Told, Box<dyn Error>> {
    let rig = Rig::new(bed.beside()?, manners)?;
    let told = story.tell(&rig).await?;
    let name = format!("{}, {}", story.name(), manners.name());
    broken.extend(told.broken().into_iter().map(|why| format!("{name}: {why}")));
    Ok(told)
}

async fn swarm(bed: &Bed, manners: Manners) -> Result<(Duration, Report), Box<dyn Error>> {
    let bed = bed.beside()?;
    let haproxy = Arc::new(bed.haproxy()?);
    let swarm = Swarm::start(&bed, &haproxy, manners)?;
    Ok(swarm.update_under_load(&haproxy, Image::V2).await?)
}

/// The answer to the question of the main job: how long, how long at least, and what was lost.
fn main_job(told: &Told) {
    let LoadPlan { rate, connections, .. } = LoadPlan::default();
    println!(
        "\nexamples/docker/compose.yaml → compose.v2.yaml: {REPLICAS} replicas, one at a time, start \
         first,\nunder {rate} requests/s over {connections} keep-alive connections\n"
    );
    println!("seconds taken    {:>6.1}", told.took.as_secs_f64());
    match &told.measured {
        Some(measured) => {
            let (prediction, timing) = (measured.predict(), measured.timing);
            println!(
                "predicted        {:>6.1}  plan::predict, with the medians of this rollout's own records: an \
                 instance\n                         took {:.2} s from the intent to create it until it was \
                 available, and\n                         {:.2} s from the decision that it goes until it was \
                 gone",
                seconds(prediction.total),
                seconds(timing.start_to_available),
                seconds(timing.drain)
            );
            println!(
                "bound            {:>6.1}  the least that surge, unavailable and the gates allow; the \
                 difference is\n                         the price of one at a time and of the delay in between",
                seconds(prediction.bound)
            );
        }
        None => println!("bound            unknown: no instance came and went"),
    }
    println!("requests sent    {:>6}", told.report.all.sent());
    println!("requests failed  {:>6}\n", told.report.all.failed);
}

fn seconds(span: Span) -> f64 {
    span.to_std().as_secs_f64()
}

fn heading() {
    println!(
        "{:<22} {:<9} {:<12} {:>7} {:>9} {:>7} {:>10}",
        "story", "server", "end", "seconds", "requests", "failed", "p99 in ms"
    );
}

/// One story: what failed, and how many requests the candidate had while it answered badly.
fn row(name: &str, manners: Manners, told: &Told) {
    line(name, manners, &told.end.to_string(), told.took, &told.report);
    if 0 < told.spoiled() {
        println!(
            "{:>23}its own answers, {} of the {} it gave until the probe's verdict",
            "",
            told.spoiled(),
            told.exposed()
        );
    }
}

fn line(name: &str, manners: Manners, end: &str, took: Duration, report: &Report) {
    println!(
        "{name:<22} {:<9} {end:<12} {:>7.1} {:>9} {:>7} {:>10.1}",
        manners.name(),
        took.as_secs_f64(),
        report.all.sent(),
        report.all.failed,
        report.latency.p99.as_secs_f64() * 1_000.0
    );
}

fn footnotes() {
    println!(
        "\n`docker service update --update-order start-first --update-parallelism 1` had the same Compose file, so \
         the same\nimage, health check (every 100 ms, 3 retries), grace, delay and monitor. What differs: Swarm \
         runs the health check as\na command in the container; the load balancer in front of it follows Docker's \
         events, for want of Swarm's own, which\nneeds IPVS; and Swarm says `completed` while the last old \
         container still stops, a rollout when it is removed."
    );
}
