//! One gate of one attempt, by which an order says exactly what it passes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Attempt;

/// One gate of one attempt, as text `ATTEMPT.STAGE.GATE`, each counted from 1: `3.2.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GateId {
    /// The attempt.
    pub attempt: Attempt,
    /// Number of the stage in the plan.
    pub stage: usize,
    /// Number of the gate in its stage.
    pub gate: usize,
}

/// A text that names no gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` names no gate; write its attempt, stage and number, as `rollout status` does: `3.2.1`"
)]
pub struct GateIdError {
    /// The text.
    pub text: String,
}

impl fmt::Display for GateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.attempt.0, self.stage, self.gate)
    }
}

impl FromStr for GateId {
    type Err = GateIdError;

    fn from_str(text: &str) -> Result<Self, GateIdError> {
        let refused = || GateIdError { text: text.to_owned() };
        let mut parts = text.split('.');
        let mut part = || parts.next().and_then(|part| part.parse().ok()).filter(|part| 0 < *part);
        let id = match (part(), part(), part()) {
            (Some(attempt), Some(stage), Some(gate)) => Self {
                attempt: Attempt(attempt),
                stage: usize::try_from(stage).map_err(|_| refused())?,
                gate: usize::try_from(gate).map_err(|_| refused())?,
            },
            (_, _, _) => return Err(refused()),
        };
        if parts.next().is_some() { Err(refused()) } else { Ok(id) }
    }
}

impl TryFrom<String> for GateId {
    type Error = GateIdError;

    fn try_from(text: String) -> Result<Self, GateIdError> {
        text.parse()
    }
}

impl From<GateId> for String {
    fn from(id: GateId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_named_by_three_numbers() {
        let id = GateId { attempt: Attempt(3), stage: 2, gate: 1 };
        assert_eq!("3.2.1".parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"3.2.1\"");
        for text in ["", "3", "3.2", "3.2.0", "3.2.1.1", "3.x.1", "-3.2.1", "3.2."] {
            let error = text.parse::<GateId>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }
}
