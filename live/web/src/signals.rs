//! Signals: turns SIGTERM into the manners that were asked for.
//!
//! In: the manners, what to do when asked to go. Out: a thread that waits. Absent: any handler for
//! [`OnTerm::Ignore`], so that PID 1 of a container really ignores the signal.

use std::{io, process, thread};

use signal_hook::{consts::SIGTERM, iterator::Signals};

use crate::settings::OnTerm;

/// Arranges for `go` to be called on SIGTERM, if the manners say so.
///
/// # Errors
///
/// The signal cannot be watched.
pub(crate) fn on_term(manners: OnTerm, go: impl FnOnce() + Send + 'static) -> io::Result<()> {
    if manners == OnTerm::Ignore {
        return Ok(());
    }
    let mut signals = Signals::new([SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if signals.forever().next().is_none() {
            return;
        }
        match manners {
            OnTerm::Abrupt => process::exit(0),
            OnTerm::Graceful | OnTerm::Ignore => go(),
        }
    })?;
    Ok(())
}
