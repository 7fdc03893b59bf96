//! Nomad jobs in JSON, as `nomad job run -output` prints them: one workload per group.
//!
//! Facts about defaults: `nomad/structs/structs.go` and `api/jobs.go` of Nomad. There is no Nomad backend
//! here: the template is the group and the rest of its job in Nomad's own words, for a backend of the user's.

mod strategy;
mod update;

use rollout_core::{id::WorkloadId, time::Span};
use serde_json::{Map, Value};

use self::update::Update;
use crate::{
    ImportError,
    document::{Fields, Log, Object, Scope},
    draft::Draft,
    file::File,
};

/// Kind of the objects that stand for one group of a job.
pub(crate) const GROUP: &str = "TaskGroup";
/// Nomad's default of a task's `KillTimeout`.
const KILL_TIMEOUT: Span = Span::from_secs(5);

/// Whether `object` is a job of Nomad.
pub(crate) fn is_job(object: &Object) -> bool {
    job(object).is_some()
}

fn job(object: &Object) -> Option<&Map<String, Value>> {
    let job = match object.fields.get("Job") {
        Some(job) => job.as_object()?,
        None => &object.fields,
    };
    job.contains_key("TaskGroups").then_some(job)
}

/// The groups of a job, each as a workload of its own.
///
/// # Errors
///
/// [`ImportError::Field`] if the job has no groups or no name, or does not stay running.
pub(crate) fn groups(object: &Object) -> Result<Vec<Object>, ImportError> {
    let log = Log::default();
    let scope = Scope { object, log: &log, own: true };
    let fields = job(object).cloned().unwrap_or_default();
    let mut job = Fields::new(scope, path(object), fields);
    let id = job.text("ID")?.ok_or_else(|| job.missing("ID", "name the job"))?;
    for name in ["Periodic", "ParameterizedJob"] {
        job.refuse(name, "such a job ends by itself", "roll out jobs that stay running")?;
    }
    match job.text("Type")?.as_deref() {
        None | Some("service" | "system") => (),
        Some(other) => {
            let why =
                format!("a `{other}` job ends by itself and has no revisions to move between");
            return Err(job.wrong("Type", why, "roll out `service` jobs"));
        }
    }
    let groups = job.items("TaskGroups")?;
    if groups.is_empty() {
        return Err(job.wrong("TaskGroups", "there is no group", "write at least one"));
    }
    let alone = groups.len() == 1;
    let mut objects = Vec::new();
    for (part, mut group) in groups.into_iter().enumerate() {
        let name = group.text("Name")?.ok_or_else(|| group.missing("Name", "name the group"))?;
        let name = if alone { id.clone() } else { format!("{id}-{name}") };
        objects.push(object.for_part(part, GROUP, fitting(&name)));
    }
    Ok(objects)
}

/// Path of the job in its object.
fn path(object: &Object) -> &'static str {
    if object.fields.contains_key("Job") { "Job" } else { "" }
}

/// `name` as a spec can have it.
fn fitting(name: &str) -> String {
    let plain = |character: char| match character.to_ascii_lowercase() {
        fits @ ('a'..='z' | '0'..='9' | '.') => fits,
        _ => '-',
    };
    let name: String = name.chars().map(plain).take(WorkloadId::LIMIT).collect();
    name.trim_matches(['-', '.']).to_owned()
}

/// Reads one group.
pub(crate) fn group(file: &File, scope: Scope<'_>) -> Result<Draft, ImportError> {
    let object = scope.object;
    let mut draft = Draft::new(&object.name);
    let mut top = Fields::of(scope);
    let job = if path(object).is_empty() { None } else { top.open("Job")? };
    let mut job = job.unwrap_or_else(|| Fields::new(scope, "", std::mem::take(top.rest())));
    let system = job.peek("Type").and_then(Value::as_str) == Some("system");
    job.mapped("ID", "workload");
    let mut groups = job.items("TaskGroups")?;
    for (part, other) in groups.iter_mut().enumerate().filter(|(part, _)| *part != object.part) {
        let _ = part;
        other.rest().clear();
        other.dropped("", "it is a workload of its own");
    }
    let mut group = groups.swap_remove(object.part);
    let job_update = job.open("Update")?;
    let group_update = group.open("Update")?;
    count(file, &mut group, system, &mut draft)?;
    drain(&group, &mut draft)?;
    multiregion(&mut job);
    let update = Update::read(job_update, group_update, &group)?;
    services(&group, &mut draft);
    strategy::set(&update, &group, system, &mut draft);
    template(job, group, &mut draft);
    Ok(draft)
}

/// `Count`; for a system job the number of nodes.
fn count(
    file: &File,
    group: &mut Fields<'_>,
    system: bool,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    if !system {
        return group.carry_or("Count", draft, "replicas", (1_u64, "Nomad's"), Fields::number);
    }
    group.leave_out("Count", "a system job has one instance per node");
    let Some(nodes) = file.replicas else {
        return Err(group.wrong(
            "",
            "a system job has one instance per node, and the number of nodes is not in the file",
            "give it to `rollout import` with `--replicas`",
        ));
    };
    draft.set("replicas", &nodes);
    group.changed("Count", "replicas", "as given: one instance per node");
    Ok(())
}

/// The longest `KillTimeout` and `ShutdownDelay` of the group and its tasks.
fn drain(group: &Fields<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    let log = Log::default();
    let mut aside = group.aside(&log);
    let mut delay = span(&mut aside, "ShutdownDelay")?.unwrap_or(Span::ZERO);
    let mut kill = Span::ZERO;
    let mut tasks = aside.items("Tasks")?;
    if tasks.is_empty() {
        return Err(group.wrong("Tasks", "there is no task", "write at least one"));
    }
    for task in &mut tasks {
        kill = kill.max(span(task, "KillTimeout")?.unwrap_or(KILL_TIMEOUT));
        delay = delay.max(span(task, "ShutdownDelay")?.unwrap_or(Span::ZERO));
        task.rest().clear();
    }
    draft.set("drain.stop_grace", &kill);
    let how = format!("{kill}, the longest KillTimeout; 5s where a task has none, Nomad's default");
    group.changed("Tasks", "drain.stop_grace", how);
    if !delay.is_zero() {
        draft.set("drain.deadline", &delay);
        let how = format!("{delay}, the longest wait between traffic off and the stop");
        group.changed("ShutdownDelay", "drain.deadline", how);
    }
    Ok(())
}

/// Whole nanoseconds, as Nomad's JSON has them, or text such as `30s`.
fn span(fields: &mut Fields<'_>, name: &str) -> Result<Option<Span>, ImportError> {
    match fields.raw(name) {
        None => Ok(None),
        Some(Value::String(text)) => text
            .parse()
            .map(Some)
            .map_err(|why| fields.wrong(name, why, "write whole nanoseconds, as Nomad does")),
        Some(value) => match value.as_u64() {
            Some(nanoseconds) => Ok(Some(Span::from_millis(nanoseconds / 1_000_000))),
            None => Err(fields.wrong(
                name,
                format!("`{value}` is no length of time"),
                "write whole nanoseconds, as Nomad does",
            )),
        },
    }
}

fn multiregion(job: &mut Fields<'_>) {
    job.leave_out(
        "Multiregion",
        "a spec is about one region: roll the regions out one after the other, each with its own count",
    );
}

/// Names of the services that send traffic to the group.
fn services(group: &Fields<'_>, draft: &mut Draft) {
    let names = |services: Option<&Value>| -> Vec<Value> {
        let services = services.and_then(Value::as_array).into_iter().flatten();
        services.filter_map(|service| service.get("Name").cloned()).collect()
    };
    let tasks = group.peek("Tasks").and_then(Value::as_array).into_iter().flatten();
    let of_tasks: Vec<Value> = tasks.flat_map(|task| names(task.get("Services"))).collect();
    let mut found = Vec::new();
    for (field, services) in [("Services", names(group.peek("Services"))), ("Tasks", of_tasks)] {
        if !services.is_empty() {
            let how = "names of the services; their checks stay Nomad's";
            group.changed(field, "traffic.nomad.services", how);
            found.extend(services);
        }
    }
    if !found.is_empty() {
        draft.set("traffic.nomad.services", &found);
    }
}

/// The group and the rest of its job, in Nomad's own words.
fn template(mut job: Fields<'_>, mut group: Fields<'_>, draft: &mut Draft) {
    let mut kept = Map::new();
    for name in job.names() {
        if let Some(value) = job.raw(&name) {
            job.mapped(&name, &format!("template.Job.{name}"));
            kept.insert(name, value);
        }
    }
    draft.set("template.Job", &kept);
    let mut kept = Map::new();
    for name in group.names() {
        if let Some(value) = group.raw(&name) {
            let to = format!("template.TaskGroup.{name}");
            match name.as_str() {
                "Constraints" | "Affinities" | "Spreads" => group.changed(
                    &name,
                    &to,
                    "Nomad's scheduler keeps them; the engine does not know where an instance runs",
                ),
                _ => group.mapped(&name, &to),
            }
            kept.insert(name, value);
        }
    }
    draft.set("template.TaskGroup", &kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_to_fit() {
        for (name, expected) in
            [("web", "web"), ("Shop/Check_out", "shop-check-out"), ("-a.b-", "a.b"), ("é", "")]
        {
            assert_eq!(fitting(name), expected, "{name}");
        }
    }
}
