//! Stories: whole rollouts under load, each with its promise.
//!
//! In: a [`Rig`] on which version 1 serves. Out: what was [`Told`], and every promise that was broken.

use std::{fmt, time::Duration};

use rollout_core::engine::{End, Phase};
use serde_json::{Value, json};

use crate::{
    bed::Image,
    load::Report,
    rig::{BY, FAILURES, Life, Measured, PERIOD, Rig, RigError, Serving, TIMEOUT, rolling},
};

/// A rollout under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// The Compose file of `examples/docker` and its next version: one at a time, new before old.
    Rolling,
    /// All at once beside the old ones, then all traffic.
    BlueGreen,
    /// 25, 50 and 100 percent of the traffic.
    Canary,
    /// A person aborts at 25 percent.
    Abort,
    /// The new version never gets ready, as a Compose file.
    NeverReady,
    /// The new version gets ready, and fails its health check three seconds later, as a Compose file.
    Degrading,
    /// The same at 25 percent of the traffic.
    DegradingCanary,
}

/// What became of a story.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which one.
    pub story: Story,
    /// From the submission to the end of the rollout.
    pub took: Duration,
    /// How it ended.
    pub end: End,
    /// What became of the requests.
    pub report: Report,
    /// What served afterwards.
    pub serving: Serving,
    /// How long its instances took; `None` if none came and went.
    pub measured: Option<Measured>,
}

impl Story {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Rolling,
        Self::BlueGreen,
        Self::Canary,
        Self::Abort,
        Self::NeverReady,
        Self::Degrading,
        Self::DegradingCanary,
    ];

    /// A name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rolling => "rolling",
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary 25/50/100",
            Self::Abort => "abort in mid-canary",
            Self::NeverReady => "never ready",
            Self::Degrading => "ready, then failing",
            Self::DegradingCanary => "failing at 25 %",
        }
    }

    /// Tells the story: deploys version 1, then does to it under load what the story is about.
    ///
    /// # Errors
    ///
    /// [`RigError`] if it cannot be told to its end.
    pub async fn tell(self, rig: &Rig) -> Result<Told, RigError> {
        let life = rig.engine().await?;
        self.deploy(rig, &life).await?;
        let heard = life.handle().subscribe();
        let story = async {
            let (end, measured) = tokio::join!(self.happen(rig, &life), Measured::read(heard));
            Ok((end?, measured))
        };
        let ((end, measured), took, report) = rig.under_load(story).await?;
        Ok(Told { story: self, took, end, report, serving: rig.serving()?, measured })
    }

    async fn deploy(self, rig: &Rig, life: &Life) -> Result<(), RigError> {
        if self.is_compose() {
            rig.submit_compose(life, Image::V1).await?;
        } else {
            rig.submit(life, Image::V1, &rolling()).await?;
        }
        let end = life.end().await?;
        if end == End::Completed { Ok(()) } else { Err(RigError::NotDeployed { end }) }
    }

    /// What happens under load, up to the end of the rollout.
    async fn happen(self, rig: &Rig, life: &Life) -> Result<End, RigError> {
        if self.is_compose() {
            rig.submit_compose(life, self.candidate()).await?;
        } else {
            rig.submit(life, self.candidate(), &self.strategy()).await?;
        }
        if self == Self::Abort {
            life.until("gate of the canary", |status| status.phase == Phase::Gating).await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            life.handle().abort(BY, Some("as the story goes")).await?;
        }
        life.end().await
    }

    /// Whether the files of `examples/docker` say what to do.
    fn is_compose(self) -> bool {
        matches!(self, Self::Rolling | Self::NeverReady | Self::Degrading)
    }

    fn strategy(self) -> Value {
        let gates = match self {
            Self::Abort => json!([{ "approval": {} }]),
            Self::DegradingCanary => json!([{ "hold": "5s" }]),
            Self::Rolling | Self::BlueGreen | Self::Canary | Self::NeverReady | Self::Degrading => {
                json!([{ "hold": "500ms" }])
            }
        };
        let step = |weight: &str| json!({ "weight": weight, "gates": gates });
        match self {
            Self::BlueGreen => json!({ "blue_green": { "standby": "0s" } }),
            Self::Canary => {
                let steps = ["25%", "50%", "100%"].map(step);
                json!({ "canary": { "steps": steps } })
            }
            Self::Abort | Self::DegradingCanary => {
                json!({ "canary": { "steps": [step("25%"), { "weight": "100%" }] } })
            }
            Self::Rolling | Self::NeverReady | Self::Degrading => rolling(),
        }
    }

    fn candidate(self) -> Image {
        match self {
            Self::Rolling | Self::BlueGreen | Self::Canary | Self::Abort => Image::V2,
            Self::NeverReady => Image::Broken,
            Self::Degrading | Self::DegradingCanary => Image::Degrading,
        }
    }

    /// Percent of the traffic that the candidate may have at any time, if that is not all of it.
    fn share_limit(self) -> Option<u64> {
        match self {
            Self::Abort | Self::DegradingCanary => Some(25),
            Self::Rolling | Self::BlueGreen | Self::Canary | Self::NeverReady | Self::Degrading => {
                None
            }
        }
    }

    /// How it must end, and which version must serve then.
    fn promised(self) -> (End, Image) {
        match self {
            Self::Rolling | Self::BlueGreen | Self::Canary => (End::Completed, Image::V2),
            Self::Abort | Self::NeverReady | Self::Degrading | Self::DegradingCanary => {
                (End::RolledBack, Image::V1)
            }
        }
    }
}

impl Told {
    /// Every promise that was broken, for a person; empty if all is well.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let (end, image) = self.story.promised();
        let mut broken = Vec::new();
        let mut expect = |kept: bool, what: String| {
            if !kept {
                broken.push(what);
            }
        };
        expect(self.end == end, format!("it ended with {}, not {end}", self.end));
        let serving = Serving::exactly(image);
        expect(self.serving == serving, format!("left {:?}, not {serving:?}", self.serving));
        let spoiled = self.spoiled();
        let lost = self.report.all.failed - spoiled;
        expect(lost == 0, format!("{lost} requests were lost"));
        let candidate = self.story.candidate();
        let had_traffic = self.report.versions.contains_key(candidate.version());
        match candidate {
            Image::Broken => {
                expect(!had_traffic, "a version had traffic before it was ready".into());
            }
            Image::V1 | Image::V2 | Image::Degrading => {
                expect(had_traffic, "the new version had no traffic".into());
            }
        }
        if let Some(limit) = self.story.share_limit() {
            let share = self.report.share_while(candidate.version());
            expect(
                share <= limit,
                format!("the candidate had {share} % of the traffic, not {limit} %"),
            );
        }
        if candidate == Image::Degrading {
            broken.extend(self.too_long());
        } else if 0 < spoiled {
            broken.push(format!("{spoiled} bad answers of a good version"));
        }
        broken
    }

    /// Requests that the candidate itself answered badly.
    #[must_use]
    pub fn spoiled(&self) -> u64 {
        let tally = self.report.versions.get(self.story.candidate().version());
        tally.map_or(0, |tally| tally.failed)
    }

    /// Requests that the candidate's instances had, each from its first bad answer to its last: their share
    /// of the traffic until the probe's verdict took them out.
    #[must_use]
    pub fn exposed(&self) -> u64 {
        self.report.instances.values().map(|instance| instance.meanwhile).sum()
    }

    /// Instances that answered badly for longer than a probe needs for its verdict.
    fn too_long(&self) -> Option<String> {
        let verdict = PERIOD * FAILURES + TIMEOUT;
        let mut late = self.report.instances.iter().filter_map(|(name, instance)| {
            let (first, last) = instance.spoiled?;
            let span = last.saturating_sub(first);
            (verdict < span).then(|| {
                format!(
                    "instance {name} spoiled answers for {span:?}, the verdict takes {verdict:?}"
                )
            })
        });
        late.next()
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        write!(f, "{}: {seconds:.1} s, {}; {}", self.story.name(), self.end, self.report)
    }
}
