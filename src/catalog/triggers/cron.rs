//! KEDA's cron trigger: active while the next `end` comes before the next `start`, both in the trigger's time zone.
//!
//! Source: `pkg/scalers/cron_scaler.go` of KEDA 2.21 and the grammar of its parser, `robfig/cron` v3 with the five
//! standard fields. Times are tried on fixed days, never on today.

use croner::Cron;
use jiff::civil::{DateTime, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{Problem, TriggerForm};
use crate::diag::near_miss;

/// Problems of the keys that are there.
pub(super) fn check(trigger: TriggerForm<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut schedule = |key: &str| match Schedule::parse(trigger.get(key)?) {
        Ok(schedule) => Some(schedule),
        Err((headline, help)) => {
            problems.push(Problem::error(format!("`{key}`: {headline}"), help));
            None
        }
    };
    let (start, end) = (schedule("start"), schedule("end"));
    let zone = trigger.get("timezone").map(zone);
    if let Some(Err(problem)) = &zone {
        problems.push(problem.clone());
    }
    if let (Some(start), Some(end)) = (&start, &end) {
        if trigger.get("start") == trigger.get("end") {
            problems.push(Problem::error(
                "`start` and `end` are the same time",
                "let `end` be later",
            ));
        } else {
            problems.extend(long_window(start, end));
        }
    }
    if let Some(Ok(zone)) = &zone {
        let named = [("start", &start), ("end", &end)];
        problems.extend(
            named
                .into_iter()
                .filter_map(|(key, schedule)| in_gap(key, schedule.as_ref()?, zone)),
        );
    }
    problems
}

/// Names of the fields with their ranges, as `robfig/cron` has them: Sunday is 0 and never 7.
const FIELDS: [(&str, u8, u8, &[&str]); 5] = [
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day of month", 1, 31, &[]),
    (
        "month",
        1,
        12,
        &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    ),
    ("day of week", 0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// Where every search begins: a Monday, three years before the next leap day.
const ORIGIN: DateTime = date(2025, 1, 6).at(0, 0, 0, 0);

struct Schedule {
    cron: Cron,
    hour: String,
    weekdays: String,
}

/// A headline and its help.
type Refusal = (String, String);

impl Schedule {
    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains("TZ=") {
            return Err((
                format!("`{text}` sets a time zone of its own"),
                "name the zone under `timezone`".to_owned(),
            ));
        }
        if text.starts_with('@') {
            let help = "write the five fields: minute, hour, day of month, month, day of week";
            return Err((format!("KEDA does not read `{text}`"), help.to_owned()));
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return Err((
                format!("`{text}` has {} fields", fields.len()),
                "write five: minute, hour, day of month, month, day of week, such as `0 8 * * 1-5`".to_owned(),
            ));
        }
        let plain: Vec<String> = fields
            .iter()
            .zip(&FIELDS)
            .map(|(text, field)| plain_field(text, field))
            .collect::<Result<_, _>>()?;
        let cron: Cron = plain.join(" ").parse().map_err(|_| {
            (
                format!("`{text}` is no schedule"),
                "write it like `0 8 * * 1-5`".to_owned(),
            )
        })?;
        if next(&cron, ORIGIN, true).is_none() {
            return Err((
                format!("`{text}` never comes"),
                "name a day that the month has".to_owned(),
            ));
        }
        Ok(Self {
            cron,
            hour: plain[1].clone(),
            weekdays: plain[4].clone(),
        })
    }
}

/// The field in digits and without short forms, or what is wrong with it.
fn plain_field(text: &str, field: &(&str, u8, u8, &[&str])) -> Result<String, Refusal> {
    let (name, min, max, names) = *field;
    let items: Option<Vec<String>> = text.split(',').map(|item| plain_item(item, min, max, names)).collect();
    items.map(|items| items.join(",")).ok_or_else(|| {
        let range = if names.is_empty() {
            format!("{min} to {max}")
        } else {
            format!("{min} to {max}, or {} to {}", names[0], names[names.len() - 1])
        };
        (
            format!("`{text}` is no {name}"),
            format!("write `*`, or numbers from {range}, with `-`, `,` and `/` between them"),
        )
    })
}

fn plain_item(text: &str, min: u8, max: u8, names: &[&str]) -> Option<String> {
    let (range, step) = text
        .split_once('/')
        .map_or((text, None), |(range, step)| (range, Some(step)));
    let step = match step {
        Some(every) => Some(every.parse::<u8>().ok().filter(|every| *every > 0)?),
        None => None,
    };
    let value = |word: &str| {
        let by_name = names.iter().position(|name| word.eq_ignore_ascii_case(name));
        let number = by_name
            .and_then(|at| u8::try_from(at).ok())
            .map(|at| at + min)
            .or_else(|| word.parse().ok())?;
        (min..=max).contains(&number).then_some(number)
    };
    let range = match range {
        "*" | "?" => "*".to_owned(),
        range => match range.split_once('-') {
            Some((from, to)) => {
                let (from, to) = (value(from)?, value(to)?);
                if from > to {
                    return None;
                }
                format!("{from}-{to}")
            }
            // `5/10` is short for `5-59/10`
            None if step.is_some() => format!("{}-{max}", value(range)?),
            None => value(range)?.to_string(),
        },
    };
    Some(step.map_or_else(|| range.clone(), |step| format!("{range}/{step}")))
}

fn next(cron: &Cron, from: DateTime, inclusive: bool) -> Option<DateTime> {
    cron.find_next_occurrence(&from, inclusive).ok()
}

fn zone(name: &str) -> Result<TimeZone, Problem> {
    let database = TimeZoneDatabase::bundled();
    let zone = database.get(name).ok();
    match &zone {
        // Go, in which KEDA is written, tells capitals apart
        Some(zone) if zone.iana_name() == Some(name) => Ok(zone.clone()),
        found => {
            let known: Vec<String> = database.available().map(|name| name.to_string()).collect();
            let near = found
                .as_ref()
                .and_then(TimeZone::iana_name)
                .or_else(|| near_miss(name, known.iter().map(String::as_str)));
            let help = near.map_or_else(
                || "write a name of the IANA database, such as `Europe/Berlin`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            Err(Problem::error(format!("`timezone: {name}` is no time zone"), help))
        }
    }
}

/// So many windows are tried: a week of half-hourly ones, a year of daily ones.
const WINDOWS: usize = 370;

/// An overnight window whose end is missing on the day after the last start, such as 22:00 to 06:00, both on working
/// days, which stays open from Friday to Monday; or one that is open much longer on some days than on others.
fn long_window(start: &Schedule, end: &Schedule) -> Option<Problem> {
    let (shortest, (hours, opens, closes)) = windows(start, end)?;
    let is_same_days = start.weekdays == end.weekdays && start.weekdays != "*";
    if hours <= 24 || (shortest >= 24 && !is_same_days) {
        return None;
    }
    let days = |time: DateTime| time.strftime("%A %H:%M").to_string();
    let headline = format!(
        "the window is open for {hours} h from {} to {}",
        days(opens),
        days(closes)
    );
    Some(match day_after(&end.weekdays).filter(|_| is_same_days) {
        Some(days) => Problem::error(
            headline,
            format!("an overnight window ends a day later than it starts: let the days of `end` be `{days}`"),
        ),
        None => Problem::warning(
            format!("{headline}, on other days for {shortest} h"),
            "give every start an `end` of its own, if that was not meant",
        ),
    })
}

/// Hours of the shortest window, and of the longest one with its ends.
fn windows(start: &Schedule, end: &Schedule) -> Option<(i64, (i64, DateTime, DateTime))> {
    let mut at = ORIGIN;
    let (mut shortest, mut longest) = (i64::MAX, (0, ORIGIN, ORIGIN));
    for _ in 0..WINDOWS {
        let opens = next(&start.cron, at, true)?;
        let closes = next(&end.cron, opens, false)?;
        let hours = closes.duration_since(opens).as_hours();
        shortest = shortest.min(hours);
        if hours > longest.0 {
            longest = (hours, opens, closes);
        }
        at = closes;
    }
    Some((shortest, longest))
}

/// Days of the week moved by one, written shortest: `1-5` gives `2-6`.
fn day_after(weekdays: &str) -> Option<String> {
    let mut days = [false; 7];
    for item in weekdays.split(',') {
        let (from, to) = item.split_once('-').unwrap_or((item, item));
        for day in from.parse::<usize>().ok()?..=to.parse::<usize>().ok()? {
            days[(day + 1) % 7] = true;
        }
    }
    let mut items = Vec::new();
    let mut day = 0;
    while day < days.len() {
        let run = days[day..].iter().take_while(|is_in| **is_in).count();
        match run {
            0 => {}
            1 => items.push(day.to_string()),
            _ => items.push(format!("{day}-{}", day + run - 1)),
        }
        day += run.max(1);
    }
    Some(items.join(","))
}

/// So many changes of the clock are looked at: two years of a zone that changes twice a year.
const TRANSITIONS: usize = 4;

/// A time of day that does not exist on the day the clock goes forward.
fn in_gap(key: &str, schedule: &Schedule, zone: &TimeZone) -> Option<Problem> {
    // every hour comes in time again
    if schedule.hour.starts_with('*') {
        return None;
    }
    let origin = ORIGIN.to_zoned(TimeZone::UTC).ok()?.timestamp();
    zone.following(origin).take(TRANSITIONS).find_map(|transition| {
        let at = transition.timestamp();
        let before = zone.to_offset(at.checked_sub(jiff::SignedDuration::from_secs(1)).ok()?);
        let (from, to) = (before.to_datetime(at), transition.offset().to_datetime(at));
        let missed = next(&schedule.cron, from, true).filter(|time| *time < to)?;
        let name = zone.iana_name().unwrap_or_default();
        let effect = match key {
            "start" => "the schedule skips that day, and the window stays open from the day before",
            _ => "the window of that day does not open",
        };
        Some(Problem::warning(
            format!(
                "`{key}`: {} does not exist in {name}, as the clock goes forward: {effect}",
                missed.strftime("%Y-%m-%d %H:%M")
            ),
            format!("move it out of {} to {}", from.strftime("%H:%M"), to.strftime("%H:%M")),
        ))
    })
}
