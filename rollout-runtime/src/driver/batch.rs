//! Group commit: what several steps decided, held back until one append has made all of it durable.
//!
//! In: steps, in order. Out: their records as one batch, then what may leave: progress, answers, actions,
//! each in the order in which it was decided. Absent: IO. Dropping a batch is a crash before its append.

use std::sync::Arc;

use rollout_core::{
    engine::{Action, Change, Note, OrderRefused, Record, Step},
    id::Seq,
    port::JournalError,
    time::{Span, Timestamp},
};

use super::reign::{Answer, NotTaken, Outlet};
use crate::{progress::Progress, telemetry};

/// Records after which a batch takes in no further step, so that one append stays small.
const RECORDS_MOST: usize = 1024;

/// What several steps decided and nobody outside has seen yet.
#[derive(Default)]
pub(super) struct Batch {
    records: Vec<Record>,
    /// Notes, each with the number of records before it.
    notes: Vec<(usize, Timestamp, Note)>,
    actions: Vec<Action>,
    answers: Vec<(Answer, Result<(), OrderRefused>)>,
    /// When the first of the records was decided.
    since: Option<Timestamp>,
    has_ended: bool,
}

impl Batch {
    /// Adds what was decided at `now`.
    pub(super) fn add(&mut self, now: Timestamp, step: Step, answer: Option<Answer>) {
        if !step.records.is_empty() {
            self.since.get_or_insert(now);
        }
        self.has_ended |= step.records.iter().any(|it| matches!(it.change, Change::Ended { .. }));
        self.records.extend(step.records);
        let before = self.records.len();
        self.notes.extend(step.notes.into_iter().map(|note| (before, now, note)));
        self.actions.extend(step.actions);
        self.answers.extend(answer.map(|answer| (answer, step.answer.unwrap_or(Ok(())))));
    }

    /// The records to append.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether another step may join.
    pub(super) fn has_room(&self) -> bool {
        self.records.len() < RECORDS_MOST
    }

    /// Whether an order may join. None does where actions wait: a halt must not be durable before what it
    /// forbids has gone out.
    pub(super) fn takes_orders(&self) -> bool {
        self.actions.is_empty()
    }

    /// Until when the append may wait: not at all once somebody outside waits for it, else as long as records
    /// may `linger`. `None`: there is nothing to append.
    pub(super) fn due(&self, linger: Span) -> Option<Timestamp> {
        let is_awaited = !self.actions.is_empty() || !self.answers.is_empty() || self.has_ended;
        let has_notes_alone = self.records.is_empty() && !self.notes.is_empty();
        if is_awaited || has_notes_alone || !self.has_room() {
            return Some(Timestamp::default());
        }
        self.since.map(|since| since.after(linger))
    }

    /// Answers every order that it could not be kept.
    pub(super) fn not_kept(self, error: &JournalError) {
        for (answer, decided) in self.answers {
            let refused = match decided {
                Ok(()) => NotTaken::NotKept(error.clone()),
                Err(why) => NotTaken::Refused(why),
            };
            // Whoever asked may have gone.
            drop(answer.send(Err(refused)));
        }
    }

    /// Tells all who listen, now that the records after `before` are durable. Returns the actions.
    pub(super) fn tell(self, before: Seq, outlet: &Outlet) -> Vec<Action> {
        let mut notes = self.notes.into_iter().peekable();
        let mut seq = before;
        for (place, record) in self.records.into_iter().enumerate() {
            while let Some((_, at, note)) = notes.next_if(|(records, _, _)| *records <= place) {
                tell_note(outlet, at, note);
            }
            seq = seq.next();
            telemetry::recorded(seq, &record);
            // Nobody need listen.
            drop(outlet.progress.send(Progress::Recorded { seq, record: Arc::new(record) }));
        }
        for (_, at, note) in notes {
            tell_note(outlet, at, note);
        }
        for (answer, decided) in self.answers {
            // Whoever asked may have gone; the order stands.
            drop(answer.send(decided.map_err(NotTaken::Refused)));
        }
        self.actions
    }
}

fn tell_note(outlet: &Outlet, at: Timestamp, note: Note) {
    telemetry::noted(&note);
    drop(outlet.progress.send(Progress::Noted { at, note }));
}

#[cfg(test)]
mod tests {
    use rollout_core::{
        engine::{Effect, End},
        id::{ActionId, Attempt, Epoch, InstanceId, RevisionId, WorkloadId},
    };
    use tokio::sync::{broadcast, oneshot, watch};

    use super::*;

    const LINGER: Span = Span::from_millis(50);

    fn record(at: u64) -> Record {
        let change = Change::Dropped { revision: revision(), why: at.to_string() };
        Record { at: Timestamp(at), change }
    }

    fn revision() -> RevisionId {
        RevisionId::new("v1").unwrap()
    }

    fn action(id: u64) -> Action {
        Action {
            id: ActionId(id),
            epoch: Epoch(1),
            attempt: Attempt(1),
            workload: WorkloadId::new("web").unwrap(),
            revision: None,
            effect: Effect::Remove { instance: InstanceId::new("a").unwrap() },
        }
    }

    fn step(records: &[u64], notes: &[u64], actions: &[u64]) -> Step {
        let note = |_: &u64| Note::Proven { revision: revision() };
        Step {
            records: records.iter().copied().map(record).collect(),
            notes: notes.iter().map(note).collect(),
            actions: actions.iter().copied().map(action).collect(),
            ..Step::default()
        }
    }

    fn told(receiver: &mut broadcast::Receiver<Progress>) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok(progress) = receiver.try_recv() {
            told.push(match progress {
                Progress::Recorded { seq, record } => format!("{} at {}", seq.0, record.at.0),
                Progress::Noted { at, .. } => format!("note at {}", at.0),
                Progress::Missed { count } => format!("missed {count}"),
            });
        }
        told
    }

    #[test]
    fn everything_leaves_in_the_order_in_which_it_was_decided() {
        let (progress, mut receiver) = broadcast::channel(16);
        let (standing, _) = watch::channel(super::super::Standing::default());
        let outlet = Outlet { progress, standing };
        let mut batch = Batch::default();
        batch.add(Timestamp(1), step(&[1, 1], &[1], &[1, 2]), None);
        batch.add(Timestamp(2), step(&[], &[1], &[]), None);
        batch.add(Timestamp(3), step(&[3], &[], &[3]), None);
        assert_eq!(batch.records(), [record(1), record(1), record(3)]);
        assert_eq!(told(&mut receiver), Vec::<String>::new(), "it was told too early");
        let actions: Vec<u64> =
            batch.tell(Seq(7), &outlet).iter().map(|action| action.id.0).collect();
        assert_eq!(actions, [1, 2, 3]);
        let expected = ["8 at 1", "9 at 1", "note at 1", "note at 2", "10 at 3"];
        assert_eq!(told(&mut receiver), expected);
    }

    #[test]
    fn only_what_nobody_waits_for_lingers() {
        let mut batch = Batch::default();
        assert_eq!(batch.due(LINGER), None);
        batch.add(Timestamp(10), step(&[10], &[], &[]), None);
        batch.add(Timestamp(20), step(&[20], &[1], &[]), None);
        assert_eq!(batch.due(LINGER), Some(Timestamp(60)), "from the first record on");
        assert!(batch.takes_orders());
        batch.add(Timestamp(30), step(&[30], &[], &[1]), None);
        assert_eq!(batch.due(LINGER), Some(Timestamp(0)));
        assert!(!batch.takes_orders(), "a halt would be durable before what goes out");

        let mut ended = Batch::default();
        let mut last = step(&[], &[], &[]);
        last.records
            .push(Record { at: Timestamp(5), change: Change::Ended { end: End::Completed } });
        ended.add(Timestamp(5), last, None);
        assert_eq!(ended.due(LINGER), Some(Timestamp(0)));
    }

    #[test]
    fn orders_that_could_not_be_kept_are_answered() {
        let (sender, mut answer) = oneshot::channel();
        let mut batch = Batch::default();
        batch.add(Timestamp(1), step(&[1], &[], &[]), Some(sender));
        assert_eq!(batch.due(LINGER), Some(Timestamp(0)));
        let error = JournalError::Store { place: "here".to_owned(), why: "no space".to_owned() };
        batch.not_kept(&error);
        let answer = answer.try_recv().unwrap();
        assert!(matches!(answer, Err(NotTaken::NotKept(why)) if why == error));
    }
}
