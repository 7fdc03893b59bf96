//! Times as people write them.

use std::time::{SystemTime, UNIX_EPOCH};

use rollout_core::time::{Span, Timestamp};

/// The time now.
pub(crate) fn now() -> Timestamp {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
}

/// A point in time such as `2026-03-01T12:00:00.250Z`; the bare milliseconds if no calendar has it.
pub(crate) fn point(at: Timestamp) -> String {
    let stamp = i64::try_from(at.0).ok().map(jiff::Timestamp::from_millisecond);
    match stamp {
        Some(Ok(stamp)) => format!("{stamp:.3}"),
        Some(Err(_)) | None => at.0.to_string(),
    }
}

/// A span to the second; what is shorter than ten seconds to the tenth.
pub(crate) fn rough(span: Span) -> String {
    let ms = span.as_millis();
    if ms < 10_000 {
        return format!("{}.{}s", ms / 1000, ms % 1000 / 100);
    }
    Span::from_secs(ms / 1000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        assert_eq!(point(Timestamp(1_700_000_000_250)), "2023-11-14T22:13:20.250Z");
        assert_eq!(point(Timestamp(u64::MAX)), u64::MAX.to_string());
        assert_eq!(rough(Span::from_millis(1_260)), "1.2s");
        assert_eq!(rough(Span::from_millis(75_900)), "1m 15s");
    }
}
