//! Reader: an engine that only ever reads the journal. It stands where one that starts anew and reads all of
//! it would stand, and reads each record once, however often engines start.
//!
//! In: the journal, as it grows and is compacted. Out: that engine. Absent: decisions.

use rollout_core::engine::{Engine, Record, ReplayError, Setup};

use super::Run;
use crate::invariants::{Happened, Question};

/// An engine that only ever reads the journal.
#[derive(Debug, Default)]
pub(super) struct Reader {
    engine: Option<Engine>,
    /// Records of the journal that it has read.
    read: usize,
}

impl Reader {
    /// The engine, once it has read all of `journal`.
    fn read(&mut self, setup: &Setup, journal: &[Record]) -> &Engine {
        let engine = self.engine.get_or_insert_with(|| Engine::new(setup.clone()));
        engine.commit(&journal[self.read..]);
        self.read = journal.len();
        engine
    }
}

impl Run<'_> {
    /// Compares an engine with the one that its journal makes.
    pub(super) fn compare(&mut self, engine: &Engine) {
        if !self.asks(Question::Replay) {
            return;
        }
        let at = self.told();
        let mut status = engine.status(at);
        if let Some(saboteur) = &mut self.saboteur {
            saboteur.tell(&mut status);
        }
        let again = self.reader.read(&self.setup, &self.journal).status(at);
        self.judge(Happened::Replayed(&status, &again));
    }

    /// The same at the end of a run, where the journal must make sense as a whole.
    pub(super) fn compare_last(&mut self, engine: &Engine) {
        if !self.asks(Question::Replay) {
            return;
        }
        match Engine::replay(self.setup.clone(), &self.journal) {
            Ok(_) => self.compare(engine),
            Err(error) => self.violate("C2 replay", error.to_string()),
        }
    }

    /// The engine that the journal makes, which may have been compacted by now: not at all, its older half,
    /// or everything.
    pub(super) fn replayed(&mut self) -> Result<Engine, ReplayError> {
        let halves = usize::try_from(self.life % 3).unwrap_or_default();
        let cut = self.journal.len() * halves / 2;
        if 1 < cut {
            if self.asks(Question::Replay) {
                self.reader.read(&self.setup, &self.journal);
            }
            let folded = Record::fold(&self.journal[..cut])?;
            drop(self.journal.splice(..cut, [folded]));
            self.reader.read = self.journal.len();
        }
        Engine::replay(self.setup.clone(), &self.journal)
    }
}
