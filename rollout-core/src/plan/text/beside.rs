//! What does not fit into the columns of a plan: paces of single stages, rules of their routes, what they
//! need of the modules, and the jobs of the way back.

use std::fmt;

use crate::{
    plan::{Plan, Stage},
    spec::{Match, ModuleNeeds, Rules},
};

/// Writes one line for each.
pub(super) fn write(f: &mut fmt::Formatter<'_>, plan: &Plan) -> fmt::Result {
    let usual = plan.stages.first().map(|stage| stage.budget);
    for stage in &plan.stages {
        if Some(stage.budget) != usual {
            write!(f, "\n`{}` moves with {}", stage.name, stage.budget)?;
        }
        for said in said_of(stage) {
            write!(f, "\n`{}` {said}", stage.name)?;
        }
    }
    for hook in &plan.rollback_hooks {
        write!(f, "\nbeside the way back runs hook {} within {}", hook.name, hook.deadline)?;
    }
    Ok(())
}

fn said_of(stage: &Stage) -> Vec<String> {
    let mut said = of_rules(&stage.rules);
    said.extend(of_modules(&stage.modules));
    said
}

fn of_rules(rules: &Rules) -> Vec<String> {
    let mut said = Vec::new();
    if !rules.matches.is_empty() {
        let matches: Vec<String> = rules.matches.iter().map(of_match).collect();
        said.push(format!("also sends the candidate every request with {}", matches.join(" or ")));
    }
    if !rules.mirror.is_zero() {
        said.push(format!("copies {} of stable's requests to the candidate", rules.mirror));
    }
    if let Some(affinity) = &rules.affinity {
        said.push(format!(
            "keeps a client where it was for {}, by the cookie `{}`",
            affinity.max_age, affinity.cookie
        ));
    }
    said
}

/// A match in words. Its value is not shown: it may be a secret.
fn of_match(rule: &Match) -> String {
    let (kind, name) = match (&rule.header, &rule.cookie) {
        (Some(name), _) => ("header", name.as_str()),
        (None, Some(name)) => ("cookie", name.as_str()),
        (None, None) => ("header", ""),
    };
    let test = [
        (" of one value", rule.exact.is_some()),
        (" of one beginning", rule.prefix.is_some()),
        (" that fits a pattern", rule.regex.is_some()),
    ];
    let test = test.into_iter().find(|(_, is_given)| *is_given).map_or("", |(test, _)| test);
    format!("the {kind} `{name}`{test}")
}

fn of_modules(needs: &ModuleNeeds) -> Vec<String> {
    let mut said = Vec::new();
    if !needs.degrade.is_empty() {
        said.push(format!("begins with {} degraded by the engine", needs.degrade.join(", ")));
    }
    if !needs.require.is_empty() {
        said.push(format!("waits until {} is degraded by others", needs.require.join(", ")));
    }
    if needs.breaker {
        said.push("has the circuit breaker armed".to_owned());
    }
    said
}
