//! Words for what goes wrong in an exhibit. Times are milliseconds since the world began; the rollout begins
//! at 500.

use rollout_core::{
    engine::OrderKind,
    id::{InstanceId, RevisionId},
};

use crate::{
    incident::{Answer, Deed, Fate, Incident, Sight},
    world::{Flaw, Life, Manner, Truth},
};

fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no name"))
}

const fn deed(at: u64, deed: Deed) -> Incident {
    Incident::Deed { at, deed }
}

/// A person orders something.
pub(super) const fn order(at: u64, kind: OrderKind) -> Incident {
    deed(at, Deed::Order(kind))
}

pub(super) const fn abort(at: u64) -> Incident {
    order(at, OrderKind::Abort)
}

pub(super) const fn resize(at: u64, replicas: u64) -> Incident {
    order(at, OrderKind::Resize { replicas })
}

pub(super) const fn undo(at: u64) -> Incident {
    order(at, OrderKind::Undo { to: None })
}

pub(super) fn submit(at: u64, revision: &str) -> Incident {
    deed(at, Deed::Submit { revision: name::<RevisionId>(revision), anew: false })
}

pub(super) fn kill(at: u64, instance: &str) -> Incident {
    deed(at, Deed::Kill { instance: name(instance), code: 137 })
}

pub(super) fn lose(at: u64, instance: &str) -> Incident {
    deed(at, Deed::Lose(name::<InstanceId>(instance)))
}

/// An instance does not answer for a while.
pub(super) fn unready(at: u64, instance: &str, length: u64) -> Incident {
    deed(at, Deed::Unready { instance: name(instance), length })
}

/// The engine crashes.
pub(super) const fn crash(at: u64) -> Incident {
    deed(at, Deed::Crash)
}

/// The load balancer starts anew, empty.
pub(super) const fn emptied(at: u64) -> Incident {
    deed(at, Deed::RestartLoadBalancer)
}

/// What is true of a revision.
pub(super) fn truth(revision: &str, truth: Truth) -> Incident {
    Incident::Truth { revision: name(revision), truth }
}

/// An instance takes this long to start.
pub(super) fn slow(instance: &str, serves_after: u64) -> Incident {
    let life = Life {
        serves_after: Some(serves_after),
        crashes_after: None,
        exit_code: 0,
        unready: None,
        errors: 0,
        flaw: Flaw::Constant,
        slowness: 1,
        manner: Manner::Graceful,
        stops_after: 100,
    };
    Incident::Life { instance: name(instance), life }
}

const fn attempt(effect: String, nth: u32, fate: Fate) -> Incident {
    Incident::Attempt { effect, nth, fate }
}

/// The first attempts at something are refused: a conflict, too many requests.
pub(super) fn refused(effect: &str, times: u32) -> Vec<Incident> {
    let fate = Fate { there: 20, back: 20, arrives: false, answer: Answer::Busy };
    (1..=times).map(|nth| attempt(effect.to_owned(), nth, fate)).collect()
}

/// The first attempt at something happens, and the answer is lost.
pub(super) fn unanswered(effect: &str) -> Incident {
    let fate = Fate { there: 20, back: 20, arrives: true, answer: Answer::Lost(500) };
    attempt(effect.to_owned(), 1, fate)
}

/// The first attempt at something is given up, and happens much later.
pub(super) fn late(effect: &str, there: u64) -> Incident {
    let fate = Fate { there, back: 20, arrives: true, answer: Answer::Lost(500) };
    attempt(effect.to_owned(), 1, fate)
}

/// The first attempt at something takes its time.
pub(super) fn sluggish(effect: &str, there: u64) -> Incident {
    let fate = Fate { there, back: 20, arrives: true, answer: Answer::Honest };
    attempt(effect.to_owned(), 1, fate)
}

/// So many looks at something show nothing.
pub(super) fn blind(what: &str, at: u64, looks: u64) -> Vec<Incident> {
    let sight = Sight { fails: true, lag: 0 };
    (0..looks).map(|_| Incident::Sight { what: what.to_owned(), at, sight }).collect()
}

/// So many looks at something come late.
pub(super) fn stale(what: &str, at: u64, looks: u64, lag: u64) -> Vec<Incident> {
    let sight = Sight { fails: false, lag };
    (0..looks).map(|_| Incident::Sight { what: what.to_owned(), at, sight }).collect()
}

/// A run of a hook goes wrong.
pub(super) fn hook(run: &str, longer: u64, fails: bool, forgotten: bool) -> Incident {
    Incident::Hook { run: name(run), longer, fails, forgotten }
}
