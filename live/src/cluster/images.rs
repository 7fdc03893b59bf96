//! Images: the server under test in its versions and what holds a pod open, imported without a registry.
//!
//! In: two static programs. Out: images in containerd. An archive as `docker save` writes it needs no Docker:
//! a layer, a config and a manifest.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use super::{ClusterError, layout::Layout};
use crate::bed::{Image, build_server, output};

/// What holds a pod's namespaces open.
pub(super) const PAUSE: &str = "rollout.test/pause:1";

/// Name of an image of the server under test.
pub(super) fn name(image: Image) -> String {
    format!("rollout.test/web:{}", image.version())
}

/// Writes an archive of all images and returns its path.
pub(super) fn archive(layout: &Layout) -> Result<PathBuf, ClusterError> {
    let dir = layout.path("images");
    fs::create_dir_all(&dir).map_err(ClusterError::file(&dir))?;
    let pause = layer(&dir, &layout.program("pause"), "pause")?;
    let web = layer(&dir, &build_server()?, "web")?;
    let mut manifest = vec![entry(&dir, PAUSE, "pause", &pause, &[])?];
    for image in Image::ALL {
        let variables = [
            format!("VERSION={}", image.version()),
            format!("HEALTH={}", image.health()),
            format!("BAD_SHARE={}", image.bad_share()),
            format!("PORT={}", crate::bed::SERVER_PORT),
        ];
        manifest.push(entry(&dir, &name(image), "web", &web, &variables)?);
    }
    write(&dir.join("manifest.json"), &Value::from(manifest))?;
    let archive = layout.path("images.tar");
    output(
        Command::new("tar")
            .arg("--create")
            .arg("--file")
            .arg(&archive)
            .arg("-C")
            .arg(&dir)
            .arg("."),
    )?;
    fs::remove_dir_all(&dir).map_err(ClusterError::file(&dir))?;
    Ok(archive)
}

/// Imports `archive` into containerd.
pub(super) fn import(layout: &Layout, archive: &Path) -> Result<(), ClusterError> {
    output(ctr(layout).args(["images", "import"]).arg(archive))?;
    fs::remove_file(archive).map_err(ClusterError::file(archive))
}

/// Asks containerd, in the kubelet's namespace.
pub(super) fn ctr(layout: &Layout) -> Command {
    let mut command = Command::new("ctr");
    command.args(["--address", &layout.text("containerd.sock"), "--namespace", "k8s.io"]);
    command
}

/// Packs one program as `/name` and returns the layer's digest.
fn layer(dir: &Path, program: &Path, name: &str) -> Result<String, ClusterError> {
    let copy = dir.join(name);
    fs::copy(program, &copy).map_err(ClusterError::file(program))?;
    let tar = format!("{name}.tar");
    output(
        Command::new("tar")
            .args(["--create", "--file", &tar, "--owner=0", "--group=0", name])
            .current_dir(dir),
    )?;
    fs::remove_file(&copy).map_err(ClusterError::file(&copy))?;
    let sum = output(Command::new("sha256sum").arg(&tar).current_dir(dir))?;
    Ok(format!("sha256:{}", sum.split_whitespace().next().unwrap_or_default()))
}

/// Writes the config of an image and returns its entry in the manifest.
fn entry(
    dir: &Path,
    image: &str,
    program: &str,
    digest: &str,
    variables: &[String],
) -> Result<Value, ClusterError> {
    let machine = if env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    let config = json!({
        "architecture": machine,
        "os": "linux",
        "config": { "Entrypoint": [format!("/{program}")], "Env": variables },
        "rootfs": { "type": "layers", "diff_ids": [digest] },
    });
    let file = format!("{}.json", image.replace(['/', ':'], "-"));
    write(&dir.join(&file), &config)?;
    Ok(json!({ "Config": file, "RepoTags": [image], "Layers": [format!("{program}.tar")] }))
}

fn write(path: &Path, value: &Value) -> Result<(), ClusterError> {
    fs::write(path, value.to_string()).map_err(ClusterError::file(path))
}
