//! `blueGreen`: preview, gates, one switch, standby.

use rollout_core::time::Span;
use serde_json::json;

use super::{ARGO, analysis, clothes, keep_failed, routing};
use crate::{ImportError, document::Fields, draft::Draft, file::File};

/// Argo's default of `scaleDownDelaySeconds`.
const SCALE_DOWN_DELAY: Span = Span::from_secs(30);

/// Sets `strategy.blue_green`.
pub(super) fn map(
    file: &File,
    mut fields: Fields<'_>,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    draft.set("strategy", &json!({ "blue_green": {} }));
    if !fields.has("activeService") {
        return Err(fields
            .missing("activeService", "name the Service that production traffic comes through"));
    }
    for (name, to) in [("activeService", "active_service"), ("previewService", "preview_service")] {
        routing::service(file, &mut fields, name, to, draft)?;
    }
    preview(&mut fields, draft)?;
    promotion(&mut fields, draft)?;
    for (name, to) in [("prePromotionAnalysis", "gates"), ("postPromotionAnalysis", "bake_gates")] {
        if let Some(mut block) = fields.open(name)? {
            let to = format!("strategy.blue_green.{to}");
            let gates = analysis::gates(file, &mut block, &to)?;
            draft.set(&to, &gates);
        }
    }
    fields.carry_or(
        "scaleDownDelaySeconds",
        draft,
        "strategy.blue_green.standby",
        (SCALE_DOWN_DELAY, ARGO),
        Fields::seconds,
    )?;
    keep_failed(&mut fields, draft, true)?;
    clothes(&mut fields, ["activeMetadata", "previewMetadata"]);
    fields.leave_out("maxUnavailable", "Argo uses it for restarts only");
    Ok(())
}

/// `previewReplicaCount`, never more than there are in all.
fn preview(fields: &mut Fields<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    const NAME: &str = "previewReplicaCount";
    const TO: &str = "strategy.blue_green.preview_replicas";
    let Some(count) = fields.number(NAME)? else { return Ok(()) };
    let desired = draft.replicas();
    if desired < count {
        fields.changed(
            NAME,
            TO,
            format!("{desired}: a preview has no more than the desired number"),
        );
    } else {
        fields.mapped(NAME, TO);
    }
    if 0 < desired {
        draft.set(TO, &count.min(desired));
    }
    Ok(())
}

/// `autoPromotionEnabled`, true by default, and `autoPromotionSeconds`.
fn promotion(fields: &mut Fields<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    const TO: &str = "strategy.blue_green.promotion";
    let (enabled, seconds) = ("autoPromotionEnabled", "autoPromotionSeconds");
    let automatic = fields.flag(enabled)?;
    let after = fields.seconds(seconds)?.filter(|span| !span.is_zero());
    match automatic {
        Some(_) => fields.mapped(enabled, TO),
        None => fields.changed(enabled, TO, format!("not set: true, {ARGO} default")),
    }
    match (automatic.unwrap_or(true), after) {
        (true, None) => draft.set(TO, &"automatic"),
        (true, Some(span)) => {
            draft.set(TO, &json!({ "after": span }));
            fields.mapped(seconds, TO);
        }
        (false, after) => {
            draft.set(TO, &"manual");
            if after.is_some() {
                fields.dropped(
                    seconds,
                    "promotion is by hand, and versions of Argo differ in what this means then",
                );
            }
        }
    }
    if after.is_none() {
        fields.leave_out(seconds, "it says nothing");
    }
    Ok(())
}
