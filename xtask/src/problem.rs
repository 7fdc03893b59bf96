//! Problem: why a command of the house could not do its work.

use std::{fmt, io, process::ExitStatus};

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Problem {
    /// A program cannot be started.
    Start {
        /// The program.
        program: String,
        /// Why not.
        why: io::Error,
    },
    /// A step ended badly. It has said why.
    Step {
        /// Name of the step.
        name: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// Rules of the house are broken.
    Untidy {
        /// One line per breach: file, line, rule.
        breaches: Vec<String>,
    },
    /// Programs are missing and cannot be installed from here.
    Missing {
        /// Names of the packages.
        packages: String,
        /// What a person can do.
        way_out: &'static str,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, why } => write!(f, "`{program}` cannot be run: {why}"),
            Self::Step { name, status } => write!(f, "`{name}` failed ({status})"),
            Self::Untidy { breaches } => {
                write!(f, "{} breaches of the rules of the house:", breaches.len())?;
                breaches.iter().try_for_each(|breach| write!(f, "\n  {breach}"))
            }
            Self::Missing { packages, way_out } => {
                write!(f, "packages {packages} are not installed; {way_out}")
            }
        }
    }
}
