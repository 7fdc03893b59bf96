//! Lives: what an instance will do from its start on, drawn before it starts.

use serde::{Deserialize, Serialize};

use crate::random::Stream;

/// What an instance will do from its start on. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Time from start to the first answer; `None`: it runs and never answers.
    pub serves_after: Option<u64>,
    /// Time from start to a crash.
    pub crashes_after: Option<u64>,
    /// Exit code of that crash.
    pub exit_code: i64,
    /// Time from the first answer to when it answers no more, and for how long.
    pub unready: Option<(u64, u64)>,
    /// Requests answered with an error, in a million.
    pub errors: u64,
    /// When those errors come.
    #[serde(default, skip_serializing_if = "Flaw::is_constant")]
    pub flaw: Flaw,
    /// How many times as long as a good revision it takes to answer, and so how much less it can answer.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub slowness: u64,
    /// How it takes the stop signal.
    pub manner: Manner,
    /// Time it takes to end after the stop signal, unless it ignores that.
    pub stops_after: u64,
}

/// When the errors of an instance come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// From its first answer on.
    #[default]
    Constant,
    /// More and more of them, until it has run for so long, in milliseconds.
    Growing(u64),
    /// Only while it gets more than so many requests a second.
    Above(u64),
    /// Only where it runs in this zone.
    Zone(u64),
}

impl Flaw {
    const fn is_constant(&self) -> bool {
        matches!(self, Self::Constant)
    }
}

const fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_one(slowness: &u64) -> bool {
    *slowness == 1
}

/// How an instance takes the stop signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// Takes nothing new, finishes what it has.
    Graceful,
    /// Ends at once; what it has is cut.
    Abrupt,
    /// Goes on serving until it is killed.
    Ignores,
}

/// What is true of a revision, whatever the engine thinks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// It works.
    Good,
    /// It runs and never answers.
    NeverReady,
    /// It ends right after its start.
    CrashesAtStart {
        /// Time from start, in milliseconds.
        after: u64,
    },
    /// It answers, and after a while no more.
    UnreadyAfter {
        /// Time from the first answer, in milliseconds.
        after: u64,
    },
    /// It answers, and ends after a while.
    CrashesAfter {
        /// Time from start beyond the first answer, in milliseconds.
        after: u64,
    },
    /// It answers, some requests with an error.
    Errors {
        /// Requests answered with an error, in a million.
        parts: u64,
    },
    /// It answers, and errors become more and more.
    SlowBurn {
        /// Requests answered with an error in the end, in a million.
        parts: u64,
        /// Time from start until they are so many, in milliseconds.
        over: u64,
    },
    /// It answers, with errors while it has much to do.
    UnderLoad {
        /// Requests answered with an error, in a million.
        parts: u64,
        /// Requests a second that an instance answers without.
        above: u64,
    },
    /// It answers, with errors in one zone.
    InZone {
        /// Requests answered with an error there, in a million.
        parts: u64,
        /// The zone, from 0.
        zone: u64,
    },
    /// It answers, and takes longer to.
    Slow {
        /// How many times as long.
        times: u64,
    },
}

/// Longest time anything lasts: for ever, without overflow.
pub(crate) const FOR_EVER: u64 = 1 << 60;

impl Life {
    /// The life of an instance of a revision that is `truth`, which takes `start` to start.
    #[must_use]
    pub fn of(truth: Truth, start: (u64, u64), manner: Manner, stream: &mut Stream) -> Self {
        let serves = stream.between(start.0, start.1);
        let mut life = Self {
            serves_after: Some(serves),
            crashes_after: None,
            exit_code: 1,
            unready: None,
            errors: 0,
            flaw: Flaw::Constant,
            slowness: 1,
            manner,
            stops_after: stream.between(5, 400),
        };
        match truth {
            Truth::Good => {}
            Truth::NeverReady => life.serves_after = None,
            Truth::CrashesAtStart { after } => {
                life.serves_after = None;
                life.crashes_after = Some(after);
            }
            Truth::UnreadyAfter { after } => life.unready = Some((after, FOR_EVER)),
            Truth::CrashesAfter { after } => life.crashes_after = Some(serves + after),
            Truth::Errors { parts } => life.errors = parts,
            Truth::SlowBurn { parts, over } => {
                (life.errors, life.flaw) = (parts, Flaw::Growing(over));
            }
            Truth::UnderLoad { parts, above } => {
                (life.errors, life.flaw) = (parts, Flaw::Above(above));
            }
            Truth::InZone { parts, zone } => (life.errors, life.flaw) = (parts, Flaw::Zone(zone)),
            Truth::Slow { times } => life.slowness = times.max(1),
        }
        life
    }
}
