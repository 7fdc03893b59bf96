//! Every bug of the museum is played through the production engine, which does not have it.

use std::collections::BTreeSet;

use rollout_sim::museum::{exhibits, planted_as};

#[test]
fn the_engine_has_none_of_the_bugs_in_the_museum() {
    let mut found = Vec::new();
    for exhibit in exhibits() {
        for difference in exhibit.differences() {
            found.push(format!("{} ({}): {difference}", exhibit.name, exhibit.source));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_exhibit_has_a_name_of_its_own_and_says_what_happened() {
    let names: BTreeSet<&str> = exhibits().iter().map(|exhibit| exhibit.name).collect();
    assert_eq!(names.len(), exhibits().len(), "two have one name");
    assert!(60 <= names.len(), "only {}", names.len());
    for exhibit in exhibits() {
        assert!(!exhibit.source.is_empty() && !exhibit.what.is_empty(), "{}", exhibit.name);
    }
}

/// docs/MUSEUM.md names every exhibit with the planted bug of its kind.
#[test]
fn the_page_of_the_museum_is_whole() {
    let page = include_str!("../../../docs/MUSEUM.md");
    for exhibit in exhibits() {
        let (source, what) = (exhibit.source, exhibit.what);
        let line = format!("| {source} | {what} | {} |", planted_as(&exhibit));
        assert!(page.contains(&line), "docs/MUSEUM.md does not have: {line}");
    }
}
