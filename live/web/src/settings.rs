//! Settings: the environment of the process, parsed once.
//!
//! In: variables by name. Out: [`Settings`], or one error that names variable, value and way out.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `VERSION` | `v1` | told in the body and in the header `x-version` |
//! | `HOSTNAME` | | told in the header `x-instance`; Docker sets it to the container's short id |
//! | `PORT` | `8080` | TCP port to listen on |
//! | `WORK_MS` | `20` | milliseconds of waiting per ordinary request |
//! | `ON_TERM` | `graceful` | `graceful`, `abrupt` or `ignore` |
//! | `HEALTH` | `good` | `good`, `never`, `fail_after:N` (requests) or `fail_after:Nms` (milliseconds of life) |
//! | `BAD_SHARE` | `0` | percent of ordinary requests answered 500 once the health has failed |

use std::{str::FromStr, time::Duration};

/// How the server behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Told in every answer.
    pub(crate) version: String,
    /// Told in every answer.
    pub(crate) instance: String,
    /// TCP port to listen on.
    pub(crate) port: u16,
    /// Wait before an ordinary answer.
    pub(crate) work: Duration,
    /// Manners on SIGTERM.
    pub(crate) on_term: OnTerm,
    /// What `/health` says.
    pub(crate) health: Health,
    /// Percent of ordinary requests answered 500 once the health has failed.
    pub(crate) bad_share: u64,
}

/// Manners on SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnTerm {
    /// Closes the listener, finishes what is in flight, exits 0.
    Graceful,
    /// Exits at once.
    Abrupt,
    /// Sets no handler: the kernel drops SIGTERM for PID 1.
    Ignore,
}

/// What `/health` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Always well.
    Good,
    /// Never ready.
    Never,
    /// Well until so many ordinary requests were answered.
    FailAfterRequests(u64),
    /// Well until the process is so old.
    FailAfter(Duration),
}

/// A variable that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is `{value}`; {way_out}")]
pub(crate) struct SettingsError {
    name: &'static str,
    value: String,
    way_out: &'static str,
}

impl Settings {
    /// Parses the variables that `var` knows.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] for the first value that cannot be read.
    pub(crate) fn from_env(
        var: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let number = "give a whole number";
        let bad_share: u64 = parsed(&var, "BAD_SHARE", "0", number)?;
        if 100 < bad_share {
            return Err(SettingsError {
                name: "BAD_SHARE",
                value: bad_share.to_string(),
                way_out: "give a percentage, 100 at most",
            });
        }
        Ok(Self {
            version: var("VERSION").unwrap_or_else(|| "v1".to_owned()),
            instance: var("HOSTNAME").unwrap_or_default(),
            port: parsed(&var, "PORT", "8080", "give a port, 1 to 65535")?,
            work: Duration::from_millis(parsed(&var, "WORK_MS", "20", number)?),
            on_term: parsed(&var, "ON_TERM", "graceful", "give graceful, abrupt or ignore")?,
            health: parsed(
                &var,
                "HEALTH",
                "good",
                "give good, never, fail_after:N or fail_after:Nms",
            )?,
            bad_share,
        })
    }
}

fn parsed<T: FromStr>(
    var: &impl Fn(&'static str) -> Option<String>,
    name: &'static str,
    default: &str,
    way_out: &'static str,
) -> Result<T, SettingsError> {
    let value = var(name).unwrap_or_else(|| default.to_owned());
    value.parse().map_err(|_| SettingsError { name, value, way_out })
}

/// Text that names no variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unnamed;

impl FromStr for OnTerm {
    type Err = Unnamed;

    fn from_str(text: &str) -> Result<Self, Unnamed> {
        match text {
            "graceful" => Ok(Self::Graceful),
            "abrupt" => Ok(Self::Abrupt),
            "ignore" => Ok(Self::Ignore),
            _ => Err(Unnamed),
        }
    }
}

impl FromStr for Health {
    type Err = Unnamed;

    fn from_str(text: &str) -> Result<Self, Unnamed> {
        let Some(limit) = text.strip_prefix("fail_after:") else {
            return match text {
                "good" => Ok(Self::Good),
                "never" => Ok(Self::Never),
                _ => Err(Unnamed),
            };
        };
        let whole = |digits: &str| digits.parse().map_err(|_| Unnamed);
        match limit.strip_suffix("ms") {
            Some(millis) => whole(millis).map(|n| Self::FailAfter(Duration::from_millis(n))),
            None => whole(limit).map(Self::FailAfterRequests),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &'static [(&'static str, &'static str)]) -> Result<Settings, SettingsError> {
        Settings::from_env(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let settings = with(&[]).unwrap();
        assert_eq!(settings.port, 8080);
        assert_eq!(settings.work, Duration::from_millis(20));
        assert_eq!(settings.on_term, OnTerm::Graceful);
        assert_eq!(settings.health, Health::Good);
    }

    #[test]
    fn a_failing_point_is_a_number_of_requests_or_an_age() {
        assert_eq!("fail_after:7".parse(), Ok(Health::FailAfterRequests(7)));
        assert_eq!("fail_after:1500ms".parse(), Ok(Health::FailAfter(Duration::from_millis(1500))));
        assert_eq!("fail_after:".parse::<Health>(), Err(Unnamed));
        assert_eq!("fail_after:7s".parse::<Health>(), Err(Unnamed));
    }

    #[test]
    fn a_bad_value_is_told_with_its_name_and_the_way_out() {
        let told = with(&[("ON_TERM", "politely")]).unwrap_err().to_string();
        assert_eq!(told, "ON_TERM is `politely`; give graceful, abrupt or ignore");
        let told = with(&[("BAD_SHARE", "101")]).unwrap_err().to_string();
        assert_eq!(told, "BAD_SHARE is `101`; give a percentage, 100 at most");
    }
}
