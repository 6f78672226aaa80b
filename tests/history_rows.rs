//! Rows that an engine counted and added up: the same sketch, demand and state lines as from the samples, however the
//! samples were dealt out before; and what is wrong with a row is said with its place.

use crate::history_formats::{codes, input};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use trimtab::history::note::Note;
use trimtab::history::owners::{Declared, Owners};
use trimtab::history::read;
use trimtab::profile::build::{Options, assemble};
use trimtab::profile::merge::merge;
use trimtab::profile::object::{text, to_text};
use trimtab::profile::opened::ProfileStream;

/// 2026-10-05T00:00:00Z, a Monday.
const MONDAY: i64 = 1_791_158_400;
const BUCKETS: &str = "namespace,kind,name,container,metric,week,bucket,count,sum,min,max\n";
const INSTANTS: &str = "namespace,kind,name,container,metric,ts,total,max,pods\n";

fn options(shard: bool) -> Options {
    Options {
        step_s: 300,
        shard,
        ..Options::default()
    }
}

fn profile(files: &[(&str, &str)], shard: bool) -> Result<(String, Vec<Note>), Vec<Note>> {
    let reads: Result<Vec<_>, _> = files
        .iter()
        .map(|(name, text)| read(&input(name), Box::new(text.as_bytes())))
        .collect();
    let built = assemble(reads?, Owners::default(), Declared::default(), &options(shard))?;
    Ok((text(&built.profiles).unwrap(), built.notes))
}

/// The lines that the law is about.
fn lines(text: &str) -> Vec<&str> {
    let is_of_law = |line: &&str| {
        [".sketch ", ".demand ", ".state "]
            .iter()
            .any(|record| line.contains(record))
    };
    text.lines().filter(is_of_law).collect()
}

/// One sample as an engine sees it: the workload, the signal, the pod, the second, the amount in the signal's unit.
type Sample = (&'static str, &'static str, usize, i64, u64);

fn long_csv(samples: &[Sample]) -> String {
    let mut text = "ts,metric,namespace,deployment,pod,container,value\n".to_owned();
    for (workload, signal, pod, at, value) in samples {
        let value = match *signal {
            "cpu" => format!("{}.{:09}", value / 1_000_000_000, value % 1_000_000_000),
            "latency" => format!("{}.{:06}", value / 1_000_000, value % 1_000_000),
            _ => value.to_string(),
        };
        let _ = writeln!(text, "{at},{signal},shop,{workload},{workload}-{pod},app,{value}");
    }
    text
}

/// The bucket by its definition: as many leading bits as tell 32 values apart, behind how many follow them.
fn bucket(value: u64) -> u64 {
    let bits = format!("{value:b}").len() as u64;
    if bits <= 5 {
        value
    } else {
        32 * (bits - 6) + (value >> (bits - 6))
    }
}

fn container(signal: &str) -> &'static str {
    if ["latency", "replicas"].contains(&signal) {
        ""
    } else {
        "app"
    }
}

/// The two tables of a part of the samples, each a header and its rows.
fn counted(samples: &[Sample]) -> (Vec<String>, Vec<String>) {
    let mut buckets: BTreeMap<_, (u64, u128, u64, u64)> = BTreeMap::new();
    let mut instants: BTreeMap<_, (u64, u64, u64)> = BTreeMap::new();
    for &(workload, signal, _, at, value) in samples {
        let week = (at - 1 + 259_200).div_euclid(604_800) * 604_800 - 259_200;
        if signal != "replicas" {
            let row = buckets
                .entry((workload, signal, week, bucket(value)))
                .or_insert((0, 0, u64::MAX, 0));
            *row = (row.0 + 1, row.1 + u128::from(value), row.2.min(value), row.3.max(value));
        }
        let row = instants.entry((workload, signal, at)).or_insert((0, 0, 0));
        let is_sum = ["cpu", "memory"].contains(&signal);
        let total = if is_sum { row.0 + value } else { row.0.max(value) };
        *row = (total, row.1.max(value), row.2 + 1);
    }
    let of = |workload: &str, signal: &str| format!("shop,Deployment,{workload},{},{signal}", container(signal));
    let buckets = buckets.iter().map(|((workload, signal, week, bucket), row)| {
        let (count, sum, min, max) = row;
        format!("{},{week},{bucket},{count},{sum},{min},{max}\n", of(workload, signal))
    });
    let instants = instants.iter().map(|((workload, signal, at), (total, max, pods))| {
        format!("{},{at},{total},{max},{pods}\n", of(workload, signal))
    });
    (buckets.collect(), instants.collect())
}

fn json(header: &str, rows: &[String]) -> String {
    let mut text = String::new();
    for row in rows {
        let cells = header.trim().split(',').zip(row.trim().split(','));
        let cells = cells.map(|(name, cell)| match cell.parse::<u128>() {
            Ok(_) => format!("\"{name}\":{cell}"),
            Err(_) => format!("\"{}\":\"{cell}\"", name.to_uppercase()),
        });
        let _ = writeln!(text, "{{{}}}", cells.collect::<Vec<_>>().join(","));
    }
    text
}

prop_compose! {
    /// Samples of several pods, signals and weeks on a grid of one, five or fifteen minutes.
    fn samples()(
        step in prop::sample::select(vec![60i64, 300, 900]),
        pods in prop::collection::vec((
            prop::sample::select(vec!["api", "cart"]),
            prop::sample::select(vec!["cpu", "memory", "latency", "replicas"]),
            0i64..2500,
            prop::collection::vec((1i64..4, 0u64..5_000_000_000), 1..40),
        ), 1..8),
    ) -> Vec<Sample> {
        let mut all = Vec::new();
        for (pod, (workload, signal, start, values)) in pods.into_iter().enumerate() {
            let mut at = MONDAY + start * step;
            for (gap, value) in values {
                at += step * if value % 31 == 0 { gap * 700 } else { gap };
                all.push((workload, signal, pod, at, if signal == "replicas" { value % 40 } else { value }));
            }
        }
        all
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn rows_of_any_parts_give_the_lines_of_the_samples(
        all in samples(),
        parts in 1usize..4,
        choices in prop::collection::vec(0usize..60, 1..9),
        is_json in any::<bool>(),
    ) {
        let (whole, _) = profile(&[("samples.csv", &long_csv(&all))], false).unwrap();
        let mut dealt = vec![Vec::new(); parts];
        for (place, sample) in all.iter().enumerate() {
            dealt[choices[place % choices.len()] % parts].push(*sample);
        }
        let tables = |part: &Vec<Sample>| {
            let (mut buckets, mut instants) = counted(part);
            buckets.reverse();
            let turn = choices[0] % instants.len().max(1);
            instants.rotate_left(turn);
            let of = |(header, rows): (&str, Vec<String>)| {
                if is_json { json(header, &rows) } else { format!("{header}{}", rows.concat()) }
            };
            let tables = [(BUCKETS, buckets), (INSTANTS, instants)].into_iter();
            tables.filter(|(_, rows)| !rows.is_empty()).map(of).collect::<Vec<String>>()
        };
        let parts: Vec<Vec<String>> = dealt.iter().map(tables).filter(|tables| !tables.is_empty()).collect();
        let named = |texts: &[String]| -> Vec<(String, String)> {
            texts.iter().map(|text| ("rows".to_owned(), text.clone())).collect()
        };
        let profile_of = |texts: &[String], shard| {
            let files = named(texts);
            let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            profile(&files, shard).unwrap().0
        };
        let counted = profile_of(&parts.concat(), false);
        prop_assert_eq!(lines(&counted), lines(&whole));

        // each part a shard, merged later
        let shards = parts.iter().map(|part| profile_of(part, true));
        let shards = shards.flat_map(|text| ProfileStream::from(text).read().unwrap());
        let merged = to_text(&merge(shards.collect(), false).unwrap());
        prop_assert_eq!(lines(&merged), lines(&whole));
    }
}

const BUCKET_ROW: &str = "shop,Deployment,api,app,cpu,2026-10-05,82,2,201,100,101\n";
const INSTANT_ROWS: &str =
    "shop,Deployment,api,app,cpu,2026-10-05 00:05:00,100,100,1\nshop,Deployment,api,app,cpu,1791159000,101,101,1\n";

fn tables(buckets: &str, instants: &str) -> [String; 2] {
    [format!("{BUCKETS}{buckets}"), format!("{INSTANTS}{instants}")]
}

#[test]
fn rows_and_samples_of_different_signals_make_one_profile() {
    let [buckets, instants] = tables(BUCKET_ROW, INSTANT_ROWS);
    let instants = format!("\n{instants}");
    let restarts = "ts,metric,namespace,deployment,pod,container,value\n1791158700,restarts,shop,api,api-1,app,0\n1791159000,restarts,shop,api,api-1,app,2\n";
    let (text, _) = profile(&[("b", &buckets), ("i", &instants), ("r.csv", restarts)], false).unwrap();
    let read = ProfileStream::from(text.clone()).read().unwrap().remove(0);
    let source = &read.sources.values().next().unwrap();
    assert_eq!((source.samples, source.grid_s), (2, 300));
    for record in [
        "cpu.sketch 2026-10-05 2 201 100 101 ",
        "cpu.demand",
        "restarts.days",
        "identity - label",
    ] {
        assert!(text.contains(record), "{record}: {text}");
    }
    // the same file again says nothing new; the same signal as samples may be the same samples
    let (again, notes) = profile(
        &[("b", &buckets), ("i", &instants), ("r.csv", restarts), ("b2", &buckets)],
        false,
    )
    .unwrap();
    assert_eq!(again, text);
    assert_eq!(codes(&notes), ["rows-repeated"]);
    let cpu = restarts.replace("restarts", "cpu");
    let notes = profile(&[("b", &buckets), ("i", &instants), ("r.csv", &cpu)], false).unwrap_err();
    assert_eq!(codes(&notes), ["row-contradicts"]);
}

#[test]
fn tables_that_do_not_fit_together_are_refused() {
    let [buckets, instants] = tables(BUCKET_ROW, INSTANT_ROWS);
    let twice = format!("{instants}{INSTANT_ROWS}");
    let greater = instants.replace("100,100,1", "102,102,1");
    for (files, what) in [
        (vec![&buckets], "has buckets and no instants"),
        (vec![&instants], "has instants and no buckets"),
        (vec![&buckets, &twice], "2 samples in its buckets and 4 in its instants"),
        (
            vec![&buckets, &greater],
            "adds up to 201 in its buckets and to 203 in its instants",
        ),
    ] {
        let files: Vec<_> = files.iter().map(|text| ("rows", text.as_str())).collect();
        let notes = profile(&files, false).expect_err(what);
        assert_eq!(codes(&notes), ["row-contradicts"]);
        assert!(
            notes[0].message.contains(what) && notes[0].message.contains("Deployment/api container `app` in `shop`"),
            "{notes:?}"
        );
    }
}

/// Both tables of samples, as two files named after the part.
fn files_of(part: &str, samples: &[Sample]) -> Vec<(String, String)> {
    let (buckets, instants) = counted(samples);
    vec![
        (format!("{part}-buckets"), format!("{BUCKETS}{}", buckets.concat())),
        (format!("{part}-instants"), format!("{INSTANTS}{}", instants.concat())),
    ]
}

fn notes_of(parts: &[Vec<(String, String)>]) -> Vec<Note> {
    let files: Vec<(&str, &str)> = parts
        .iter()
        .flatten()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    profile(&files, false).unwrap().1
}

#[test]
fn rows_counted_off_any_grid_are_told() {
    // two pods every minute: at :00 and at :07, so that no two share an instant
    let scraped = |workload, signal, pod: usize, after: i64| {
        let at = (1..20).map(move |minute| MONDAY + 60 * minute + after);
        at.map(move |at| (workload, signal, pod, at, 100 + pod as u64))
            .collect::<Vec<Sample>>()
    };
    let (first, second) = (scraped("api", "cpu", 0, 0), scraped("api", "cpu", 1, 7));
    let told = |notes: &[Note]| {
        let of = notes.iter().map(|note| {
            let file = note.file.clone().unwrap_or_default();
            format!("{} {file}: {}; {}", note.code, note.message, note.help)
        });
        of.collect::<Vec<_>>()
    };
    let both = [first.clone(), second.clone()].concat();
    let off_grid = "instants of `cpu` in `shop` are on no common grid (Deployment/api container `app`): where each pod was \
        scraped at its own instant, a total is that of one pod, far too low; count again with the query that `trimtab \
        profile --print-sql ENGINE --off-grid` prints";
    assert_eq!(
        told(&notes_of(&[files_of("all", &both)])),
        [format!("samples-off-grid all-instants: {off_grid}")]
    );
    // cut by pod, each file is on a grid of its own
    let parts = [files_of("a", &first), files_of("b", &second)];
    let of_both = off_grid.replace("`shop`", "`shop`, with 1 file more");
    assert_eq!(
        told(&notes_of(&parts)),
        [format!("samples-off-grid a-instants: {of_both}")]
    );
    // pods that share instants, and workloads that are scraped each at its own
    for fine in [
        [first.clone(), scraped("api", "cpu", 1, 0)].concat(),
        [first.clone(), scraped("cart", "cpu", 0, 7)].concat(),
        [
            first,
            scraped("api", "replicas", 0, 7),
            scraped("api", "replicas", 1, 9),
        ]
        .concat(),
    ] {
        assert_eq!(told(&notes_of(&[files_of("all", &fine)])), <[String; 0]>::default());
    }
}

#[test]
fn cells_that_cross_the_steps_of_the_profile_are_told() {
    let every = |distance: i64| -> Vec<Sample> {
        let at = (1..20).map(|cell| MONDAY + distance * cell);
        at.map(|at| ("api", "memory", 0, at, 100)).collect()
    };
    for (distance, is_told) in [(60, false), (300, false), (900, false), (200, true), (420, true)] {
        let notes = notes_of(&[files_of("all", &every(distance))]);
        let told: Vec<&Note> = notes
            .iter()
            .filter(|note| note.code.as_str() == "samples-off-grid")
            .collect();
        assert_eq!(!told.is_empty(), is_told, "{distance}: {notes:?}");
        if let Some(told) = told.first() {
            assert_eq!(told.file.as_deref(), Some("all-instants"));
            assert!(told.message.contains("the profile's step of 5m"), "{}", told.message);
        }
    }
}

#[test]
fn a_wrong_row_is_named() {
    for (row, code, what) in [
        (
            BUCKET_ROW.replace(",82,", ",83,"),
            "row-contradicts",
            "`min` 100 is of bucket 82, not 83",
        ),
        (
            BUCKET_ROW.replace(",201,", ",201.0,"),
            "value-malformed",
            "`201.0` in column `sum` is no whole number",
        ),
        (
            BUCKET_ROW.replace(",2,", ",-2,"),
            "value-malformed",
            "`-2` in column `count`",
        ),
        (
            BUCKET_ROW.replace("2026-10-05", "2026-10-06"),
            "row-contradicts",
            "`week` is no Monday",
        ),
        (
            BUCKET_ROW.replace("2026-10-05", "soon"),
            "time-malformed",
            "`soon` in column `week`",
        ),
        (
            BUCKET_ROW.replace("cpu", "cores"),
            "signal-unknown",
            "`cores` in column `metric` is no signal",
        ),
        (
            BUCKET_ROW.replace("app,cpu", ",cpu"),
            "row-contradicts",
            "and a container",
        ),
        (
            BUCKET_ROW.replace("app,cpu", "app,latency"),
            "row-contradicts",
            "a workload without container",
        ),
        (
            BUCKET_ROW.replace("app,cpu", "app,restarts"),
            "row-contradicts",
            "`restarts` has no distribution",
        ),
        (BUCKET_ROW.replace("api", "a b"), "row-contradicts", "`a b`"),
        (
            BUCKET_ROW.replace(",101", ""),
            "export-malformed",
            "the row has 10 cells, the header 11",
        ),
    ] {
        let text = format!("{BUCKETS}{BUCKET_ROW}{row}");
        let notes = read(&input("rows.csv"), Box::new(text.as_bytes())).expect_err(what);
        assert_eq!(
            (codes(&notes), notes[0].file.as_deref(), notes[0].row),
            (vec![code], Some("rows.csv"), Some(3)),
            "{notes:?}"
        );
        assert!(notes[0].message.contains(what), "{notes:?}");
    }
    let lacking = format!("{BUCKETS}{BUCKET_ROW}").replace(",sum", ",total");
    let notes = read(&input("rows.csv"), Box::new(lacking.as_bytes())).unwrap_err();
    assert_eq!((codes(&notes), notes[0].row), (vec!["column-missing"], Some(2)));
    assert!(
        notes[0].help.contains("week, bucket, count, sum, min, max"),
        "{notes:?}"
    );
    let cut = json(BUCKETS, &[BUCKET_ROW.to_owned()]);
    let notes = read(&input("rows.jsonl"), Box::new(&cut.as_bytes()[..60.max(cut.len() - 9)])).unwrap_err();
    assert_eq!(codes(&notes), ["export-truncated"]);
}
