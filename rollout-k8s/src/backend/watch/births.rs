//! Births: opens the readiness gate of every new pod that has one.
//!
//! In: events of the watch of pods. Out: one patch for each pod about which nobody has said anything yet. So a
//! pod with a gate is in traffic from birth, as one with the label is, as long as an engine runs. Absent:
//! choices; a gate that was shut stays shut, because a patch is refused if the pod was changed since it was seen.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    runtime::watcher::Event,
};
use rollout_core::engine::RefusalKind;
use tokio::sync::mpsc;

use super::super::{
    enrol::gate_patch,
    facts::{Facts as _, Gate, PodFacts},
};
use crate::{
    labels,
    outcome::{Failed, ask_for},
};

/// Gates that are opened at the same time.
const AT_ONCE: usize = 4;
/// Wait before a patch that was not answered, or refused for now, is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A pod whose gate is to be opened, as it was seen.
#[derive(Clone, Debug)]
struct Born {
    namespace: String,
    name: String,
    uid: String,
    version: String,
}

/// Where pods are announced.
#[derive(Clone, Debug)]
pub(super) struct Births(mpsc::UnboundedSender<Born>);

impl Births {
    /// Somewhere to announce them, and the work on those that were, which ends with the last announcer.
    pub(super) fn new(client: Client) -> (Self, impl Future<Output = ()>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let announced = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|born| (born, receiver))
        });
        let work = announced.for_each_concurrent(AT_ONCE, move |born| open(client.clone(), born));
        (Self(sender), work)
    }

    /// Announces the pod of an event whose gate nobody has opened or shut.
    pub(super) fn announce(&self, event: &Event<Pod>) {
        let pod = match event {
            Event::Apply(pod) | Event::InitApply(pod) => pod,
            Event::Delete(_) | Event::Init | Event::InitDone => return,
        };
        let Some(facts) = PodFacts::read(pod) else { return };
        if facts.gate != Some(Gate::New) || !facts.is_active() {
            return;
        }
        let meta = &pod.metadata;
        if let (Some(namespace), Some(name), Some(version)) =
            (meta.namespace.clone(), meta.name.clone(), meta.resource_version.clone())
        {
            // Whoever would take it has ended with all watches.
            self.0.send(Born { namespace, name, uid: facts.uid, version }).ok();
        }
    }
}

/// Opens one gate. A pod that was changed or is gone is left alone: if it is still new, its event tells so.
async fn open(client: Client, born: Born) {
    let api: Api<Pod> = Api::namespaced(client, &born.namespace);
    let params = PatchParams {
        field_manager: Some(labels::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let mut patch = gate_patch(&born.uid, None);
    patch["metadata"]["resourceVersion"] = born.version.as_str().into();
    let patch = Patch::Strategic(patch);
    loop {
        match ask_for(api.patch_status(&born.name, &params, &patch)).await {
            Ok(_) | Err(Failed::Refused(RefusalKind::Conflict | RefusalKind::Missing, ..)) => {
                return;
            }
            Err(failed) => tracing::warn!(pod = born.name, ?failed, "its gate was not opened"),
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}
