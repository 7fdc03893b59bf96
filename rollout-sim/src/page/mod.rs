//! Page: a simulation as one HTML file that opens without a server.
//!
//! In: what was simulated. Out: a page with its pictures in it. Absent: scripts, anything that is loaded from
//! elsewhere, anything that is not in the report.

mod charts;
mod tables;

use std::fmt::Display;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use rollout_core::spec::CheckedSpec;

pub use self::charts::DrawError;
use crate::{
    setting::revision,
    simulate::{Chaos, Outlook, Report, Row, Scenario},
};

/// What a page tells.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What was moved.
    pub spec: &'a CheckedSpec,
    /// How.
    pub scenario: &'a Scenario,
    /// One story.
    pub report: &'a Report,
    /// The same under many seeds.
    pub outlook: Option<&'a Outlook>,
    /// Every strategy.
    pub rows: Option<&'a [Row]>,
    /// A hypothesis and what became of it.
    pub chaos: Option<&'a Chaos>,
}

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}\
h2{margin-top:1.6em}svg{max-width:100%;height:auto}table{border-collapse:collapse}\
td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}\
td.n{text-align:right}pre{overflow-x:auto;background:#f6f6f6;padding:1em;font-size:12px}\
.bad{color:#b22}.key span{display:inline-block;margin-right:1.2em}\
.key i{display:inline-block;width:1em;height:1em;margin-right:.3em;vertical-align:-.15em}";

/// Writes the page.
///
/// # Errors
///
/// [`DrawError`] if a chart cannot be drawn.
pub fn page(page: &Page<'_>) -> Result<String, DrawError> {
    let Page { spec, scenario, report, .. } = page;
    let title = format!("{}: {}", spec.workload, report.finish);
    let pictures = pictures(page)?;
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (title) } style { (PreEscaped(STYLE)) } }
            body {
                h1 { (title) }
                p {
                    (spec.replicas) " instances, a candidate that is " code { (scenario.candidate) }
                    ", fleet " code { (scenario.fleet) } ", " (scenario.faults) ", seed " (scenario.seed) "."
                }
                (summary(page))
                @for (name, what, picture) in &pictures {
                    h2 { (name) }
                    @if let Some(what) = what { (what) }
                    (PreEscaped(picture))
                }
                @if let Some(outlook) = page.outlook { (tables::outlook(outlook)) }
                @if let Some(chaos) = page.chaos { (tables::chaos(chaos)) }
                @if let Some(rows) = page.rows { (tables::strategies(rows)) }
                h2 { "Transcript" }
                details { summary { "everything that happened, line by line" } pre { (report.transcript) } }
            }
        }
    };
    Ok(body.into_string())
}

fn summary(page: &Page<'_>) -> Markup {
    let Page { spec, report, .. } = page;
    let row = |name: &str, value: &dyn Display| html! { tr { th { (name) } td { (value) } } };
    html! {
        table {
            (row("ended", &report.finish))
            (row("took", &report.duration))
            (row("requests", &format_args!("{} sent, {} failed", report.sent, report.failed_in_all())))
            @for (cause, count) in &report.failed { (row(cause, count)) }
            (row("fewest answering", &format_args!("{} of {}", report.lowest_capacity, spec.replicas)))
        }
        @for violation in &report.violations { p.bad { "broken: " (violation) } }
    }
}

/// A name, what is to be said of it, and the picture.
type Picture = (&'static str, Option<Markup>, String);

fn pictures(page: &Page<'_>) -> Result<Vec<Picture>, DrawError> {
    let film = &page.report.film;
    let key = html! {
        p.key {
            @for (_, colour, name) in charts::LOOKS {
                @let style = format!("background:rgb({},{},{})", colour.0, colour.1, colour.2);
                span { i style=(style) {} (name) }
            }
        }
    };
    let seconds = film.seconds();
    let (errors, delays) = charts::requests(film, &seconds)?;
    let shares = charts::shares(film, &revision("v1"), &revision("v2"))?;
    let mut all = vec![
        ("Traffic", None, shares),
        ("Capacity", None, charts::capacity(film, page.spec.replicas)?),
        ("Failed requests", None, errors),
        ("Time that 99 of 100 answers do not exceed", None, delays),
    ];
    if !film.tracks.is_empty() {
        all.insert(0, ("Instances", Some(key), charts::instances(film)?));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use rollout_core::{
        id::WorkloadId,
        spec::{CheckedSpec, Spec},
    };

    use super::*;
    use crate::simulate::simulate;

    /// It opens without a server: nothing in it is loaded from anywhere.
    #[test]
    fn a_page_holds_all_that_it_shows() {
        let spec = Spec::new(WorkloadId::new("web").expect("a short name"));
        let spec = CheckedSpec::new(Spec { replicas: 3, ..spec }).expect("it passes the check");
        let scenario = Scenario::default();
        let report = simulate(&spec, &scenario).expect("the ports can do it");
        let told = Page {
            spec: &spec,
            scenario: &scenario,
            report: &report,
            outlook: None,
            rows: None,
            chaos: None,
        };
        let text = page(&told).expect("it can be drawn");
        assert_eq!(text.matches("<svg").count(), 5);
        for instance in ["web-v1-1", "web-v2-"] {
            assert!(text.contains(instance), "{instance}");
        }
        let without = text.replace("http://www.w3.org/2000/svg", "");
        for word in ["<script", "href=", "src=", "url(", "http:", "https:"] {
            assert!(!without.contains(word), "{word}");
        }
        assert_eq!(text, page(&told).expect("it can be drawn"));
    }
}
