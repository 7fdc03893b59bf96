//! The words of a query that stand for something.

use std::time::{SystemTime, UNIX_EPOCH};

use rollout_core::{
    port::MetricQuery,
    time::{Span, Timestamp},
};

/// Returns the query with its words filled in.
pub(super) fn fill(query: &MetricQuery) -> Result<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).map_or(Timestamp(u64::MAX), Timestamp);
    fill_at(query, now)
}

fn fill_at(query: &MetricQuery, now: Timestamp) -> Result<String, String> {
    let text = &query.metric.query;
    if text.contains("{stable}") && query.stable.is_none() {
        return Err("the query asks for `{stable}`, and no revision is stable yet".to_owned());
    }
    let stable = query.stable.as_ref().map_or("", |stable| stable.as_str());
    let seconds = |span: Span| format!("{}s", span.as_millis().div_ceil(1_000).max(1));
    Ok(text
        .replace("{workload}", query.workload.as_str())
        .replace("{candidate}", query.candidate.as_str())
        .replace("{stable}", stable)
        .replace("{window}", &seconds(now.since(query.since)))
        .replace("{since}", &(query.since.0 / 1_000).to_string())
        .replace("{interval}", &seconds(query.metric.interval)))
}

#[cfg(test)]
mod tests {
    use rollout_core::id::{RevisionId, WorkloadId};

    use super::*;

    fn query(text: &str, stable: Option<&str>) -> MetricQuery {
        let metric = serde_json::json!({"name": "errors", "query": text, "interval": "30s"});
        MetricQuery {
            workload: WorkloadId::new("web").unwrap(),
            metric: serde_json::from_value(metric).unwrap(),
            candidate: RevisionId::new("v2").unwrap(),
            stable: stable.map(|name| RevisionId::new(name).unwrap()),
            since: Timestamp(1_700_000_000_500),
        }
    }

    #[test]
    fn every_word_is_filled_in_and_every_other_brace_is_kept() {
        let text =
            "{workload} {candidate} {stable} {window} {since} {interval} rate(a{b=\"c\"}[5m])";
        let at = Timestamp(1_700_000_090_000);
        let expected = "web v2 v1 90s 1700000000 30s rate(a{b=\"c\"}[5m])";
        assert_eq!(fill_at(&query(text, Some("v1")), at).unwrap(), expected);
        assert_eq!(fill_at(&query("{window}", None), Timestamp(0)).unwrap(), "1s");
        let error = fill_at(&query(text, None), at).unwrap_err();
        assert!(error.contains("no revision is stable yet"), "{error}");
    }
}
