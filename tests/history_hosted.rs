//! Exports of hosted stores, Datadog and CloudWatch: their units, their intervals, whose their values are.

use crate::history_formats::{codes, input, series_of, values};
use trimtab::history::Input;
use trimtab::history::samples::{Labels, Named};
use trimtab::history::signal::Signal;
use trimtab::history::unit::Unit;

/// The shape that the API documents; `unit` as it is given for this metric.
fn datadog(series: &str) -> String {
    format!(
        r#"{{"status":"ok","res_type":"time_series","resp_version":1,"query":"avg:kubernetes.cpu.usage.total{{*}} by {{pod_name}}","from_date":1700000000000,"to_date":1700000900000,"series":[{series}],"values":[],"times":[],"message":"","group_by":["pod_name"]}}"#
    )
}

const NANOCORES: &str = r#"[{"family":"cpu","id":113,"name":"nanocore","short_name":"ncores","plural":"nanocores","scale_factor":1e-9},null]"#;
const TAGS: &str = r#"["kube_container_name:app","kube_namespace:shop","pod_name:api-1"]"#;

fn one(metric: &str, unit: &str, tags: &str, points: &str) -> String {
    let expression = format!("avg:{metric}{{*}} by {{pod_name}}");
    format!(
        r#"{{"unit":{unit},"query_index":0,"aggr":"avg","metric":"{metric}","tag_set":{tags},"expression":"{expression}","scope":"kube_container_name:app,kube_deployment:api,kube_namespace:shop,pod_name:api-1","interval":300,"length":3,"start":1700000000000,"end":1700000900000,"pointlist":[{points}],"display_name":"{metric}","attributes":{{}}}}"#
    )
}

#[test]
fn datadog_gives_nanocores_at_the_start_of_intervals() {
    let points = "[1700000000000.0,250000000.0],[1700000300000.0,null],[1700000600000.0,1.5E8]";
    let text = datadog(&one("kubernetes.cpu.usage.total", NANOCORES, TAGS, points));
    let (series, notes) = series_of(&input("answer.json"), &text).unwrap();
    let name = &series[0].name;
    assert_eq!(
        (name.signal, &*name.pod, &*name.container),
        (Signal::Cpu, "api-1", "app")
    );
    let api = Named {
        kind: Some("Deployment".into()),
        name: "api".into(),
    };
    assert_eq!(name.workload, Some(api), "from the scope");
    // what begins at 0 and lasts five minutes is known at its end
    assert_eq!(
        values(&series[0]),
        [(1_700_000_300_000, 250_000_000), (1_700_000_900_000, 150_000_000)]
    );
    assert_eq!(codes(&notes), ["value-absent", "values-rolled-up"]);
    let rolled = notes
        .iter()
        .find(|note| note.code.as_str() == "values-rolled-up")
        .unwrap();
    assert_eq!(
        rolled.message,
        "each value is the average over 5m: quantiles are of those, and peaks within them are not seen"
    );
    assert!(rolled.help.is_empty(), "as fine as a rate over five minutes");
}

#[test]
fn datadog_tells_coarse_averages_and_hides_no_maximum() {
    let points = "[1700000000000.0,4096.0],[1700003600000.0,8192.0]";
    let hourly = one("kubernetes.memory.working_set", "null", TAGS, points).replace(":300,", ":3600,");
    let (series, notes) = series_of(&input("answer.json"), &datadog(&hourly)).unwrap();
    assert_eq!(
        values(&series[0]),
        [(1_700_003_600_000, 4096), (1_700_007_200_000, 8192)]
    );
    let rolled = notes
        .iter()
        .find(|note| note.code.as_str() == "values-rolled-up")
        .unwrap();
    assert!(
        rolled.message.contains("average over 1h") && rolled.help.contains("maximum"),
        "{rolled:?}"
    );
    let greatest = hourly.replace(
        "avg:kubernetes.memory.working_set{*} by {pod_name}",
        "max:kubernetes.memory.working_set{*} by {pod_name}.rollup(max, 3600)",
    );
    let (_, notes) = series_of(&input("answer.json"), &datadog(&greatest)).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn units_of_datadog_are_its_answers_word() {
    let points = "[1700000000000.0,2.0]";
    let of = |unit: &str| {
        let unit = format!(r#"[{{"name":"{unit}"}},null]"#);
        datadog(&one("kubernetes.memory.working_set", &unit, TAGS, points))
    };
    for (unit, bytes) in [("byte", 2), ("mebibyte", 2 << 20), ("gigabyte", 2_000_000_000)] {
        let (series, _) = series_of(&input("answer.json"), &of(unit)).unwrap();
        assert_eq!(series[0].samples[0].value, bytes, "{unit}");
    }
    let notes = series_of(&input("answer.json"), &of("percent")).unwrap_err();
    assert_eq!((codes(&notes), notes[0].row), (vec!["unit-undeclared"], Some(1)));
    assert_eq!(
        notes[0].message,
        "the answer gives `memory` in `percent`, which can't be turned into it"
    );
    let declared = Input {
        units: vec![Unit::from_id("KiB").unwrap()],
        ..input("answer.json")
    };
    assert_eq!(
        series_of(&declared, &of("percent")).unwrap().0[0].samples[0].value,
        2048
    );
}

#[test]
fn values_that_mix_pods_are_refused() {
    let of_deployment = one(
        "kubernetes.cpu.usage.total",
        NANOCORES,
        r#"["kube_deployment:api","kube_container_name:app"]"#,
        "[1700000000000.0,1.0]",
    )
    .replace(",pod_name:api-1\"", "\"");
    let notes = series_of(&input("answer.json"), &datadog(&of_deployment)).unwrap_err();
    assert_eq!(codes(&notes), ["pod-missing"]);
    assert!(notes[0].help.contains("by pod"), "{notes:?}");

    let by_name = cloudwatch("MetricName=pod_cpu_usage_total Namespace=shop PodName=api ContainerName=app");
    let notes = series_of(&input("answer.json"), &by_name).unwrap_err();
    assert_eq!(codes(&notes), ["pod-missing"]);
    assert!(
        notes[0]
            .message
            .contains("`PodName` of Container Insights is the workload")
            && notes[0].help.contains("FullPodName"),
        "{notes:?}"
    );
}

#[test]
fn what_datadog_refused_is_said_with_its_words() {
    let failed =
        r#"{"status":"error","res_type":"time_series","error":"Error parsing query: unable to parse","series":[]}"#;
    for (text, code, told) in [
        (failed.to_owned(), "export-failed", "Error parsing query"),
        (
            r#"{"errors":["Forbidden"]}"#.to_owned(),
            "export-failed",
            "the query failed",
        ),
        (
            r#"{"data":{"type":"timeseries_response","attributes":{}}}"#.to_owned(),
            "format-unknown",
            "v2 API",
        ),
        (
            datadog(&one("kubernetes.cpu.usage.total", "null", TAGS, "[1700000000000.0]")),
            "export-malformed",
            "a point has no value",
        ),
        (
            datadog(&one(
                "kubernetes.cpu.usage.total",
                "null",
                TAGS,
                "[1700000000000.0,1.0]",
            ))[..600]
                .to_owned(),
            "export-truncated",
            "ends inside",
        ),
        (
            datadog(&one("trace.http.request.hits", "null", TAGS, "[1700000000000.0,1.0]")),
            "signal-unknown",
            "tells no signal",
        ),
    ] {
        let notes = series_of(&input("answer.json"), &text).expect_err(told);
        assert_eq!(
            (codes(&notes), notes[0].file.as_deref()),
            (vec![code], Some("answer.json")),
            "{notes:?}"
        );
        assert!(notes[0].message.contains(told), "{notes:?}");
    }
}

fn cloudwatch(label: &str) -> String {
    format!(
        r#"{{
    "MetricDataResults": [
        {{
            "Id": "m1",
            "Label": "{label}",
            "Timestamps": ["2023-11-14T22:23:20+00:00", "2023-11-14T22:18:20+00:00", "2023-11-14T22:13:20+00:00"],
            "Values": [300.0, 200.5, 0.0],
            "StatusCode": "Complete"
        }}
    ],
    "Messages": []
}}"#
    )
}

const LABEL: &str =
    "MetricName=pod_cpu_usage_total Stat=Average Period=300 Namespace=shop FullPodName=api-1 ContainerName=app";

#[test]
fn cloudwatch_gives_millicores_newest_first() {
    let (series, notes) = series_of(&input("answer.json"), &cloudwatch(LABEL)).unwrap();
    assert_eq!((series[0].name.signal, &*series[0].name.pod), (Signal::Cpu, "api-1"));
    assert_eq!(
        values(&series[0]),
        [
            (1_700_000_300_000, 0),
            (1_700_000_600_000, 200_500_000),
            (1_700_000_900_000, 300_000_000)
        ]
    );
    assert_eq!(codes(&notes), ["values-rolled-up"]);
    // of pods with one container its name may come from outside
    let short = LABEL.replace(" ContainerName=app", "");
    let stated = Input {
        constants: Labels(vec![("container".to_owned(), "main".to_owned())]),
        ..input("answer.json")
    };
    assert_eq!(
        series_of(&stated, &cloudwatch(&short)).unwrap().0[0]
            .name
            .container
            .as_ref(),
        "main"
    );
}

#[test]
fn cloudwatch_answers_that_are_not_whole_or_not_enough_are_told() {
    let whole = cloudwatch(LABEL);
    for (text, code) in [
        (whole.replace("\"Complete\"", "\"PartialData\""), "export-warned"),
        (
            whole.replace("\"Messages\"", "\"NextToken\": \"abc\", \"Messages\""),
            "export-warned",
        ),
        (whole.replace("Average", "Maximum"), ""),
    ] {
        let (_, notes) = series_of(&input("answer.json"), &text).unwrap();
        let mut told = codes(&notes);
        told.retain(|told| *told != "values-rolled-up");
        assert_eq!(told.first().copied().unwrap_or_default(), code, "{text}");
    }
    for (text, code, row) in [
        (cloudwatch("shop api-1"), "pod-missing", Some(3)),
        (
            cloudwatch(&LABEL.replace("usage_total", "utilization")),
            "unit-undeclared",
            Some(3),
        ),
        (whole.replace("200.5, ", ""), "export-malformed", Some(9)),
        (
            whole.replace("2023-11-14T22:18:20+00:00", "soon"),
            "export-malformed",
            Some(6),
        ),
    ] {
        let notes = series_of(&input("answer.json"), &text).expect_err(code);
        assert_eq!((codes(&notes), notes[0].row), (vec![code], row), "{notes:?}");
    }
}

#[test]
fn tables_of_both_are_read_by_their_columns() {
    // a query of Datadog's metrics as rows, and one of CloudWatch Logs Insights over performance log events
    for (text, nano) in [
        (
            "timestamp,metric,kube_namespace,pod_name,kube_container_name,value\n\
             1700000000000,kubernetes.cpu.usage.total,shop,api-1,app,250000000\n",
            250_000_000,
        ),
        (
            "@timestamp,kubernetes.namespace_name,kubernetes.pod_name,kubernetes.container_name,container_cpu_usage_total\n\
             2023-11-14 22:13:20.000,shop,api-1,app,250.5\n",
            250_500_000,
        ),
    ] {
        let (series, notes) = series_of(&input("rows.csv"), text).unwrap();
        assert_eq!(values(&series[0]), [(1_700_000_000_000, nano)], "{text}");
        assert!(!codes(&notes).contains(&"signal-by-file-name"), "{notes:?}");
    }
    // a Prometheus that was fed such names may hold them in another unit
    let matrix = r#"{"metric":{"__name__":"kubernetes.cpu.usage.total","namespace":"n","pod":"p","container":"c"},"values":[[1700000000,"1"]]}"#;
    assert_eq!(
        codes(&series_of(&input("export.json"), matrix).unwrap_err()),
        ["signal-unknown"]
    );
}
