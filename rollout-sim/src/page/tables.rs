//! Tables of a page: many seeds, strategies, experiments.

use maud::{Markup, html};
use rollout_core::time::Span;

use crate::simulate::{Chaos, Outlook, Row, Spread};

pub(super) fn outlook(outlook: &Outlook) -> Markup {
    let row = |name: &str, spread: &Spread, words: fn(u64) -> String| {
        html! {
            tr {
                th { (name) }
                @for number in [spread.least, spread.p50, spread.p90, spread.p99, spread.most] {
                    td.n { (words(number)) }
                }
            }
        }
    };
    html! {
        h2 { "Under " (outlook.seeds) " seeds" }
        p { @for (end, count) in &outlook.ends { (count) " " (end) ". " } }
        table {
            tr { th {} th { "least" } th { "p50" } th { "p90" } th { "p99" } th { "most" } }
            (row("time", &outlook.duration, |ms| Span::from_millis(ms).to_string()))
            (row("failed requests", &outlook.failed, |count| count.to_string()))
            (row("fewest answering", &outlook.lowest_capacity, |count| count.to_string()))
        }
        @for violation in &outlook.violations { p.bad { "broken: " (violation) } }
    }
}

pub(super) fn strategies(rows: &[Row]) -> Markup {
    html! {
        h2 { "Strategies" }
        table {
            tr {
                th { "strategy" } th { "time" } th { "downtime" } th { "failed requests" }
                th { "time to be back" } th { "most instances" } th { "extra instance-seconds" }
            }
            @for row in rows {
                tr {
                    th { (row.strategy) }
                    @match &row.measured {
                        Ok(found) => {
                            td.n { (found.duration) } td.n { (found.downtime) } td.n { (found.failed) }
                            td.n { (found.rollback.map_or_else(|| "-".to_owned(), |span| span.to_string())) }
                            td.n { (found.peak) } td.n { (found.extra_instance_seconds) }
                        }
                        Err(why) => td colspan="6" { (why) },
                    }
                }
            }
        }
    }
}

pub(super) fn chaos(chaos: &Chaos) -> Markup {
    html! {
        h2 { "Experiment: " (chaos.hypothesis) }
        p { @if chaos.holds() { "It held." } @else { span.bad { "It did not hold." } } }
        table {
            tr { th { "fault" } th { "struck" } th { "held" } th { "longest" } th { "worst" } th { "advice" } }
            @for trial in &chaos.trials {
                tr {
                    th { (trial.fault.as_deref().unwrap_or("none")) }
                    td.n { (trial.struck) } td.n { (trial.held) " of " (chaos.runs) } td.n { (trial.longest) " s" }
                    td { (trial.worst) } td { (trial.advice) }
                }
            }
        }
    }
}
