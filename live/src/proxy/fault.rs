//! Fault: what is done to which requests, and what the proxy remembers of each.
//!
//! In: a request's method, path and query. Out: the trouble it meets, if any.

use std::time::{Duration, Instant};

/// Requests that a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Those that change nothing, watches and dry runs among them.
    Reads,
    /// Those that change something.
    Writes,
    /// Watches.
    Watches,
    /// Writes whose path has this in it, like `/scale`.
    WritesTo(String),
}

/// What is done to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its connection ends without an answer, and the API server has not seen it. Watches under way end too.
    Cut,
    /// The API server does what it says; then its connection ends without an answer.
    LoseAnswer,
    /// It is refused with this status, and the API server has not seen it.
    Refuse {
        /// The status code.
        status: u16,
        /// The header `retry-after`, whole seconds.
        retry_after: Option<u32>,
    },
    /// The API server does what it says; its answer does not come before the proxy is healed.
    HoldAnswer,
    /// It is passed on this much later.
    Delay(Duration),
    /// Nothing comes before the proxy is healed; the connection stays open. Watches under way fall silent too,
    /// if it lasts.
    Silence,
}

/// A trouble, what it is for, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub trouble: Trouble,
    /// To which requests.
    pub which: Which,
    /// How many of them are spared first.
    pub spared: u32,
    /// How often; `None`: until healed.
    pub times: Option<u32>,
}

/// A request that came through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it came.
    pub at: Instant,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// Whether it is a watch.
    pub is_watch: bool,
    /// Whether it only asks what would come of it.
    pub is_dry_run: bool,
    /// Status of the answer that was on its way to the client; `None`: there is none yet, or there was none.
    pub status: Option<u16>,
    /// What was done to it.
    pub trouble: Option<Trouble>,
}

impl Fault {
    /// `trouble` for `which` until healed.
    #[must_use]
    pub fn lasting(trouble: Trouble, which: Which) -> Self {
        Self { trouble, which, spared: 0, times: None }
    }

    /// `trouble` for the next `times` of `which`.
    #[must_use]
    pub fn next(times: u32, trouble: Trouble, which: Which) -> Self {
        Self { trouble, which, spared: 0, times: Some(times) }
    }

    /// The same once so many that it is about have passed.
    #[must_use]
    pub fn sparing(mut self, requests: u32) -> Self {
        self.spared = requests;
        self
    }

    /// Whether `seen` is for it; one that is spared is not.
    pub(super) fn takes(&mut self, seen: &Seen) -> bool {
        if !self.fits(seen) {
            return false;
        }
        let is_spared = 0 < self.spared;
        self.spared = self.spared.saturating_sub(1);
        !is_spared
    }

    fn fits(&self, seen: &Seen) -> bool {
        match &self.which {
            Which::All => true,
            Which::Reads => !seen.is_write(),
            Which::Writes => seen.is_write(),
            Which::Watches => seen.is_watch,
            Which::WritesTo(part) => seen.is_write() && seen.path.contains(part.as_str()),
        }
    }
}

impl Seen {
    pub(super) fn new(method: &str, path: &str, query: Option<&str>) -> Self {
        let words: Vec<&str> = query.unwrap_or_default().split('&').collect();
        Self {
            at: Instant::now(),
            method: method.to_owned(),
            path: path.to_owned(),
            is_watch: words.iter().any(|word| matches!(*word, "watch=true" | "watch=1")),
            is_dry_run: words.contains(&"dryRun=All"),
            status: None,
            trouble: None,
        }
    }

    /// Whether it changes something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.method != "GET" && self.method != "HEAD" && !self.is_dry_run
    }

    /// Whether it changed something: a write that the API server took.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        let is_taken = self.status.is_some_and(|status| (200..300).contains(&status))
            || matches!(self.trouble, Some(Trouble::LoseAnswer | Trouble::HoldAnswer));
        self.is_write() && is_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_fits_what_it_is_about() {
        let watch = Seen::new("GET", "/api/v1/pods", Some("limit=5&watch=true"));
        let scale = Seen::new("PATCH", "/apis/apps/v1/namespaces/a/replicasets/b/scale", None);
        assert!(!Seen::new("POST", "/api/v1/pods", Some("dryRun=All")).is_write());
        let fits = |which: Which| {
            let fault = Fault::lasting(Trouble::Cut, which);
            (fault.fits(&watch), fault.fits(&scale))
        };
        assert_eq!(fits(Which::All), (true, true));
        assert_eq!(fits(Which::Reads), (true, false));
        assert_eq!(fits(Which::Watches), (true, false));
        assert_eq!(fits(Which::Writes), (false, true));
        assert_eq!(fits(Which::WritesTo("/scale".to_owned())), (false, true));
        assert_eq!(fits(Which::WritesTo("/pods".to_owned())), (false, false));
    }
}
