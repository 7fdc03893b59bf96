//! Config: the files of `live/kubernetes/config`, filled in.
//!
//! In: a layout. Out: files in the cluster's folder. A `@NAME@` is a place to fill in.

use std::{fs, path::PathBuf};

use super::{
    ClusterError, images,
    layout::{BRIDGE, GATEWAY_LISTENER_PORT, HOST, KUBELET_PORT, Layout, PODS},
};

/// Where a file goes, and what it is made from.
const FILES: [(&str, &str); 6] = [
    ("containerd.toml", include_str!("../../kubernetes/config/containerd.toml")),
    ("cni/10-pods.conflist", include_str!("../../kubernetes/config/cni.conflist")),
    ("kubelet.yaml", include_str!("../../kubernetes/config/kubelet.yaml")),
    ("kwok.yaml", include_str!("../../kubernetes/config/kwok.yaml")),
    ("contour.yaml", include_str!("../../kubernetes/config/contour.yaml")),
    ("gateway.yaml", include_str!("../../kubernetes/config/gateway.yaml")),
];

/// Writes all of them.
pub(super) fn write(layout: &Layout) -> Result<(), ClusterError> {
    for folder in ["cni", "logs", "pids", "pod-logs", "volume-plugins"] {
        let path = layout.path(folder);
        fs::create_dir_all(&path).map_err(ClusterError::file(&path))?;
    }
    for (name, template) in FILES {
        let path: PathBuf = layout.path(name);
        fs::write(&path, filled(template, layout)).map_err(ClusterError::file(&path))?;
    }
    Ok(())
}

fn filled(template: &str, layout: &Layout) -> String {
    let places = [
        ("@DIR@", layout.dir.display().to_string()),
        ("@BRIDGE@", BRIDGE.to_owned()),
        ("@HOST@", HOST.to_owned()),
        ("@PODS@", PODS.to_owned()),
        ("@PAUSE@", images::PAUSE.to_owned()),
        ("@KUBELET_PORT@", KUBELET_PORT.to_string()),
        ("@GATEWAY_LISTENER_PORT@", GATEWAY_LISTENER_PORT.to_string()),
    ];
    places.iter().fold(template.to_owned(), |text, (place, value)| text.replace(place, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_is_left_open() {
        for (name, template) in FILES {
            let text = filled(template, &Layout::new());
            assert!(!text.contains('@'), "{name}: {text}");
        }
    }
}
