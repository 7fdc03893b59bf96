//! Compose: the files of `examples/docker`, made to point at a bed.
//!
//! In: an image, manners, a load balancer. Out: the path of a file and the variables it is read with.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Bed, Haproxy, Image};

/// What the server does on SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manners {
    /// Closes its listener, finishes what is in flight, exits.
    Graceful,
    /// Exits at once.
    Abrupt,
    /// Nothing: it is killed when its grace is over.
    Ignore,
}

impl Manners {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Graceful, Self::Abrupt, Self::Ignore];

    /// As in the variable `ON_TERM`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Graceful => "graceful",
            Self::Abrupt => "abrupt",
            Self::Ignore => "ignore",
        }
    }
}

/// Path of the Compose file that names `image`.
#[must_use]
pub fn compose_file(image: Image) -> PathBuf {
    let name = match image {
        Image::V1 => "compose.yaml",
        Image::V2 => "compose.v2.yaml",
        Image::Broken => "compose.broken.yaml",
        Image::Degrading => "compose.degrading.yaml",
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/docker").join(name)
}

impl Bed {
    /// The variables with which a Compose file of `examples/docker` means this bed.
    #[must_use]
    pub fn variables(&self, haproxy: &Haproxy, manners: Manners) -> BTreeMap<String, String> {
        [
            ("WEB_IMAGE", self.tag.clone()),
            ("WEB_NETWORK", self.tag.clone()),
            ("HAPROXY_ADMIN", haproxy.admin().display().to_string()),
            ("ON_TERM", manners.name().to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_names_its_image_and_differs_in_nothing_else() {
        let service = |image: Image| {
            let text = fs::read_to_string(compose_file(image)).unwrap();
            let begin = text.find("services:").unwrap();
            let named = format!("image: ${{WEB_IMAGE:-rollout-web}}:{}\n", image.version());
            assert!(text.contains(&named), "{image:?}");
            text[begin..].replace(&named, "")
        };
        for image in Image::ALL {
            assert_eq!(service(image), service(Image::V1), "{image:?}");
        }
    }
}
