//! JSON for programs: keys sorted, decimals as text, paths as managed fields have them, nothing cut.

use serde_json::{Value, json};

use super::plan_table::{PlanRow, PlanTable};
use super::{Comparison, Environment, SCHEMA_VERSION, Totals};
use crate::diff::{Change, Class, FieldChange, ObjectDiff};
use crate::krm::ObjectId;

/// A comparison.
pub(super) fn comparison(comparison: &Comparison) -> String {
    let environments: Vec<Value> = comparison.environments.iter().map(environment).collect();
    page(&json!({
        "schemaVersion": SCHEMA_VERSION,
        "tool": tool(),
        "base": comparison.base,
        "head": comparison.head,
        "totals": comparison.totals(),
        "environments": environments,
    }))
}

fn page(value: &Value) -> String {
    format!("{value:#}\n")
}

fn tool() -> Value {
    json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")})
}

fn environment(environment: &Environment) -> Value {
    let diff = &environment.diff;
    let resources: Vec<Value> = diff.changed.iter().map(resource).collect();
    json!({
        "name": environment.name,
        "totals": Totals::of(diff),
        "folded": diff.folded,
        "noise": diff.noise,
        "hiddenFields": diff.hidden_fields(),
        "resources": resources,
    })
}

fn resource(object: &ObjectDiff) -> Value {
    let fields: Vec<Value> = object.fields.iter().map(field).collect();
    let referenced_by: Vec<Value> = object.referenced_by.iter().map(id).collect();
    json!({
        "id": id(&object.id),
        "previousId": object.previous.as_ref().map(id),
        "change": object.change,
        "match": if object.change == Change::Renamed { "hash-suffix" } else { "exact" },
        "reason": object.reason,
        "referencedBy": referenced_by,
        "fields": fields,
    })
}

fn id(id: &ObjectId) -> Value {
    json!({
        "group": id.group,
        "version": id.version,
        "kind": id.kind,
        "namespace": id.namespace,
        "name": id.name,
    })
}

fn field(field: &FieldChange) -> Value {
    let op = match (&field.before, &field.after) {
        (None, _) => "add",
        (_, None) => "remove",
        _ if field.class == Class::Order => "reorder",
        _ => "replace",
    };
    json!({
        "path": field.path.to_string(),
        "op": op,
        "class": field.class,
        "before": field.before.as_ref().map(decimals_as_text),
        "after": field.after.as_ref().map(decimals_as_text),
        "masked": field.class == Class::Secret,
        "origin": if field.reason.is_some() { "tool" } else { "author" },
        "reason": field.reason,
    })
}

/// A decimal may be read back as another number; its text may not.
fn decimals_as_text(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => Value::String(number.to_string()),
        Value::Array(items) => items.iter().map(decimals_as_text).collect(),
        Value::Object(map) => {
            let fields = map.iter().map(|(key, child)| (key.clone(), decimals_as_text(child)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

/// A plan.
pub(super) fn plan(table: &PlanTable) -> String {
    let environments = table.environments.iter().map(|environment| {
        let workloads: Vec<Value> = environment.rows.iter().map(workload).collect();
        let compared_with = if environment.has_accepted {
            "accepted"
        } else {
            "manifests"
        };
        let mut part = json!({"name": environment.name, "comparedWith": compared_with, "workloads": workloads});
        if let Some(capacity) = environment.capacity {
            part["requested"] = capacity.to_json();
        }
        part
    });
    page(&json!({
        "schemaVersion": SCHEMA_VERSION,
        "tool": tool(),
        "environments": environments.collect::<Vec<_>>(),
    }))
}

fn workload(row: &PlanRow) -> Value {
    let changes = row.changes.iter().map(|change| {
        json!({"field": change.field, "before": change.before, "after": change.after, "reason": change.reason})
    });
    let waiting = row.waiting.iter().map(|one| {
        json!({
            "field": one.field, "kept": one.kept, "waits": one.waits, "because": one.because, "reason": one.reason,
        })
    });
    let findings = row
        .remarks
        .iter()
        .map(|remark| json!({"code": remark.code, "detail": remark.detail, "accepted": remark.accepted}));
    json!({
        "workload": row.workload,
        "class": row.class,
        "mode": row.mode,
        "status": row.status,
        "changes": changes.collect::<Vec<_>>(),
        "unchanged": row.unchanged,
        "waiting": waiting.collect::<Vec<_>>(),
        "restartsPods": row.restarts,
        "findings": findings.collect::<Vec<_>>(),
    })
}
