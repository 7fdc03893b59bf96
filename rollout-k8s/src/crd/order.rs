//! Orders through the object: one annotation, taken at most once by its id, answered in the status.
//!
//! An annotation rather than a field of the spec: a spec is kept in version control and would give the order
//! again, and a write of the spec is a new generation, which an order is not.

use rollout_core::engine::OrderKind;
use serde::{Deserialize, Serialize};

/// Most characters of an order's text.
const LIMIT: usize = 4096;

/// An order as it stands in the annotation [`crate::labels::ORDER`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// Tells it from the order before; the same id is never taken twice.
    pub id: String,
    /// What is wanted: `"pause"`, `"resume"`, `{"promote": {"all": false}}`, `"abort"`, `{"undo": {"to": null}}`,
    /// `"retry"`, `"restart"`, `{"skip": {"to": "…"}}`, `"halt"` or `{"resolve": …}`.
    pub order: OrderKind,
    /// On whose behalf; it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why; it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// An order that cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Its text is not understood.
    #[error(
        "the order is not understood: {why}; write for example {{\"id\": \"1\", \"order\": \"pause\"}}"
    )]
    Text {
        /// What is wrong.
        why: String,
    },
    /// The spec says it.
    #[error("`{order}` is no order here; change `{field}` of the spec")]
    InSpec {
        /// The order.
        order: &'static str,
        /// The field.
        field: &'static str,
    },
    /// It is of a newer engine.
    #[error("this operator does not know the order; use a newer one")]
    Unknown,
    /// It has no reason, and must.
    #[error("`skip` needs a reason, which is recorded; add \"why\"")]
    NoReason,
}

impl OrderRequest {
    /// Reads an annotation. An order that is not understood is known by its id, or by its whole text.
    ///
    /// # Errors
    ///
    /// The id and a [`RequestError`] that says what is wrong.
    pub fn read(text: &str) -> Result<Self, (String, RequestError)> {
        let whole: String = text.chars().take(63).collect();
        let refused =
            |why: String| (id_of(text).unwrap_or(whole.clone()), RequestError::Text { why });
        if LIMIT < text.len() {
            return Err(refused(format!("it has {} bytes, the limit is {LIMIT}", text.len())));
        }
        let read: Self = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
        if read.id.is_empty() || 63 < read.id.chars().count() {
            return Err(refused("its id has not 1 to 63 characters".to_owned()));
        }
        match &read.order {
            OrderKind::Submit { .. } => {
                Err((read.id, RequestError::InSpec { order: "submit", field: "template" }))
            }
            OrderKind::Resize { .. } => {
                Err((read.id, RequestError::InSpec { order: "resize", field: "replicas" }))
            }
            OrderKind::Skip { .. } if read.why.is_none() => Err((read.id, RequestError::NoReason)),
            OrderKind::Pause
            | OrderKind::Resume
            | OrderKind::Promote { .. }
            | OrderKind::Abort
            | OrderKind::Undo { .. }
            | OrderKind::Retry
            | OrderKind::Restart
            | OrderKind::Skip { .. }
            | OrderKind::Halt
            | OrderKind::Resolve(_)
            | _ => Ok(read),
        }
    }
}

fn id_of(text: &str) -> Option<String> {
    let read: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(read.get("id")?.as_str()?.chars().take(63).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read() {
        let read =
            OrderRequest::read(r#"{"id": "7", "order": {"promote": {"all": true}}, "by": "ann"}"#);
        let read = read.unwrap();
        assert_eq!(read.order, OrderKind::Promote { all: true, gate: None });
        let pause = OrderRequest::read(r#"{"id": "8", "order": "pause"}"#).unwrap();
        assert_eq!(pause.order, OrderKind::Pause);
    }

    #[test]
    fn what_cannot_be_given_keeps_its_id_and_says_why() {
        let (id, why) = OrderRequest::read(r#"{"id": "9", "order": "dance"}"#).unwrap_err();
        assert_eq!(id, "9");
        assert!(why.to_string().contains("dance"), "{why}");
        let (_, why) =
            OrderRequest::read(r#"{"id": "9", "order": {"resize": {"replicas": 3}}}"#).unwrap_err();
        assert_eq!(why, RequestError::InSpec { order: "resize", field: "replicas" });
        let (id, _) = OrderRequest::read("pause").unwrap_err();
        assert_eq!(id, "pause");
    }
}
