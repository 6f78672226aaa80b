//! What bad input gets, in the words that people read: what, where, why, how to mend it; and nothing is written.

use crate::history_formats::{input, series_of};
use std::fmt::Write as _;
use std::io::Read as _;
use std::process::Command;

const API: &str = r#""metric":{"namespace":"shop","deployment":"api","pod":"api-1","container":"app"}"#;

fn matrix(series: &str) -> String {
    format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[\n{series}\n]}}}}\n")
}

fn values(values: &str) -> String {
    matrix(&format!("{{{API},\"values\":[{values}]}}"))
}

fn gzip(text: impl std::io::Read) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(text, flate2::Compression::best())
        .read_to_end(&mut packed)
        .unwrap();
    packed
}

/// Runs the command on one file in an empty folder; gives what it said, and whether it wrote.
fn profile(name: &str, bytes: &[u8]) -> (String, bool) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(["profile", name, "-o", "profile.yaml"])
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(output.stdout.is_empty(), "{name}");
    let is_written = folder.path().join("profile.yaml").exists();
    assert_eq!(output.status.code(), Some(i32::from(!is_written)), "{name}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(
        left.len(),
        1 + usize::from(is_written),
        "{name}: nothing else is left behind"
    );
    (String::from_utf8(output.stderr).unwrap(), is_written)
}

#[test]
fn bad_exports_are_refused_in_words_and_nothing_is_written() {
    let head = "ts,metric,namespace,deployment,pod,container,value\n";
    let row = |at: &str, value: &str| format!("{at},cpu,shop,api,api-1,app,{value}\n");
    let plain = values(r#"[1700000000,"0.25"],[1700000300,"0.5"]"#);
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("truncated JSON", "cpu.json", plain[..plain.len() - 6].into()),
        ("cut in a number", "cpu.json", plain[..plain.find("0.5").unwrap() + 2].into()),
        ("cut gzip", "cpu.json.gz", gzip(plain.as_bytes())[..60].into()),
        ("a vector", "cpu.json", br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"api-1"},"value":[1700000000,"1"]}]}}"#.into()),
        ("a scalar", "cpu.json", br#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1"]}}"#.into()),
        ("streams of Loki", "cpu.json", br#"{"status":"success","data":{"resultType":"streams","result":[]}}"#.into()),
        ("native histograms", "cpu.json", matrix(&format!("{{{API},\"histograms\":[[1700000000,{{\"count\":\"1\"}}]]}}")).into()),
        ("a native histogram of promtool", "dump.txt", b"{__name__=\"cpu\", container=\"app\", namespace=\"shop\", pod=\"api-1\"} {count:5, sum:18.4} 1700000000000\n".into()),
        ("a failed query", "cpu.json", br#"{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}"#.into()),
        ("nothing matched", "cpu.json", matrix("").into()),
        ("absent values alone", "cpu.json", values(r#"[1700000000,"NaN"],[1700000300,"+Inf"]"#).into()),
        ("negative values alone", "cpu.json", values(r#"[1700000000,"-1"]"#).into()),
        ("a number that is none", "cpu.json", values(r#"[1700000000,"250m"]"#).into()),
        ("HTML", "cpu.json", b"<!DOCTYPE html><title>502 Bad Gateway</title>".into()),
        ("nothing", "cpu.json", Vec::new()),
        ("UTF-16", "cpu.csv", vec![0xff, 0xfe, b't', 0, b's', 0]),
        ("two units, one unknown", "rows.csv", format!("{}{}{}", head.replace("value", "value,unit"), "1700000000,cpu,shop,api,api-1,app,250,m\n", "1700000000,memory,shop,api,api-1,app,12,pages\n").into()),
        ("a unit in the column's name", "cpu.csv", head.replace("value", "cpu_millicores").replace("metric,", "").into_bytes()),
        ("a row too short", "rows.csv", format!("{head}{}1700000300,cpu\n", row("1700000000", "1")).into()),
        ("a time that is none", "rows.csv", format!("{head}{}", row("yesterday", "1")).into()),
        ("checkpoints without their VPAs", "checkpoints.json", br#"{"apiVersion":"v1","items":[{"apiVersion":"autoscaling.k8s.io/v1","kind":"VerticalPodAutoscalerCheckpoint","metadata":{"name":"api-app","namespace":"shop"},"spec":{"containerName":"app","vpaObjectName":"api"},"status":{"cpuHistogram":{"bucketWeights":{"0":10000},"totalWeight":12.5},"firstSampleStart":"2026-10-01T00:00:00Z","lastSampleStart":"2026-10-09T00:00:00Z","version":"v3"}}],"kind":"List"}"#.into()),
        ("krr", "krr.json", br#"{"scans":[{"object":{"name":"api"},"recommended":{"requests":{"cpu":{"value":0.01}}}}],"score":60}"#.into()),
        ("OpenCost, added up", "allocation.json", br#"{"code":200,"data":[{"api":{"name":"api","cpuCoreRequestAverage":0.1,"cpuCoreUsageAverage":0.02}}]}"#.into()),
        ("OpenCost's CSV", "allocation.csv", b"Date,Namespace,ControllerKind,ControllerName,Pod,Container,CPUCoreUsageAverage,CPUCoreRequestAverage,RAMBytesUsageAverage\n".into()),
        ("metrics-server", "top.json", br#"{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","items":[{"kind":"PodMetrics"}]}"#.into()),
    ];
    let mut told = String::new();
    for (case, name, bytes) in cases {
        let (said, is_written) = profile(name, &bytes);
        assert!(!is_written, "{case}: {said}");
        let _ = writeln!(told, "# {case}\n{said}");
    }
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("history__bad_exports", told);
    });
}

#[test]
fn odd_exports_are_read_and_what_was_done_is_said() {
    let cases = [
        (
            "milliseconds",
            values(r#"[1700000000000,"0.25"],[1700000300000,"0.5"]"#),
        ),
        ("times in 2099", values(r#"[4070908800,"0.25"],[4070909100,"0.5"]"#)),
        (
            "some absent, some negative",
            values(r#"[1700000000,"NaN"],[1700000300,"-1"],[1700000600,"0.5"]"#),
        ),
        (
            "twice and unordered",
            values(r#"[1700000300,"0.5"],[1700000000,"0.25"],[1700000300,"0.5"],[1700000000,"0.3"]"#),
        ),
        ("years apart", values(r#"[1600000000,"0.25"],[1700000300,"0.5"]"#)),
    ];
    let mut told = String::new();
    for (case, text) in cases {
        let (said, is_written) = profile("cpu.json", text.as_bytes());
        assert!(is_written, "{case}: {said}");
        let _ = writeln!(told, "# {case}\n{said}");
    }
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("history__odd_exports", told);
    });
}

#[test]
fn what_expands_without_end_is_refused_in_bounded_memory() {
    // 64 MB of blanks, of one string, of one row and of one line: 64 KB each
    let fill = |head: &'static str, byte: u8| gzip(head.as_bytes().chain(std::io::repeat(byte).take(64 << 20)));
    for (name, bytes, told) in [
        ("cpu.json.gz", fill("{\"data\":", b' '), "ends inside"),
        ("cpu.json.gz", fill("{\"status\":\"", b'x'), "a string is longer than"),
        ("cpu.csv.gz", fill("ts,value\n1,", b'1'), "a row is longer than"),
        ("cpu.txt.gz", fill("cpu{pod=\"a\"} ", b'1'), "a line is longer than"),
    ] {
        let read = trimtab::history::read(&input(name), Box::new(bytes.as_slice()));
        let notes = read.map(|_| ()).expect_err(told);
        assert!(notes[0].message.contains(told), "{notes:?}");
    }
}

#[test]
fn many_series_of_one_sample_are_all_counted() {
    const COUNT: usize = 20_000;
    let mut text = "ts,metric,namespace,deployment,pod,container,value\n".to_owned();
    for pod in 0..COUNT {
        let _ = writeln!(text, "1700000000,cpu,shop,api,api-{pod},app,0.{pod}");
    }
    let (series, notes) = series_of(&input("rows.csv"), &text).unwrap();
    assert_eq!((series.len(), notes.len()), (COUNT, 0));
}

#[test]
fn rows_may_each_name_their_unit() {
    let text = "ts,metric,namespace,pod,container,value,unit\n\
        1700000000,cpu,shop,api-1,app,250,m\n\
        1700000000,memory,shop,api-1,app,1.5,Mi\n\
        1700000300,cpu,shop,api-1,app,0.5,\n\
        1700000300,memory,shop,api-1,app,4096,bytes\n\
        1700000600,cpu,shop,api-1,app,7000000,nanocores\n";
    let (series, _) = series_of(&input("rows.csv"), text).unwrap();
    let found: Vec<Vec<u64>> = series
        .iter()
        .map(|one| one.samples.iter().map(|sample| sample.value).collect())
        .collect();
    assert_eq!(
        found,
        [vec![250_000_000, 500_000_000, 7_000_000], vec![1_572_864, 4096]]
    );
}
