//! The words of `run` in a hook: a command, or a request.

use std::{collections::BTreeMap, env};

use serde::Deserialize;
use serde_json::Value;

use crate::http::{Url, UrlError, header};

/// What a hook runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookWords {
    /// `run: {command: [..], env: {..}, secrets: [..]}`
    Command(CommandWords),
    /// `run: {url: .., method: .., headers: {..}, secret_headers: {..}, body: ..}`
    Request(RequestWords),
}

/// A command beside the engine. No shell is involved unless it is the command.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandWords {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables it gets, beside `PATH`, `HOME`, `LANG` and `TMPDIR` of the engine and the `ROLLOUT_*` ones
    /// that tell it what it runs for.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of variables whose values it gets from the engine's own environment. The values are neither
    /// written down nor shown: in what is told of its output, three stars stand in their place.
    #[serde(default)]
    pub secrets: Vec<String>,
}

/// A request to a service that runs the job.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestWords {
    /// Where it is sent; plain `http`.
    pub url: String,
    /// `POST` or `PUT`. Default: `POST`.
    #[serde(default)]
    pub method: RequestMethod,
    /// Headers it carries.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers whose values stand in the engine's environment: name of the header to name of the variable.
    #[serde(default)]
    pub secret_headers: BTreeMap<String, String>,
    /// What it carries, as JSON. Default: the workload, the hook and the run.
    #[serde(default)]
    pub body: Option<Value>,
}

/// How a request is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RequestMethod {
    /// `POST`
    #[default]
    Post,
    /// `PUT`
    Put,
}

/// Words that were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// They name neither a command nor an address, or both.
    #[error("`run` names {found}; write `run: {{command: [..]}}` or `run: {{url: \"http://..\"}}`")]
    Unknown {
        /// What it names.
        found: String,
    },
    /// A field is wrong.
    #[error("`run` cannot be read: {why}")]
    Malformed {
        /// What is wrong.
        why: String,
    },
    /// There is no program.
    #[error("`run.command` is empty; name the program first, then its arguments")]
    NoProgram,
    /// The address is wrong.
    #[error("`run.url`: {0}")]
    Url(#[from] UrlError),
    /// A variable is not there.
    #[error(
        "the variable `{name}` is not in the environment of the engine; set it where the engine is started"
    )]
    NoSecret {
        /// Its name.
        name: String,
    },
}

impl HookWords {
    /// Reads the `run` of a hook. Asks nobody and looks into no environment.
    ///
    /// # Errors
    ///
    /// [`WordsError`] names the field that is wrong.
    pub fn read(run: &Value) -> Result<Self, WordsError> {
        let has = |name: &str| run.get(name).is_some();
        let malformed = |error: serde_json::Error| WordsError::Malformed { why: error.to_string() };
        let words = match (has("command"), has("url")) {
            (true, false) => {
                let words = CommandWords::deserialize(run).map_err(malformed)?;
                if words.command.first().is_none_or(String::is_empty) {
                    return Err(WordsError::NoProgram);
                }
                Self::Command(words)
            }
            (false, true) => {
                let words = RequestWords::deserialize(run).map_err(malformed)?;
                Url::read(&words.url)?;
                for (name, value) in &words.headers {
                    header(name, value).map_err(|why| WordsError::Malformed { why })?;
                }
                for name in words.secret_headers.keys() {
                    header(name, "").map_err(|why| WordsError::Malformed { why })?;
                }
                Self::Request(words)
            }
            (true, true) => {
                return Err(WordsError::Unknown { found: "both a command and a url".to_owned() });
            }
            (false, false) => {
                return Err(WordsError::Unknown {
                    found: "neither a command nor a url".to_owned(),
                });
            }
        };
        Ok(words)
    }
}

/// The value of a variable of the engine's environment.
pub(super) fn secret(name: &str) -> Result<String, WordsError> {
    env::var(name).map_err(|_| WordsError::NoSecret { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_that_make_no_sense_are_refused_by_name() {
        for (run, words) in [
            (json!("make test"), "names neither a command nor a url"),
            (json!({"command": ["a"], "url": "http://b"}), "names both a command and a url"),
            (json!({"command": []}), "`run.command` is empty"),
            (json!({"command": "make test"}), "`run` cannot be read: invalid type: string"),
            (json!({"command": ["a"], "enviroment": {}}), "unknown field `enviroment`"),
            (json!({"url": "https://b"}), "`run.url`: `https://b` asks for `https`"),
            (json!({"url": "http://b", "method": "GET"}), "unknown variant `GET`"),
            (json!({"url": "http://b", "headers": {"a b": ""}}), "`a b` is no name of a header"),
        ] {
            let error = HookWords::read(&run).unwrap_err().to_string();
            assert!(error.contains(words), "{run}: {error}");
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let run = HookWords::read(&json!({"url": "http://jobs/run"})).unwrap();
        let HookWords::Request(words) = run else { panic!("{run:?}") };
        assert_eq!((words.method, words.body), (RequestMethod::Post, None));
    }
}
