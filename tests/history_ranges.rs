//! What VictoriaMetrics counted in ranges: a coarse block, whose parts add up, and good for raising a request alone.

use serde_json::{Value, json};
use trimtab::facts::{self, RoughSource};
use trimtab::history::note::Note;
use trimtab::history::owners::{Declared, Owners};
use trimtab::history::samples::Labels;
use trimtab::history::{Input, read};
use trimtab::profile::build::{Built, Options, assemble};
use trimtab::profile::object;
use trimtab::profile::opened::ProfileStream;

use crate::history_formats::{codes, input};

/// 2026-10-05T00:00:00Z, a Monday, and the day after.
const MONDAY: i64 = 1_791_158_400;
const TUESDAY: i64 = MONDAY + 86_400;
const DAY: &str = "1d";

/// A series: pod, container, range, count.
type Row<'r> = (&'r str, &'r str, &'r str, u64);

fn answer(at_s: i64, window: &str, rows: &[Row<'_>]) -> String {
    let series = rows.iter().map(|(pod, container, range, count)| {
        let mut metric = json!({"namespace": "shop", "pod": pod, "container": container, "vmrange": range});
        if !window.is_empty() {
            metric["window"] = json!(window);
        }
        json!({"metric": metric, "value": [at_s, count.to_string()]})
    });
    let series: Vec<Value> = series.collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": series}}).to_string()
}

fn built(files: &[(&str, &str)]) -> Result<Built, Vec<Note>> {
    let reads: Result<Vec<_>, _> = files
        .iter()
        .map(|(name, text)| read(&input(name), Box::new(text.as_bytes())))
        .collect();
    let mut declared = Declared::default();
    declared.add_object(&json!({"kind": "Deployment", "metadata": {"name": "api", "namespace": "shop"}}));
    let options = Options {
        step_s: 300,
        ..Options::default()
    };
    assemble(reads?, Owners::default(), declared, &options)
}

fn text(files: &[(&str, &str)]) -> String {
    object::text(&built(files).unwrap().profiles).unwrap()
}

fn lines(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.contains(".coarse "));
    lines.map(str::trim).collect()
}

const ONE: Row<'_> = ("api-7d9f8b6c5f-x2x4z", "app", "8.799e-02...1.000e-01", 200);
const OTHER: Row<'_> = ("api-7d9f8b6c5f-zzzzz", "app", "8.799e-02...1.000e-01", 50);
const HIGH: Row<'_> = ("api-7d9f8b6c5f-zzzzz", "app", "4.642e-01...5.275e-01", 38);

/// Ends of 0.1 and 0.5275 cores with half a digit more: 250 × 100050000 + 38 × 527550000 = 45059400000 nano-cores.
#[test]
fn counts_of_all_pods_are_one_coarse_block() {
    let day = answer(TUESDAY, DAY, &[ONE, OTHER, HIGH]);
    let text = text(&[("cpu.json", &day)]);
    let found = lines(&text);
    let head =
        format!("Deployment/api app cpu.coarse - vmrange {MONDAY} {TUESDAY} 288 288 45059400000 100050000 527550000 ");
    assert!(found.len() == 1 && found[0].starts_with(&head), "{found:?}");
    assert!(!text.contains(".sketch ") && !text.contains(".demand "), "{text}");
    assert!(
        text.contains("start: \"2026-10-05T00:00:00Z\"") && text.contains("end: \"2026-10-06T00:00:00Z\""),
        "{text}"
    );
    let profiles = ProfileStream::from(text.clone()).read().unwrap();
    assert_eq!(object::to_text(&profiles), text, "reads back to the byte");
    let facts = facts::of(&profiles, "shop", "Deployment", "api").unwrap();
    let rough = &facts.containers["app"].rough_cpu;
    assert_eq!(rough.recorded.get(), 86_400);
    assert_eq!(
        rough.sources.iter().copied().collect::<Vec<_>>(),
        [RoughSource::VmRange]
    );
    assert!(facts.containers["app"].cpu.is_empty(), "nothing else follows from it");
}

/// However the time and the pods were cut, in whichever order, and a part given twice.
#[test]
fn parts_add_up_to_the_whole() {
    let half = |row: Row<'static>| (row.0, row.1, row.2, row.3 / 2);
    let whole = answer(TUESDAY, DAY, &[ONE, OTHER, HIGH]);
    let rows = [ONE, OTHER, HIGH].map(half);
    let (first, second) = (answer(MONDAY + 43_200, "12h", &rows), answer(TUESDAY, "12h", &rows));
    let (one, other) = (answer(TUESDAY, DAY, &[ONE]), answer(TUESDAY, DAY, &[HIGH, OTHER]));
    let expected = text(&[("cpu.json", &whole)]);
    for files in [
        &[("cpu.1.json", first.as_str()), ("cpu.2.json", &second)][..],
        &[("cpu.2.json", &second), ("cpu.1.json", &first)],
        &[("cpu.a.json", &one), ("cpu.b.json", &other)],
        &[("cpu.json", &whole), ("cpu.again.json", &whole)],
        &[("cpu.json", &format!("{first}\n{second}"))],
    ] {
        assert_eq!(text(files), expected, "{files:?}");
    }
}

#[test]
fn the_length_may_be_told_beside_the_answer() {
    let (with, without) = (answer(TUESDAY, DAY, &[ONE]), answer(TUESDAY, "", &[ONE]));
    let told = Input {
        constants: Labels(vec![("window".to_owned(), DAY.to_owned())]),
        ..input("cpu.json")
    };
    let read = |input: &Input<'_>, text: &str| read(input, Box::new(text.as_bytes())).unwrap().ranges;
    assert_eq!(read(&told, &without), read(&input("cpu.json"), &with));
}

#[test]
fn what_can_not_be_meant_is_told() {
    let day = |rows: &[Row<'_>]| answer(TUESDAY, DAY, rows);
    let good = day(&[ONE]);
    let later = answer(TUESDAY + 3600, DAY, &[ONE]);
    let more = day(&[(ONE.0, ONE.1, ONE.2, 201)]);
    for (what, files, code, said) in [
        (
            "no length",
            vec![("cpu.json", answer(TUESDAY, "", &[ONE]))],
            "ranges-unusable",
            "nothing tells how long a time is counted here",
        ),
        (
            "a length that is none",
            vec![("cpu.json", answer(TUESDAY, "14", &[ONE]))],
            "ranges-unusable",
            "`14` in the label `window` is no length of time",
        ),
        (
            "a matrix",
            vec![("cpu.json", good.replace("vector", "matrix"))],
            "ranges-unusable",
            "read from an instant query, and this is a matrix",
        ),
        (
            "a range that is none",
            vec![("cpu.json", good.replace("8.799e-02...", "8.799e-02-"))],
            "ranges-unusable",
            "in the label `vmrange` is no range",
        ),
        (
            "another sum",
            vec![("cpu.json", day(&[ONE, ONE]))],
            "ranges-unusable",
            "`cpu` of shop/api-7d9f8b6c5f-x2x4z/app is counted twice in one range",
        ),
        (
            "a counter",
            vec![("container_cpu_usage_seconds_total.json", good.clone())],
            "ranges-unusable",
            "counts values of a counter of `cpu`, not of its rate",
        ),
        (
            "another signal",
            vec![("throttling.json", good.clone())],
            "ranges-unusable",
            "counts of `throttling` in ranges are of no use",
        ),
        (
            "a time twice",
            vec![("cpu.1.json", good.clone()), ("cpu.2.json", later)],
            "ranges-unusable",
            "counts a time that is counted in `cpu.1.json`",
        ),
        (
            "other counts of one time",
            vec![("cpu.1.json", good.clone()), ("cpu.2.json", more)],
            "ranges-unusable",
            "has other counts of the same time than `cpu.1.json`",
        ),
        (
            "cut short",
            vec![("cpu.json", good[..good.len() - 9].to_owned())],
            "export-truncated",
            "",
        ),
        (
            "a query that failed",
            vec![(
                "cpu.json",
                r#"{"status":"error","error":"cannot parse vmrange","data":{"x":"vmrange","resultType":"vector","result":[]}}"#
                    .replace(r#""x":"vmrange""#, r#""vmrange":1"#),
            )],
            "export-failed",
            "the query failed: cannot parse vmrange",
        ),
    ] {
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let notes = built(&files).expect_err(what);
        assert_eq!(codes(&notes), [code], "{what}");
        assert!(notes[0].message.contains(said), "{what}: {}", notes[0].message);
        assert!(notes[0].file.is_some(), "{what}");
    }
}

#[test]
fn pods_of_nobody_and_empty_ranges_are_left_out() {
    let stranger = ("lone", "app", ONE.2, 5);
    let empty = (ONE.0, ONE.1, HIGH.2, 0);
    let beyond = (ONE.0, ONE.1, "1.000e+18...+Inf", 3);
    let built = built(&[("cpu.json", &answer(TUESDAY, DAY, &[ONE, stranger, empty, beyond]))]).unwrap();
    assert_eq!(
        object::text(&built.profiles).unwrap(),
        text(&[("cpu.json", &answer(TUESDAY, DAY, &[ONE]))])
    );
    let mut found = codes(&built.notes);
    found.sort_unstable();
    assert_eq!(found, ["pods-unresolved", "signal-by-file-name", "value-too-large"]);
}
