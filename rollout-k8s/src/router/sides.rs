//! Where the two sides of a router are: two Services, or two subsets of a `DestinationRule`.

use super::{
    Traffic,
    binding::{self, Binding},
    calls::Calls,
    division::{Side, Sides},
    object::Object,
    problem::{Problem, Trouble},
    shape::Place,
    subset,
    traffic::{DestinationRuleSpec, RouterSpec},
};
use rollout_core::id::{Epoch, RevisionId, WorkloadId};
use serde_json::{Value, json};

use crate::labels;

const SERVICE: (&str, &str, &str) = ("", "v1", "Service");
const SLICE: (&str, &str, &str) = ("discovery.k8s.io", "v1", "EndpointSlice");
const POD: (&str, &str, &str) = ("", "v1", "Pod");
/// Label of a slice: the Service it belongs to.
const SLICE_OF: &str = "kubernetes.io/service-name";

/// Where the two sides are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// Two Services with the fields of the spec that name them; the second one may be missing.
    Services { stable: (&'static str, String), candidate: Option<(&'static str, String)> },
    /// Two subsets.
    Subsets(DestinationRuleSpec),
}

/// The sides as they were read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// Stable first; one object for both where they are subsets.
    pub(super) objects: Vec<(Place, Object)>,
    pub(super) written: Sides,
    pub(super) in_effect: Sides,
    /// What stood behind the stable side before.
    pub(super) left: Option<RevisionId>,
    /// Whether a pod on the candidate side takes requests, as far as the cluster says.
    pub(super) is_answered: bool,
}

impl Stands {
    /// The sides that `traffic` names; `None` if it shares nothing.
    pub(super) fn of(traffic: &Traffic) -> Option<Self> {
        if let Some(active) = &traffic.active_service {
            let candidate = traffic.preview_service.clone().map(|name| ("preview_service", name));
            return Some(Self::Services { stable: ("active_service", active.clone()), candidate });
        }
        match traffic.router.as_ref()? {
            RouterSpec::Istio(spec) if spec.destination_rule.is_some() => {
                spec.destination_rule.clone().map(Self::Subsets)
            }
            RouterSpec::Gateway(_)
            | RouterSpec::Istio(_)
            | RouterSpec::Nginx(_)
            | RouterSpec::Traefik(_) => Some(Self::Services {
                stable: ("stable_service", traffic.stable_service.clone()?),
                candidate: Some(("candidate_service", traffic.candidate_service.clone()?)),
            }),
        }
    }

    /// Reads both sides.
    pub(super) async fn read(&self, calls: &Calls) -> Result<Read, Trouble> {
        match self {
            Self::Services { stable, candidate } => {
                let named: Vec<_> = std::iter::once(stable).chain(candidate).collect();
                let mut objects = Vec::new();
                for (field, name) in &named {
                    let way_out = format!("create it, or correct `traffic.kubernetes.{field}`");
                    let place = calls.place(SERVICE, name);
                    let service = calls.get(&place, &way_out).await?;
                    check_selector(&place, &service)?;
                    objects.push((place, service));
                }
                let both: Vec<&str> = named.iter().map(|(_, name)| name.as_str()).collect();
                let slices = calls.labelled(SLICE, SLICE_OF, &both).await?;
                Ok(of_services(objects, &slices))
            }
            Self::Subsets(rule) => {
                let place = calls.place(subset::RULE, &rule.name);
                let way_out =
                    "create it, or correct `traffic.kubernetes.router.istio.destination_rule.name`";
                let object = calls.get(&place, way_out).await?;
                let written = subset::sides(&place, &object, rule)?;
                let left = binding::before(&object);
                // Istio does not say what its proxies know.
                let in_effect = written.clone();
                let objects = vec![(place, object)];
                Ok(Read { objects, written, in_effect, left, is_answered: true })
            }
        }
    }

    /// Binds one side, and returns the sides as they are then.
    pub(super) async fn bind(
        &self,
        calls: &Calls,
        read: &mut Read,
        side: Side,
        binding: &Binding,
        (workload, epoch): (&WorkloadId, Epoch),
    ) -> Result<(), Trouble> {
        let place = match (self, side) {
            (Self::Services { .. }, Side::Candidate) => 1,
            (Self::Services { .. } | Self::Subsets(_), Side::Stable)
            | (Self::Subsets(_), Side::Candidate) => 0,
        };
        let Some((at, object)) = read.objects.get(place) else { return Ok(()) };
        let after = match self {
            Self::Services { .. } => {
                if let Binding::Revision(revision) = binding {
                    check_takes(calls, at, object, workload, revision).await?;
                }
                binding::bind(object, binding, epoch)
            }
            Self::Subsets(rule) => subset::bind(object, rule, side, binding, epoch),
        };
        let written = calls.write(at, Some(object), Some(&after), false).await?;
        if let (Some(entry), Some(written)) = (read.objects.get_mut(place), written) {
            entry.1 = written;
        }
        Ok(())
    }
}

/// What Services and the slices of both say.
fn of_services(objects: Vec<(Place, Object)>, slices: &[Object]) -> Read {
    let sides = objects.iter().map(|(_, service)| {
        let of_this = slices.iter().filter(|slice| slice.label(SLICE_OF) == Some(service.name()));
        let written = binding::of_service(service);
        let in_effect = binding::in_effect(&of_this.cloned().collect::<Vec<_>>(), &written);
        (written, in_effect)
    });
    let sides: Vec<(Binding, Binding)> = sides.collect();
    let stable = sides.first().cloned().unwrap_or((Binding::Unset, Binding::Unset));
    let is_of_candidate = |slice: &&Object| {
        let candidate = objects.get(1).map(|(_, service)| service.name());
        slice.label(SLICE_OF) == candidate
    };
    let is_answered = slices.iter().filter(is_of_candidate).any(|slice| {
        // What says nothing of itself is taken for ready, as Kubernetes has it.
        let is_ready =
            |endpoint: &Value| endpoint.pointer("/conditions/ready") != Some(&json!(false));
        slice.list("/endpoints").iter().any(is_ready)
    });
    // Where there is one Service alone, the other side is whatever this one is.
    let candidate = sides.get(1).cloned().unwrap_or_else(|| stable.clone());
    Read {
        left: objects.first().and_then(|(_, service)| binding::before(service)),
        objects,
        is_answered,
        written: Sides { stable: stable.0, candidate: candidate.0 },
        in_effect: Sides { stable: stable.1, candidate: candidate.1 },
    }
}

/// Refuses a Service without a selector: its endpoints are somebody's own.
fn check_selector(place: &Place, service: &Object) -> Result<(), Problem> {
    let selector = service.at("/spec/selector").and_then(Value::as_object);
    if selector.is_some_and(|selector| !selector.is_empty()) {
        return Ok(());
    }
    Err(Problem::missing(
        &place.to_string(),
        "it has no selector, so that its endpoints are not Kubernetes' own",
        "give it a selector that takes the workload's pods, or name another Service",
    ))
}

/// Refuses a Service that takes no pod of `revision`, as far as there is one.
async fn check_takes(
    calls: &Calls,
    place: &Place,
    service: &Object,
    workload: &WorkloadId,
    revision: &RevisionId,
) -> Result<(), Trouble> {
    let of = format!("{}={workload},{}={revision}", labels::WORKLOAD, labels::REVISION);
    // All pods of a revision have the labels of one template.
    let pods = calls.list(POD, &of, Some(1)).await?;
    let Some(pod) = pods.first() else { return Ok(()) };
    let misses = binding::misses(service.at("/spec/selector"), pod);
    if misses.is_empty() {
        return Ok(());
    }
    Err(Problem::missing(
        &place.to_string(),
        format!(
            "its selector takes no pod of {revision}: they have no label {}",
            misses.join(", ")
        ),
        "add the label to the pod template, or take it out of the Service's selector",
    )
    .into())
}
