//! What is different between two plans, stage by stage, with the old and the new numbers.
//!
//! In: two plans, of the same workload as a rule. Out: a [`PlanDiff`], to be displayed or serialised.
//! Stages are the same stage where their names are. Absent: which of the two is better.

use std::fmt::{self, Display};

use serde::Serialize;

use super::{Plan, Remark, Stage, StageRoute};

/// What is different between two plans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlanDiff {
    /// Fields of the whole: strategy, desired number, counting, the way back.
    pub changed: Vec<FieldDiff>,
    /// Stages, in the order of the newer plan; one that is gone stands where it stood.
    pub stages: Vec<StageDiff>,
    /// Remarks that only the newer plan has.
    pub new_remarks: Vec<String>,
    /// Remarks that only the older plan has.
    pub old_remarks: Vec<String>,
}

/// What is different in one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum StageDiff {
    /// Only the newer plan has it.
    Added {
        /// Its name.
        stage: String,
        /// Its fields.
        fields: Vec<Field>,
    },
    /// Only the older plan has it.
    Removed {
        /// Its name.
        stage: String,
        /// Its fields.
        fields: Vec<Field>,
    },
    /// Both have it, with different fields.
    Changed {
        /// Its name.
        stage: String,
        /// The fields that are different.
        fields: Vec<FieldDiff>,
    },
}

/// One field and its value, as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name.
    pub field: &'static str,
    /// Its value.
    pub value: String,
}

/// One field and both its values, as a person reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldDiff {
    /// Its name.
    pub field: &'static str,
    /// Its value in the older plan.
    pub old: String,
    /// Its value in the newer plan.
    pub new: String,
}

/// Returns what is different between `old` and `new`.
#[must_use]
pub fn diff(old: &Plan, new: &Plan) -> PlanDiff {
    let texts = |plan: &Plan| plan.remarks.iter().map(Remark::to_string).collect::<Vec<_>>();
    let (was, is) = (texts(old), texts(new));
    let without = |these: &[String], those: &[String]| {
        these.iter().filter(|text| !those.contains(text)).cloned().collect()
    };
    PlanDiff {
        changed: changed(&whole(old), &whole(new)),
        stages: stages(old, new),
        new_remarks: without(&is, &was),
        old_remarks: without(&was, &is),
    }
}

impl PlanDiff {
    /// Whether there is no difference.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changed.is_empty()
            && self.stages.is_empty()
            && self.new_remarks.is_empty()
            && self.old_remarks.is_empty()
    }
}

fn stages(old: &Plan, new: &Plan) -> Vec<StageDiff> {
    let of = |plan: &Plan, name: &str| plan.stages.iter().position(|stage| stage.name == name);
    let gone = |from: usize| {
        let rest = old.stages.iter().skip(from);
        rest.take_while(|stage| of(new, &stage.name).is_none()).map(|stage| StageDiff::Removed {
            stage: stage.name.clone(),
            fields: shown(cells(old, stage)),
        })
    };
    let mut stages: Vec<StageDiff> = gone(0).collect();
    for stage in &new.stages {
        let (name, is) = (stage.name.clone(), cells(new, stage));
        let Some(place) = of(old, &stage.name) else {
            stages.push(StageDiff::Added { stage: name, fields: shown(is) });
            continue;
        };
        let fields = changed(&cells(old, &old.stages[place]), &is);
        if !fields.is_empty() {
            stages.push(StageDiff::Changed { stage: name, fields });
        }
        stages.extend(gone(place + 1));
    }
    stages
}

/// One field of a plan: in short for people, and whole to be compared.
struct Cell {
    field: &'static str,
    short: String,
    whole: String,
}

impl Cell {
    fn new<T: Serialize + ?Sized>(field: &'static str, short: &dyn Display, value: &T) -> Self {
        let whole = serde_json::to_string(value).expect("what a plan is made of has text keys");
        Self { field, short: short.to_string(), whole }
    }

    fn plain<T: Serialize + Display>(field: &'static str, value: &T) -> Self {
        Self::new(field, value, value)
    }

    /// A field that is best read as it is written.
    fn written<T: Serialize>(field: &'static str, value: &T) -> Self {
        let mut cell = Self::new(field, &"", value);
        cell.short.clone_from(&cell.whole);
        cell
    }
}

fn shown(cells: Vec<Cell>) -> Vec<Field> {
    cells.into_iter().map(|Cell { field, short, .. }| Field { field, value: short }).collect()
}

/// The fields that are different; one that a side does not have is `-` there.
fn changed(old: &[Cell], new: &[Cell]) -> Vec<FieldDiff> {
    let of = |cells: &[Cell], field: &str| cells.iter().position(|cell| cell.field == field);
    let only_old = old.iter().filter(|cell| of(new, cell.field).is_none());
    let fields = new.iter().chain(only_old).map(|cell| cell.field);
    fields
        .filter_map(|field| {
            let was = of(old, field).map(|place| &old[place]);
            let is = of(new, field).map(|place| &new[place]);
            let same = was.map(|cell| &cell.whole) == is.map(|cell| &cell.whole);
            // Different and yet the same in short: the whole says what.
            let is_short = was.map(|cell| &cell.short) != is.map(|cell| &cell.short);
            let text = |cell: Option<&Cell>| match cell {
                Some(Cell { short, .. }) if is_short => short.clone(),
                Some(Cell { whole, .. }) => whole.clone(),
                None => "-".to_owned(),
            };
            (!same).then(|| FieldDiff { field, old: text(was), new: text(is) })
        })
        .collect()
}

fn whole(plan: &Plan) -> Vec<Cell> {
    let Plan { strategy, desired, counting, stages: _, rollback, rollback_hooks, remarks: _ } =
        plan;
    let mut cells = vec![
        Cell::plain("strategy", strategy),
        Cell::plain("instances", desired),
        Cell::written("counting", counting),
        Cell::plain("way back", rollback),
    ];
    if !rollback_hooks.is_empty() {
        let names: Vec<&str> = rollback_hooks.iter().map(|hook| hook.name.as_str()).collect();
        cells.push(Cell::new("hooks of the way back", &names.join(", "), rollback_hooks));
    }
    cells
}

/// Every field of a stage that says something.
fn cells(plan: &Plan, stage: &Stage) -> Vec<Cell> {
    let Stage { name: _, candidate, stable, route, rules, modules, budget, gates, proves } = stage;
    let manner = match route {
        StageRoute::ByReplicas => "by replicas",
        StageRoute::Weighted(_) => "by weight",
        StageRoute::Empty => "to nobody",
    };
    let mut cells = vec![
        Cell::plain("candidate", candidate),
        Cell::plain("stable", stable),
        Cell::new("route", &manner, manner),
        Cell::plain("share", &stage.share()),
    ];
    if let Some(asked) = plan.asked(stage) {
        cells.push(Cell::plain("asked share", &asked));
    }
    cells.push(Cell::plain("pace", budget));
    if !gates.is_empty() {
        let texts: Vec<String> = gates.iter().map(ToString::to_string).collect();
        cells.push(Cell::new("gates", &texts.join(", "), gates));
    }
    if !rules.is_empty() {
        cells.push(Cell::written("rules", rules));
    }
    if !modules.is_empty() {
        cells.push(Cell::written("modules", modules));
    }
    if *proves {
        cells.push(Cell::new("proves", &"the candidate", &true));
    }
    cells
}

impl Display for PlanDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no difference");
        }
        let mut lines: Vec<String> = self.changed.iter().map(ToString::to_string).collect();
        lines.extend(self.stages.iter().map(ToString::to_string));
        lines.extend(self.new_remarks.iter().map(|text| format!("new note: {text}")));
        lines.extend(self.old_remarks.iter().map(|text| format!("no more: {text}")));
        f.write_str(&lines.join("\n"))
    }
}

impl Display for StageDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |f: &mut fmt::Formatter<'_>, fields: &[Field]| {
            fields.iter().try_for_each(|it| write!(f, "\n  {}: {}", it.field, it.value))
        };
        match self {
            Self::Added { stage, fields } => {
                write!(f, "stage `{stage}` is new")?;
                all(f, fields)
            }
            Self::Removed { stage, fields } => {
                write!(f, "stage `{stage}` is gone")?;
                all(f, fields)
            }
            Self::Changed { stage, fields } => {
                write!(f, "stage `{stage}`")?;
                fields.iter().try_for_each(|it| write!(f, "\n  {it}"))
            }
        }
    }
}

impl Display for FieldDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.field, self.old, self.new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::tests::{any_plan, plan_of};

    fn canary(steps: &str, tail: &str) -> Plan {
        plan_of(
            &format!("strategy: {{ canary: {{ steps: [{steps}] }} }}\n{tail}"),
            Some(100),
            false,
        )
    }

    #[test]
    fn numbers_stand_beside_each_other_stage_by_stage() {
        let old = canary("{weight: 10, gates: [{hold: 1m}]}, {weight: 30}", "");
        let new = canary(
            "{weight: 10, gates: [{hold: 5m}, {approval: {}}]}, {weight: 60, mirror: 5}",
            "rollback: { pace: { surge: 2 } }",
        );
        assert_eq!(
            format!("\n{}\n", diff(&old, &new)),
            "
way back: surge 4, unavailable 0 -> surge 2, unavailable 0
stage `10%`
  gates: hold 1m -> hold 5m, approval
stage `30%` is gone
  candidate: 2
  stable: 4
  route: by weight
  share: 30%
  pace: surge 4, unavailable 0
stage `60%` is new
  candidate: 3
  stable: 4
  route: by weight
  share: 60%
  pace: surge 4, unavailable 0
  rules: {\"mirror\":\"5%\"}
"
        );
    }

    #[test]
    fn what_the_short_text_leaves_out_is_told_whole() {
        let hook = |run: &str| {
            canary(&format!("{{weight: 10, gates: [{{hook: {{name: a, run: {run}}}}}]}}"), "")
        };
        let text = diff(&hook("one"), &hook("two")).to_string();
        assert!(text.contains("\"run\":\"one\"") && text.contains("\"run\":\"two\""), "{text}");
    }

    proptest! {
        #[test]
        fn only_equal_plans_have_no_difference(old in any_plan(), new in any_plan()) {
            prop_assert!(diff(&old, &old).is_empty());
            prop_assert_eq!(diff(&old, &new).is_empty(), old == new);
        }
    }
}
