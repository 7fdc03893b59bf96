//! Carrying out one action: read the backend, compute the writes, send them in order.

use std::{cmp::Ordering, collections::BTreeMap, net::IpAddr};

use rollout_core::{
    engine::{Action, Admission, Effect, Port, RefusalKind, Retry, Route},
    id::{InstanceId, RevisionId},
};

use super::{
    Failed, HaProxy,
    memory::Memory,
    path,
    state::{Server, Snapshot, server_name},
    weights,
};

impl HaProxy {
    /// One attempt at `action`.
    pub(super) async fn perform(&self, action: &Action) -> Result<(), Failed> {
        if !matches!(action.effect.port(), Port::Enrolment | Port::Router) {
            return Err(Failed::Refused(
                RefusalKind::Invalid,
                Retry::Never,
                "HAProxy makes no instances".to_owned(),
            ));
        }
        let memory = self.memory(&action.workload);
        let snapshot = self.read(&memory).await?;
        let set = memory.route(&snapshot.variables);
        let mut commands = fence(action, &memory, &snapshot)?;
        match &action.effect {
            Effect::Enrol { instance, revision, address, admission } => {
                let name = server_name(revision, instance);
                commands.extend(self.enrol(
                    &snapshot,
                    set.as_ref(),
                    &name,
                    revision,
                    *address,
                    *admission,
                ));
                self.write(&commands, &["New server registered.", "Server deleted."]).await
            }
            Effect::Drain { instance } => {
                commands.extend(self.drain(&snapshot, set.as_ref(), instance));
                self.write(&commands, &[]).await
            }
            Effect::Detach { instance } => {
                commands.extend(self.detach(&snapshot, instance));
                self.write(&commands, &["Server deleted.", "No such server."]).await
            }
            Effect::Route(route) => {
                commands.extend(self.route(&snapshot, route)?);
                if set.as_ref() != Some(route) {
                    commands.push(memory.set_route(route));
                }
                self.write(&commands, &[]).await
            }
            Effect::Create { .. }
            | Effect::Start { .. }
            | Effect::Stop { .. }
            | Effect::Remove { .. }
            | Effect::Scale { .. }
            | Effect::Divide(_)
            | Effect::Run { .. }
            | Effect::Modules(_) => Ok(()),
        }
    }

    fn enrol(
        &self,
        snapshot: &Snapshot,
        set: Option<&Route>,
        name: &str,
        revision: &RevisionId,
        address: IpAddr,
        admission: Admission,
    ) -> Vec<String> {
        let at = |command: &str| self.command(command, name);
        let present = snapshot.servers.get(name);
        let same =
            |server: &Server| server.address == Some(address) && server.port == self.spec.port;
        let mut commands = match present {
            Some(server) if same(server) && server.open => Vec::new(),
            Some(server) if same(server) => {
                vec![at("set server") + " weight 0", at("set server") + " state ready"]
            }
            other => {
                let mut commands = Vec::new();
                if other.is_some() {
                    commands.extend(self.cut(name));
                }
                let place = match address {
                    IpAddr::V4(v4) => format!("{v4}:{}", self.spec.port),
                    IpAddr::V6(v6) => format!("ipv6@[{v6}]:{}", self.spec.port),
                };
                commands.push(format!("{} {place} weight 0", at("add server")));
                commands.push(at("enable server"));
                commands
            }
        };
        match admission {
            // It waits for the next route; if it has had one since, that stays.
            Admission::Standby => (),
            Admission::Serving => {
                let mut servers = snapshot.open();
                servers.insert(name.to_owned(), revision.clone());
                let mut now = snapshot.weights();
                if !commands.is_empty() {
                    now.insert(name.to_owned(), 0);
                }
                commands.extend(self.reweigh(set, &servers, &servers, &now));
            }
        }
        commands
    }

    fn drain(
        &self,
        snapshot: &Snapshot,
        set: Option<&Route>,
        instance: &InstanceId,
    ) -> Vec<String> {
        let Some((name, server)) = snapshot.of(instance) else {
            return Vec::new();
        };
        if !server.open {
            return Vec::new();
        }
        let before = snapshot.open();
        let mut after = before.clone();
        after.remove(name);
        let mut commands = match set {
            // Its share goes to the others of its revision before it stops.
            Some(Route::Weighted(_)) => self.reweigh(set, &before, &after, &snapshot.weights()),
            Some(Route::ByReplicas | Route::Empty) | None => Vec::new(),
        };
        commands.push(self.command("set server", name) + " state drain");
        commands
    }

    fn detach(&self, snapshot: &Snapshot, instance: &InstanceId) -> Vec<String> {
        snapshot.of(instance).map_or_else(Vec::new, |(name, _)| self.cut(name).to_vec())
    }

    fn route(&self, snapshot: &Snapshot, route: &Route) -> Result<Vec<String>, Failed> {
        if let Some(foreign) = snapshot.foreign.first() {
            return Err(Failed::Refused(
                RefusalKind::Conflict,
                Retry::Backoff,
                format!(
                    "the server `{foreign}` of the backend `{}` is not ours and takes traffic; a backend is kept for one workload alone, remove the server",
                    self.spec.backend
                ),
            ));
        }
        let servers = snapshot.open();
        let then = weights::of(route, &servers);
        let writes = path::of(&servers, &snapshot.weights(), &then);
        Ok(self.set_weights(writes))
    }

    /// Commands that bring the route in force from servers `before` to servers `after`.
    fn reweigh(
        &self,
        set: Option<&Route>,
        before: &BTreeMap<String, RevisionId>,
        after: &BTreeMap<String, RevisionId>,
        now: &BTreeMap<String, u16>,
    ) -> Vec<String> {
        let then = weights::of(set.unwrap_or(&Route::ByReplicas), after);
        self.set_weights(path::of(before, now, &then))
    }

    fn set_weights(&self, writes: Vec<(String, u16)>) -> Vec<String> {
        writes
            .into_iter()
            .map(|(name, weight)| format!("{} weight {weight}", self.command("set server", &name)))
            .collect()
    }

    /// Commands after which a server is known no more; what it was answering is cut.
    fn cut(&self, name: &str) -> [String; 3] {
        [
            self.command("set server", name) + " state maint",
            self.command("shutdown sessions server", name),
            self.command("del server", name),
        ]
    }

    fn command(&self, verb: &str, server: &str) -> String {
        format!("{verb} {}/{server}", self.spec.backend)
    }

    /// Sends `commands`; every line of the answer must be one of `expected`.
    async fn write(&self, commands: &[String], expected: &[&str]) -> Result<(), Failed> {
        if commands.is_empty() {
            return Ok(());
        }
        let answer = self.socket.run(commands).await?;
        answer
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !expected.contains(line))
            .map_or(Ok(()), |line| Err(refusal(line)))
    }
}

/// Refuses an action of an older reign; else the commands that make this one known.
fn fence(action: &Action, memory: &Memory, snapshot: &Snapshot) -> Result<Vec<String>, Failed> {
    let known = memory.epoch(&snapshot.variables);
    match action.epoch.cmp(&known) {
        Ordering::Less => Err(Failed::Refused(
            RefusalKind::Fenced,
            Retry::Never,
            format!("{known} has changed HAProxy already, this order is of {}", action.epoch),
        )),
        Ordering::Equal => Ok(Vec::new()),
        Ordering::Greater => Ok(vec![memory.set_epoch(action.epoch)]),
    }
}

/// The one table from HAProxy's words to refusals.
fn refusal(line: &str) -> Failed {
    let (kind, retry) = if line.contains("still has connections attached") {
        (RefusalKind::Busy, Retry::Backoff)
    } else if line.contains("Permission denied") {
        (RefusalKind::Denied, Retry::Never)
    } else if line.contains("No such backend") || line.contains("Can't find backend") {
        (RefusalKind::Missing, Retry::Backoff)
    } else if line.contains("must use a dynamic load balancing") || line.contains("not permitted") {
        (RefusalKind::Invalid, Retry::Never)
    } else {
        // The backend changed since it was read: the next attempt reads it anew.
        (RefusalKind::Conflict, Retry::Backoff)
    };
    Failed::Refused(kind, retry, format!("HAProxy answered: {line}"))
}

impl Snapshot {
    /// The server of an instance, with its name.
    fn of(&self, instance: &InstanceId) -> Option<(&str, &Server)> {
        self.servers
            .iter()
            .find(|(_, server)| server.instance == *instance)
            .map(|(name, server)| (name.as_str(), server))
    }

    /// Servers that new requests may go to, with their revision.
    pub(super) fn open(&self) -> BTreeMap<String, RevisionId> {
        self.servers
            .iter()
            .filter(|(_, server)| server.open)
            .map(|(name, server)| (name.clone(), server.revision.clone()))
            .collect()
    }

    /// Weights of all servers.
    pub(super) fn weights(&self) -> BTreeMap<String, u16> {
        self.servers.iter().map(|(name, server)| (name.clone(), server.weight)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_answer_has_its_meaning() {
        for (line, expected, again) in [
            (
                "Server still has connections attached to it, cannot remove it.",
                RefusalKind::Busy,
                Retry::Backoff,
            ),
            ("Permission denied", RefusalKind::Denied, Retry::Never),
            ("No such backend.", RefusalKind::Missing, Retry::Backoff),
            (
                "Backend must use a dynamic load balancing to support dynamic servers.",
                RefusalKind::Invalid,
                Retry::Never,
            ),
            (
                "Already exists a server with the same name in backend.",
                RefusalKind::Conflict,
                Retry::Backoff,
            ),
        ] {
            match refusal(line) {
                Failed::Refused(kind, retry, why) => {
                    assert_eq!((kind, retry), (expected, again), "{line}");
                    assert!(why.contains(line));
                }
                Failed::Unknown(why) => panic!("{why}"),
            }
        }
    }
}
