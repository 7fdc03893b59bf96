//! Kinds of moments: so that a promise is asked only where it has something to say.
//!
//! In: promises, and what each hears. Out: those that hear a kind, in their order. Absent: what is checked.

use crate::invariants::{Happened, Invariant};

/// What kind of moment it is, as [`Happened`] has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the kind of the moment of its name")]
pub enum Kind {
    Changed,
    Stepped,
    Answered,
    Repeated,
    Waiting,
    Recorded,
    NotKept,
    Ordered,
    Beside,
    LandedBeside,
    Landed,
    Replayed,
    Overdue,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Changed,
        Self::Stepped,
        Self::Answered,
        Self::Repeated,
        Self::Waiting,
        Self::Recorded,
        Self::NotKept,
        Self::Ordered,
        Self::Beside,
        Self::LandedBeside,
        Self::Landed,
        Self::Replayed,
        Self::Overdue,
    ];
}

impl Happened<'_> {
    /// What kind of moment that is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Changed => Kind::Changed,
            Self::Stepped { .. } => Kind::Stepped,
            Self::Answered { .. } => Kind::Answered,
            Self::Repeated { .. } => Kind::Repeated,
            Self::Waiting(_) => Kind::Waiting,
            Self::Recorded(_) => Kind::Recorded,
            Self::NotKept => Kind::NotKept,
            Self::Ordered(_) => Kind::Ordered,
            Self::Beside { .. } => Kind::Beside,
            Self::LandedBeside(_) => Kind::LandedBeside,
            Self::Landed(_) => Kind::Landed,
            Self::Replayed(..) => Kind::Replayed,
            Self::Overdue { .. } => Kind::Overdue,
        }
    }
}

/// Which promises hear each kind: one bit for each promise, in their order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hearers([u64; Kind::ALL.len()]);

impl Hearers {
    /// Those of `promises`, of which there are at most 64.
    pub(crate) fn of(promises: &[Box<dyn Invariant>]) -> Self {
        assert!(promises.len() <= 64, "there is a bit for each of 64 promises");
        let mut hearers = [0; Kind::ALL.len()];
        for (place, promise) in promises.iter().enumerate() {
            for kind in promise.hears() {
                hearers[*kind as usize] |= 1 << place;
            }
        }
        Self(hearers)
    }

    /// The places of those that hear `kind`.
    pub(crate) fn of_kind(self, kind: Kind) -> impl Iterator<Item = usize> {
        let mut left = self.0[kind as usize];
        std::iter::from_fn(move || {
            let place = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (place < u64::BITS).then_some(place as usize)
        })
    }
}
