//! What a profile says against what was exported: exact where it promises exactness, within its bound elsewhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use trimtab::history::note::Note;
use trimtab::history::owners::{Declared, Owners, WorkloadKey};
use trimtab::history::signal::Signal;
use trimtab::history::{Input, read};
use trimtab::profile::Profile;
use trimtab::profile::build::{Options, assemble};
use trimtab::profile::object::{text, to_text};
use trimtab::profile::opened::ProfileStream;
use trimtab::profile::sketch::HalfLife;
use trimtab::units::Timestamp;

fn options() -> Options {
    Options {
        step_s: 300,
        ..Options::default()
    }
}

/// Profiles, as text too, and what there was to tell.
struct Built {
    profiles: Vec<Profile>,
    text: String,
    notes: Vec<Note>,
}

fn profile(files: &[(&str, String)], owners: &str, declared: Declared) -> Built {
    let mut known = Owners::default();
    if !owners.is_empty() {
        known.read("owners.json", &mut owners.as_bytes()).unwrap();
    }
    let reads = files.iter().map(|(name, text)| {
        let input = Input {
            name,
            ..Input::default()
        };
        read(&input, Box::new(text.as_bytes())).unwrap()
    });
    let built = assemble(reads.collect(), known, declared, &options()).unwrap();
    let text = text(&built.profiles).unwrap();
    let profiles = ProfileStream::from(text.clone())
        .open()
        .unwrap()
        .iter()
        .map(|text| text.read().unwrap())
        .collect();
    Built {
        profiles,
        text,
        notes: built.notes,
    }
}

/// The generator of Numerical Recipes: any fixed sequence does.
fn random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// 2026-10-05T00:00:00Z, a Monday.
const START_S: i64 = 1_791_158_400;

/// Three pods over three weeks, each five minutes, values over five decades; and the values.
fn export() -> (String, Vec<u64>) {
    let (mut state, mut values) = (7, Vec::new());
    let mut series = Vec::new();
    for pod in ["api-bcdfgh-22222", "api-bcdfgh-44444", "api-bcdfgh-55555"] {
        let mut samples = Vec::new();
        for step in 1..=6048i64 {
            let nano = random(&mut state) % 10u64.pow(4 + u32::try_from(random(&mut state) % 6).unwrap());
            values.push(nano);
            samples.push(format!(
                r#"[{},"{}.{:09}"]"#,
                START_S + step * 300,
                nano / 1_000_000_000,
                nano % 1_000_000_000
            ));
        }
        let labels = format!(r#"{{"namespace":"shop","pod":"{pod}","container":"app"}}"#);
        series.push(format!(r#"{{"metric":{labels},"values":[{}]}}"#, samples.join(",")));
    }
    let text = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#,
        series.join(",")
    );
    (text, values)
}

#[test]
fn quantiles_are_within_their_bound_and_count_sum_and_extremes_are_exact() {
    let (text, mut values) = export();
    let mut declared = Declared::default();
    declared.add("Deployment", "api", None);
    let built = profile(&[("cpu.json", text)], "", declared);
    let workload = &built.profiles[0].workloads[&WorkloadKey::new("Deployment", "api")];
    let history = workload.signal("app", Signal::Cpu).unwrap();
    assert_eq!(history.sketches.len(), 3, "a block a week");

    values.sort_unstable();
    let sketch = history.sketch();
    assert_eq!(sketch.count(), values.len() as u64);
    assert_eq!(sketch.sum(), values.iter().map(|&value| u128::from(value)).sum());
    assert_eq!(
        (sketch.min(), sketch.max()),
        (values.first().copied(), values.last().copied())
    );
    for ppm in [500_000u64, 900_000, 950_000, 990_000, 999_000] {
        // nearest rank: the smallest value that at least this share does not exceed
        let rank = (values.len() as u64 * ppm).div_ceil(1_000_000);
        let exact = values[usize::try_from(rank - 1).unwrap()];
        let newest = built.profiles[0].newest_week().unwrap();
        let told = history.quantile(ppm, newest, HalfLife::Never).unwrap();
        assert!(
            told.upper >= exact,
            "{ppm}: the upper edge {} is under {exact}",
            told.upper
        );
        assert!(
            told.upper - exact <= exact / 32,
            "{ppm}: {} is more than 1/32 over {exact}",
            told.upper
        );
        assert!(
            told.midpoint.abs_diff(exact) <= exact / 64,
            "{ppm}: {} is more than 1/64 off {exact}",
            told.midpoint
        );
    }
}

#[test]
fn demand_tells_totals_pods_and_the_greatest_pod_of_each_cell() {
    let (text, values) = export();
    let mut declared = Declared::default();
    declared.add("Deployment", "api", None);
    let built = profile(&[("cpu.json", text)], "", declared);
    let workload = &built.profiles[0].workloads[&WorkloadKey::new("Deployment", "api")];
    let steps: Vec<_> = workload.demand("app", Signal::Cpu).collect();
    assert_eq!(steps.len(), 6048);
    for (place, step) in steps.iter().enumerate() {
        let of_pods = [values[place], values[6048 + place], values[12096 + place]];
        let (total, max): (u64, u64) = (of_pods.iter().sum(), *of_pods.iter().max().unwrap());
        assert!(
            (step.total.lower()..=step.total.upper()).contains(&total),
            "total of cell {place}"
        );
        assert!(
            (step.max.lower()..=step.max.upper()).contains(&max),
            "greatest pod of cell {place}"
        );
        assert_eq!(
            (step.active, step.end.unix()),
            (3, START_S + 300 * (i64::try_from(place).unwrap() + 1))
        );
    }
    let coverage = built.profiles[0].coverage(workload, "app", Signal::Cpu);
    assert_eq!((coverage.known, coverage.steps), (6048, 6048));
    assert_eq!(workload.last_sample(), Timestamp::from_unix(START_S + 6048 * 300));
}

#[test]
fn cut_shuffled_and_tabular_exports_give_the_same_bytes() {
    let (text, _) = export();
    let declared = || {
        let mut declared = Declared::default();
        declared.add("Deployment", "api", None);
        declared
    };
    let whole = profile(&[("cpu.json", text.clone())], "", declared()).text;
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let chunk = |from: usize, to: usize| {
        let mut part = parsed.clone();
        for series in part["data"]["result"].as_array_mut().unwrap() {
            let values = series["values"].as_array().unwrap();
            series["values"] = values[from..to].into();
        }
        part.to_string()
    };
    // both ends inclusive: neighbours share a sample
    let (a, b, c) = (chunk(0, 2000), chunk(1999, 4001), chunk(4000, 6048));
    let chunks = [("cpu-2.json", c), ("cpu-0.json", a), ("cpu-1.json", b)];
    assert_eq!(profile(&chunks, "", declared()).text, whole);

    let mut rows = String::from("ts,metric,namespace,pod,container,value\n");
    for series in parsed["data"]["result"].as_array().unwrap() {
        for sample in series["values"].as_array().unwrap().iter().rev() {
            let (pod, value) = (series["metric"]["pod"].as_str().unwrap(), sample[1].as_str().unwrap());
            writeln!(rows, "{},cpu,shop,{pod},app,{value}", sample[0]).unwrap();
        }
    }
    assert_eq!(profile(&[("samples.csv", rows)], "", declared()).text, whole);
}

#[test]
fn gaps_late_starts_and_instants_off_the_cells_are_unknown_time_not_zero() {
    let mut text = "ts,metric,namespace,pod,container,deployment,value\n".to_owned();
    let mut row = |workload: &str, minute: i64, value: u64| {
        let at = START_S + 60 * minute;
        let _ = writeln!(text, "{at},cpu,shop,{workload}-1,app,{workload},{value}");
    };
    // every five minutes at :02 and :07, as exporters that started at any time do; 20 minutes are missing, one row is
    // given twice, and the order is that of a file put together from two
    for minute in [2, 7, 12, 37, 42, 47, 52, 57] {
        row("api", minute, 3);
    }
    row("api", 12, 3);
    // a peak that was seen once, in a workload that came half an hour later
    for (minute, value) in [(47, 1), (32, 1), (37, 17), (42, 1), (52, 1), (57, 1)] {
        row("late", minute, value);
    }
    let built = profile(&[("samples.csv", text)], "", Declared::default());
    let profile = &built.profiles[0];
    let of = |name: &str| &profile.workloads[&WorkloadKey::new("Deployment", name)];
    let ends = |name: &str| -> Vec<i64> {
        let steps = of(name).demand("app", Signal::Cpu);
        steps.map(|step| (step.end.unix() - START_S) / 60).collect()
    };
    assert_eq!(ends("api"), [5, 10, 15, 40, 45, 50, 55, 60]);
    assert_eq!(ends("late"), [35, 40, 45, 50, 55, 60]);
    let coverage = |name: &str| {
        let coverage = profile.coverage(of(name), "app", Signal::Cpu);
        (coverage.known, coverage.steps)
    };
    // from 00:00, the start of the first cell, to the last sample at 00:57
    assert_eq!(coverage("api"), (8, 12));
    assert_eq!(coverage("late"), (6, 12));
    let late = of("late").signal("app", Signal::Cpu).unwrap().sketch();
    assert_eq!(
        (late.count(), late.min(), late.max()),
        (6, Some(1_000_000_000), Some(17_000_000_000))
    );
    let told: Vec<_> = built.notes.iter().map(|note| note.code.as_str()).collect();
    assert!(told.contains(&"row-out-of-order"), "{told:?}");
}

#[test]
fn pods_without_a_workload_are_left_out_and_told_with_their_share() {
    let series = |pod: &str, value: &str| {
        format!(
            r#"{{"metric":{{"namespace":"shop","pod":"{pod}","container":"app"}},"values":[[{},"{value}"]]}}"#,
            START_S + 300
        )
    };
    let text = format!(
        "[{},{},{}]",
        series("api-1", "3"),
        series("lost", "1"),
        series("debug", "0")
    );
    let owners = r#"{"kube_pod_owner":{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"__name__":"kube_pod_owner","namespace":"shop","pod":"api-1","owner_kind":"StatefulSet","owner_name":"api"},"value":[1,"1"]},
        {"metric":{"__name__":"kube_pod_owner","namespace":"shop","pod":"debug","owner_kind":"<none>","owner_name":"<none>"},"value":[1,"1"]}]}}}"#;
    let built = profile(&[("cpu.json", text)], owners, Declared::default());
    let keys: Vec<_> = built.profiles[0].workloads.keys().map(ToString::to_string).collect();
    assert_eq!(keys, ["StatefulSet/api"]);
    let note = built
        .notes
        .iter()
        .find(|note| note.code.as_str() == "pods-unresolved")
        .unwrap();
    assert_eq!(
        note.message,
        "2 pods belong to no known workload and are left out: 25% of the CPU used; the largest are `shop/lost`, `shop/debug`"
    );
}

#[test]
fn an_hour_of_online_boutique_is_profiled_as_it_was() {
    let folder = fixture();
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let mut declared = Declared::default();
    let manifests = trimtab::yaml::read_all(text("manifests.yaml").as_bytes(), &trimtab::yaml::Limits::STREAM).unwrap();
    for document in &manifests {
        declared.add_object(&document.value);
    }
    let files = ["cpu_cores.json", "memory_working_set_bytes.json"].map(|name| (name, text(name)));
    let built = profile(&files, "", declared);
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("profile__online_boutique_hour", built.text);
    });
    assert_eq!(to_text(&built.profiles), built.text);
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/history/boutique")
}
