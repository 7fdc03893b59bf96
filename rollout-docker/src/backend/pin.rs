//! Checks a template against this Docker engine and fixes what its names mean now.

use std::collections::HashMap;

use bollard::{Docker, errors::Error, query_parameters::ListNetworksOptionsBuilder};
use rollout_core::port::PinError;

use super::{connect::Environment, errors, labels};
use crate::template::{Source, Template};

/// Reads a template strictly.
pub(super) fn parse(template: &serde_json::Value) -> Result<Template, PinError> {
    if template.is_null() {
        return Err(wrong(
            "template",
            "it is missing",
            "give at least `image`, such as `template: { image: \"web:2\" }`",
        ));
    }
    serde_path_to_error::deserialize(template).map_err(|error| {
        let path = match error.path().to_string().as_str() {
            "." => "template".to_owned(),
            path => format!("template.{path}"),
        };
        wrong(path, error.inner(), "correct the field or leave it out")
    })
}

/// Checks `template` and replaces the image's name by its id.
pub(super) async fn pin(
    docker: &Docker,
    environment: &Environment,
    template: Template,
) -> Result<Template, PinError> {
    alone(&template)?;
    template
        .env_from
        .resolve(&**environment)
        .map_err(|error| wrong("template.env_from", error, "nothing was touched"))?;
    for network in &template.networks {
        check_network(docker, &network.name).await?;
    }
    for mount in &template.mounts {
        match &mount.source {
            Source::Volume(name) => check_volume(docker, name).await?,
            Source::Bind(_) => (),
        }
    }
    pin_image(docker, template).await
}

/// Checks what needs no engine: names that are free and nothing that only one instance can hold.
pub(super) fn alone(template: &Template) -> Result<(), PinError> {
    if let Some(port) = template.ports.first() {
        return Err(wrong(
            "template.ports",
            format!(
                "the host port `{port}` can be held by one instance only, so no new instance could start before the old one has gone"
            ),
            "take the port off the service and let HAProxy listen on it (`traffic: { haproxy: … }`)",
        ));
    }
    if let Some(name) = template.labels.keys().find(|name| name.starts_with(labels::PREFIX)) {
        return Err(wrong(
            format!("template.labels.{name}"),
            format!("labels that begin with `{}` are the engine's", labels::PREFIX),
            "choose another name",
        ));
    }
    if let Some((name, _)) =
        template.env_from.iter().find(|(name, _)| template.env.contains_key(*name))
    {
        return Err(wrong(
            format!("template.env.{name}"),
            "the variable is in `env_from` as well",
            "keep one of them",
        ));
    }
    Ok(())
}

async fn pin_image(docker: &Docker, mut template: Template) -> Result<Template, PinError> {
    let image = template.image.clone();
    let found = docker.inspect_image(&image).await.map_err(|error| {
        explain(
            &error,
            "template.image",
            &format!("the image `{image}` is not on this host"),
            &format!("`docker pull {image}` it, or build it under that name"),
        )
    })?;
    let Some(id) = found.id else {
        return Err(wrong(
            "template.image",
            format!("docker gave no id for the image `{image}`"),
            "inspect it by hand",
        ));
    };
    if id != image {
        template.image_name = Some(image);
        template.image = id;
    }
    Ok(template)
}

async fn check_network(docker: &Docker, name: &str) -> Result<(), PinError> {
    const FIELD: &str = "template.networks";
    let filters = HashMap::from([("name", vec![name])]);
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let listed = docker
        .list_networks(Some(options))
        .await
        .map_err(|error| explain(&error, FIELD, "", ""))?;
    // The filter matches parts of names, and two networks may have one name.
    let same = listed.iter().filter(|network| network.name.as_deref() == Some(name)).count();
    match same {
        1 => Ok(()),
        0 => docker.inspect_network(name, None).await.map(drop).map_err(|error| {
            explain(
                &error,
                FIELD,
                &format!("there is no network `{name}`"),
                &format!("`docker network create {name}`"),
            )
        }),
        many => Err(wrong(
            FIELD,
            format!("there are {many} networks named `{name}`"),
            "name it by its id, or remove the others",
        )),
    }
}

async fn check_volume(docker: &Docker, name: &str) -> Result<(), PinError> {
    docker.inspect_volume(name).await.map(drop).map_err(|error| {
        explain(
            &error,
            "template.mounts",
            &format!("there is no volume `{name}`"),
            &format!("`docker volume create {name}`"),
        )
    })
}

/// `missing` and its way out if docker says that it is not there, else docker's own words.
fn explain(error: &Error, field: &str, missing: &str, way_out: &str) -> PinError {
    if let Error::DockerResponseServerError { status_code: 404, .. } = error {
        return wrong(field, missing, way_out);
    }
    wrong(field, errors::words(error), "make the docker engine answer, then try again")
}

fn wrong(
    field: impl Into<String>,
    why: impl std::fmt::Display,
    way_out: impl Into<String>,
) -> PinError {
    PinError { field: field.into(), why: why.to_string(), way_out: way_out.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bad_templates_name_their_field() {
        for (template, field, part) in [
            (json!(null), "template", "missing"),
            (json!({ "image": "i", "imag": 1 }), "template.imag", "unknown field"),
            (
                json!({ "image": "i", "limits": { "memory": "lots" } }),
                "template.limits.memory",
                "lots",
            ),
            (
                json!({ "image": "i", "mounts": [{ "target": "/x" }] }),
                "template.mounts[0]",
                "volume",
            ),
        ] {
            let error = parse(&template).unwrap_err();
            assert!(error.field.starts_with(field), "{error}");
            assert!(error.why.contains(part), "{error}");
        }
    }

    #[test]
    fn what_only_one_instance_can_hold_is_refused() {
        for (template, field) in [
            (json!({ "image": "i", "ports": ["80:8080"] }), "template.ports"),
            (
                json!({ "image": "i", "labels": { "rollout.owner": "x" } }),
                "template.labels.rollout.owner",
            ),
            (json!({ "image": "i", "env": { "A": "1" }, "env_from": ["A"] }), "template.env.A"),
        ] {
            let error = alone(&parse(&template).unwrap()).unwrap_err();
            assert_eq!(error.field, field);
        }
    }
}
