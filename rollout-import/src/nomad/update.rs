//! The `Update` block: the group's over the job's over Nomad's defaults.

use rollout_core::time::Span;

use super::span;
use crate::{ImportError, document::Fields};

/// What an update block says in the end.
#[derive(Clone, Debug)]
pub(super) struct Update {
    /// Instances in flight; 0 is all at once.
    pub(super) max_parallel: u64,
    pub(super) min_healthy: Span,
    pub(super) healthy_deadline: Span,
    /// Zero: the first unhealthy instance fails the deployment.
    pub(super) progress_deadline: Span,
    pub(super) auto_revert: bool,
    pub(super) auto_promote: bool,
    /// Instances, or percent of them for a system job.
    pub(super) canary: u64,
}

/// The two blocks, and who answers for a field that neither has.
struct Blocks<'a, 'b> {
    job: Option<Fields<'a>>,
    group: Option<Fields<'a>>,
    around: &'b Fields<'a>,
}

impl<'a> Blocks<'a, '_> {
    /// Takes a field: the group's, else the job's, else `default`; and tells where it went.
    fn take<T>(
        &mut self,
        name: &str,
        to: &str,
        (default, said): (T, &str),
        mut read: impl FnMut(&mut Fields<'a>, &str) -> Result<Option<T>, ImportError>,
    ) -> Result<T, ImportError> {
        let mut found = None;
        if let Some(group) = &mut self.group
            && let Some(value) = read(group, name)?
        {
            group.mapped(name, to);
            found = Some(value);
        }
        if let Some(job) = &mut self.job
            && let Some(value) = read(job, name)?
        {
            if found.is_some() {
                job.dropped(name, "the group's own wins");
            } else {
                job.mapped(name, to);
                found = Some(value);
            }
        }
        Ok(found.unwrap_or_else(|| {
            let how = format!("not set: {said}, Nomad's default");
            self.around.changed(&format!("Update.{name}"), to, how);
            default
        }))
    }
}

impl Update {
    /// Reads both blocks; `around` is the group.
    pub(super) fn read<'a>(
        job: Option<Fields<'a>>,
        group: Option<Fields<'a>>,
        around: &Fields<'a>,
    ) -> Result<Self, ImportError> {
        const PACE: &str = "strategy";
        let mut blocks = Blocks { job, group, around };
        let health_check =
            blocks.take("HealthCheck", "health", ("checks".to_owned(), "checks"), Fields::text)?;
        if !["checks", "task_states", ""].contains(&health_check.as_str()) {
            return Err(around.wrong(
                "Update.HealthCheck",
                format!("with `{health_check}` a person says of every single instance that it is healthy"),
                "use `checks` or `task_states`",
            ));
        }
        let update = Self {
            max_parallel: blocks.take("MaxParallel", PACE, (1, "1"), Fields::number)?,
            min_healthy: blocks.take(
                "MinHealthyTime",
                "health.min_ready",
                (Span::from_secs(10), "10s"),
                span,
            )?,
            healthy_deadline: blocks.take(
                "HealthyDeadline",
                "deadlines.progress",
                (Span::from_secs(300), "5m"),
                span,
            )?,
            progress_deadline: blocks.take(
                "ProgressDeadline",
                "deadlines.progress",
                (Span::from_secs(600), "10m"),
                span,
            )?,
            auto_revert: blocks.take(
                "AutoRevert",
                "rollback.on_failure",
                (false, "false"),
                Fields::flag,
            )?,
            auto_promote: blocks.take("AutoPromote", PACE, (false, "false"), Fields::flag)?,
            canary: blocks.take("Canary", PACE, (0, "0"), Fields::number)?,
        };
        for block in [&mut blocks.job, &mut blocks.group].into_iter().flatten() {
            block.leave_out("Stagger", "it paces the draining of nodes, not a rollout");
        }
        if update.auto_promote && update.canary == 0 {
            return Err(around.wrong(
                "Update.AutoPromote",
                "there is nothing to promote without canaries",
                "set `Canary` to 1 or more, or `AutoPromote` to false",
            ));
        }
        Ok(update)
    }
}
