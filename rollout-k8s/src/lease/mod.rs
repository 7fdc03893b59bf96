//! Who of several copies does what: work is split into shards, and each shard has a `Lease`.
//!
//! In: leases as they were read, and a clock that never steps back. Out: shards gained and lost. Absent: any
//! trust in another machine's clock: a lease is over when it has not changed for its length on *this*
//! clock. A lease spares double work; what makes it safe is the epoch that every write carries, so a
//! paused copy that still believes in its lease is refused.

mod assign;
mod evaluate;
mod keeper;
mod object;
mod options;

pub use self::{
    assign::{Shard, assign, shard_of},
    evaluate::{Decision, Seen, evaluate},
    keeper::{Keeper, Turnover},
    options::KeeperOptions,
};
