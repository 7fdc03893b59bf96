//! The table of orders: every order in every state, by the engine itself. Written to `docs/ORDERS.md`.
//!
//! `UPDATE_GOLDEN=1` rewrites it. Beside the words it is asserted that every order has an answer in every
//! state, that an order given twice does nothing the second time, and that `halt` is always taken.

mod states;

use std::{collections::BTreeMap, fmt::Write};

use rollout_core::engine::{Event, Order, OrderKind, OrderRefused, Phase, Record};

use self::states::State;
use super::{
    tell::{golden, order},
    world::World,
};

/// What an order came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    /// It changed something; where things stand then.
    Taken(String),
    /// It was so already.
    Nothing,
    Refused(String),
}

impl Answer {
    const fn mark(&self) -> char {
        match self {
            Self::Taken(_) => '+',
            Self::Nothing => '=',
            Self::Refused(_) => '-',
        }
    }
}

fn given(kind: &OrderKind) -> Event {
    let (by, why) = ("test".to_owned(), Some("a test".to_owned()));
    Event::Ordered(Order { kind: kind.clone(), by, why })
}

/// Records that an event leads to at once, beside those that come without it.
fn records(world: &World, event: Event) -> (Vec<Record>, Option<Result<(), OrderRefused>>) {
    let step = world.engine.clone().step(world.now, event);
    (step.records, step.answer)
}

/// Gives an order in a copy of the world.
fn give(world: &World, kind: &OrderKind) -> (Answer, World) {
    let mut after = world.clone();
    let (came, answer) = records(world, given(kind));
    let answer = answer.expect("every order has an answer");
    let idle = records(world, Event::Woke).0;
    match answer {
        Err(why) => {
            assert_eq!(came, idle, "{}: refused, and yet something changed", order(kind));
            (Answer::Refused(why.to_string()), after)
        }
        Ok(()) if came == idle => (Answer::Nothing, after),
        Ok(()) => {
            drop(after.feed(given(kind)));
            (Answer::Taken(stands(&after)), after)
        }
    }
}

/// Where things stand, in a few words.
fn stands(world: &World) -> String {
    let status = world.engine.status(world.now);
    let mut text = status.end.as_ref().map_or(status.phase.to_string(), ToString::to_string);
    if let (None, Some((stage, _, _)), Some(candidate)) =
        (&status.end, &status.stage, &status.candidate)
    {
        match status.phase {
            Phase::Reverting => text.push_str(" from "),
            Phase::Idle | Phase::Moving | Phase::Gating | Phase::Ended => text.push_str(" to "),
            _ => panic!("a phase without a word"),
        }
        text.push_str(candidate.as_str());
        if status.phase != Phase::Reverting {
            write!(text, ", stage {stage}").unwrap();
        }
    }
    for (is_so, word) in [(status.paused, ", paused"), (status.halted, ", halted")] {
        if is_so {
            text.push_str(word);
        }
    }
    if let Some(queued) = &status.queued {
        write!(text, ", {queued} queued").unwrap();
    }
    text
}

/// Where an order does more when it is given twice: `promote` passes the gate that is waited for, whichever.
const MORE_WHEN_TWICE: [(&str, &str); 1] = [("promote", "gating: first of two approvals")];

#[test]
fn every_order_is_answered_in_every_state() {
    let states = states::all();
    let mut answers = Answers::new();
    let mut twice = Vec::new();
    for State { name, world } in &states {
        says_why(name, world);
        for (word, kind) in states::orders(world) {
            let (answer, after) = give(world, &kind);
            if answer.mark() == '+' {
                twice.push((word.clone(), *name, give(&after, &kind).0));
            }
            let is_fit = kind != OrderKind::Halt || answer.mark() != '-';
            assert!(is_fit, "halt is refused in the state `{name}`: {answer:?}");
            answers.entry(word).or_default().push((name, answer));
        }
    }
    let more: Vec<(&str, &str)> = twice
        .iter()
        .filter(|(_, _, again)| again.mark() == '+')
        .map(|(word, name, _)| (word.as_str(), *name))
        .collect();
    assert_eq!(more, MORE_WHEN_TWICE);
    golden("docs/ORDERS.md", &page(&states, &answers, &twice));
}

/// Whoever asks why nothing moves gets an answer, in every state.
fn says_why(name: &str, world: &World) {
    let is_moving = !records(world, Event::Woke).0.is_empty();
    let waits = world.engine.waits(world.now);
    assert!(is_moving || !waits.is_empty(), "nothing is said in the state `{name}`");
}

type Answers<'a> = BTreeMap<String, Vec<(&'a str, Answer)>>;

/// The page.
fn page(states: &[State], answers: &Answers<'_>, twice: &[(String, &str, Answer)]) -> String {
    let mut page = HEAD.to_owned();
    let orders = states.first().map(|state| states::orders(&state.world)).unwrap_or_default();
    let words: Vec<&String> = orders.iter().map(|(word, _)| word).collect();
    let head: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
    writeln!(page, "| state | {} |\n|---|{}", head.join(" | "), ":-:|".repeat(head.len())).unwrap();
    for (row, state) in states.iter().enumerate() {
        let marks = words.iter().map(|word| answers[*word][row].1.mark().to_string());
        writeln!(page, "| {} | {} |", state.name, marks.collect::<Vec<_>>().join(" | ")).unwrap();
    }
    for word in words {
        writeln!(page, "\n## {word}\n\n| in the state | answer |\n|---|---|").unwrap();
        grouped(&mut page, answers[word].iter().map(|(name, answer)| (*name, answer)));
    }
    page.push_str(TWICE);
    for word in orders.iter().map(|(word, _)| word) {
        let of =
            twice.iter().filter(|(other, _, again)| other == word && *again != Answer::Nothing);
        let of: Vec<_> = of.map(|(_, name, again)| (*name, again)).collect();
        if !of.is_empty() {
            writeln!(page, "\n**{word}**\n\n| in the state | the second time |\n|---|---|")
                .unwrap();
            grouped(&mut page, of.into_iter());
        }
    }
    page
}

/// One row per answer, with every state that gets it.
fn grouped<'a>(page: &mut String, answers: impl Iterator<Item = (&'a str, &'a Answer)>) {
    let mut same: Vec<(&Answer, Vec<&str>)> = Vec::new();
    for (state, answer) in answers {
        match same.iter_mut().find(|(other, _)| *other == answer) {
            Some((_, states)) => states.push(state),
            None => same.push((answer, vec![state])),
        }
    }
    for (answer, states) in same {
        let text = match answer {
            Answer::Taken(stands) => format!("taken; then {stands}"),
            Answer::Nothing => "so already: nothing changes".to_owned(),
            Answer::Refused(why) => format!("refused: {why}"),
        };
        writeln!(page, "| {} | {text} |", states.join("; ")).unwrap();
    }
}

/// What stands before the orders that are given twice.
const TWICE: &str = "
## Twice

An order that was taken changes nothing when it comes again at once, but where `taken` stands here. Nearly always it is
so already; where what it asked for is over by then, it is refused:
";

/// How the page begins.
const HEAD: &str = "# Every order in every state

Written by [a test](../rollout-core/tests/engine/table/mod.rs) that brings the engine into each state and gives it each
order; do not edit. `+` taken, `=` so already, nothing changes, `-` refused with a reason. Which words the rows use:
v0 was proven before v1, v1 is stable, v2 is the candidate, v9 is what `submit` names, `resize` asks for 3 instead of 2.

";
