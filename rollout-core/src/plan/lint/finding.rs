//! What the linter finds, one variant a rule, with the numbers compared.

use super::DESIRED_LIMIT;
use crate::weight::Weight;

/// Something in a plan that would break a guarantee or never end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// There is nothing to walk.
    #[error("the plan has no stage")]
    NoStages,
    /// The plan is larger than what was proved.
    #[error("{desired} desired instances are above the limit of {DESIRED_LIMIT}")]
    TooLarge {
        /// Desired instances.
        desired: u64,
    },
    /// A stage could not be told from another.
    #[error("the name `{stage}` of stage {index} is empty or taken by an earlier stage")]
    Name {
        /// The name.
        stage: String,
        /// Its place, from 0.
        index: usize,
    },
    /// The stable pointer would never move, or more than once.
    #[error("{count} stages prove the candidate, exactly 1 must")]
    Proofs {
        /// How many do.
        count: usize,
    },
    /// The candidate would be proven before all of it carries all traffic.
    #[error(
        "stage `{stage}` proves the candidate with {candidate} of {desired} instances and {weight} of the traffic"
    )]
    ProvesEarly {
        /// Name of the stage.
        stage: String,
        /// Candidate instances at its end.
        candidate: u64,
        /// Desired instances.
        desired: u64,
        /// The candidate's share of traffic at its end.
        weight: Weight,
    },
    /// The plan ends elsewhere than at the desired state.
    #[error(
        "the last stage `{stage}` ends with {candidate} candidate and {stable} stable instances and {weight} of the traffic on the candidate, wanted are {desired}, 0 and 100%"
    )]
    WrongEnd {
        /// Name of the stage.
        stage: String,
        /// Candidate instances at its end.
        candidate: u64,
        /// Stable instances at its end.
        stable: u64,
        /// The candidate's share of traffic at its end.
        weight: Weight,
        /// Desired instances.
        desired: u64,
    },
    /// P3: a stage cannot be reached below its ceiling.
    #[error("stage `{stage}` needs {live} instances at once, its ceiling is {ceiling}")]
    AboveCeiling {
        /// Name of the stage.
        stage: String,
        /// Most instances at once.
        live: u64,
        /// Desired instances and surge.
        ceiling: u64,
    },
    /// P1: a stage ends below its floor.
    #[error("stage `{stage}` ends with {left} instances, its floor is {floor}")]
    BelowFloor {
        /// Name of the stage.
        stage: String,
        /// Instances at its end.
        left: u64,
        /// Desired instances less unavailable.
        floor: u64,
    },
    /// A stage must exchange instances and has no room for one.
    #[error("stage `{stage}` exchanges instances with surge 0 and unavailable 0: it never ends")]
    Stuck {
        /// Name of the stage.
        stage: String,
    },
    /// The way back has no room for one instance.
    #[error("the way back has surge 0 and unavailable 0: it never ends")]
    RollbackStuck,
    /// More instances may be missing than there are.
    #[error("stage `{stage}` lets {unavailable} instances be missing of {desired}")]
    UnavailableAboveDesired {
        /// Name of the stage.
        stage: String,
        /// Instances that may be missing.
        unavailable: u64,
        /// Desired instances.
        desired: u64,
    },
    /// A forward stage takes candidate instances away.
    #[error("stage `{stage}` lowers the candidate from {before} to {candidate} instances")]
    CandidateFalls {
        /// Name of the stage.
        stage: String,
        /// Candidate instances before.
        before: u64,
        /// Candidate instances at its end.
        candidate: u64,
    },
    /// A forward stage adds stable instances.
    #[error("stage `{stage}` raises stable from {before} to {stable} instances")]
    StableRises {
        /// Name of the stage.
        stage: String,
        /// Stable instances before.
        before: u64,
        /// Stable instances at its end.
        stable: u64,
    },
    /// T4: the candidate's share falls on the way forward.
    #[error("stage `{stage}` lowers the candidate's share from {before} to {weight}")]
    WeightFalls {
        /// Name of the stage.
        stage: String,
        /// Share before.
        before: Weight,
        /// Share at its end.
        weight: Weight,
    },
    /// T2: traffic without the instances to carry it.
    #[error("stage `{stage}` puts {weight} on {instances} {role} instances, it needs {needed}")]
    NoBacking {
        /// Name of the stage.
        stage: String,
        /// `candidate` or `stable`.
        role: &'static str,
        /// Its share of traffic.
        weight: Weight,
        /// Its instances.
        instances: u64,
        /// Fewest that carry the share.
        needed: u64,
    },
    /// Nobody would be served, and the plan does not say so.
    #[error("stage `{stage}` serves nobody and no remark says so")]
    HiddenDowntime {
        /// Name of the stage.
        stage: String,
    },
    /// T2: requests go to a candidate that has no instance.
    #[error(
        "stage `{stage}` sends matched or copied requests to the candidate, which has 0 instances there; it needs 1"
    )]
    RulesWithoutBacking {
        /// Name of the stage.
        stage: String,
    },
    /// Rules of a route that has no shares.
    #[error("stage `{stage}` has rules for single requests, but its route is not by weight")]
    RulesWithoutWeights {
        /// Name of the stage.
        stage: String,
    },
    /// Clients would stay with a revision that is to get nothing.
    #[error("stage `{stage}` keeps clients on stable, which gets 0% of the traffic there")]
    ClientsKeptOnNothing {
        /// Name of the stage.
        stage: String,
    },
}
