//! Other tools' own test tables, restated as facts in this project's shape: `tests/cases/*.json`.
//!
//! In: one file for each peer with the rows that speak of something this engine has, and one list of all
//! others with the reason. Each row names the rule that plays it on the real code. Rules of functions that
//! are not public are played beside those functions ([`INSIDE`]). No row of a peer's table is left out
//! silently: the ledger counts them.

mod counts;
mod failing;
mod fixture;
mod moments;
mod plans;
mod scene;
pub(crate) mod standing;
mod stories;

use self::fixture::{Listed, Row, Table, Verdict};
pub(crate) use self::plans::{Stage, first_stage};

/// Rules that the tests inside the crate play: of the shares of a resize, and of the split by replicas.
const INSIDE: [&str; 3] = ["share", "share_part", "split_property"];

/// How many rows they play; the tests inside count them again.
const INSIDE_ROWS: usize = 18;

const TABLES: [&str; 7] = [
    include_str!("../../cases/kubernetes.json"),
    include_str!("../../cases/argo_rollouts.json"),
    include_str!("../../cases/openkruise.json"),
    include_str!("../../cases/flagger.json"),
    include_str!("../../cases/nomad.json"),
    include_str!("../../cases/swarmkit.json"),
    include_str!("../../cases/defects.json"),
];

fn tables() -> Vec<Table> {
    TABLES.iter().map(|text| serde_json::from_str(text).expect("a table of cases")).collect()
}

fn listed() -> Vec<Listed> {
    serde_json::from_str(include_str!("../../cases/differences.json")).expect("the differences")
}

/// Plays a row. Returns what came out if it is not what was expected.
fn play(rule: &str, given: &serde_json::Value, expected: &serde_json::Value) -> Option<String> {
    let given = given.clone();
    let came = match rule {
        "amount" => plans::amount(&fixture::of(given)),
        "budget" => plans::budget(&fixture::of(given)),
        "split" => plans::split(&fixture::of(given)),
        "stage" => plans::stage(&fixture::of(given)),
        "refused" => plans::refused(&fixture::of(given)),
        "steer" => counts::steer(&fixture::of(given)),
        "walk" => counts::walk(&fixture::of(given)),
        "complete" => counts::complete(&fixture::of(given)),
        "reached" => counts::reached(&fixture::of(given)),
        "routes" => counts::routes(&fixture::of(given)),
        "deadline" => moments::deadline(&fixture::of(given)),
        "progress" => moments::progress(&fixture::of(given)),
        "wake" => moments::wake(&fixture::of(given)),
        "tail" => moments::tail(&fixture::of(given)),
        "weights" => stories::weights(&fixture::of(given)),
        "failures" => failing::failures(&fixture::of(given)),
        "counts" => failing::counts(&fixture::of(given)),
        "state" => stories::state(&fixture::of(given)),
        "story" => stories::story(&fixture::of(given)),
        unknown => panic!("no rule is called {unknown}"),
    };
    // What a row says nothing of is not asked.
    let is_so = expected.as_object().expect("what is expected, by name").iter().all(
        |(name, value)| match (rule, value.as_str(), came[name].as_str()) {
            ("refused", Some(field), Some(message)) => message.contains(field),
            _ => came.get(name) == Some(value),
        },
    );
    (!is_so).then(|| format!("expected {expected}, came {came}"))
}

fn play_all<'a>(rows: impl Iterator<Item = (String, &'a Row)>) -> usize {
    let mut played = 0;
    let mut wrong = Vec::new();
    for (name, row) in rows.filter(|(_, row)| !INSIDE.contains(&row.rule.as_str())) {
        played += 1;
        if let Some(why) = play(&row.rule, &row.given, &row.expected) {
            wrong.push(format!("{name}\n  {} {}\n  {why}", row.rule, row.given));
        }
    }
    assert!(wrong.is_empty(), "{} of {played} rows\n{}", wrong.len(), wrong.join("\n"));
    played
}

#[test]
fn every_row_that_was_taken_comes_out_as_its_peer_has_it() {
    let tables = tables();
    let rows = tables.iter().flat_map(|table| {
        table.rows.iter().map(move |taken| (format!("{}: {}", table.peer, taken.row), &taken.case))
    });
    let played = play_all(rows);
    println!("{played} rows played");
}

#[test]
fn every_row_that_differs_comes_out_as_the_list_has_it() {
    let listed = listed();
    let rows = listed.iter().flat_map(|group| {
        let rows = group.rows.iter().filter_map(|row| Some((row, row.ours.as_ref()?)));
        rows.map(|(row, ours)| (format!("{}: {}", row.peer, row.row), ours))
    });
    let played = play_all(rows);
    println!("{played} rows played");
}

#[test]
fn rows_that_are_played_inside_are_counted() {
    let tables = tables();
    let rows = tables.iter().flat_map(|table| &table.rows);
    let inside = rows.filter(|taken| INSIDE.contains(&taken.case.rule.as_str()));
    assert_eq!(inside.count(), INSIDE_ROWS);
}

/// Every row of every table has its place, and only one: it is taken, or listed with a reason.
#[test]
fn no_row_of_a_table_is_lost() {
    let listed = listed();
    for table in tables() {
        let taken = table.rows.iter().map(|taken| taken.row.as_str());
        let others = listed
            .iter()
            .flat_map(|group| &group.rows)
            .filter(|row| row.peer == table.peer)
            .map(|row| row.row.as_str());
        let mut rows: Vec<&str> = taken.chain(others).collect();
        assert_eq!(rows.len(), table.upstream_rows, "{}", table.peer);
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), table.upstream_rows, "{}: a row has two places", table.peer);
        assert!(!table.about.is_empty() && table.rows.iter().all(|row| !row.source.is_empty()));
    }
    for group in &listed {
        let is_proved = group.rows.iter().all(|row| row.ours.is_none());
        assert!(group.verdict == Verdict::Differs || is_proved, "{}", group.why);
        assert!(40 <= group.why.len(), "a reason in a sentence: {}", group.why);
    }
}
