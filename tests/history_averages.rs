//! Averages over hours and days, as `OpenCost`, Kubecost, Datadog and CloudWatch give them: marked in the profile, a lower
//! bound in a plan, and nothing is lowered by them.

use serde_json::{Value, json};
use std::fmt::Write as _;
use trimtab::facts::{self, Facts};
use trimtab::history::note::Note;
use trimtab::history::owners::{Declared, Owners};
use trimtab::history::read;
use trimtab::history::samples::Named;
use trimtab::history::signal::Signal;
use trimtab::plan::model::WorkloadPlan;
use trimtab::profile::build::{Options, assemble};
use trimtab::profile::merge::merge;
use trimtab::profile::object;
use trimtab::profile::opened::ProfileStream;
use trimtab::profile::written::Written;
use trimtab::report::Recorded;

use crate::history_formats::{codes, input, series_of, values};
use crate::planning::{World, deployment};

/// 2026-10-05T00:00:00Z, a Monday.
const MONDAY: i64 = 1_791_158_400;
const DAY_S: i64 = 86_400;
const MIB: u64 = 1 << 20;

fn instant(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap().to_string()
}

/// One container of one pod over one window, in the shape that the API documents.
fn allocation(pod: &str, (start, end): (i64, i64), cpu: &str, memory: u64) -> (String, Value) {
    let name = format!("eu-1/node-1/shop/{pod}/api");
    let value = json!({
        "name": name,
        "properties": {
            "cluster": "eu-1", "node": "node-1", "container": "api", "controller": "api", "controllerKind": "deployment",
            "namespace": "shop", "pod": pod, "services": ["api"], "labels": {"app": "api"}
        },
        "window": {"start": instant(start), "end": instant(end)},
        "start": instant(start), "end": instant(end), "minutes": (end - start) / 60,
        "cpuCores": 0.5, "cpuCoreRequestAverage": 0.5, "cpuCoreUsageAverage": cpu.parse::<f64>().unwrap(),
        "ramBytes": 536_870_912.0, "ramByteRequestAverage": 536_870_912.0, "ramByteUsageAverage": memory,
        "cpuCost": 0.01, "totalCost": 0.02, "rawAllocationOnly": null
    });
    (name, value)
}

fn answer(sets: Vec<Vec<(String, Value)>>) -> String {
    let set = |set: Vec<(String, Value)>| {
        let idle = json!({"name": "__idle__", "properties": {"cluster": "eu-1"}, "cpuCoreUsageAverage": 0.0, "ramByteUsageAverage": 0.0});
        let all = set.into_iter().chain([("__idle__".to_owned(), idle)]);
        Value::Object(all.collect())
    };
    json!({"code": 200, "data": sets.into_iter().map(set).collect::<Vec<_>>()}).to_string()
}

/// Days of one pod, each with these averages.
fn days(count: i64, cpu: &str, memory: u64) -> String {
    let day = |day: i64| {
        let start = MONDAY + day * DAY_S;
        vec![allocation("api-7d9f8b6c5f-x2x4z", (start, start + DAY_S), cpu, memory)]
    };
    answer((0..count).map(day).collect())
}

#[test]
fn allocations_are_averages_at_the_end_of_their_window() {
    let hour = |number: i64| (MONDAY + number * 3600, MONDAY + (number + 1) * 3600);
    let text = answer(vec![
        vec![
            allocation("api-1", hour(0), "0.25", 4096),
            allocation("api-2", hour(0), "0.5", 8192),
        ],
        vec![allocation("api-1", hour(1), "0.125", 4100)],
    ]);
    let (series, notes) = series_of(&input("allocation.json"), &text).unwrap();
    let of: Vec<_> = series
        .iter()
        .map(|one| (one.name.signal, &*one.name.pod, values(one)))
        .collect();
    let end = |number: i64| (MONDAY + number * 3600) * 1000;
    assert_eq!(
        of,
        [
            (Signal::Cpu, "api-1", vec![(end(1), 250_000_000), (end(2), 125_000_000)]),
            (Signal::Cpu, "api-2", vec![(end(1), 500_000_000)]),
            (Signal::Memory, "api-1", vec![(end(1), 4096), (end(2), 4100)]),
            (Signal::Memory, "api-2", vec![(end(1), 8192)]),
        ]
    );
    let deployment = Named {
        kind: Some("Deployment".into()),
        name: "api".into(),
    };
    assert_eq!(series[0].name.workload, Some(deployment));
    assert_eq!(codes(&notes), ["values-rolled-up"]);
    assert!(
        notes[0].message.contains("average over 1h") && notes[0].help.contains("lower bound"),
        "{notes:?}"
    );
}

fn options(shard: bool) -> Options {
    Options {
        step_s: 300,
        shard,
        ..Options::default()
    }
}

fn profile(name: &str, text: &str, shard: bool) -> Result<String, Vec<Note>> {
    let read = read(&input(name), Box::new(text.as_bytes()))?;
    let built = assemble(vec![read], Owners::default(), Declared::default(), &options(shard))?;
    Ok(object::text(&built.profiles).unwrap())
}

/// The header is that of `OpenCost`'s exporter (`pkg/costmodel/csv_export.go`).
#[test]
fn the_daily_csv_says_what_the_json_says() {
    let mut csv = "Date,Namespace,ControllerKind,ControllerName,Pod,Container,CPUCoreUsageAverage,CPUCoreRequestAverage,\
        RAMBytesUsageAverage,RAMBytesRequestAverage,NetworkReceiveBytes,NetworkTransferBytes,GPUs,PVBytes,CPUCost,RAMCost,\
        NetworkCost,PVCost,GPUCost,TotalCost\n"
        .to_owned();
    for day in ["2026-10-05", "2026-10-06", "2026-10-07"] {
        writeln!(
            csv,
            "{day},shop,deployment,api,api-7d9f8b6c5f-x2x4z,api,0.25,0.5,4096,8192,11,10,0,0,0.3,0.6,0,0,0,0.9"
        )
        .unwrap();
    }
    let of_csv = profile("opencost.csv", &csv, false).unwrap();
    assert_eq!(
        of_csv,
        profile("allocation.json", &days(3, "0.25", 4096), false).unwrap()
    );
    assert!(of_csv.contains("Deployment/api api cpu.averages - 86400 "), "{of_csv}");
    assert!(
        of_csv.contains("Deployment/api api memory.averages - 86400 "),
        "{of_csv}"
    );
    assert!(
        of_csv.contains("250m (averages)") && of_csv.contains("1 MiB (averages)"),
        "{of_csv}"
    );
    let shown = Recorded::of(&ProfileStream::from(of_csv).read().unwrap(), &|_| true).text();
    assert!(shown.contains("cpu (averages over 1d)"), "{shown}");
}

#[test]
fn what_adds_several_up_or_failed_is_refused() {
    let (name, mut of_namespace) = allocation("api-1", (MONDAY, MONDAY + DAY_S), "0.25", 4096);
    of_namespace["properties"] = json!({"cluster": "eu-1", "namespace": "shop"});
    let whole = days(1, "0.25", 4096);
    for (text, code, said) in [
        (
            answer(vec![vec![(name, of_namespace)]]),
            "pod-missing",
            "is of no single container",
        ),
        (
            json!({"code": 400, "data": [{"properties": {}}], "message": "bad window"}).to_string(),
            "export-failed",
            "the query failed with 400: bad window",
        ),
        (
            days(1, "0.25", 4096).replace("2026-10", "2026-13"),
            "time-malformed",
            "names no start and end",
        ),
        (
            whole.split("\"start\"").next().unwrap().to_owned(),
            "export-truncated",
            "ends",
        ),
    ] {
        let faults = profile("allocation.json", &text, false).unwrap_err();
        assert_eq!(codes(&faults), [code], "{faults:?}");
        assert!(faults[0].message.contains(said), "{faults:?}");
    }
    let nested = json!({"code": 200, "data": {"sets": [{"allocations": {"a": allocation("api-1", (MONDAY, MONDAY + DAY_S), "0.25", 4096).1},
        "window": {"start": instant(MONDAY), "end": instant(MONDAY + DAY_S)}}]}});
    let (series, _) = series_of(&input("allocation.json"), &nested.to_string()).unwrap();
    assert_eq!(series.len(), 2, "newer versions put the same into sets");
}

/// A part with samples and a part with averages are together what has averages in it.
#[test]
fn the_mark_survives_a_merge_in_any_order() {
    let mut csv = "ts,metric,namespace,deployment,pod,container,value\n".to_owned();
    for step in 1..=12 {
        writeln!(
            csv,
            "{},cpu,shop,api,api-7d9f8b6c5f-x2x4z,api,0.5",
            MONDAY + 9 * DAY_S + step * 3600
        )
        .unwrap();
    }
    let parts = [("cpu.csv", csv.clone()), ("allocation.json", days(3, "0.25", 4096))];
    let reads = parts
        .iter()
        .map(|(name, text)| read(&input(name), Box::new(text.as_bytes())).unwrap());
    let whole = assemble(reads.collect(), Owners::default(), Declared::default(), &options(false)).unwrap();
    let whole = object::text(&whole.profiles).unwrap();
    assert!(whole.contains("cpu.averages - 86400 "), "{whole}");
    let shards = || parts.iter().map(|(name, text)| profile(name, text, true).unwrap());
    for texts in [shards().collect::<Vec<_>>(), shards().rev().collect()] {
        let parts = texts
            .into_iter()
            .flat_map(|text| ProfileStream::from(text).read().unwrap());
        let merged = merge(parts.collect(), false).unwrap();
        assert_eq!(
            object::text(&merged.iter().map(Written::of).collect::<Vec<_>>()).unwrap(),
            whole
        );
    }
    assert!(!profile("cpu.csv", &csv, false).unwrap().contains(".averages "));
}

fn facts_of(text: String) -> Facts {
    let profiles = ProfileStream::from(text).read().unwrap();
    facts::of(&profiles, "shop", "Deployment", "api").unwrap()
}

fn planned(facts: Facts, cpu: &str, memory: &str) -> WorkloadPlan {
    let mut object = deployment("api", 3, cpu, memory);
    object["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] = json!({"memory": "8Gi"});
    World::new(
        "{workloads: {api: {scaling: {mode: hpa}}}}",
        &[object],
        vec![("Deployment/shop/api", facts)],
    )
    .one("api")
}

fn requests(plan: &WorkloadPlan) -> [Option<String>; 2] {
    let requests = plan.containers.get("api").map(|container| &container.requests);
    [
        requests.and_then(|requests| Some(requests.cpu.as_ref()?.value.to_string())),
        requests.and_then(|requests| Some(requests.memory.as_ref()?.value.to_string())),
    ]
}

/// Averages of 250m and 500 MiB over 14 days. 15 % more are 288m and 575 MiB: the next rungs are 290m and 576 MiB.
#[test]
fn averages_raise_a_request_and_lower_nothing() {
    let facts = || facts_of(profile("allocation.json", &days(14, "0.25", 500 * MIB), false).unwrap());
    assert!(
        facts().containers["api"].cpu.is_empty(),
        "no quantile is taken of averages"
    );
    let lower = planned(facts(), "2", "4Gi");
    assert_eq!(requests(&lower), [None, None]);
    assert!(lower.scaler.is_none() && lower.replicas.is_none(), "{lower:?}");
    assert!(
        lower.findings["rough-history"]
            .detail
            .contains("averages over 1d alone")
    );
    let higher = planned(facts(), "100m", "256Mi");
    assert_eq!(requests(&higher), [Some("290m".to_owned()), Some("576Mi".to_owned())]);
    let inputs = &higher.containers["api"].requests.cpu.as_ref().unwrap().reason.inputs;
    assert_eq!([&inputs["confidence"], &inputs["from"]], ["low", "averages over 1d"]);
    assert!(higher.containers["api"].limits.is_empty());
}

/// The same of Datadog: averages over an hour are a lower bound, those over five minutes are as fine as any rate.
#[test]
fn long_intervals_of_hosted_stores_are_marked_and_short_ones_are_not() {
    let of = |interval: i64| {
        let points: Vec<String> = (0..14 * DAY_S / interval)
            .map(|place| format!("[{}.0,250000000.0]", (MONDAY + place * interval) * 1000))
            .collect();
        let text = json!({"status": "ok", "res_type": "time_series", "series": [{
            "metric": "kubernetes.cpu.usage.total", "interval": interval, "unit": [{"name": "nanocore"}],
            "tag_set": ["kube_container_name:api", "kube_namespace:shop", "pod_name:api-1", "kube_deployment:api"],
            "scope": "", "pointlist": "POINTS"
        }]});
        let text = text
            .to_string()
            .replace("\"POINTS\"", &format!("[{}]", points.join(",")));
        profile("answer.json", &text, false).unwrap()
    };
    let (coarse, fine) = (of(3600), of(300));
    assert!(coarse.contains("Deployment/api api cpu.averages - 3600 "), "{coarse}");
    assert!(!fine.contains(".averages "), "{fine}");
    let [coarse, fine] = [coarse, fine].map(|text| requests(&planned(facts_of(text), "2", "4Gi"))[0].clone());
    assert_eq!(coarse, None);
    assert!(fine.is_some(), "recorded well enough to decide on");
}
