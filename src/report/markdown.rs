//! Markdown through the templates in `templates/`. What a template gets is a number or a type of [`super::sink`].

use serde::Serialize;
use tera::{Context, Tera};

use super::fields::{self, Shown};
use super::plan_table::{PlanRow, PlanTable};
use super::sink::{Html, MdCode, MdFence, MdInline};
use super::{Comparison, Environment, Totals, summary, words};
use crate::diff::text::{self, Line};
use crate::diff::{Change, FieldChange, ObjectDiff};

/// Templates by name. Text for people is changed there, not here.
static TEMPLATES: [(&str, &str); 2] = [
    ("diff.md.tera", include_str!("../../templates/diff.md.tera")),
    ("plan.md.tera", include_str!("../../templates/plan.md.tera")),
];
/// Lines around a change inside a text.
const CONTEXT: usize = 3;

fn render(template: &str, page: &impl Serialize) -> String {
    let mut tera = Tera::default();
    // Escaping is the business of the types that go in: HTML's rules are not Markdown's.
    tera.autoescape_on(Vec::<&str>::new());
    let context = Context::from_serialize(page).expect("broken invariant: a page is a map of plain data");
    tera.add_raw_templates(TEMPLATES)
        .and_then(|()| tera.render(template, &context))
        .expect("broken invariant: a template of ours renders any page")
}

#[derive(Serialize)]
struct DiffPage {
    base: MdCode,
    head: MdCode,
    totals: MdInline,
    environments: Vec<EnvironmentPart>,
}

#[derive(Serialize)]
struct EnvironmentPart {
    name: MdCode,
    title: Html,
    totals: Totals,
    objects: Vec<ObjectPart>,
    unseen: MdInline,
}

#[derive(Serialize)]
struct ObjectPart {
    name: MdCode,
    remark: MdInline,
    has_reasons: bool,
    rows: Vec<FieldRow>,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
struct FieldRow {
    path: MdCode,
    before: MdCode,
    after: MdCode,
    reason: MdInline,
}

#[derive(Serialize)]
struct Block {
    title: Option<MdCode>,
    lines: MdFence,
}

/// A comparison.
pub(super) fn comparison(comparison: &Comparison) -> String {
    render(
        "diff.md.tera",
        &DiffPage {
            base: MdCode::new(&comparison.base),
            head: MdCode::new(&comparison.head),
            totals: MdInline::new(&words::totals(comparison.totals())),
            environments: comparison.environments.iter().map(environment).collect(),
        },
    )
}

fn environment(environment: &Environment) -> EnvironmentPart {
    let totals = Totals::of(&environment.diff);
    let name = if environment.name.is_empty() {
        "all objects"
    } else {
        &environment.name
    };
    EnvironmentPart {
        name: MdCode::new(name),
        title: Html::new(&format!("{name}: {}", words::totals(totals))),
        totals,
        objects: environment.diff.changed.iter().map(object).collect(),
        unseen: MdInline::new(&words::unseen(&environment.diff).join(" · ")),
    }
}

fn object(object: &ObjectDiff) -> ObjectPart {
    let is_whole = matches!(object.change, Change::Added | Change::Removed);
    let mut part = ObjectPart {
        name: MdCode::new(&words::object(&object.id)),
        remark: MdInline::new(&remark(object)),
        has_reasons: object.fields.iter().any(|field| field.reason.is_some()),
        rows: Vec::new(),
        blocks: Vec::new(),
    };
    if is_whole {
        part.blocks.push(whole(object));
        return part;
    }
    for shown in fields::shown(&object.fields) {
        match shown.field.and_then(lines) {
            Some(lines) => part.blocks.push(Block {
                title: Some(MdCode::new(&shown.path)),
                lines: MdFence::new(lines.iter().map(String::as_str)),
            }),
            None => part.rows.push(row(&shown)),
        }
    }
    part
}

fn remark(object: &ObjectDiff) -> String {
    let what = match object.change {
        Change::Added => format!("added, {}", summary::of(object)),
        Change::Removed => format!("removed, {}", summary::of(object)),
        Change::Modified => words::count(object.fields.len(), "field"),
        Change::Renamed => format!(
            "{}; {}",
            words::count(object.fields.len(), "field"),
            words::renamed(object).unwrap_or_default()
        ),
    };
    let reason = object
        .reason
        .as_ref()
        .map(|reason| format!(" ({})", words::reason(reason)));
    format!("{what}{}", reason.unwrap_or_default())
}

fn row(shown: &Shown<'_>) -> FieldRow {
    FieldRow {
        path: MdCode::new(&shown.path),
        before: MdCode::new(&shown.before),
        after: MdCode::new(&shown.after).bold(),
        reason: MdInline::new(&shown.reason.map(words::reason).unwrap_or_default()),
    }
}

/// All fields of an object that only one side has.
fn whole(object: &ObjectDiff) -> Block {
    let sign = words::sign(object.change);
    let lines = object.fields.iter().flat_map(|field| {
        let value = field.after.as_ref().or(field.before.as_ref());
        match value
            .and_then(|value| value.as_str())
            .filter(|text| text.contains('\n'))
        {
            Some(text) => {
                let inside = text.lines().map(|line| format!("{sign}   {line}"));
                std::iter::once(format!("{sign} {}: |", field.path))
                    .chain(inside)
                    .collect()
            }
            None => vec![format!(
                "{sign} {}: {}",
                field.path,
                value.map(words::value).unwrap_or_default()
            )],
        }
    });
    let lines: Vec<String> = lines.collect();
    Block {
        title: None,
        lines: MdFence::new(lines.iter().map(String::as_str)),
    }
}

/// Lines of a text of several lines.
fn lines(field: &FieldChange) -> Option<Vec<String>> {
    let side = |side: &Option<serde_json::Value>| {
        side.as_ref()
            .map_or(Some(String::new()), |side| side.as_str().map(str::to_owned))
    };
    let (before, after) = (side(&field.before)?, side(&field.after)?);
    if before == after || !(before.contains('\n') || after.contains('\n')) {
        return None;
    }
    let Some(lines) = text::unified(&before, &after, CONTEXT) else {
        let count = |text: &str| words::count(text.lines().count(), "line");
        return Some(vec![format!(
            "  replaced: {} before, {} after",
            count(&before),
            count(&after)
        )]);
    };
    let lines = lines.iter().map(|line| match line {
        Line::Hunk(text) => text.clone(),
        Line::Same(text) => format!("  {text}"),
        Line::Removed(text) => format!("- {text}"),
        Line::Added(text) => format!("+ {text}"),
    });
    Some(lines.collect())
}

#[derive(Serialize)]
struct PlanPage {
    environments: Vec<PlanPart>,
}

#[derive(Serialize)]
struct PlanPart {
    name: MdCode,
    totals: MdInline,
    rows: Vec<PlanLine>,
    remarks: Vec<RemarkLine>,
    compared_with: &'static str,
    unshown: Option<MdInline>,
    capacity: Option<MdInline>,
}

#[derive(Serialize)]
struct PlanLine {
    workload: Option<MdCode>,
    field: MdInline,
    before: MdCode,
    after: MdCode,
    reason: MdInline,
}

#[derive(Serialize)]
struct RemarkLine {
    workload: MdCode,
    text: MdInline,
}

/// A plan.
pub(super) fn plan(table: &PlanTable) -> String {
    let environments = table.environments.iter().map(|environment| {
        let rows = &environment.rows;
        PlanPart {
            name: MdCode::new(&environment.name),
            totals: MdInline::new(&environment.totals()),
            rows: rows.iter().flat_map(plan_lines).collect(),
            remarks: rows
                .iter()
                .filter(|row| row.is_worth_showing())
                .flat_map(remark_lines)
                .collect(),
            compared_with: environment.compared_with(),
            unshown: environment.unshown().map(|unshown| MdInline::new(&unshown)),
            capacity: environment.capacity.map(|capacity| MdInline::new(&capacity.words())),
        }
    });
    let environments = environments.collect();
    render("plan.md.tera", &PlanPage { environments })
}

fn plan_lines(row: &PlanRow) -> Vec<PlanLine> {
    let side = |side: &Option<String>| MdCode::new(side.as_deref().unwrap_or("—"));
    let lines = row.changes.iter().enumerate().map(|(n, change)| PlanLine {
        workload: (n == 0).then(|| MdCode::new(&row.workload)),
        field: MdInline::new(&change.field),
        before: side(&change.before),
        after: side(&change.after).bold(),
        reason: MdInline::new(&change.reason.as_ref().map(words::reason).unwrap_or_default()),
    });
    lines.collect()
}

fn remark_lines(row: &PlanRow) -> Vec<RemarkLine> {
    let status = row.status_words().map(str::to_owned);
    let restarts = row.restarts.then(|| "restarts pods".to_owned());
    let texts = status
        .into_iter()
        .chain(restarts)
        .chain(row.waiting.iter().map(super::PlanWaiting::text))
        .chain(row.further_remarks().map(super::Remark::text));
    let lines = texts.map(|text| RemarkLine {
        workload: MdCode::new(&row.workload),
        text: MdInline::new(&text),
    });
    lines.collect()
}
