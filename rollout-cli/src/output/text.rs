//! Text that grows line by line.

use std::fmt::{self, Write as _};

/// Lines of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// Adds a line.
    pub(crate) fn line(&mut self, line: impl fmt::Display) {
        self.add(format_args!("{line}\n"));
    }

    /// Adds to the last line, or several lines.
    pub(crate) fn add(&mut self, text: impl fmt::Display) {
        self.0.write_fmt(format_args!("{text}")).expect("a string takes all that is written");
    }

    /// The text.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}
