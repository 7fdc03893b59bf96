//! Metrics: where values of a query come from.
//!
//! In: a metric and the revisions it speaks of. Out: a [`Reading`]: a value, no data, or an error that says
//! why. Absent: what a value means, which is the judge's, and a second attempt, which is the engine's.
//!
//! In a query these words are filled in before it is asked:
//!
//! | word | stands for |
//! |---|---|
//! | `{workload}` | the workload |
//! | `{candidate}` | the revision on trial |
//! | `{stable}` | the revision it is compared with; where there is none, the reading is an error |
//! | `{window}` | the time since what is read counts, in whole seconds, such as `90s`; at least `1s` |
//! | `{since}` | when that time began, in whole seconds since 1970 |
//! | `{interval}` | the metric's own interval, in whole seconds |

mod command;
mod fill;
mod prometheus;

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use rollout_core::{
    judge::Reading,
    port::{MetricQuery, Metrics},
};

pub use self::{command::CommandMetrics, prometheus::PrometheusMetrics};

/// Several sources, told apart by the name that a metric gives as its `source`. A name that is an address,
/// such as `http://prometheus:9090`, is a Prometheus server there, unless a source has that name.
#[derive(Clone, Default)]
pub struct NamedMetrics {
    sources: BTreeMap<String, Arc<dyn Metrics>>,
}

impl NamedMetrics {
    /// No source yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source, or replaces the one of that name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, source: Arc<dyn Metrics>) -> Self {
        self.sources.insert(name.into(), source);
        self
    }

    /// Names of the sources.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// The source that a metric asks for: the one it names, or the only one. Asks nobody.
    ///
    /// # Errors
    ///
    /// What is wrong, and the way out, if there is none.
    pub fn source(&self, name: Option<&str>) -> Result<Arc<dyn Metrics>, String> {
        let known = || self.names().collect::<Vec<_>>().join(", ");
        match name {
            Some(name) => match self.sources.get(name) {
                Some(source) => Ok(Arc::clone(source)),
                None if name.contains("://") => match PrometheusMetrics::new(name) {
                    Ok(server) => Ok(Arc::new(server)),
                    Err(why) => Err(format!("source: {why}")),
                },
                None if self.sources.is_empty() => {
                    Err(format!("source: `{name}` is not known, no source of metrics is; give one"))
                }
                None => Err(format!("source: `{name}` is not known; known are: {}", known())),
            },
            None => match self.sources.first_key_value() {
                Some((_, only)) if self.sources.len() == 1 => Ok(Arc::clone(only)),
                Some(_) => Err(format!("source: none is named; name one of: {}", known())),
                None => Err("source: no source of metrics is known; give one".to_owned()),
            },
        }
    }
}

#[async_trait]
impl Metrics for NamedMetrics {
    async fn measure(&self, query: &MetricQuery) -> Reading {
        match self.source(query.metric.source.as_deref()) {
            Ok(source) => source.measure(query).await,
            Err(why) => Reading::Error(why),
        }
    }
}

impl fmt::Debug for NamedMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
