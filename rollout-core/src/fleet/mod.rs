//! Fleet: turns counts into single instances.
//!
//! In: targets per pool, snapshots, probe answers. Out: failures seen, and for each instance the next
//! action of its life: create → start → startup probe → ready → available → enrolled → drained →
//! detached → stopped → removed. Absent: how many there should be (the engine's), clocks, IO.

mod act;
mod health;
mod instance;
mod leaving;
mod line;
mod tally;
mod watch;

pub(crate) use self::{
    act::{act, has_drained, may_divide, may_enrol, may_size},
    instance::Roster,
    line::{affordable, fit, is_back, line, places, standing},
    tally::{Condition, condition, tally},
    watch::watch,
};
pub use self::{
    health::{HealthView, ProbeView},
    instance::{Instance, Made, Standby, Traffic},
    tally::Tally,
};
