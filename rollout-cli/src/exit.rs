//! Exit codes: what a script can tell from them, and nothing else.
//!
//! | code | meaning |
//! |------|---------|
//! | 0    | done: checked, planned, ordered, completed |
//! | 1    | bad input: a file, a spec, a name, or an order that the engine refused; nothing was touched |
//! | 2    | wrong usage: unknown or missing arguments |
//! | 3    | the rollout was rolled back; the revision before serves |
//! | 4    | the rollout failed or needs an operator, or a journal is damaged; in a simulation a promise was broken, or a hypothesis did not hold |
//! | 5    | not reachable: Docker, `HAProxy`, the running engine; or a journal or workload in other hands |
//! | 130  | interrupted; the next `rollout run` resumes |

use std::process::ExitCode;

/// The same table for `rollout --help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done: checked, planned, ordered, completed
  1    bad input: a file, a spec, a name, or an order that the engine refused; nothing was touched
  2    wrong usage: unknown or missing arguments
  3    the rollout was rolled back; the revision before serves
  4    the rollout failed or needs an operator, or a journal is damaged
  5    not reachable: Docker, HAProxy, the running engine; or a journal or workload in other hands
  130  interrupted; the next `rollout run` resumes";

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Bad input; nothing was touched.
    BadInput,
    /// The rollout was rolled back.
    RolledBack,
    /// The rollout failed or needs an operator.
    Failed,
    /// Something that is needed cannot be reached, or is in other hands.
    Unreachable,
    /// Interrupted; the next run resumes.
    Interrupted,
}

impl Exit {
    /// The code, as documented.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::BadInput => 1,
            Self::RolledBack => 3,
            Self::Failed => 4,
            Self::Unreachable => 5,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_code() {
        for exit in [
            Exit::Done,
            Exit::BadInput,
            Exit::RolledBack,
            Exit::Failed,
            Exit::Unreachable,
            Exit::Interrupted,
        ] {
            let start = format!("  {} ", exit.code());
            assert!(HELP.lines().any(|line| line.starts_with(&start)), "{exit:?}");
        }
    }
}
