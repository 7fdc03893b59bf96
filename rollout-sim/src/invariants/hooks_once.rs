//! H1: a run of a hook is decided upon once and never attempted after its end; no hook is tried more often
//! than its spec says; a gate that waits for one passes only by a run of it.

use rollout_core::{
    engine::{Change, Effect},
    id::HookRun,
    plan::StageGate,
    spec::HookFailure,
};

use super::{Broken, Happened, Invariant, Kind, Moment, require};
use crate::ledger::Ledger;

pub(super) struct HooksOnce;

impl Invariant for HooksOnce {
    fn name(&self) -> &'static str {
        "H1 hooks run once"
    }

    fn hears(&self) -> &'static [Kind] {
        &[Kind::Recorded, Kind::Ordered]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most records are about no hook")]
    fn check(&mut self, moment: &Moment<'_>) -> Result<(), Broken> {
        let ledger = moment.ledger;
        match moment.happened {
            Happened::Recorded(record) => match &record.change {
                Change::Intended { effect: Effect::Run { run, hook }, .. } => {
                    let known = ledger.runs.contains_key(run);
                    require(!known, || format!("{run} was decided upon a second time"))?;
                    let tries = ledger.runs.iter().filter(|(other, _)| place(other) == place(run));
                    let open = tries.clone().any(|(_, run)| run.end.is_none());
                    require(!open, || format!("{run} of hook {} beside another", hook.name))?;
                    let tries = tries.count() as u64 + 1;
                    let most = (u64::from(hook.retries) + 1) * (ledger.resumes + 1);
                    require(tries <= most, || {
                        format!("{run} is try {tries} of hook {}, of {most}", hook.name)
                    })
                }
                Change::Passed { stage, gate, by: None, .. } => passed(ledger, *stage, *gate),
                _ => Ok(()),
            },
            Happened::Ordered(action) => {
                let Effect::Run { run, .. } = &action.effect else {
                    return Ok(());
                };
                let ended = ledger.runs.get(run).is_none_or(|run| run.end.is_some());
                require(!ended, || format!("{action} though it has ended"))
            }
            Happened::Changed
            | Happened::Stepped { .. }
            | Happened::Answered { .. }
            | Happened::Repeated { .. }
            | Happened::Waiting(_)
            | Happened::Landed(_)
            | Happened::NotKept
            | Happened::Beside { .. }
            | Happened::LandedBeside(_)
            | Happened::Replayed(..)
            | Happened::Overdue { .. } => Ok(()),
        }
    }
}

/// The key of a run without its last two numbers, the round and the try: what it is for.
fn place(run: &HookRun) -> &str {
    run.as_str().rsplitn(3, '-').last().unwrap_or_default()
}

fn passed(ledger: &Ledger, stage: usize, gate: usize) -> Result<(), Broken> {
    let stages = ledger.plan.as_ref().map_or(&[][..], |plan| &plan.stages);
    let gates = stages.get(stage).map_or(&[][..], |stage| &stage.gates);
    let Some(StageGate::Hook(hook)) = gates.get(gate).filter(|_| !ledger.promoted) else {
        return Ok(());
    };
    let ignores = hook.on_failure == HookFailure::Ignore;
    let mut runs = ledger.runs.values();
    let has_run = runs.any(|run| {
        run.attempt == ledger.attempt
            && run.hook.name == hook.name
            && run.end.is_some_and(|well| well || ignores)
    });
    require(has_run, || {
        format!("gate {gate} of stage {stage} passed, and hook {} did not run for it", hook.name)
    })
}
