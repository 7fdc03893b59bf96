//! Steps: commands run one after the other, each told with its time.

use std::{
    env,
    ffi::{OsStr, OsString},
    process::Command,
    time::{Duration, Instant},
};

use crate::{problem::Problem, root};

/// A run of steps. The first that fails ends it.
#[derive(Debug)]
pub(crate) struct Steps {
    name: &'static str,
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// No steps yet.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, done: Vec::new() }
    }

    /// Runs `cargo` with `args` at the root of the workspace.
    pub(crate) fn cargo<I>(&mut self, name: &str, args: I) -> Result<(), Problem>
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        self.run(name, cargo().args(args))
    }

    /// Runs `command`.
    pub(crate) fn run(&mut self, name: &str, command: &mut Command) -> Result<(), Problem> {
        say(&format!("\n== {name}: {}", line(command)));
        let begun = Instant::now();
        let status = command.current_dir(root()).status().map_err(|why| Problem::Start {
            program: command.get_program().to_string_lossy().into_owned(),
            why,
        })?;
        self.done.push((name.to_owned(), begun.elapsed()));
        if status.success() { Ok(()) } else { Err(Problem::Step { name: name.to_owned(), status }) }
    }

    /// Does `work` as a step.
    pub(crate) fn work(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        say(&format!("\n== {name}"));
        let begun = Instant::now();
        work()?;
        self.done.push((name.to_owned(), begun.elapsed()));
        Ok(())
    }

    /// Tells what each step took.
    pub(crate) fn end(self) {
        let all: Duration = self.done.iter().map(|(_, took)| *took).sum();
        say(&format!("\n== {}: all {} steps passed", self.name, self.done.len()));
        for (name, took) in &self.done {
            say(&format!("{:>8.1} s  {name}", took.as_secs_f64()));
        }
        say(&format!("{:>8.1} s  in all", all.as_secs_f64()));
    }
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// Prints one line for a person.
#[expect(clippy::print_stdout, reason = "this is a command; its progress goes to standard output")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

fn line(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    command.get_args().fold(name, |line, arg| line + " " + &arg.to_string_lossy())
}
