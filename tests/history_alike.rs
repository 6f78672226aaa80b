//! One set of samples through every text format and compression, in chunks in any order: the same bytes of profile.

use crate::history_formats::input;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::Read as _;
use trimtab::history::owners::{Declared, Owners};
use trimtab::history::{Input, read};
use trimtab::profile::build::{Options, assemble};
use trimtab::profile::object::text;

/// 2026-10-05T00:00:00Z, a Monday.
const MONDAY: i64 = 1_791_158_400;
const CPU: &str = "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_rate";
const MEMORY: &str = "container_memory_working_set_bytes";

#[derive(Debug)]
struct Series {
    metric: &'static str,
    pod: String,
    /// Second and value, as the shortest text of a double.
    samples: Vec<(i64, f64)>,
}

impl Series {
    fn labels(&self) -> [(&str, &str); 5] {
        let pod = self.pod.as_str();
        [
            ("__name__", self.metric),
            ("container", "app"),
            ("deployment", "api"),
            ("namespace", "shop"),
            ("pod", pod),
        ]
    }

    fn json_labels(&self) -> String {
        let labels = self.labels().map(|(name, value)| format!(r#""{name}":"{value}""#));
        format!("{{{}}}", labels.join(","))
    }
}

/// The forms a part of the samples can take.
const FORMS: [fn(&[Series]) -> String; 7] = [matrix, bare_series, vm_lines, vm_csv, long_csv, openmetrics, dump];

/// `query_range` of Prometheus: values as texts, an exponent where Go writes one.
fn matrix(part: &[Series]) -> String {
    let series: Vec<_> = part.iter().map(one_of_matrix).collect();
    let result = series.join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#)
}

fn one_of_matrix(one: &Series) -> String {
    let go = |value: f64| {
        if value != 0.0 && value < 1e-6 {
            let text = format!("{value:e}");
            let (digits, exponent) = text.split_once("e-").unwrap();
            format!("{digits}e-{exponent:0>2}")
        } else {
            value.to_string()
        }
    };
    let pairs = one
        .samples
        .iter()
        .map(|&(at, value)| format!("[{at},\"{}\"]", go(value)));
    let pairs = pairs.collect::<Vec<_>>().join(",");
    format!(r#"{{"metric":{},"values":[{pairs}]}}"#, one.json_labels())
}

fn bare_series(part: &[Series]) -> String {
    format!(
        "[\n{}\n]\n",
        part.iter().map(one_of_matrix).collect::<Vec<_>>().join(",\n")
    )
}

fn vm_lines(part: &[Series]) -> String {
    let line = |one: &Series| {
        let values: Vec<_> = one.samples.iter().map(|(_, value)| format!("{value}")).collect();
        let times: Vec<_> = one.samples.iter().map(|(at, _)| format!("{at}000")).collect();
        let (values, times) = (values.join(","), times.join(","));
        format!(
            "{{\"metric\":{},\"values\":[{values}],\"timestamps\":[{times}]}}\n",
            one.json_labels()
        )
    };
    part.iter().map(line).collect()
}

const VM_COLUMNS: &str = "__name__,namespace,deployment,pod,container,__value__,__timestamp__:unix_s";

/// VictoriaMetrics' CSV, which has no header line.
fn vm_csv(part: &[Series]) -> String {
    let mut text = String::new();
    for one in part {
        for (at, value) in &one.samples {
            let _ = writeln!(text, "{},shop,api,{},app,{value},{at}", one.metric, one.pod);
        }
    }
    text
}

/// A lake's table, sorted by time and not by series.
fn long_csv(part: &[Series]) -> String {
    let mut rows: Vec<_> = part
        .iter()
        .flat_map(|one| {
            one.samples
                .iter()
                .map(move |&(at, value)| (at, &one.pod, one.metric, value))
        })
        .collect();
    rows.sort_by(|one, next| (one.0, one.1).cmp(&(next.0, next.1)));
    let mut text = "value;timestamp;metric;kube_namespace;kube_deployment;pod_name;container_name\r\n".to_owned();
    for (at, pod, metric, value) in rows {
        let _ = write!(text, "{value:e};{at}000;{metric};shop;api;{pod};app\r\n");
    }
    text
}

fn openmetrics(part: &[Series]) -> String {
    let mut text = String::new();
    for one in part {
        let _ = writeln!(text, "# TYPE {} gauge", one.metric);
        let labels = one.labels().map(|(name, value)| format!("{name}=\"{value}\""));
        for (at, value) in &one.samples {
            let _ = writeln!(text, "{}{{{}}} {value} {at}.000", one.metric, labels[1..].join(","));
        }
    }
    text + "# EOF\n"
}

fn dump(part: &[Series]) -> String {
    let mut text = String::new();
    for one in part {
        let labels = one
            .labels()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .join(", ");
        for (at, value) in &one.samples {
            let _ = writeln!(text, "{{{labels}}} {value:e} {at}000");
        }
    }
    text
}

fn packed(text: &str, packing: usize) -> Vec<u8> {
    let mut out = Vec::new();
    match packing {
        1 => {
            let mut gzip = flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast());
            gzip.read_to_end(&mut out).unwrap();
        }
        2 => out = ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest),
        _ => out.extend_from_slice(text.as_bytes()),
    }
    out
}

fn profile(files: &[(Vec<u8>, bool)]) -> String {
    let reads = files.iter().map(|(bytes, is_headless)| {
        let columns = VM_COLUMNS.split(',').map(str::to_owned);
        let stated = Input {
            header: if *is_headless { columns.collect() } else { Vec::new() },
            ..input("export")
        };
        read(&stated, Box::new(bytes.as_slice())).unwrap()
    });
    let options = Options {
        step_s: 300,
        ..Options::default()
    };
    let built = assemble(reads.collect(), Owners::default(), Declared::default(), &options).unwrap();
    text(&built.profiles).unwrap()
}

/// Whether it is CPU, its first step, and gap, size and digits of each sample.
type Pod = (bool, i64, Vec<(i64, u32, u64)>);

prop_compose! {
    fn series()(
        pods in prop::collection::vec((
            any::<bool>(),
            0i64..600,
            prop::collection::vec((1i64..4, 0u32..4, 0u64..1 << 53), 1..30),
        ), 1..5),
    ) -> Vec<Series> {
        let one = |(pod, (is_cpu, start, steps)): (usize, Pod)| {
            let mut at = MONDAY + start * 300;
            let samples = steps.into_iter().map(|(gap, size, bits)| {
                at += 300 * gap;
                // amounts of all sizes, down to what is written with an exponent
                let value = f64::from(u32::try_from(bits >> 21).unwrap()) / 10f64.powi(i32::try_from(size * 4).unwrap());
                (at, if is_cpu { value / 1e6 } else { value.floor() })
            });
            Series { metric: if is_cpu { CPU } else { MEMORY }, pod: format!("api-{pod}"), samples: samples.collect() }
        };
        pods.into_iter().enumerate().map(one).collect()
    }
}

/// Cuts every series by time; neighbours share their boundary sample, as answers of `query_range` do.
fn chunks(all: &[Series], parts: usize) -> Vec<Vec<Series>> {
    let part = |place: usize| {
        let of = |one: &Series| {
            let length = one.samples.len().div_ceil(parts);
            let start = (place * length).min(one.samples.len());
            let end = (start + length + 1).min(one.samples.len());
            let samples = one.samples[start..end].to_vec();
            let (metric, pod) = (one.metric, one.pod.clone());
            (!samples.is_empty()).then_some(Series { metric, pod, samples })
        };
        all.iter().filter_map(of).collect()
    };
    (0..parts)
        .map(part)
        .filter(|part: &Vec<Series>| !part.is_empty())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_form_of_the_same_samples_gives_the_same_profile(
        all in series(),
        parts in 1usize..4,
        turn in 0usize..4,
        mix in prop::collection::vec((0usize..7, 0usize..3), 4),
    ) {
        let whole = profile(&[(matrix(&all).into_bytes(), false)]);
        for (form, write) in FORMS.iter().enumerate() {
            let packing = (form + turn) % 3;
            let found = profile(&[(packed(&write(&all), packing), form == 3)]);
            prop_assert_eq!(&found, &whole, "form {}, packing {}", form, packing);
        }
        // each chunk in a form of its own, in another order
        let mut files: Vec<_> = chunks(&all, parts)
            .iter()
            .zip(&mix)
            .map(|(chunk, &(form, packing))| (packed(&FORMS[form](chunk), packing), form == 3))
            .collect();
        let turn = turn % files.len();
        files.rotate_left(turn);
        prop_assert_eq!(profile(&files), whole, "{:?} turned by {}", mix, turn);
    }
}
