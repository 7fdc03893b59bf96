//! Keys: certificates, tokens and kubeconfigs, made anew for each cluster.
//!
//! In: openssl. Out: files that only root reads. Absent: anything that lasts longer than the cluster.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::Command,
};

use super::{
    ClusterError,
    layout::{API_SERVICE, HOST, Layout, NODE},
};
use crate::bed::output;

/// Without a config of its own, openssl adds extensions that contradict ours.
const OPENSSL: &str = "[req]\ndistinguished_name = name\n[name]\n";
/// Days; a cluster left running for a person outlives none of them.
const LIFETIME: &str = "365";

/// Who may talk to the API server: file name, user, groups.
fn users() -> [(&'static str, String, &'static str); 3] {
    [
        ("admin", "admin".to_owned(), "system:masters"),
        ("kubelet", format!("system:node:{NODE}"), "system:nodes"),
        ("scheduler", "system:kube-scheduler".to_owned(), ""),
    ]
}

/// Makes everything.
pub(super) fn make(layout: &Layout) -> Result<(), ClusterError> {
    let dir = layout.path("keys");
    for folder in [&dir, &layout.path("users")] {
        fs::create_dir_all(folder).map_err(ClusterError::file(folder))?;
    }
    secret(&dir.join("openssl.cnf"), OPENSSL)?;
    key(&dir, "service-accounts")?;
    output(
        Command::new("openssl")
            .args([
                "pkey",
                "-in",
                "service-accounts.key",
                "-pubout",
                "-out",
                "service-accounts.pub",
            ])
            .current_dir(&dir),
    )?;
    certificate(&dir, "ca", "/CN=rollout-cluster", &["basicConstraints=critical,CA:TRUE"])?;
    let names = format!(
        "subjectAltName=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:{HOST},IP:{API_SERVICE}"
    );
    let is_server = "extendedKeyUsage=serverAuth";
    certificate(&dir, "api", "/CN=kube-apiserver", &[&names, is_server])?;
    let names = format!("subjectAltName=DNS:{NODE},IP:{HOST}");
    certificate(&dir, "kubelet", "/CN=kubelet", &[&names, is_server])?;
    certificate(&dir, "api-client", "/CN=kube-apiserver", &["extendedKeyUsage=clientAuth"])?;

    let ca_path = dir.join("ca.crt");
    let mut tokens = String::new();
    for (file, user, groups) in users() {
        let token = token()?;
        tokens += &[&token, ",", &user, ",", &user, ",\"", groups, "\"\n"].concat();
        secret(&layout.kubeconfig(file), &kubeconfig(&ca_path, &user, &token))?;
        if file == "admin" {
            secret(&layout.admin(), &kubeconfig(&ca_path, &user, &token))?;
        }
    }
    secret(&dir.join("tokens.csv"), &tokens)
}

/// A private key and a certificate: the authority's own, or one that it signs.
fn certificate(
    dir: &Path,
    name: &str,
    subject: &str,
    extensions: &[&str],
) -> Result<(), ClusterError> {
    key(dir, name)?;
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-config", "openssl.cnf", "-days", LIFETIME, "-subj", subject]);
    command.args(["-key", &format!("{name}.key"), "-out", &format!("{name}.crt")]);
    command.args(extensions.iter().flat_map(|extension| ["-addext", extension]));
    if name != "ca" {
        command.args(["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=CA:FALSE"]);
    }
    output(command.current_dir(dir))?;
    Ok(())
}

fn key(dir: &Path, name: &str) -> Result<(), ClusterError> {
    let file = format!("{name}.key");
    output(
        Command::new("openssl")
            .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-out", &file])
            .current_dir(dir),
    )?;
    Ok(())
}

/// 128 bits by chance, in hexadecimal digits.
fn token() -> Result<String, ClusterError> {
    let source = Path::new("/dev/urandom");
    let mut bits = [0_u8; 16];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bits))
        .map_err(ClusterError::file(source))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bits)))
}

/// Writes a file that only its owner reads.
fn secret(path: &Path, text: &str) -> Result<(), ClusterError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(ClusterError::file(path))
}

fn kubeconfig(ca_path: &Path, user: &str, token: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: rollout-cluster
  cluster: {{ server: \"{api}\", certificate-authority: \"{ca}\" }}
users:
- name: \"{user}\"
  user: {{ token: \"{token}\" }}
contexts:
- name: rollout-cluster
  context: {{ cluster: rollout-cluster, user: \"{user}\" }}
current-context: rollout-cluster
",
        api = Layout::api(),
        ca = ca_path.display(),
    )
}
