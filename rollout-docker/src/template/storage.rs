//! Volumes, host directories and directories in memory.

use serde::{Deserialize, Serialize};

use super::Bytes;

/// A volume or a host directory inside an instance: exactly one of `volume` and `bind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Mount {
    /// What is mounted.
    #[serde(flatten)]
    pub source: Source,
    /// Where it appears inside; absolute.
    pub target: String,
    /// Whether it cannot be written from inside. Default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A named volume, which must exist.
    Volume(String),
    /// A directory or file of the host; absolute.
    Bind(String),
}

/// A directory in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tmpfs {
    /// Where it appears inside; absolute.
    pub target: String,
    /// Most that it holds. Default: half the host's memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
}

/// A mount as a person writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    volume: Option<String>,
    bind: Option<String>,
    target: String,
    #[serde(default)]
    read_only: bool,
}

impl TryFrom<Written> for Mount {
    type Error = String;
    fn try_from(written: Written) -> Result<Self, String> {
        let source = match (written.volume, written.bind) {
            (Some(volume), None) => Source::Volume(volume),
            (None, Some(bind)) if bind.starts_with('/') => Source::Bind(bind),
            (None, Some(bind)) => {
                return Err(format!("the bind `{bind}` is not absolute; begin it with `/`"));
            }
            (Some(_), Some(_)) => return Err("give one of `volume` and `bind`, not both".into()),
            (None, None) => return Err("give one of `volume` and `bind`".into()),
        };
        if !written.target.starts_with('/') {
            return Err(format!(
                "the target `{}` is not absolute; begin it with `/`",
                written.target
            ));
        }
        Ok(Self { source, target: written.target, read_only: written.read_only })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_reads_back_as_written() {
        let text = r#"{"volume":"data","target":"/data","read_only":true}"#;
        let mount: Mount = serde_json::from_str(text).unwrap();
        assert_eq!(mount.source, Source::Volume("data".to_owned()));
        assert_eq!(serde_json::to_string(&mount).unwrap(), text);
        for text in [
            r#"{"target":"/x"}"#,
            r#"{"bind":"rel","target":"/x"}"#,
            r#"{"volume":"v","target":"x"}"#,
            r#"{"volume":"v","target":"/x","mode":"z"}"#,
        ] {
            assert!(serde_json::from_str::<Mount>(text).is_err(), "{text}");
        }
    }
}
