//! The loop itself: waits for the next fact, and begins a new reign when the journal has failed.

use futures_util::FutureExt as _;
use rollout_core::{
    engine::{End, Event, Port},
    port::JournalError,
    time::Timestamp,
};
use tokio::sync::mpsc;
use tracing::warn;

use super::{
    StartError, Stopped, begin, compact,
    observers::Seen,
    reign::{Command, Outlet, Reign},
};
use crate::{clock::ReignTime, options::Options};

/// Facts that are taken in before anything goes out at most, so that a flood of them holds nothing back.
const FACTS_MOST: usize = 256;

/// How one reign is over.
enum Over {
    /// The driver stops.
    Stop(Stopped),
    /// The journal failed; what was decided last was neither kept nor attempted.
    Begin(JournalError),
}

/// Drives until told to stop, fenced off, or unable to go on.
pub(crate) async fn drive(
    mut reign: Reign,
    mut commands: mpsc::Receiver<Command>,
    outlet: &Outlet,
) -> Stopped {
    loop {
        let error = match rule(&mut reign, &mut commands, outlet).await {
            Over::Stop(why) => return why,
            Over::Begin(error) => error,
        };
        // Boxed: it is rare, and would double the size of every driver.
        reign = match Box::pin(begin_again(reign, error)).await {
            Ok(reign) => reign,
            Err(error) => return Stopped::Failed(error),
        };
    }
}

/// One reign, from its claim to its end.
async fn rule(reign: &mut Reign, commands: &mut mpsc::Receiver<Command>, outlet: &Outlet) -> Over {
    let mut next = Next::Event(Event::Claimed { epoch: reign.epoch });
    loop {
        let taken = take(reign, commands, next).await;
        if let Taken::Stop = taken {
            return shut_down(reign, outlet).await;
        }
        reign.look_around();
        if is_due(reign) {
            if let Err(error) = reign.flush(outlet).await {
                return Over::Begin(error);
            }
            compact::if_due(reign).await;
        }
        if is_fenced(reign) {
            return Over::Stop(Stopped::Fenced);
        }
        next = match taken {
            Taken::Waits(command) => Next::Command(command),
            Taken::All | Taken::Stop => self::next(reign, commands).await,
        };
    }
}

fn is_fenced(reign: &Reign) -> bool {
    matches!(reign.end(), Some(End::Fenced))
}

/// What became of what came.
enum Taken {
    /// All of it is decided.
    All,
    /// But for this, which is not decided with the facts before it: what they led to goes out first.
    Waits(Command),
    /// The driver is told to stop.
    Stop,
}

/// Takes in `first` and what waits beside it. Facts are decided together, once.
async fn take(reign: &mut Reign, commands: &mut mpsc::Receiver<Command>, first: Next) -> Taken {
    let (mut facts, mut next) = (Vec::new(), Some(first));
    let until = reign.time.now().after(reign.gathering());
    while let Some(came) = next {
        match came {
            Next::Event(event) => facts.push(event),
            Next::Command(command) if facts.is_empty() => match command {
                Command::Order(order, answer) => {
                    reign.decide(vec![Event::Ordered(order)], Some(answer));
                }
                // Whoever asked may have gone.
                Command::Status(answer) => drop(answer.send(reign.status())),
                Command::ShutDown => return Taken::Stop,
            },
            Next::Command(command) => {
                reign.decide(facts, None);
                return Taken::Waits(command);
            }
            Next::Hint | Next::Flush => (),
        }
        if is_fenced(reign) || !reign.batch.has_room() || FACTS_MOST <= facts.len() {
            break;
        }
        let may_wait = !facts.is_empty() && !is_due(reign);
        next = beside(reign, commands, until, may_wait).await;
    }
    reign.decide(facts, None);
    Taken::All
}

/// Whether what is held back is to go out now.
fn is_due(reign: &Reign) -> bool {
    reign.flush_at().is_some_and(|at| at <= reign.time.now())
}

/// What waits already, or what comes until then if that may be waited for.
async fn beside(
    reign: &mut Reign,
    commands: &mut mpsc::Receiver<Command>,
    until: Timestamp,
    may_wait: bool,
) -> Option<Next> {
    let waiting = arrival(reign, commands).now_or_never();
    if waiting.is_some() || !may_wait || reign.attempts.under_way() == 0 {
        return waiting;
    }
    let time = reign.time.clone();
    tokio::select! {
        biased;
        next = arrival(reign, commands) => Some(next),
        () = time.sleep_until(until) => None,
    }
}

async fn shut_down(reign: &mut Reign, outlet: &Outlet) -> Over {
    // What cannot be kept now was not decided: the next run decides it again.
    if let Err(error) = reign.flush(outlet).await {
        warn!(%error, "journal failed");
    }
    reign.attempts.finish(reign.options.shutdown_grace).await;
    Over::Stop(Stopped::ShutDown)
}

enum Next {
    Event(Event),
    Command(Command),
    /// Something changed; the observation that is due now will say what.
    Hint,
    /// What was held back has waited long enough.
    Flush,
}

/// Starts what is due, then waits for whatever comes first. Every branch may be dropped while it waits:
/// nothing is lost.
async fn next(reign: &mut Reign, commands: &mut mpsc::Receiver<Command>) -> Next {
    loop {
        let pace = reign.pace;
        let options = reign.options;
        let observe_at = reign.observers.start_due(|port| pace.period(port, &options));
        let poll_at = reign.polls.start_due(pace.period(Port::Hooks, &options));
        let measure_at = reign.measures.start_due();
        let start_at = [observe_at, poll_at, measure_at].into_iter().flatten().min();
        let (flush_at, wake_at, time) = (reign.flush_at(), reign.wake_at, reign.time.clone());
        tokio::select! {
            biased;
            next = arrival(reign, commands) => return next,
            () = sleep_until(&time, wake_at) => {
                reign.wake_at = None;
                return Next::Event(Event::Woke);
            }
            () = sleep_until(&time, flush_at) => return Next::Flush,
            () = sleep_until(&time, start_at) => (),
        }
    }
}

/// Waits for the next fact or command. Starts nothing, for the engine may want something else by now.
async fn arrival(reign: &mut Reign, commands: &mut mpsc::Receiver<Command>) -> Next {
    let takes_orders = reign.batch.takes_orders();
    let Reign { attempts, observers, polls, measures, answers, .. } = reign;
    tokio::select! {
        biased;
        command = commands.recv(), if takes_orders => {
            // Without handles nobody can command any more: the driver is not wanted.
            Next::Command(command.unwrap_or(Command::ShutDown))
        }
        attempted = attempts.next() => {
            observers.want(attempted.port);
            Next::Event(attempted.event)
        }
        seen = observers.next() => match seen {
            Seen::Event(event) => Next::Event(event),
            Seen::Hint => Next::Hint,
        },
        polled = polls.next() => Next::Event(polled),
        measured = measures.next() => Next::Event(measured),
        Some(answer) = answers.recv() => Next::Event(answer),
    }
}

/// Waits until `at`, or for ever if there is no such time.
async fn sleep_until(time: &ReignTime, at: Option<Timestamp>) {
    match at {
        Some(at) => time.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Begins a new reign after the journal failed, as after a crash: attempts under way are cancelled,
/// what was durable is taken up again. Gives up where trying again cannot help.
async fn begin_again(reign: Reign, error: JournalError) -> Result<Reign, StartError> {
    let Reign { workload, ports, options, time, .. } = reign;
    // An engine that pushed others aside once must not do so to the one that pushed it aside since.
    let options = Options { take_over: false, ..options };
    let mut error = StartError::Journal(error);
    let mut wait = options.restart_first;
    for _ in 0..options.restarts_max {
        if !is_passing(&error) {
            break;
        }
        warn!(%workload, %error, again_ms = wait.as_millis(), "journal failed");
        time.sleep(wait).await;
        wait = wait.times(2);
        match begin(&workload, &ports, &options).await {
            Ok(reign) => return Ok(reign),
            Err(again) => error = again,
        }
    }
    Err(error)
}

/// Whether the same may go well a moment later.
fn is_passing(error: &StartError) -> bool {
    matches!(
        error,
        StartError::Journal(JournalError::Store { .. })
            | StartError::Claim(rollout_core::port::ClaimError::Unreachable(_))
    )
}
