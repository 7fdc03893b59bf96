//! Swarm: the rolling update that Docker itself has, on the same bed, as something to compare with.
//!
//! In: a rig. Out: how long `docker service update` took. The service is the Compose file of
//! `examples/docker`, word for word but for its endpoint mode: the same image, health check, grace, delay
//! and monitor as in a rollout of that file. Swarm's own load balancer needs a kernel with IPVS, which also
//! is why the endpoint mode is `dnsrr`; HAProxy stands in: a follower adds a task the moment Docker calls it healthy, and
//! takes it out the moment it dies, which is all that a proxy can know that discovers by itself.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    bed::{Bed, BedError, Haproxy, Image, Manners, SERVER_PORT, compose_file, output},
    load::{Load, LoadPlan, Report},
    rig::{REPLICAS, RigError},
};

const STACK: &str = "rollout";
const SERVICE: &str = "rollout_web";
const NETWORK: &str = "rollout-swarm";
/// How often the state of an update is asked for.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Longest wait for a service to settle.
const SETTLE_DEADLINE: Duration = Duration::from_secs(120);

/// A Swarm of one node with one service, followed by a load balancer. The bed removes it.
#[derive(Debug)]
pub struct Swarm<'a> {
    bed: &'a Bed,
    events: Child,
}

impl<'a> Swarm<'a> {
    /// Makes a Swarm of the bed's engine, runs version 1 of the Compose file and lets `haproxy` follow it.
    ///
    /// # Errors
    ///
    /// [`BedError::Failed`] with what Docker complained of, such as an engine that is in a Swarm already;
    /// [`BedError::Late`] if the tasks do not run and serve in two minutes.
    pub fn start(bed: &'a Bed, haproxy: &Arc<Haproxy>, manners: Manners) -> Result<Self, BedError> {
        bed.docker(["swarm", "init", "--advertise-addr", "127.0.0.1"])?;
        write(bed, "swarm", "this engine is to leave its Swarm in the end\n")?;
        let (label, config) = (bed.label(), format!("{NETWORK}-config"));
        bed.docker(["network", "create", "--config-only", "--label", &label, &config])?;
        let scope = ["--driver", "bridge", "--scope", "swarm", "--config-from", &config];
        bed.docker(["network", "create"].into_iter().chain(scope).chain([NETWORK]))?;
        let swarm = Self { bed, events: follow(bed, haproxy)? };
        let stack = write(bed, "stack.yaml", &stack(Image::V1)?)?;
        let deploy = ["stack", "deploy", "--detach=true", "--resolve-image", "never", "-c", &stack];
        let mut variables = bed.variables(haproxy, manners);
        variables.insert("WEB_NETWORK".to_owned(), NETWORK.to_owned());
        let docker = bed.docker_host();
        output(
            Command::new("docker")
                .args(deploy)
                .arg(STACK)
                .envs(variables)
                .env("DOCKER_HOST", docker),
        )?;
        swarm.until("docker stack deploy", || {
            let serving = haproxy.order("show servers conn web").unwrap_or_default();
            Ok(serving.lines().skip(1).count() == REPLICAS)
        })?;
        Ok(swarm)
    }

    /// Moves the service to `image`, one task at a time, new before old. Returns the time until Swarm
    /// says that it is done.
    ///
    /// # Errors
    ///
    /// [`BedError::Failed`] if the update is refused, [`BedError::Late`] if it is not done in two minutes.
    pub fn update(&self, image: Image) -> Result<Duration, BedError> {
        let begun = Instant::now();
        let name = self.bed.image(image);
        self.bed.docker(
            ["service", "update", "--quiet", "--detach", "--no-resolve-image", "--image", &name]
                .into_iter()
                .chain(["--update-order", "start-first", "--update-parallelism", "1", SERVICE]),
        )?;
        self.until("docker service update", || {
            let format = "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}";
            Ok(self.bed.docker(["service", "inspect", "--format", format, SERVICE])? == "completed")
        })?;
        Ok(begun.elapsed())
    }

    /// [`Swarm::update`] under the load of every story. Returns its time and what became of the requests.
    ///
    /// # Errors
    ///
    /// As [`Swarm::update`]; [`RigError::Load`] if the load cannot be started.
    pub async fn update_under_load(
        &self,
        haproxy: &Haproxy,
        image: Image,
    ) -> Result<(Duration, Report), RigError> {
        let load = Load::start(haproxy.addr(), LoadPlan::default())?;
        load.reached(400).await;
        let took = self.update(image)?;
        Ok((took, load.finish().await))
    }

    fn until(
        &self,
        what: &'static str,
        done: impl Fn() -> Result<bool, BedError>,
    ) -> Result<(), BedError> {
        let begun = Instant::now();
        while !done()? {
            if SETTLE_DEADLINE < begun.elapsed() {
                let seen = self.bed.docker(["service", "ps", "--no-trunc", SERVICE])?;
                return Err(BedError::Late { what, deadline: SETTLE_DEADLINE, seen });
            }
            thread::sleep(ASK_EVERY);
        }
        Ok(())
    }
}

impl Drop for Swarm<'_> {
    fn drop(&mut self) {
        // Already gone is as good; the follower ends with it.
        self.events.kill().ok();
        self.events.wait().ok();
    }
}

fn write(bed: &Bed, name: &str, text: &str) -> Result<String, BedError> {
    let path = bed.dir().join(name);
    fs::write(&path, text).map_err(|why| BedError::Folder { path: path.clone(), why })?;
    Ok(path.to_string_lossy().into_owned())
}

/// The Compose file of `image` as a stack: no virtual address, for want of IPVS.
fn stack(image: Image) -> Result<String, BedError> {
    let path = compose_file(image);
    let text = fs::read_to_string(&path).map_err(|why| BedError::Folder { path, why })?;
    let deploy = "    deploy:\n";
    let text = text.replacen(deploy, &format!("{deploy}      endpoint_mode: dnsrr\n"), 1);
    Ok(format!("version: '3.8'\n{text}"))
}

/// Starts to carry the engine's events into the load balancer. Ends when the process returned does.
fn follow(bed: &Bed, haproxy: &Arc<Haproxy>) -> Result<Child, BedError> {
    let run = |why| BedError::Run { command: "docker events".to_owned(), why };
    let mut events = Command::new("docker")
        .args(["events", "--filter", "type=container", "--format", "{{.Action}} {{.Actor.ID}}"])
        .args(["--filter", "event=die", "--filter", "event=health_status"])
        .env("DOCKER_HOST", bed.docker_host())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(run)?;
    let lines = events.stdout.take().expect("standard output is a pipe");
    let (host, haproxy) = (bed.docker_host().to_owned(), Arc::clone(haproxy));
    thread::Builder::new()
        .name("follow".to_owned())
        .spawn(move || carry(lines, &host, &haproxy))
        .map_err(run)?;
    Ok(events)
}

fn carry(events: ChildStdout, host: &str, haproxy: &Haproxy) {
    for line in BufReader::new(events).lines().map_while(Result::ok) {
        let Some((event, id)) = line.rsplit_once(' ') else {
            continue;
        };
        let server = format!("web/{}", &id[..id.len().min(12)]);
        let orders = if event.ends_with(": healthy") {
            let Some(address) = address(host, id) else {
                continue; // Gone again already; its death is the next event.
            };
            [
                format!("add server {server} {address}:{SERVER_PORT}"),
                format!("enable server {server}"),
            ]
        } else {
            [format!("set server {server} state maint"), format!("del server {server}")]
        };
        for order in orders {
            // A server that is still in use cannot be deleted; in maintenance it does no harm.
            haproxy.order(&order).ok();
        }
    }
}

fn address(host: &str, id: &str) -> Option<String> {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let inspected = Command::new("docker")
        .args(["inspect", "--format", format, id])
        .env("DOCKER_HOST", host)
        .output()
        .ok()?;
    let address = String::from_utf8_lossy(&inspected.stdout).trim().to_owned();
    (!address.is_empty()).then_some(address)
}
