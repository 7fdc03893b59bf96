//! The bed itself, on a real Docker engine: it serves without loss, and leaves nothing behind.

use std::{fmt::Write as _, fs, path::Path, process::Command, thread, time::Duration};

use rollout_live::{
    bed::{Bed, Haproxy, Image, SERVER_PORT},
    load::{self, LoadPlan},
};

fn add_server(haproxy: &Haproxy, name: &str, address: std::net::IpAddr) {
    for order in [
        format!("add server web/{name} {address}:{SERVER_PORT}"),
        format!("enable server web/{name}"),
    ] {
        let answer = haproxy.order(&order).expect("the admin socket answers");
        assert!(answer.is_empty() || answer.contains("New server registered"), "{order}: {answer}");
    }
}

#[tokio::test]
async fn four_replicas_behind_the_load_balancer_lose_nothing() {
    let bed = Bed::start().unwrap();
    let haproxy = bed.haproxy().unwrap();
    for n in 0..4 {
        let (_, address) = bed.run(Image::V1, &[]).unwrap();
        add_server(&haproxy, &format!("s{n}"), address);
    }
    assert_eq!(bed.containers().unwrap().len(), 4);
    assert_eq!(bed.versions().unwrap(), [(Some("v1"), 4)].into());
    let report = load::run(haproxy.addr(), LoadPlan::default()).await.unwrap();
    assert_eq!(report.all.ok, 10_000, "{report}");
    assert_eq!(report.all.failed, 0, "{report}");
    assert_eq!(report.versions["v1"].ok, 10_000, "{report}");
}

#[test]
fn every_image_is_what_its_name_says() {
    let bed = Bed::start().unwrap();
    for (image, healthy) in [(Image::V2, true), (Image::Broken, false), (Image::Degrading, true)] {
        let (id, _) = bed.run(image, &[]).unwrap();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(bed.docker(["exec", &id, "/web", "check"]).is_ok(), healthy, "{image:?}");
        if image == Image::Degrading {
            thread::sleep(Duration::from_secs(3));
            assert!(bed.docker(["exec", &id, "/web", "check"]).is_err(), "{image:?}");
        }
    }
}

#[test]
fn sigterm_is_obeyed_as_asked_by_pid_1() {
    let bed = Bed::start().unwrap();
    for (manners, code) in [("graceful", "0"), ("abrupt", "0"), ("ignore", "137")] {
        let (id, _) = bed
            .run(Image::V1, &["ON_TERM=".to_owned() + manners].each_ref().map(String::as_str))
            .unwrap();
        thread::sleep(Duration::from_millis(200));
        bed.docker(["stop", "--time", "1", &id]).unwrap();
        assert_eq!(
            bed.docker(["inspect", "--format", "{{.State.ExitCode}}", &id]).unwrap(),
            code,
            "{manners}"
        );
    }
}

#[test]
fn a_dropped_bed_leaves_nothing() {
    let bed = Bed::start().unwrap();
    bed.run(Image::V1, &[]).unwrap();
    let haproxy = bed.haproxy().unwrap();
    let dir = bed.dir().to_owned();
    assert_ne!(mentions_of(&dir), "");
    drop(haproxy);
    drop(bed);
    assert_eq!(mentions_of(&dir), "");
    assert!(!dir.exists());
}

/// Everything of this host that names `dir`: processes and mounts.
fn mentions_of(dir: &Path) -> String {
    let dir = dir.to_str().expect("the folder was named by the bed");
    let mut found = String::new();
    for line in fs::read_to_string("/proc/mounts")
        .expect("Linux has it")
        .lines()
        .filter(|line| line.contains(dir))
    {
        writeln!(found, "mount {line}").expect("a string takes everything");
    }
    let processes = Command::new("ps").args(["-eo", "pid,args"]).output().expect("ps runs").stdout;
    for line in String::from_utf8_lossy(&processes).lines().filter(|line| line.contains(dir)) {
        writeln!(found, "process {line}").expect("a string takes everything");
    }
    found
}
