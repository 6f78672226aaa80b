//! Text for a terminal, with colour beside every sign and never instead of one.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::fields::{self, Shown};
use super::plan_table::{PlanRow, PlanTable};
use super::sink::Term;
use super::{Comparison, Environment, Totals, summary, words};
use crate::diff::text::{self, Line};
use crate::diff::{Change, FieldChange, ObjectDiff};
use crate::plan::model::Status;

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// Lines around a change inside a text.
const CONTEXT: usize = 2;
/// Longer text differences are cut here, with a line that says so.
const MAX_TEXT_LINES: usize = 60;
/// Lines that one side of a value may take.
const MAX_VALUE_LINES: usize = 4;
/// The narrowest layout. Below it lines wrap.
const MIN_WIDTH: usize = 60;

/// A comparison.
pub(super) fn comparison(comparison: &Comparison, width: usize) -> String {
    let width = width.max(MIN_WIDTH);
    let title = format!("{}..{}", comparison.base, comparison.head);
    let mut page = String::new();
    heading(&mut page, &title, &words::totals(comparison.totals()), width);
    for each in &comparison.environments {
        environment(&mut page, each, width);
    }
    page
}

/// A bold line with something at its right end.
fn heading(page: &mut String, left: &str, right: &str, width: usize) {
    let (left, right) = (Term::new(left), Term::new(right));
    let left = left.keep_end(width.saturating_sub(right.columns() + 2));
    let gap = width.saturating_sub(left.columns() + right.columns()).max(2);
    line(page, format_args!("{STRONG}{left}{STRONG:#}{:gap$}{right}", ""));
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _ = writeln!(page, "{text}");
}

fn environment(page: &mut String, environment: &Environment, width: usize) {
    let diff = &environment.diff;
    if !environment.name.is_empty() {
        heading(page, &environment.name, &words::totals(Totals::of(diff)), width);
    }
    for each in &diff.changed {
        object(page, each, width);
    }
    let unseen = Term::new(&words::unseen(diff).join("   "));
    line(page, format_args!("  {QUIET}{unseen}{QUIET:#}"));
}

fn style(change: Change) -> Style {
    match change {
        Change::Added => ADDED,
        Change::Removed => REMOVED,
        Change::Modified | Change::Renamed => CHANGED,
    }
}

fn object(page: &mut String, object: &ObjectDiff, width: usize) {
    let (style, sign) = (style(object.change), words::sign(object.change));
    let name = Term::new(&words::object(&object.id));
    let is_whole = matches!(object.change, Change::Added | Change::Removed);
    let mut remark = String::new();
    if is_whole {
        remark.push_str(&summary::of(object));
    }
    if let Some(reason) = &object.reason {
        remark.push_str("   ");
        remark.push_str(&words::reason(reason));
    }
    let remark = Term::new(remark.trim_start());
    let gap = match remark.columns() {
        0 => "",
        columns if columns + name.columns() + 7 <= width => "   ",
        // what a reviewer judges by is never cut
        _ => "\n      ",
    };
    line(
        page,
        format_args!("  {style}{sign} {name}{style:#}{gap}{QUIET}{remark}{QUIET:#}"),
    );
    if let Some(renamed) = words::renamed(object) {
        line(
            page,
            format_args!("      {WARNING}! {}{WARNING:#}", Term::new(&renamed)),
        );
    }
    if !is_whole {
        rows(page, &object.fields, width);
    }
}

fn rows(page: &mut String, changes: &[FieldChange], width: usize) {
    let shown = fields::shown(changes);
    let rows: Vec<Row> = shown.iter().map(Row::of_field).collect();
    let layout = Layout::of(&rows, width);
    for (row, shown) in rows.iter().zip(&shown) {
        if let Some(lines) = shown.field.and_then(field_lines) {
            line(page, format_args!("      {}", row.name.keep_end(width - 6)));
            text_lines(page, &lines);
        } else {
            layout.row(page, row);
        }
    }
}

/// Unified lines of a text of several lines, where both sides are there.
fn field_lines(field: &FieldChange) -> Option<Vec<Line>> {
    let (before, after) = (field.before.as_ref()?.as_str()?, field.after.as_ref()?.as_str()?);
    if before == after || !(before.contains('\n') || after.contains('\n')) {
        return None;
    }
    let replaced = || {
        let lines = |text: &str| words::count(text.lines().count(), "line");
        vec![Line::Same(format!(
            "replaced: {} before, {} after",
            lines(before),
            lines(after)
        ))]
    };
    Some(text::unified(before, after, CONTEXT).unwrap_or_else(replaced))
}

fn text_lines(page: &mut String, lines: &[Line]) {
    for each in lines.iter().take(MAX_TEXT_LINES) {
        let (style, sign, text) = match each {
            Line::Hunk(text) => (QUIET, "", text),
            Line::Same(text) => (Style::new(), "  ", text),
            Line::Removed(text) => (REMOVED, "- ", text),
            Line::Added(text) => (ADDED, "+ ", text),
        };
        line(page, format_args!("        {style}{sign}{}{style:#}", Term::new(text)));
    }
    if lines.len() > MAX_TEXT_LINES {
        let more = words::count(lines.len() - MAX_TEXT_LINES, "more line");
        line(
            page,
            format_args!("        {QUIET}… {more}; all of them with --format markdown{QUIET:#}"),
        );
    }
}

/// Name, values and reason of one line.
struct Row {
    name: Term,
    before: Term,
    after: Term,
    reason: Option<Term>,
}

impl Row {
    fn of_field(shown: &Shown<'_>) -> Self {
        Self {
            name: Term::new(&shown.path),
            before: Term::new(&shown.before),
            after: Term::new(&shown.after),
            reason: shown.reason.map(|reason| Term::new(&words::reason(reason))),
        }
    }

    fn value_columns(&self) -> usize {
        self.before.columns() + 3 + self.after.columns()
    }
}

/// Columns of the rows of one object.
struct Layout {
    names: usize,
    values: usize,
    width: usize,
}

impl Layout {
    fn of(rows: &[Row], width: usize) -> Self {
        let room = width - 6;
        // what does not fit beside a path gets lines of its own, and takes nothing from the others
        let beside = || rows.iter().filter(|row| row.value_columns() <= room * 3 / 5);
        let values = beside().map(Row::value_columns).max().unwrap_or(0);
        let names = beside().map(|row| row.name.columns()).max().unwrap_or(0);
        let names = names.min(room.saturating_sub(values + 2));
        Self { names, values, width }
    }

    fn row(&self, page: &mut String, row: &Row) {
        let (room, columns) = (self.width - 6, row.value_columns());
        if columns > room * 3 / 5 {
            return self.tall_row(page, row);
        }
        let pad = self.values.saturating_sub(columns);
        let mut text = format!(
            "      {name:names$}  {} → {STRONG}{}{STRONG:#}",
            row.before,
            row.after,
            name = row.name.keep_end(self.names),
            names = self.names
        );
        if let Some(reason) = &row.reason {
            let used = 6 + self.names + 2 + self.values.max(columns);
            if used + 3 + reason.columns() <= self.width {
                let _ = write!(text, "{:pad$}   {QUIET}{reason}{QUIET:#}", "");
            } else {
                let _ = write!(text, "\n        {QUIET}{reason}{QUIET:#}");
            }
        }
        line(page, format_args!("{text}"));
    }

    /// A path, and below it values that need the line for themselves. They are cut only where they would fill the screen.
    fn tall_row(&self, page: &mut String, row: &Row) {
        let most = self.width * MAX_VALUE_LINES;
        line(page, format_args!("      {}", row.name.keep_end(self.width - 6)));
        line(
            page,
            format_args!(
                "        {} → {STRONG}{}{STRONG:#}",
                row.before.keep_start(most),
                row.after.keep_start(most)
            ),
        );
        if let Some(reason) = &row.reason {
            line(page, format_args!("        {QUIET}{reason}{QUIET:#}"));
        }
    }
}

/// A plan.
pub(super) fn plan(table: &PlanTable, width: usize) -> String {
    let width = width.max(MIN_WIDTH);
    let mut page = String::new();
    for environment in &table.environments {
        heading(&mut page, &environment.name, &environment.totals(), width);
        let compared_with = environment.compared_with();
        line(&mut page, format_args!("  {QUIET}{compared_with}{QUIET:#}"));
        for row in environment.rows.iter().filter(|row| row.is_worth_showing()) {
            workload(&mut page, row, width);
        }
        if let Some(unshown) = environment.unshown() {
            line(&mut page, format_args!("  {QUIET}= {unshown}{QUIET:#}"));
        }
        if let Some(capacity) = &environment.capacity {
            line(&mut page, format_args!("  {}", capacity.words()));
        }
    }
    page
}

fn workload(page: &mut String, row: &PlanRow, width: usize) {
    let (style, sign) = match row.status {
        Status::Refused => (WARNING, "!"),
        _ if row.changes.is_empty() => (Style::new(), "="),
        _ => (CHANGED, "~"),
    };
    let notes = Term::new(&row.notes().join(", "));
    let name = Term::new(&row.workload);
    let gap = if notes.columns() == 0 { "" } else { "   " };
    line(
        page,
        format_args!("  {style}{sign} {name}{style:#}{gap}{QUIET}{notes}{QUIET:#}"),
    );
    let term = |side: &Option<String>| Term::new(side.as_deref().unwrap_or("—"));
    let rows: Vec<Row> = row
        .changes
        .iter()
        .map(|change| Row {
            name: Term::new(&change.field),
            before: term(&change.before),
            after: term(&change.after),
            reason: change.reason.as_ref().map(|reason| Term::new(&words::reason(reason))),
        })
        .collect();
    let layout = Layout::of(&rows, width);
    for each in &rows {
        layout.row(page, each);
    }
    for waiting in &row.waiting {
        let text = Term::new(&waiting.text());
        line(page, format_args!("      {WARNING}!{WARNING:#} {text}"));
    }
    for remark in row.further_remarks() {
        let text = Term::new(&remark.text());
        line(page, format_args!("      {WARNING}!{WARNING:#} {text}"));
    }
}
