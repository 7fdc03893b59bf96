//! The `rollout` command on a real Docker engine: killed at random moments, and given what it must refuse.

mod killed;
mod refused;

use std::{fs, path::PathBuf};

use rollout_live::{
    bed::{Bed, Image, Manners, compose_file},
    rig::Rig,
    tool::{Running, Tool},
};

/// A rig and the command that works on it.
struct Stage {
    rig: Rig,
    tool: Tool,
}

impl Stage {
    fn new() -> Self {
        let bed = Bed::start().expect("the bed starts");
        let rig = Rig::new(bed, Manners::Graceful).expect("HAProxy starts");
        let tool = Tool::on(&rig).expect("the command builds");
        Self { rig, tool }
    }

    /// The Compose file of `image`, with a service of the bed's own, so that beds may share an engine.
    fn compose(&self, image: Image) -> String {
        let text = fs::read_to_string(compose_file(image)).expect("the example is there");
        let own = text.replacen("  web:\n", &format!("  {}:\n", self.rig.bed().network()), 1);
        assert_ne!(own, text, "the service of the example is called `web`");
        own
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.rig.bed().dir().join(name);
        fs::write(&path, text).expect("the bed's folder can be written");
        path
    }

    /// `rollout run` on the Compose file of `image`.
    fn start(&self, image: Image, more: &[&str]) -> Running {
        let file = self.write(&format!("{}.yaml", image.version()), self.compose(image));
        let (file, journal) = (file.to_string_lossy(), self.rig.journal());
        let journal = journal.to_string_lossy();
        let args = ["run", &file, "--backend", "docker", "--journal", &journal];
        self.tool.start(args.into_iter().chain(more.iter().copied())).expect("the command starts")
    }

    /// Runs it to its end, which is to be a good one.
    fn run(&self, image: Image) {
        let ran = self.start(image, &[]).wait().expect("it ends");
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    }
}
