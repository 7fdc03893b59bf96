//! What goes wrong with a file, and which of the journal's errors that is.

use std::fmt::Display;

use rollout_core::{engine::RECORD_VERSION, id::Seq, port::JournalError};

use crate::journal::codec::Unreadable;

/// What went wrong on the blocking thread.
pub(super) enum Fault {
    /// The store's own error.
    Store(redb::Error),
    /// One that says it all.
    Known(JournalError),
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        Self::Known(error)
    }
}

macro_rules! from_store {
    ($($error:ident)*) => {
        $(impl From<redb::$error> for Fault {
            fn from(error: redb::$error) -> Self {
                Self::Store(error.into())
            }
        })*
    };
}
from_store!(DatabaseError TransactionError TableError StorageError CommitError);

pub(super) fn store_error(place: &str, error: &redb::Error) -> JournalError {
    if let redb::Error::DatabaseAlreadyOpen = error {
        return JournalError::InUse { place: place.to_owned() };
    }
    if is_damage(error) {
        return damaged(place, 0, error);
    }
    unusable(place, error)
}

/// Whether the file is not what the store wrote.
fn is_damage(error: &redb::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    if let redb::Error::Io(error) = error {
        return matches!(error.kind(), InvalidData | UnexpectedEof);
    }
    matches!(
        error,
        redb::Error::Corrupted(_)
            | redb::Error::RepairAborted
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::TableDoesNotExist(_)
    )
}

pub(super) fn unreadable(place: &str, seq: u64, why: Unreadable) -> JournalError {
    match why {
        Unreadable::Damaged(why) => damaged(place, seq, &why),
        Unreadable::Newer(found) => {
            JournalError::Newer { place: place.to_owned(), found, known: RECORD_VERSION }
        }
    }
}

/// Damage at record `seq`; at 0 it is the file itself.
pub(super) fn damaged(place: &str, seq: u64, why: &(impl Display + ?Sized)) -> JournalError {
    JournalError::Damaged { place: place.to_owned(), seq: Seq(seq), why: why.to_string() }
}

pub(super) fn unusable(place: &str, why: &(impl Display + ?Sized)) -> JournalError {
    JournalError::Store { place: place.to_owned(), why: why.to_string() }
}
