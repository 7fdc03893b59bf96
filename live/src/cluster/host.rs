//! Host: what a cluster needs of its host and changes on it.
//!
//! In: nothing. Out: a check, a bridge, and notes for the reaper of how things were. One change stays:
//! forwarding of packets between devices, because a container engine started since may rely on it.

use std::{env, fs, path::Path, process::Command};

use super::{
    ClusterError,
    layout::{BRIDGE, HOST, Layout},
};
use crate::bed::output;

/// Programs and the Debian packages they come from.
const PROGRAMS: [(&str, &str); 13] = [
    ("go", "golang-go"),
    ("pip3", "python3-pip"),
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    (CNI_PLUGIN, "containernetworking-plugins"),
    ("iptables", "iptables"),
    ("conntrack", "conntrack"),
    ("ip", "iproute2"),
    ("sysctl", "procps"),
    ("modprobe", "kmod"),
    ("openssl", "openssl"),
    ("mount", "mount"),
];
const CNI_PLUGIN: &str = "/usr/lib/cni/bridge";
/// Settings of the kernel that kubelet and kube-proxy change.
const SETTINGS: [&str; 7] = [
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.keys.root_maxkeys",
    "kernel.keys.root_maxbytes",
    "net.ipv4.conf.all.route_localnet",
    "vm.overcommit_memory",
    "vm.panic_on_oom",
];
/// Folders outside the cluster's own that kubelet and CNI write to, whatever they are told.
const FOLDERS: [&str; 4] =
    ["/usr/libexec/kubernetes", "/var/lib/kubelet", "/var/lib/cni", "/var/log/containers"];

/// Checks that a cluster can be had here.
pub(super) fn check() -> Result<(), ClusterError> {
    if output(Command::new("id").arg("-u"))? != "0" {
        return Err(ClusterError::NotRoot);
    }
    let missing: Vec<_> = PROGRAMS.iter().filter(|(program, _)| !is_there(program)).collect();
    if !missing.is_empty() {
        let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
        packages.dedup();
        let programs: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
        return Err(ClusterError::Missing {
            programs: programs.join(", "),
            packages: packages.join(" "),
        });
    }
    let rules = output(Command::new("iptables").args(["-w", "-t", "nat", "-S"]))?;
    match rules.lines().find_map(|rule| rule.strip_prefix("-N KUBE-")) {
        Some(chain) => Err(ClusterError::Another { chain: format!("KUBE-{chain}") }),
        None => Ok(()),
    }
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Makes the bridge that pods are on, and notes how the host was.
pub(super) fn prepare(layout: &Layout) -> Result<(), ClusterError> {
    let notes = layout.path("host");
    let note = |name: &str, text: &str| {
        let path = notes.join(name);
        fs::write(&path, text).map_err(ClusterError::file(&path))
    };
    fs::create_dir_all(&notes).map_err(ClusterError::file(&notes))?;
    let made: Vec<_> = FOLDERS.into_iter().filter(|path| !Path::new(path).exists()).collect();
    note("folders", &lines(&made))?;
    note("settings", &lines(&SETTINGS.map(setting)))?;
    note("filters", "")?;
    note("bridge", BRIDGE)?;
    output(Command::new("ip").args(["link", "add", BRIDGE, "type", "bridge"]))?;
    output(Command::new("ip").args(["address", "add", &format!("{HOST}/16"), "dev", BRIDGE]))?;
    output(Command::new("ip").args(["link", "set", BRIDGE, "up"]))?;
    // A host with Docker forwards nothing by itself, not even between two pods on one bridge.
    output(Command::new("iptables").args(["-w", "-I", "FORWARD", "-i", BRIDGE, "-j", "ACCEPT"]))?;
    Ok(())
}

/// `name=value`, or nothing where the kernel has no such setting.
fn setting(name: &str) -> String {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    fs::read_to_string(path).map_or(String::new(), |value| format!("{name}={}", value.trim()))
}

fn lines<S: AsRef<str>>(of: &[S]) -> String {
    of.iter()
        .map(AsRef::as_ref)
        .filter(|line| !line.is_empty())
        .fold(String::new(), |text, line| text + line + "\n")
}
