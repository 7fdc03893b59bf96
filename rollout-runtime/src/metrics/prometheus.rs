//! Prometheus: an instant query over its HTTP interface, version 1.
//!
//! A scalar is the value; so is the first sample of a vector, so that a query that gives several should
//! aggregate them. An empty vector is no data. What is not finite, and every error, is an error.

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{HeaderMap, Method};
use rollout_core::{
    judge::Reading,
    port::{MetricQuery, Metrics},
};
use serde::{Deserialize, de::IgnoredAny};

use super::fill::fill;
use crate::http::{Ask, NoAnswer, Url, UrlError, exchange, one_line};

/// Where a query is asked below the address.
const PATH: &str = "/api/v1/query";
/// Most characters of an error that are told.
const ERROR_CHARS_MAX: usize = 300;

/// A Prometheus server, or what speaks as one.
#[derive(Debug)]
pub struct PrometheusMetrics {
    url: Url,
}

/// An answer.
#[derive(Debug, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Told {
    Success {
        data: Data,
    },
    Error {
        #[serde(default)]
        error: String,
    },
}

/// What a query gave. A sample is its time and its value, the value as text.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "snake_case")]
enum Data {
    Vector(Vec<Series>),
    Scalar((IgnoredAny, String)),
    Matrix(IgnoredAny),
    String(IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct Series {
    value: (IgnoredAny, String),
}

impl PrometheusMetrics {
    /// Asks the server at `url`, such as `http://prometheus:9090`; plain `http`.
    ///
    /// # Errors
    ///
    /// [`UrlError`] says what is wrong with the address.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        Ok(Self { url: Url::read(url)? })
    }

    async fn ask(&self, query: &MetricQuery) -> Result<Reading, String> {
        let text = fill(query)?;
        let url = self.url.with_query(PATH, &[("query", &text)]);
        let url = url.map_err(|error| error.to_string())?;
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let answer = exchange(Ask { method: Method::GET, url: &url, headers, body }).await;
        let answer = answer.map_err(|error| match error {
            NoAnswer::Malformed(why) | NoAnswer::Unreachable(why) | NoAnswer::Broken(why) => why,
        })?;
        if answer.is_cut {
            return Err("the answer is longer than 256 KiB; aggregate the query".to_owned());
        }
        // Refused queries come with a reason as well.
        let Ok(told) = serde_json::from_slice(&answer.body) else {
            return Err(format!("no answer of Prometheus: {}", answer.detail()));
        };
        match told {
            Told::Error { error } => Err(one_line(&error, ERROR_CHARS_MAX)),
            Told::Success { data: Data::Scalar((_, text)) } => Ok(Reading::of_text(&text)),
            Told::Success { data: Data::Vector(series) } => Ok(match series.first() {
                Some(Series { value: (_, text) }) => Reading::of_text(text),
                None => Reading::NoData,
            }),
            Told::Success { data: Data::Matrix(_) | Data::String(_) } => {
                Err("the query gives a range or a text; ask for a vector or a scalar".to_owned())
            }
        }
    }
}

#[async_trait]
impl Metrics for PrometheusMetrics {
    async fn measure(&self, query: &MetricQuery) -> Reading {
        self.ask(query).await.unwrap_or_else(Reading::Error)
    }
}
