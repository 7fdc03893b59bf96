//! What to do with a seed.
//!
//! In: nothing. Out: [`RunConfig`] for [`super::run`]. Absent: what becomes of it.

use crate::{
    incident::{CrashPoint, Incident},
    setting::Setting,
    world::Truth,
};

/// What to do with a seed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches that have nothing to do with each other"
)]
#[derive(Clone, Debug, Default)]
pub struct RunConfig {
    /// The seed.
    pub seed: u64,
    /// What the run is about; `None`: drawn from the seed.
    pub setting: Option<Setting>,
    /// [Words](Setting::words) that a drawn spec says whatever the seed draws.
    pub words: Vec<String>,
    /// Which faults strike.
    pub faults: FaultChoice,
    /// What is true of the candidate; `None`: good, unless a fault says otherwise.
    pub truth: Option<Truth>,
    /// Whether a transcript is kept.
    pub transcript: bool,
    /// Whether everything that is seen is kept, moment by moment.
    pub film: bool,
    /// Whether there is something of somebody else's beside it.
    pub neighbour: bool,
    /// Whether everything that goes wrong is kept, to be played again.
    pub incidents: bool,
    /// Whether the promises are checked.
    pub unchecked: bool,
    /// The promise whose break ends the run.
    pub until_broken: Option<String>,
    /// Whether everything that the engine hears and decides is kept.
    pub heard: bool,
    /// The decision, counted from 1, at which the engine crashes, and where; one that decides nothing does not count.
    pub crash: Option<(u64, CrashPoint)>,
}

/// Which faults strike.
#[derive(Clone, Debug, Default)]
pub enum FaultChoice {
    /// Those that the seed draws.
    #[default]
    Drawn,
    /// None.
    Off,
    /// Of those that the seed draws, the ones of these names.
    Only(Vec<String>),
    /// Of those that the seed draws, the ones of other names.
    Without(Vec<String>),
    /// Those of these names, every one of them.
    Named(Vec<String>),
    /// These, and nothing else; orders after the end are among them.
    Written(Vec<Incident>),
}
