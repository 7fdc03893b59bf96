//! The museum: bugs that rollout controllers really had, each as a named scenario that the production engine
//! is played through.
//!
//! In: a table of exhibits: where the bug was, what happened, what goes wrong in the scenario, what must come
//! of it. Out: what is different. Every invariant is checked as well. Absent: the code that had the bug. A new
//! exhibit is an entry in the table of its hall.

mod argo;
mod docker;
mod flagger;
mod kubernetes;
mod nomad;
mod outages;
mod planted;
mod swarm;
mod words;

use std::sync::Arc;

use rollout_core::{
    engine::Tuning,
    id::WorkloadId,
    port::{Ability, Capabilities},
    spec::{self, CheckedSpec, Format, Spec},
    time::Span,
};

pub use self::planted::planted_as;
use crate::{
    incident::Incident,
    runner::{FaultChoice, Finish, RunConfig, RunReport, run},
    setting::{History, Setting},
    world::WorldConfig,
};

/// One bug that a rollout controller had.
#[derive(Clone, Copy, Debug)]
pub struct Exhibit {
    /// Its name here.
    pub name: &'static str,
    /// The controller, and the number of the issue, change or report.
    pub source: &'static str,
    /// What happened, in a line.
    pub what: &'static str,
    /// The strategy, as JSON.
    strategy: &'static str,
    /// What else the spec says, as a JSON object.
    spec: &'static str,
    /// Units of the router; `None`: it knows no weights.
    router: Option<u64>,
    /// Whether nothing runs before.
    first: bool,
    /// What goes wrong, and what is ordered.
    incidents: fn() -> Vec<Incident>,
    /// How it must end.
    ends: Finish,
    /// Fewest instances that must answer at any time.
    lowest: u64,
    /// Longest time to the end, in milliseconds.
    within: u64,
    /// Whether not a single request may fail.
    lossless: bool,
    /// What the transcript must say.
    says: &'static [&'static str],
    /// What it must not say.
    never: &'static [&'static str],
}

/// An exhibit in which nothing goes wrong: four instances, one by one, without a lost request.
const PLAIN: Exhibit = Exhibit {
    name: "",
    source: "",
    what: "",
    strategy: ROLLING,
    spec: "{}",
    router: Some(10_000),
    first: false,
    incidents: Vec::new,
    ends: Finish::Completed,
    lowest: 4,
    within: 120_000,
    lossless: true,
    says: &[],
    never: &[],
};

const ROLLING: &str = r#"{"rolling":{"surge":1,"unavailable":0}}"#;
const CANARY: &str = r#"{"canary":{"steps":[{"weight":"25%","gates":[{"hold":"2s"}]},{"weight":"50%","gates":[{"hold":"2s"}]}]}}"#;
/// A canary whose stable set shrinks as traffic leaves it.
const SHRINKING: &str = r#"{"canary":{"steps":[{"weight":"25%","gates":[{"hold":"2s"}]},{"weight":"50%","gates":[{"hold":"2s"}]}],"scale_stable":true}}"#;
/// A canary of half the instances, so that one of them may fail.
const HALF: &str = r#"{"canary":{"steps":[{"weight":"50%","gates":[{"hold":"5s"}]}]}}"#;
const BLUE_GREEN: &str = r#"{"blue_green":{"gates":[{"hold":"2s"}],"bake":"5s","standby":"20s"}}"#;

/// Every exhibit.
#[must_use]
pub fn exhibits() -> Vec<Exhibit> {
    [
        argo::HALL,
        flagger::HALL,
        kubernetes::HALL,
        swarm::HALL,
        nomad::HALL,
        docker::HALL,
        outages::HALL,
    ]
    .concat()
}

impl Exhibit {
    /// Plays the production engine through it.
    ///
    /// # Panics
    ///
    /// If its entry in the table is no spec, which a test rules out.
    #[must_use]
    pub fn play(&self) -> RunReport {
        run(&RunConfig {
            seed: 1,
            setting: Some(self.setting()),
            faults: FaultChoice::Written((self.incidents)()),
            transcript: true,
            ..RunConfig::default()
        })
    }

    /// Plays it, and says what is different from what must come of it. Nothing, if all is well.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let report = self.play();
        let mut found: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
        let mut require = |holds: bool, words: String| found.extend((!holds).then_some(words));
        require(report.finish == self.ends, format!("ended {}, not {}", report.finish, self.ends));
        let lowest = report.lowest_capacity;
        require(self.lowest <= lowest, format!("{lowest} instances answered, not {}", self.lowest));
        let took = report.duration;
        require(took <= self.within, format!("took {took} ms, not {}", self.within));
        let failed = report.traffic.failed_in_all();
        require(!self.lossless || failed == 0, format!("{failed} requests failed"));
        for words in self.says {
            require(report.transcript.contains(words), format!("never said `{words}`"));
        }
        for words in self.never {
            require(!report.transcript.contains(words), format!("said `{words}`"));
        }
        found
    }

    fn setting(&self) -> Setting {
        let capabilities = Capabilities {
            router: self.router,
            abilities: [Ability::Hooks].into(),
            ..WorldConfig::default().capabilities
        };
        let spec = self.checked();
        Setting {
            workload: WorkloadId::new("web").expect("a short name of letters is a name"),
            world: WorldConfig {
                capabilities,
                start: (1000, 1000),
                drain_deadline: spec.drain.deadline.as_millis(),
                min_ready: spec.health.min_ready.as_millis(),
                ..WorldConfig::default()
            },
            tuning: Tuning { stale_after: Span::from_secs(30), ..Tuning::default() },
            spec: Arc::new(spec),
            history: if self.first { History::Nothing } else { History::Adopted },
            poll: 1000,
            storm: 120_000,
            travel: (20, 20),
        }
    }

    fn checked(&self) -> CheckedSpec {
        const REST: &str = r#"{"version":1,"workload":"web","replicas":4,
            "health":{"readiness":{"tcp":{"port":80},"period":"500ms","failure_threshold":2}},
            "drain":{"deadline":"10s","stop_grace":"2s"},"deadlines":{"progress":"30s"}}"#;
        let read = |text: &str| -> serde_json::Map<String, serde_json::Value> {
            serde_json::from_str(text).unwrap_or_else(|why| panic!("{}: {why}: {text}", self.name))
        };
        let mut whole = read(REST);
        whole.extend(read(self.spec));
        whole.extend(read(&format!("{{\"strategy\":{}}}", self.strategy)));
        let text = serde_json::Value::Object(whole).to_string();
        let spec: Spec =
            spec::parse(&text, Format::Json).unwrap_or_else(|why| panic!("{}: {why:?}", self.name));
        CheckedSpec::new(spec).unwrap_or_else(|why| panic!("{}: {why}", self.name))
    }
}
