//! What runs beside the engine: hooks as the spec words them, sources of metrics and modules as the command
//! line names them.
//!
//! Absent: anything that is touched. What is wrong here is told before the journal is opened.

use std::{env, path::Path, str::FromStr, sync::Arc};

use rollout_core::{
    judge::Metric,
    plan::{Plan, StageGate},
    port::{Ability, Metrics},
    spec::{CheckedSpec, Hook},
};
use rollout_runtime::{
    Ports,
    hooks::{HookWords, JobHooks},
    metrics::{CommandMetrics, NamedMetrics, PrometheusMetrics},
    modules::HttpModules,
};

use crate::{args::BesideArgs, error::CliError, place::Place};

/// Sources of metrics where the command line names none, with spaces between them.
const METRICS: &str = "ROLLOUT_METRICS";

/// A source of metrics and its name, as `NAME=KIND:WHERE`.
#[derive(Clone, Debug)]
pub(crate) struct MetricsSource {
    name: String,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Prometheus(Arc<PrometheusMetrics>),
    Command(Arc<CommandMetrics>),
}

impl FromStr for MetricsSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "`{text}` is no source of metrics; write `NAME=prometheus:http://HOST:PORT` or `NAME=command:PROGRAM`"
            )
        };
        let (name, rest) = text.split_once('=').ok_or_else(unknown)?;
        let (kind, place) = rest.split_once(':').ok_or_else(unknown)?;
        if name.is_empty() || place.is_empty() {
            return Err(unknown());
        }
        let source = match kind {
            "prometheus" => {
                let metrics = PrometheusMetrics::new(place).map_err(|why| why.to_string())?;
                Source::Prometheus(Arc::new(metrics))
            }
            "command" => {
                let none: [&str; 0] = [];
                Source::Command(Arc::new(CommandMetrics::new(place, none)))
            }
            _ => return Err(unknown()),
        };
        Ok(Self { name: name.to_owned(), source })
    }
}

/// The sources under their names.
pub(crate) fn named(sources: Vec<MetricsSource>) -> NamedMetrics {
    let mut metrics = NamedMetrics::new();
    for MetricsSource { name, source } in sources {
        let source: Arc<dyn Metrics> = match source {
            Source::Prometheus(source) => source,
            Source::Command(source) => source,
        };
        metrics = metrics.with(name, source);
    }
    metrics
}

/// Everything that runs beside the engine.
#[derive(Debug)]
pub(crate) struct Beside {
    metrics: NamedMetrics,
    modules: Option<HttpModules>,
}

impl Beside {
    /// Reads what the command line and the environment name.
    pub(crate) fn read(args: &BesideArgs) -> Result<Self, CliError> {
        let refused = |why: String| CliError::Beside { what: METRICS.to_owned(), why };
        let mut sources = args.metrics.clone();
        if sources.is_empty() {
            let told = env::var(METRICS).unwrap_or_default();
            let read: Result<Vec<_>, _> = told.split_whitespace().map(str::parse).collect();
            sources = read.map_err(refused)?;
        }
        let metrics = named(sources);
        let modules = args.modules.as_deref().map(HttpModules::new).transpose();
        let modules = modules.map_err(|why| CliError::Beside {
            what: "--modules".to_owned(),
            why: why.to_string(),
        })?;
        Ok(Self { metrics, modules })
    }

    /// What the engine can do with it.
    pub(crate) fn abilities(&self) -> impl Iterator<Item = Ability> {
        let modules = self.modules.as_ref().map(|_| Ability::Modules);
        [Ability::Hooks, Ability::Metrics].into_iter().chain(modules)
    }

    /// Checks the words of every hook and the source of every metric of a spec and its plan.
    pub(crate) fn check(
        &self,
        file: &Path,
        spec: &CheckedSpec,
        plan: &Plan,
    ) -> Result<(), CliError> {
        let gates = || plan.stages.iter().flat_map(|stage| &stage.gates);
        let refused =
            |what: String, why: String| CliError::Words { path: file.to_owned(), what, why };
        let in_gates = gates().filter_map(hook_of);
        for hook in spec.hooks.all().map(|(_, _, hook)| hook).chain(in_gates) {
            let read = HookWords::read(&hook.run);
            read.map_err(|why| refused(format!("hook `{}`", hook.name), why.to_string()))?;
        }
        for metric in spec.watch.iter().chain(gates().filter_map(metric_of)) {
            let source = self.metrics.source(metric.source.as_deref());
            let refused = |why| refused(format!("metric `{}`", metric.name), why);
            source.map_err(|why| refused(format!("{why} with `--metrics`")))?;
        }
        Ok(())
    }

    /// Gives all of it to the engine; what is known of hooks stands beside the journal.
    pub(crate) fn add_to(self, ports: Ports, place: &Place) -> Result<Ports, CliError> {
        let hooks = Arc::new(JobHooks::open(place.hooks())?);
        let ports = ports.with_hooks(hooks).with_metrics(Arc::new(self.metrics));
        Ok(match self.modules {
            Some(modules) => ports.with_modules(Arc::new(modules)),
            None => ports,
        })
    }
}

fn hook_of(gate: &StageGate) -> Option<&Hook> {
    if let StageGate::Hook(hook) = gate { Some(hook) } else { None }
}

fn metric_of(gate: &StageGate) -> Option<&Metric> {
    if let StageGate::Metric(metric) = gate { Some(metric) } else { None }
}
