//! What cannot be done is refused with one error that says the way out, and nothing is touched.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rollout_live::{
    bed::Image,
    tool::{Ran, Tool},
};

use crate::Stage;

/// Longest wait for an engine to reign.
const REIGN_DEADLINE: Duration = Duration::from_secs(20);

impl Stage {
    /// Everything that a rollout could touch: containers and since when they run, servers and their
    /// weights, volumes.
    fn world(&self) -> String {
        let bed = self.rig.bed();
        let ids: Vec<String> =
            bed.containers().expect("Docker answers").into_iter().map(|(id, _)| id).collect();
        let format = "{{.Id}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}}";
        let containers = ["inspect", "--format", format].into_iter();
        let containers = bed.docker(containers.chain(ids.iter().map(String::as_str)));
        let volumes = bed.docker(["volume", "ls", "--format", "{{.Name}}"]);
        let servers = self.rig.haproxy().order("show servers state web").expect("HAProxy answers");
        // Name, address, state as operated and as ordered, weight; the rest are clocks.
        let servers = servers.lines().map(|line| {
            let words: Vec<&str> = line.split(' ').skip(3).take(5).collect();
            words.join(" ")
        });
        let servers: Vec<String> = servers.collect();
        let answers = "Docker answers";
        format!(
            "{}\n{}\n{}",
            containers.expect(answers),
            volumes.expect(answers),
            servers.join("\n")
        )
    }

    /// Runs `tool` on `file` and `journal`: it refuses with `code` and one error in which all `words`
    /// stand, and the world stays as it is.
    fn refuses(&self, tool: &Tool, file: &Path, journal: &Path, code: i32, words: &[&str]) {
        let before = self.world();
        let (file, journal) = (file.to_string_lossy(), journal.to_string_lossy());
        let args = ["run", &file, "--backend", "docker", "--journal", &journal];
        let Ran { code: seen, out, err } = tool.run(args).expect("the command runs");
        println!("exit {seen:?}: {}", err.trim());
        assert_eq!(seen, Some(code), "{words:?}: {out}{err}");
        let errors = err.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{err}");
        for word in words {
            assert!(err.contains(word), "`{word}` is missing in: {err}");
        }
        assert_eq!(self.world(), before, "something was touched: {err}");
    }

    fn changed(&self, name: &str, from: &str, to: &str) -> std::path::PathBuf {
        let text = self.compose(Image::V2);
        assert!(text.contains(from), "`{from}` is missing in the example");
        self.write(name, text.replacen(from, to, 1))
    }
}

#[test]
fn what_is_not_there_is_refused_before_anything_is_touched() {
    let stage = Stage::new();
    stage.run(Image::V1);
    let journal = stage.rig.journal();
    let good = stage.write("good.yaml", stage.compose(Image::V2));
    let refuses = |tool: &Tool, file: &Path, code, words: &[&str]| {
        stage.refuses(tool, file, &journal, code, words);
    };
    let no_image = stage.changed("image.yaml", "}:v2\n", "}:v9\n");
    refuses(&stage.tool, &no_image, 1, &["template.image", ":v9", "docker pull"]);
    let ports = "    ports: [\"8080:8080\"]\n    stop_grace_period:";
    let busy = stage.changed("port.yaml", "    stop_grace_period:", ports);
    refuses(&stage.tool, &busy, 1, &[".ports", "one instance only", "HAProxy"]);
    let network = stage.tool.clone().with("WEB_NETWORK", "rollout-nobody");
    refuses(&network, &good, 1, &["template.networks", "rollout-nobody"]);
    let docker = stage.tool.clone().with("DOCKER_HOST", "unix:///run/rollout-nobody/docker.sock");
    refuses(&docker, &good, 5, &["unix:///run/rollout-nobody/docker.sock", "DOCKER_HOST"]);
    let proxy = stage.tool.clone().with("HAPROXY_ADMIN", "/run/rollout-nobody/haproxy.sock");
    refuses(
        &proxy,
        &good,
        5,
        &["traffic.haproxy.socket", "/run/rollout-nobody/haproxy.sock", "start it"],
    );
    stage.run(Image::V2);
}

#[test]
fn a_damaged_journal_is_refused_before_anything_is_touched() {
    let stage = Stage::new();
    stage.run(Image::V1);
    let good = stage.write("good.yaml", stage.compose(Image::V2));
    let whole = fs::read(stage.rig.journal()).expect("the journal is there");
    let word = b"\"proven\"";
    let place = whole.windows(word.len()).position(|seen| seen == word);
    let place = place.expect("the first deploy was proven");
    let damages: [(&str, &dyn Fn(&mut Vec<u8>)); 4] = [
        ("one byte of a record", &|bytes| bytes[place + 2] ^= 1),
        ("its first page", &|bytes| bytes[..4_096].fill(0xa5)),
        ("its second half is missing", &|bytes| bytes.truncate(bytes.len() / 2)),
        ("it is a text", &|bytes| *bytes = b"no journal at all\n".repeat(1_000)),
    ];
    for (what, damage) in damages {
        println!("damaged: {what}");
        let mut bytes = whole.clone();
        damage(&mut bytes);
        let journal = stage.write("damaged.redb", &bytes);
        let words = ["damaged.redb", "damaged", "nothing was touched", "restore"];
        // Nor is it mended in silence by having been looked at.
        for _ in 0..2 {
            stage.refuses(&stage.tool, &good, &journal, 4, &words);
        }
    }
    stage.run(Image::V2);
}

#[test]
fn a_second_engine_is_refused_whatever_its_journal() {
    let stage = Stage::new();
    let mut first = stage.start(Image::V1, &["--stay"]);
    let begun = Instant::now();
    while !first.said().contains("completed") {
        assert!(begun.elapsed() < REIGN_DEADLINE, "no end: {}", first.said());
        assert!(!first.has_ended().expect("the system knows its children"), "{}", first.said());
        thread::sleep(Duration::from_millis(50));
    }
    let good = stage.write("good.yaml", stage.compose(Image::V2));
    let (own, other) = (stage.rig.journal(), stage.rig.bed().dir().join("other.redb"));
    let way_out = "rollout status";
    stage.refuses(
        &stage.tool,
        &good,
        &own,
        5,
        &[&own.to_string_lossy(), "another engine", way_out],
    );
    stage.refuses(&stage.tool, &good, &other, 5, &["belongs to the engine", "--take-over"]);
    assert!(!first.has_ended().expect("the system knows its children"), "the first one lives on");
    first.kill().expect("it is killed");
    stage.refuses(&stage.tool, &good, &other, 5, &["belongs to the engine", "--take-over"]);
    stage.run(Image::V2);
}
