//! Where a rollout stands, as a person reads it.

use rollout_core::{
    engine::{Expiry, PoolStatus, Role, Route, Shares, Status, Wait},
    id::{RevisionId, WorkloadId},
    time::Timestamp,
};

use super::{table::table, text::Text, when};

/// The whole picture, a few lines. What only a running engine sees is left out unless it is `running`.
pub(crate) fn picture(status: &Status, now: Timestamp, running: bool) -> String {
    let mut text = Text::default();
    text.line(format_args!("{}: {}", status.workload, headline(status, now)));
    if let Some(cause) = &status.cause {
        text.line(format_args!("cause     {cause}"));
    }
    if let Some(route) = &status.route {
        text.line(format_args!("route     {route}"));
    }
    if let Some(rollback) = &status.rollback {
        text.line(format_args!("way back  {rollback}"));
    }
    if !status.history.is_empty() {
        text.line(format_args!("proven    {}", proven(status)));
    }
    if !status.pools.is_empty() {
        text.add(pools(status, running));
    }
    if let Some(eta) = &status.eta {
        text.line(format_args!("takes     {eta} more{}", if_resumed(status)));
    }
    for wait in &status.waits {
        text.line(format_args!("waits for {}", waiting(wait, now)));
    }
    if let Some(queued) = &status.queued {
        text.line(format_args!("queued    {queued}"));
    }
    text.into_string()
}

/// What the time that is left depends on.
pub(crate) const fn if_resumed(status: &Status) -> &'static str {
    if status.paused { ", once it is resumed" } else { "" }
}

/// Phase, stage, revisions and time in one line.
fn headline(status: &Status, now: Timestamp) -> String {
    let mut text = Text::default();
    match &status.end {
        Some(end) => text.add(end),
        None => text.add(status.phase),
    }
    // Who is halted is paused as well.
    match (status.halted, status.paused) {
        (true, _) => text.add(", halted"),
        (false, true) => text.add(", paused"),
        (false, false) => (),
    }
    if let Some((stage, place, count)) = &status.stage {
        text.add(format_args!(", stage {stage} ({place} of {count})"));
    }
    if let Some(gate) = status.gate {
        text.add(format_args!(", gate {gate}"));
    }
    match (&status.candidate, &status.stable) {
        (Some(candidate), Some(stable)) if candidate != stable => {
            text.add(format_args!(", candidate {candidate}, stable {stable}"));
        }
        (_, Some(stable)) => text.add(format_args!(", stable {stable}")),
        (Some(candidate), None) => text.add(format_args!(", first deploy of {candidate}")),
        (None, None) => (),
    }
    if let (Some(began), None) = (status.began, &status.end) {
        text.add(format_args!(", for {}", when::rough(now.since(began))));
    }
    text.into_string()
}

fn pools(status: &Status, running: bool) -> String {
    let count = |name: &str, of: fn(&PoolStatus) -> u64| (name.to_owned(), of);
    let mut counts =
        vec![count("wanted", |pool| pool.target), count("created", |pool| pool.created)];
    if running {
        counts.push(count("ready", |pool| pool.ready));
        counts.push(count("available", |pool| pool.available));
        counts.push(count("leaving", |pool| pool.terminating));
    }
    counts.push(count("failed", |pool| pool.failed));
    let mut head = vec!["revision".to_owned(), "role".to_owned()];
    head.extend(counts.iter().map(|(name, _)| name.clone()));
    head.push("share".to_owned());
    let mut rows = vec![head];
    for pool in &status.pools {
        let mut row = vec![pool.revision.to_string(), role(pool.role).to_owned()];
        row.extend(counts.iter().map(|(_, of)| of(pool).to_string()));
        row.push(share(status, &pool.revision));
        rows.push(row);
    }
    table(&rows)
}

/// The pools, the route and the first wait in one line that changes in place.
pub(crate) fn line(status: &Status, now: Timestamp) -> String {
    let mut text = Text::default();
    match (&status.end, &status.stage) {
        (Some(end), _) => text.add(end),
        (None, Some((stage, place, count))) => {
            text.add(format_args!("{} {stage} {place}/{count}", status.phase));
        }
        (None, None) => text.add(status.phase),
    }
    match (status.halted, status.paused) {
        (true, _) => text.add(" (halted)"),
        (false, true) => text.add(" (paused)"),
        (false, false) => (),
    }
    for pool in &status.pools {
        text.add(format_args!(" | {}", brief(status, pool)));
    }
    if let Some(wait) = status.waits.first() {
        text.add(format_args!(" | waits for {}", waiting(wait, now)));
    }
    text.into_string()
}

/// One pool in a few words: `v2 3/4, 1 leaving, 50%`.
fn brief(status: &Status, pool: &PoolStatus) -> String {
    let mut text = Text::default();
    text.add(format_args!("{} {}/{}", pool.revision, pool.available, pool.target));
    if 0 < pool.terminating {
        text.add(format_args!(", {} leaving", pool.terminating));
    }
    if 0 < pool.failed {
        text.add(format_args!(", {} failed", pool.failed));
    }
    let share = share(status, &pool.revision);
    if share.ends_with('%') {
        text.add(format_args!(", {share}"));
    }
    text.into_string()
}

/// The share of traffic that was decided for a revision; `-` where it follows from the counts.
fn share(status: &Status, revision: &RevisionId) -> String {
    match &status.route {
        Some(Route::Weighted(Shares { weights, .. })) => {
            weights.get(revision).map_or_else(|| "0%".to_owned(), ToString::to_string)
        }
        Some(Route::Empty) => "0%".to_owned(),
        Some(Route::ByReplicas) | None => "-".to_owned(),
    }
}

/// Proven revisions that are named in a picture.
const PROVEN_SHOWN: usize = 5;

/// The revisions that can be gone back to, the newest first, in one line.
fn proven(status: &Status) -> String {
    let names = status.history.iter().map(|proven| proven.revision.as_str());
    let mut text = Text::default();
    text.add(names.take(PROVEN_SHOWN).collect::<Vec<_>>().join(", "));
    let more = status.history.len().saturating_sub(PROVEN_SHOWN);
    if 0 < more {
        text.add(format_args!(" and {more} more"));
    }
    text.into_string()
}

/// The revisions that can be gone back to, with the time each was proven.
pub(crate) fn history(status: &Status) -> String {
    if status.history.is_empty() {
        return format!("{}: no revision was proven yet", status.workload);
    }
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let mut rows = vec![row(["revision", "proven", "role"])];
    for proven in &status.history {
        let is_stable = status.stable.as_ref() == Some(&proven.revision);
        let role = if is_stable { "stable" } else { "old" };
        rows.push(row([proven.revision.as_str(), &when::point(proven.at), role]));
    }
    table(&rows)
}

/// What is waited for with the numbers compared, since when, until when and what then.
pub(crate) fn explained(workload: &WorkloadId, wait: &Wait, now: Timestamp) -> String {
    let mut text = Text::default();
    text.line(format_args!("{workload}: waits for {}", wait.reason));
    let since = when::rough(now.since(wait.since));
    text.line(format_args!("  since {}, for {since} so far", when::point(wait.since)));
    match &wait.until {
        Some((until, expiry)) => {
            let left = when::rough(until.since(now));
            let until = when::point(*until);
            text.line(format_args!("  until {until}, {left} left; then {}", then(*expiry)));
        }
        None => text.line("  until it is so; there is no limit"),
    }
    text.into_string()
}

/// What is waited for, until when and what then, in one line.
pub(crate) fn waiting(wait: &Wait, now: Timestamp) -> String {
    let mut text = Text::default();
    text.add(&wait.reason);
    if let Some((until, expiry)) = &wait.until {
        let left = when::rough(until.since(now));
        text.add(format_args!("; {left} left, then {}", then(*expiry)));
    }
    text.into_string()
}

const fn then(expiry: Expiry) -> &'static str {
    match expiry {
        Expiry::GoesOn => "it goes on",
        Expiry::RollsBack => "it rolls back",
        Expiry::Pauses => "it pauses",
        Expiry::NeedsOperator => "it needs an operator",
        Expiry::Retries => "it tries again",
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Stable => "stable",
        Role::Candidate => "candidate",
        Role::Old => "old",
    }
}
