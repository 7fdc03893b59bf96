//! Health checks: an HTTP request to the instance itself becomes a probe of the engine, which is faster
//! and needs no program in the image; any other command stays Docker's own check.

use rollout_core::time::Span;
use serde_json::{Map, Value, json};

use super::{ComposeError, fields::Fields, words};

/// Docker's defaults.
const INTERVAL: Span = Span::from_secs(30);
const TIMEOUT: Span = Span::from_secs(30);
const RETRIES: u64 = 3;

pub(super) fn map(
    fields: &mut Fields<'_>,
    template: &mut Map<String, Value>,
    spec: &mut Value,
) -> Result<(), ComposeError> {
    let Some(mut check) = fields.open("healthcheck")? else {
        return Ok(());
    };
    let disabled = check.flag("disable")?;
    let test = test(&mut check)?;
    let times = Times::take(&mut check)?;
    if disabled == Some(true) || test.first().is_some_and(|kind| kind == "NONE") {
        template.insert("healthcheck".to_owned(), json!({ "test": ["NONE"] }));
        fields.mapped("healthcheck", "template.healthcheck");
        return fields.close(check);
    }
    if test.is_empty() {
        return Err(check.wrong("test", "it is missing", "give a command, or `disable: true`"));
    }
    if let Some((port, path)) = request(&test) {
        probes(&times, port, &path, spec);
        template.insert("healthcheck".to_owned(), json!({ "test": ["NONE"] }));
        fields.changed(
            "healthcheck",
            "health.readiness",
            format!("the engine itself asks for `{path}` on port {port} and takes 200 to 399 for healthy, Docker's own check is switched off"),
        );
    } else {
        template.insert("healthcheck".to_owned(), own(&times, &test));
        fields.mapped("healthcheck", "template.healthcheck");
    }
    fields.close(check)
}

/// The engine's own probes. A start period becomes a startup probe that fails as late as Docker's check.
fn probes(times: &Times, port: u16, path: &str, spec: &mut Value) {
    let probe = |period: Span, failures: u64| {
        json!({
            "http": { "port": port, "path": path },
            "period": period, "timeout": times.timeout, "failure_threshold": failures,
        })
    };
    spec["health"]["readiness"] = probe(times.interval, times.retries);
    if !times.start_period.is_zero() {
        let period = times.start_interval.unwrap_or(times.interval);
        let within = times.start_period.as_millis().div_ceil(period.as_millis().max(1));
        spec["health"]["startup"] = probe(period, within + times.retries);
    }
}

/// Docker's own check.
fn own(times: &Times, test: &[String]) -> Value {
    let mut check = json!({
        "test": test, "interval": times.interval, "timeout": times.timeout, "retries": times.retries,
    });
    if !times.start_period.is_zero() {
        check["start_period"] = json!(times.start_period);
    }
    check
}

struct Times {
    interval: Span,
    timeout: Span,
    retries: u64,
    start_period: Span,
    start_interval: Option<Span>,
}

impl Times {
    fn take(check: &mut Fields<'_>) -> Result<Self, ComposeError> {
        let retries = match check.text("retries")? {
            None => RETRIES,
            Some(text) => text.parse().map_err(|_| {
                check.wrong(
                    "retries",
                    format!("`{text}` is no whole number"),
                    "write one, such as `3`",
                )
            })?,
        };
        Ok(Self {
            interval: span(check, "interval")?.unwrap_or(INTERVAL),
            timeout: span(check, "timeout")?.unwrap_or(TIMEOUT),
            // None is Docker's word for its default.
            retries: if retries == 0 { RETRIES } else { retries },
            start_period: span(check, "start_period")?.unwrap_or(Span::ZERO),
            start_interval: span(check, "start_interval")?,
        })
    }
}

/// Takes a length of time.
pub(super) fn span(fields: &mut Fields<'_>, name: &str) -> Result<Option<Span>, ComposeError> {
    match fields.text(name)? {
        None => Ok(None),
        // Zero needs no unit.
        Some(text) if text == "0" => Ok(Some(Span::ZERO)),
        Some(text) => {
            text.parse().map(Some).map_err(|error| fields.wrong(name, error, "correct it"))
        }
    }
}

/// The test as Docker takes it.
fn test(check: &mut Fields<'_>) -> Result<Vec<String>, ComposeError> {
    match check.value("test")? {
        None => Ok(Vec::new()),
        Some(Value::String(line)) => Ok(vec!["CMD-SHELL".to_owned(), line]),
        Some(Value::Array(items)) => {
            let words: Vec<String> = items.iter().filter_map(super::fields::scalar).collect();
            match words.first().map(String::as_str) {
                Some("CMD" | "CMD-SHELL" | "NONE") => Ok(words),
                Some(_) | None => Err(check.wrong(
                    "test",
                    "its first word is none of CMD, CMD-SHELL and NONE",
                    "begin with one of them",
                )),
            }
        }
        Some(other) => Err(check.wrong(
            "test",
            format!("`{other}` is no command"),
            "write a text or a list of texts",
        )),
    }
}

/// The port and the path that `test` asks for, if it is nothing but an HTTP GET of the instance itself:
/// `curl`, `wget`, or another program, with the address as its last word.
fn request(test: &[String]) -> Option<(u16, String)> {
    let words = match test {
        [kind, words @ ..] if kind == "CMD" => words.to_vec(),
        [kind, line] if kind == "CMD-SHELL" => {
            let line = line.trim();
            let command = line
                .strip_suffix("|| exit 1")
                .or_else(|| line.strip_suffix("|| false"))
                .unwrap_or(line);
            if command.contains(['|', '&', ';', '<', '>', '`', '$', '(', '*']) {
                return None;
            }
            words::split(command)?
        }
        _ => return None,
    };
    let (program, arguments) = words.split_first()?;
    let addresses: Vec<(u16, String)> = arguments.iter().filter_map(|word| address(word)).collect();
    let [only] = addresses.as_slice() else {
        return None;
    };
    let tool = program.rsplit('/').next()?;
    let plain = match tool {
        // What else they can be told to do makes another request than a plain GET.
        "curl" | "wget" => !arguments.iter().any(|word| changes_request(word)),
        _ => arguments.last().and_then(|word| address(word)).is_some(),
    };
    plain.then(|| only.clone())
}

/// Whether an option of `curl` or `wget` sends something else than a plain GET.
fn changes_request(word: &str) -> bool {
    let long = [
        "--data",
        "--request",
        "--header",
        "--post",
        "--user",
        "--head",
        "--method",
        "--body",
        "--cert",
    ];
    let short = ["-X", "-d", "-H", "-u", "-I", "-F", "-T"];
    long.iter().any(|option| word.starts_with(option)) || short.contains(&word)
}

/// The port and the path of an address of the instance itself.
fn address(word: &str) -> Option<(u16, String)> {
    let rest = word.strip_prefix("http://")?;
    let (host, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.ends_with(']') => {
            (host, port.parse().ok()?)
        }
        Some(_) | None => (host, 80),
    };
    let own = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"].contains(&host);
    own.then(|| (port, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Option<(u16, String)> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        request(&words)
    }

    #[test]
    fn plain_requests_are_recognised_and_others_are_not() {
        let at = |port, path: &str| Some((port, path.to_owned()));
        for (test, expected) in [
            (vec!["CMD", "curl", "-f", "http://localhost:8080/health"], at(8080, "/health")),
            (vec!["CMD-SHELL", "curl -fsS http://127.0.0.1/ok?x=1 || exit 1"], at(80, "/ok?x=1")),
            (
                vec!["CMD", "/usr/bin/wget", "-q", "--spider", "http://localhost:3000"],
                at(3000, "/"),
            ),
            (vec!["CMD", "/web", "check", "http://localhost:8080/health"], at(8080, "/health")),
            (vec!["CMD", "curl", "-H", "Host: a", "http://localhost/"], None),
            (vec!["CMD-SHELL", "curl http://localhost/ | grep ok"], None),
            (vec!["CMD", "curl", "http://db:5432/"], None),
            (vec!["CMD", "curl", "https://localhost/"], None),
            (vec!["CMD", "pg_isready"], None),
            (vec!["NONE"], None),
        ] {
            assert_eq!(of(&test), expected, "{test:?}");
        }
    }
}
