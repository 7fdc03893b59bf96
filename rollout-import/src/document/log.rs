//! The report in the making: lines come as fields are read, and leave in order and without repetition.

use std::cell::RefCell;

use crate::report::{Fate, Mapping};

/// Why a field without a value is left out.
pub(super) const NOTHING: &str = "it says nothing";

/// The report in the making, shared by all fields of a workload.
#[derive(Debug, Default)]
pub(crate) struct Log(RefCell<Vec<Mapping>>);

impl Log {
    /// Adds one line.
    pub(crate) fn add(&self, field: String, fate: Fate) {
        self.0.borrow_mut().push(Mapping { field, fate });
    }

    /// Every line, in the order of the fields by name.
    pub(crate) fn into_report(self) -> Vec<Mapping> {
        let mut report = self.0.into_inner();
        report.sort_by(|a, b| a.field.cmp(&b.field));
        let lines = report.clone();
        report.retain(|line| !lines.iter().any(|other| says_more(other, line)));
        report
    }
}

/// Whether `more` tells the same as `line`, and what is different as well.
fn says_more(more: &Mapping, line: &Mapping) -> bool {
    match (&more.fate, &line.fate) {
        (Fate::Changed { to: more_to, .. }, Fate::Mapped { to }) => {
            more.field == line.field && more_to.starts_with(to.as_str())
        }
        // A map without fields may still mean something.
        (Fate::Changed { .. } | Fate::Mapped { .. }, Fate::LeftOut { why }) => {
            line.covers(&more.field) && why == NOTHING
        }
        (Fate::Changed { .. }, Fate::Changed { .. })
        | (Fate::Mapped { .. }, Fate::Mapped { .. } | Fate::Changed { .. })
        | (Fate::LeftOut { .. }, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_says_more_takes_the_place_of_one_that_says_less() {
        let log = Log::default();
        let mapped = |to: &str| Fate::Mapped { to: to.to_owned() };
        let nothing = || Fate::LeftOut { why: NOTHING.to_owned() };
        log.add("b".to_owned(), nothing());
        log.add("b.c".to_owned(), mapped("x"));
        log.add("a".to_owned(), mapped("strategy"));
        let changed = Fate::Changed { to: "strategy.rolling".to_owned(), how: "so".to_owned() };
        log.add("a".to_owned(), changed);
        log.add("d".to_owned(), nothing());
        let lines: Vec<String> = log.into_report().iter().map(Mapping::to_string).collect();
        assert_eq!(lines, ["a → strategy.rolling: so", "b.c → x", "d left out: it says nothing"]);
    }
}
