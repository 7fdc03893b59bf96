//! The loop itself: waits for the next fact, and begins a new reign when the journal has failed.

use rollout_core::{
    engine::{End, Event, Port},
    port::JournalError,
    time::Timestamp,
};
use tokio::sync::mpsc;
use tracing::warn;

use super::{
    StartError, Stopped, begin,
    observers::Seen,
    reign::{Command, NotTaken, Outlet, Reign},
};
use crate::{clock::ReignTime, options::Options};

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
        reign = match begin_again(reign, error).await {
            Ok(reign) => reign,
            Err(error) => return Stopped::Failed(error),
        };
    }
}

/// One reign, from its claim to its end.
async fn rule(reign: &mut Reign, commands: &mut mpsc::Receiver<Command>, outlet: &Outlet) -> Over {
    let claimed = Event::Claimed { epoch: reign.epoch };
    if let Err(error) = reign.take(claimed, outlet).await {
        return Over::Begin(error);
    }
    loop {
        if let Some(End::Fenced) = reign.end() {
            return Over::Stop(Stopped::Fenced);
        }
        let event = match next(reign, commands).await {
            Next::Event(event) => event,
            Next::Command(Command::Order(order, answer)) => {
                let taken = reign.take(Event::Ordered(order), outlet).await;
                // Whoever asked may have gone; the order stands.
                match taken {
                    Ok(answered) => {
                        let answered = answered.unwrap_or(Ok(()));
                        drop(answer.send(answered.map_err(NotTaken::Refused)));
                    }
                    Err(error) => {
                        drop(answer.send(Err(NotTaken::NotKept(error.clone()))));
                        return Over::Begin(error);
                    }
                }
                continue;
            }
            Next::Command(Command::Status(answer)) => {
                drop(answer.send(reign.status()));
                continue;
            }
            Next::Command(Command::ShutDown) => {
                reign.attempts.finish(reign.options.shutdown_grace).await;
                return Over::Stop(Stopped::ShutDown);
            }
        };
        if let Err(error) = reign.take(event, outlet).await {
            return Over::Begin(error);
        }
    }
}

enum Next {
    Event(Event),
    Command(Command),
}

/// Waits for whatever comes first. Every branch may be dropped while it waits: nothing is lost.
async fn next(reign: &mut Reign, commands: &mut mpsc::Receiver<Command>) -> Next {
    loop {
        let pace = reign.pace;
        let options = reign.options;
        let observe_at = reign.observers.start_due(|port| pace.period(port, &options));
        let poll_at = reign.polls.start_due(pace.period(Port::Hooks, &options));
        let measure_at = reign.measures.start_due();
        let start_at = [observe_at, poll_at, measure_at].into_iter().flatten().min();
        let Reign { attempts, observers, polls, measures, answers, time, wake_at, .. } =
            &mut *reign;
        tokio::select! {
            biased;
            command = commands.recv() => {
                // Without handles nobody can command any more: the driver is not wanted.
                return Next::Command(command.unwrap_or(Command::ShutDown));
            }
            attempted = attempts.next() => {
                observers.want(attempted.port);
                return Next::Event(attempted.event);
            }
            seen = observers.next() => match seen {
                Seen::Event(event) => return Next::Event(event),
                Seen::Hint => (),
            },
            polled = polls.next() => return Next::Event(polled),
            measured = measures.next() => return Next::Event(measured),
            Some(answer) = answers.recv() => return Next::Event(answer),
            () = sleep_until(time, *wake_at) => {
                *wake_at = None;
                return Next::Event(Event::Woke);
            }
            () = sleep_until(time, start_at) => (),
        }
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
