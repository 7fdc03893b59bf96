//! Where records are kept: in memory for tests and simulation, in one redb file for everything else.

mod codec;
mod memory;
mod redb;

pub use ::redb::StorageBackend;

pub use self::{
    codec::{Chain, Unreadable, from_line, to_line},
    memory::MemoryJournal,
    redb::RedbJournal,
};
