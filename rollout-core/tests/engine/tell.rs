//! What the small world tells of itself: one line for an order, a record, a note, an action, a wait.
//!
//! Left out: what every line implies. An action is recorded as intended before it is attempted, and as
//! applied after; this world applies everything at once.

use std::{env, fmt::Display, fs, path::PathBuf};

use rollout_core::{
    engine::{Change, Event, Expiry, Note, Order, OrderKind, Resolution, Settlement, Step, Wait},
    time::Timestamp,
};

/// One line of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    /// `<` an order came in, `=` recorded, `#` noted, `>` attempted, `?` waited for.
    pub(crate) mark: char,
    pub(crate) text: String,
}

impl Told {
    pub(crate) fn new(at: Timestamp, mark: char, text: &dyn Display) -> Self {
        Self { at, mark, text: text.to_string() }
    }

    /// The order, if the event is one.
    pub(crate) fn order(now: Timestamp, event: &Event) -> Option<Self> {
        let Event::Ordered(Order { kind, .. }) = event else { return None };
        Some(Self::new(now, '<', &order(kind)))
    }

    /// What one call decided.
    pub(crate) fn step(now: Timestamp, step: &Step) -> Vec<Self> {
        let refused = step.answer.iter().filter_map(|answer| answer.as_ref().err());
        let mut told: Vec<Self> =
            refused.map(|why| Self::new(now, '<', &format!("refused: {why}"))).collect();
        // A note that says more of a record than the record itself takes its place.
        let mut notes: Vec<&Note> = step.notes.iter().collect();
        for record in step.records.iter().filter(|record| !is_implied(&record.change)) {
            let better = notes.iter().position(|note| is_of(note, &record.change));
            told.push(match better {
                Some(place) => Self::new(now, '=', notes.remove(place)),
                None => Self::new(now, '=', &record.change),
            });
        }
        told.extend(notes.into_iter().map(|note| Self::new(now, '#', note)));
        told.extend(step.actions.iter().map(|action| Self::new(now, '>', &action.effect)));
        told
    }

    /// What is waited for, until when and what then; times count from `zero`.
    pub(crate) fn wait(now: Timestamp, zero: Timestamp, wait: &Wait) -> Self {
        let until = match wait.until {
            Some((until, then)) => format!("; at {} it {}", clock(until, zero), word(then)),
            None => String::new(),
        };
        Self::new(now, '?', &format!("{}{until}", wait.reason))
    }
}

/// Whether a record says nothing beside the action that comes with it.
fn is_implied(change: &Change) -> bool {
    matches!(
        change,
        Change::Intended { .. }
            | Change::Settled { how: Settlement::Applied, .. }
            | Change::Retired { .. }
            | Change::Gone { .. }
    )
}

/// Whether a note tells of this change.
fn is_of(note: &Note, change: &Change) -> bool {
    matches!(
        (note, change),
        (Note::StageEntered { .. }, Change::Entered { .. })
            | (Note::StageReached { .. }, Change::Reached { .. })
            | (Note::Available { .. }, Change::Progressed { .. })
            | (Note::Proven { .. }, Change::Proven { .. })
            | (Note::TurnedBack { .. }, Change::Aborted { .. })
            | (Note::Ended { .. }, Change::Ended { .. })
            | (Note::Skipped { .. }, Change::Skipped { .. })
            | (Note::Resized { .. }, Change::Resized { .. })
            | (Note::HookEnded { .. }, Change::HookEnded { .. })
            | (Note::InstanceFailed { .. }, Change::Failed { .. })
            | (Note::InstanceLost { .. }, Change::Lost { .. })
    )
}

/// The order in the words of the command line.
pub(crate) fn order(kind: &OrderKind) -> String {
    let plain = match kind {
        OrderKind::Submit { revision, .. } => return format!("submit {}", revision.id),
        OrderKind::Resize { replicas } => return format!("resize to {replicas}"),
        OrderKind::Skip { to } => return format!("skip to {to}"),
        OrderKind::Undo { to } => {
            return to.as_ref().map_or("undo".to_owned(), |to| format!("undo to {to}"));
        }
        OrderKind::Resolve(how) => match how {
            Resolution::GoOn => "resolve: go on",
            Resolution::Adopt { .. } => "resolve: adopt",
        },
        OrderKind::Pause => "pause",
        OrderKind::Resume => "resume",
        OrderKind::Promote { all, .. } if *all => "promote all",
        OrderKind::Promote { .. } => "promote",
        OrderKind::Abort => "abort",
        OrderKind::Retry => "retry",
        OrderKind::Restart => "restart",
        OrderKind::Halt => "halt",
        _ => panic!("an order without a word: {kind:?}"),
    };
    plain.to_owned()
}

pub(crate) fn word(expiry: Expiry) -> &'static str {
    match expiry {
        Expiry::GoesOn => "goes on",
        Expiry::RollsBack => "rolls back",
        Expiry::Pauses => "pauses",
        Expiry::NeedsOperator => "needs an operator",
        Expiry::Retries => "tries again",
    }
}

/// Seconds since `zero`, with one digit.
pub(crate) fn clock(at: Timestamp, zero: Timestamp) -> String {
    let tenths = at.since(zero).as_millis() / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Compares `text` with the file at `path` under the root of the workspace; `UPDATE_GOLDEN=1` rewrites it.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "golden texts are files")]
pub(crate) fn golden(path: &str, text: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = root.join(path);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, text).unwrap();
    }
    let wanted = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        text == wanted,
        "{path} differs; UPDATE_GOLDEN=1 rewrites it, if that is meant\n{text}"
    );
}
