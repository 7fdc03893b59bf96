//! Checks of gates.

use super::{CheckError, hook, limits};
use crate::spec::{Gate, Unanswered};

/// Checks the gates at the path `field`.
pub(super) fn check(field: &str, gates: &[Gate], errors: &mut Vec<CheckError>) {
    for (index, gate) in gates.iter().enumerate() {
        let field = format!("{field}[{index}]");
        match gate {
            Gate::Hold(span) => limits::long(&format!("{field}.hold"), *span, errors),
            Gate::Health(span) => limits::long(&format!("{field}.health"), *span, errors),
            Gate::Approval { deadline: None, on_expiry: Unanswered::Fail } => {}
            Gate::Approval { deadline: None, on_expiry: Unanswered::Pass } => {
                let field = format!("{field}.approval.on_expiry");
                errors.push(CheckError::NeverUnanswered { field });
            }
            Gate::Approval { deadline: Some(deadline), .. } => {
                let field = format!("{field}.approval.deadline");
                if deadline.is_zero() {
                    errors.push(CheckError::NoTimeToApprove { field });
                } else {
                    limits::long(&field, *deadline, errors);
                }
            }
            Gate::Metric(metric) => metric.check(&format!("{field}.metric"), errors),
            Gate::Window(calendar) => calendar.check(&format!("{field}.window"), errors),
            Gate::Hook(job) => hook::check_hook(&format!("{field}.hook"), job, errors),
        }
    }
}
