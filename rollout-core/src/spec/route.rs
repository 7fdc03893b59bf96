//! What goes to the candidate beside its share: requests that match, copies of requests, clients it has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{time::Span, weight::Weight};

/// Requests that go to the candidate whatever its weight: one header or one cookie, and what it must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Name of the header; this or `cookie`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Name of the cookie; this or `header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// Its whole value. Without any of these three it need only be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// How its value begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// What its whole value matches, in the router's own dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
}

/// Keeps a client on the revision that answered it first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Affinity {
    /// Name of the cookie that remembers the revision.
    pub cookie: String,
    /// How long it is remembered. Default: 1 h.
    #[serde(default = "default_max_age")]
    pub max_age: Span,
}

fn default_max_age() -> Span {
    Span::from_secs(3600)
}

/// Everything about a route beside the shares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Requests that go to the candidate whatever its weight; any of these is enough.
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
    /// Share of the other requests that the candidate gets a copy of.
    #[serde(skip_serializing_if = "Weight::is_zero")]
    pub mirror: Weight,
    /// Whether a client stays with the revision that answered it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
}

impl Rules {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.sends() && self.affinity.is_none()
    }

    /// Whether the candidate gets requests even at weight 0, so that an instance must stand behind them.
    #[must_use]
    pub const fn sends(&self) -> bool {
        !self.matches.is_empty() || !self.mirror.is_zero()
    }
}
