//! The calls a router makes: read an object, list some, write one that nobody has changed since.

use std::sync::Arc;

use kube::{
    Api, Client, Error,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::Value;

use super::{
    mirror::{Found, Reader},
    object::Object,
    problem::{Problem, Trouble},
    shape::Place,
};
use crate::{labels, outcome};

/// A client and the namespace of the workload.
#[derive(Clone)]
pub(super) struct Calls {
    client: Client,
    namespace: String,
    /// What is watched.
    watched: Option<Arc<Reader>>,
    /// Whether everything is asked for all the same.
    is_fresh: bool,
}

/// What became of a read.
enum Read {
    There(Object),
    Absent,
    /// The kind itself is not known.
    NoKind,
}

impl Calls {
    /// Everything is asked for.
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), watched: None, is_fresh: true }
    }

    /// What is watched is not asked for.
    pub(super) fn through(self, reader: Reader) -> Self {
        Self { watched: Some(Arc::new(reader)), is_fresh: false, ..self }
    }

    /// Everything is asked for, and the answers are remembered.
    pub(super) fn fresh(&self) -> Self {
        Self { is_fresh: true, ..self.clone() }
    }

    /// What is watched of the namespace of `place`, if it need not be asked for.
    fn watched(&self) -> Option<&Reader> {
        self.watched.as_deref().filter(|_| !self.is_fresh)
    }

    /// Remembers what was answered about an object of the workload's namespace.
    fn remember(&self, place: &Place, there: Option<&Object>, before: Option<&Object>) {
        let Some(reader) = self.watched.as_ref().filter(|_| place.namespace == self.namespace)
        else {
            return;
        };
        match (there, before) {
            (Some(object), _) => reader.answered(&place.resource, &place.namespace, object),
            (None, Some(gone)) => reader.answered_gone(&place.resource, &place.namespace, gone),
            (None, None) => (),
        }
    }

    /// The place of an object of Kubernetes' own.
    pub(super) fn place(&self, kind: (&str, &str, &str), name: &str) -> Place {
        Place::of(kind, &self.namespace, name)
    }

    /// An object that need not be there, of a kind that must be.
    pub(super) async fn find(&self, place: &Place) -> Result<Option<Object>, Trouble> {
        let watched = self.watched().filter(|_| place.namespace == self.namespace);
        let found = watched.map(|it| it.find(&place.resource, &place.namespace, &place.name));
        match found {
            Some(Found::There(found)) => return Ok(Some(found)),
            Some(Found::Absent) => return Ok(None),
            Some(Found::Unknown) | None => (),
        }
        let api = self.api(place);
        let call = async {
            match api.get(&place.name).await {
                Ok(found) => Ok(Read::There(object(found))),
                Err(Error::Api(status)) if status.code == 404 => {
                    // An object that is not there is named; of an unknown kind only the path is.
                    let is_named = status.details.as_ref().is_some_and(|it| it.name == place.name);
                    Ok(if is_named { Read::Absent } else { Read::NoKind })
                }
                Err(error) => Err(error),
            }
        };
        match outcome::ask(call).await.map_err(|failed| call_of(place, failed).of_reading())? {
            Read::There(object) => {
                self.remember(place, Some(&object), None);
                Ok(Some(object))
            }
            Read::Absent => Ok(None),
            Read::NoKind => {
                let ApiResource { kind, api_version, .. } = &place.resource;
                Err(Problem::missing(
                    &place.to_string(),
                    format!("the cluster knows no {kind} of {api_version}"),
                    "install its definition, or take the router out of the spec",
                )
                .into())
            }
        }
    }

    /// An object that must be there; `way_out` is what to do if it is not.
    pub(super) async fn get(&self, place: &Place, way_out: &str) -> Result<Object, Trouble> {
        let found = self.find(place).await?;
        found.ok_or_else(|| {
            Problem::missing(&place.to_string(), "it does not exist", way_out).into()
        })
    }

    /// Up to `limit` objects with these labels; all of them where there is no limit.
    pub(super) async fn list(
        &self,
        (group, version, kind): (&str, &str, &str),
        labels: &str,
        limit: Option<u32>,
    ) -> Result<Vec<Object>, Trouble> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let what = format!("{} of the namespace `{}`", resource.plural, self.namespace);
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let mut params = ListParams::default().labels(labels);
        params.limit = limit;
        let found = outcome::ask(api.list(&params)).await;
        let found = found.map_err(|failed| Trouble::Call { what, failed }.of_reading())?;
        Ok(found.items.into_iter().map(object).collect())
    }

    /// All objects of a kind whose label has one of these values.
    pub(super) async fn labelled(
        &self,
        kind: (&str, &str, &str),
        label: &str,
        values: &[&str],
    ) -> Result<Vec<Object>, Trouble> {
        let (group, version, name) = kind;
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, name));
        let is_it = |it: &Object| it.label(label).is_some_and(|value| values.contains(&value));
        let watched = self.watched();
        match watched.and_then(|reader| reader.list(&resource, &self.namespace, is_it)) {
            Some(found) => Ok(found),
            None => self.list(kind, &format!("{label} in ({})", values.join(",")), None).await,
        }
    }

    /// Makes `after` of what was read as `before`, unless somebody has changed it since. Returns what is
    /// there afterwards, and remembers it unless it is a `dry_run`.
    pub(super) async fn write(
        &self,
        place: &Place,
        before: Option<&Object>,
        after: Option<&Object>,
        dry_run: bool,
    ) -> Result<Option<Object>, Trouble> {
        let there = self.written(place, before, after, dry_run).await?;
        if !dry_run {
            self.remember(place, there.as_ref(), before);
        }
        Ok(there)
    }

    async fn written(
        &self,
        place: &Place,
        before: Option<&Object>,
        after: Option<&Object>,
        dry_run: bool,
    ) -> Result<Option<Object>, Trouble> {
        let api = self.api(place);
        let manager = Some(labels::FIELD_MANAGER.to_owned());
        let failed = |failed| call_of(place, failed);
        match (before, after) {
            (None, None) => Ok(None),
            (Some(before), Some(after)) => {
                let Some(patch) = before.patch(after) else { return Ok(Some(before.clone())) };
                let params = PatchParams { dry_run, field_manager: manager, ..Default::default() };
                let patch = Patch::Merge(patch);
                let call = api.patch(before.name(), &params, &patch);
                Ok(Some(object(outcome::ask(call).await.map_err(failed)?)))
            }
            (None, Some(after)) => {
                let params = PostParams { dry_run, field_manager: manager };
                let made: DynamicObject = serde_json::from_value(after.0.clone())
                    .expect("an object of ours has the parts of every object");
                Ok(Some(object(outcome::ask(api.create(&params, &made)).await.map_err(failed)?)))
            }
            (Some(before), None) => {
                let condition = Preconditions {
                    resource_version: Some(before.version().to_owned()),
                    ..Default::default()
                };
                let params =
                    DeleteParams { dry_run, preconditions: Some(condition), ..Default::default() };
                outcome::ask_for(api.delete(&place.name, &params)).await.map_err(failed)?;
                Ok(None)
            }
        }
    }

    fn api(&self, place: &Place) -> Api<DynamicObject> {
        let client = self.client.clone();
        if place.namespace.is_empty() {
            return Api::all_with(client, &place.resource);
        }
        Api::namespaced_with(client, &place.namespace, &place.resource)
    }
}

fn call_of(place: &Place, failed: outcome::Failed) -> Trouble {
    Trouble::Call { what: place.to_string(), failed }
}

fn object(found: DynamicObject) -> Object {
    let value: Value =
        serde_json::to_value(found).expect("what was read as JSON is written as JSON");
    Object(value)
}
