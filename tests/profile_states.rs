//! States of other programs in a profile (`--with-state`): the same as these programs keep, and nothing else changes.

use crate::sealed::{assert_ends, trimtab};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use trimtab::history::clean::{Series, SeriesName};
use trimtab::history::owners::{Declared, Owners, WorkloadKey};
use trimtab::history::samples::{Named, Sample};
use trimtab::history::signal::Signal;
use trimtab::profile::build::{Options, build};
use trimtab::profile::demand::Columns;
use trimtab::profile::object::text;
use trimtab::profile::opened::{Asked, ProfileStream};
use trimtab::profile::ordered::WithState;
use trimtab::profile::ordered::vpa::VpaState;
use trimtab::profile::{Profile, WorkloadHistory};
use trimtab::strategy::recommender::{Amounts, recommend};

/// 2026-10-05T00:00:00Z, a Monday.
const START_MS: i64 = 1_791_158_400_000;
const SECOND_MS: i64 = 1000;
const DAY_MS: i64 = 86_400_000;
const WITH_VPA: WithState = WithState { vpa: true, krr: false };

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The recommender's own packages.
fn recommender(command: &str, input: &str) -> String {
    let tool = root().join(".tools/bin/vpa-history");
    assert!(tool.exists(), "{} is missing: run `make tools`", tool.display());
    let mut child = Command::new(tool)
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn profile(series: &[Series], with_state: WithState) -> Profile {
    let options = Options {
        step_s: 300,
        with_state,
        ..Options::default()
    };
    let recorded = series.iter().cloned().collect();
    let built = build(&recorded, Owners::default(), Declared::default(), &options).unwrap();
    let text = text(&built.profiles).unwrap();
    let mut profiles = ProfileStream::from(text).read().unwrap();
    assert_eq!(profiles.len(), 1);
    profiles.remove(0)
}

fn series(signal: Signal, [workload, container, pod]: [&str; 3], samples: Vec<Sample>) -> Series {
    let name = SeriesName {
        signal,
        namespace: "shop".into(),
        workload: Some(Named {
            kind: Some("Deployment".into()),
            name: workload.into(),
        }),
        pod: pod.into(),
        container: container.into(),
    };
    Series { name, samples }
}

/// Series as the tool reads them, in the order that a profile takes them: by their first samples, then by pods.
fn told(all: &[Series]) -> String {
    let mut all: Vec<&Series> = all.iter().filter(|one| !one.samples.is_empty()).collect();
    all.sort_by_key(|one| (one.samples[0].at_ms, one.name.pod.clone()));
    let mut out = String::new();
    for one in all {
        let SeriesName {
            workload,
            container,
            pod,
            signal,
            ..
        } = &one.name;
        let workload = &workload.as_ref().unwrap().name;
        writeln!(out, "= {workload} {container} {pod} {signal}").unwrap();
        for Sample { at_ms, value } in &one.samples {
            match signal {
                Signal::Cpu => writeln!(out, "{at_ms} {}.{:09}", value / 1_000_000_000, value % 1_000_000_000),
                _ => writeln!(out, "{at_ms} {value}"),
            }
            .unwrap();
        }
    }
    out
}

/// A line of the tool's answer, from a profile.
fn answer(workload: &WorkloadHistory, name: &str, container: &str) -> String {
    let state = |signal| {
        workload
            .signal(container, signal)
            .and_then(|known| known.ordered.vpa.as_ref())
    };
    let (cpu, memory) = (state(Signal::Cpu), state(Signal::Memory));
    let all = recommend(cpu, memory, workload.containers().len());
    let of = |of: fn(Amounts) -> u64| {
        [all.target, all.lower, all.upper]
            .map(|amounts| of(amounts).to_string())
            .join(" ")
    };
    let (millicores, bytes) = (of(|amounts| amounts.millicores), of(|amounts| amounts.bytes));
    let kept = |state: Option<&VpaState>| state.map_or_else(String::new, kept);
    format!(
        "{name} {container} cpu {millicores} {} memory {bytes} {}",
        kept(cpu),
        kept(memory)
    )
}

fn kept(state: &VpaState) -> String {
    let bits = |weight: f64| format!("{:016x}", weight.to_bits());
    let weights: Vec<String> = state.weights.iter().map(|weight| bits(weight.get())).collect();
    let (reference, total) = (state.reference.start_s(), bits(state.total.get()));
    format!("{reference}:{total}:{}:{}", state.first_bucket, weights.join(","))
}

/// Percentiles at which the weights up to some bucket are the wanted share but for rounding: there its last bit decides.
fn ties(state: &VpaState) -> usize {
    let total = state.total.get();
    let is_tie = |share: &&f64| {
        let mut partial = 0.0;
        state.weights.iter().any(|weight| {
            partial += weight.get();
            (partial / total - **share).abs() < 1e-12
        })
    };
    [0.5, 0.9, 0.95].iter().filter(is_tie).count()
}

/// `SplitMix64`: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// Amounts of one pod: flat, spread over octaves, or about the edges of buckets.
    fn values(&mut self, edges: &[u64]) -> impl FnMut(&mut Self) -> u64 + use<> {
        // millicores, or millions of bytes
        let (kind, level) = (self.below(4), 1_000_000 * (1 + self.below(2000)));
        let edges = edges.to_vec();
        move |random| match kind {
            0 => level,
            1 => level + random.below(level + 1),
            2 => random.next() >> (20 + random.below(40)),
            _ => (random.pick(&edges) + 1).saturating_sub(random.below(3)),
        }
    }

    fn pod(&mut self, start_ms: i64, edges: &[u64]) -> Vec<Sample> {
        let step_ms = self.pick(&[15, 60, 300, 3600, 21_600, 86_400]) * SECOND_MS;
        let count = 1 + self.below(60);
        let mut at_ms = start_ms + self.pick(&[0, 0, 1, 333]) + i64::try_from(self.below(3)).unwrap() * 43_200_000;
        let mut values = self.values(edges);
        let mut samples = Vec::new();
        for _ in 0..count {
            samples.push(Sample {
                at_ms,
                value: values(self),
            });
            // now and then a gap of days, and once in a while one that moves the reference
            let gap = self.below(400);
            at_ms += match gap {
                0 => 101 * DAY_MS,
                1..12 => i64::try_from(gap).unwrap() * DAY_MS,
                12..40 => step_ms * 3,
                _ => step_ms,
            };
        }
        samples
    }
}

/// Least amounts of buckets, in nano-cores and bytes.
fn edges() -> BTreeMap<Signal, Vec<u64>> {
    let answer = recommender("buckets", "");
    let column = |place: usize, unit: u64| -> Vec<u64> {
        let least = answer.lines().map(|line| line.split(' ').nth(place).unwrap());
        least.map(|least| least.parse::<u64>().unwrap() * unit).collect()
    };
    [(Signal::Cpu, column(0, 1_000_000)), (Signal::Memory, column(1, 1))].into()
}

fn random_series(workloads: usize) -> Vec<Series> {
    let (mut random, edges, mut all) = (Random(4), edges(), Vec::new());
    for place in 0..workloads {
        let (name, start_ms) = (
            format!("w{place:05}"),
            START_MS + i64::try_from(random.below(40)).unwrap() * DAY_MS,
        );
        for container in 0..=random.below(3) {
            for pod in 0..=random.pick(&[0, 0, 1, 2, 4]) {
                let (container, pod) = (format!("c{container}"), format!("{name}-{pod}"));
                let of = [&*name, &*container, &*pod];
                // some have no CPU, or no memory
                let has = random.below(40);
                for signal in [Signal::Cpu, Signal::Memory] {
                    if has > 1 || (has == 1) == (signal == Signal::Cpu) {
                        all.push(series(signal, of, random.pod(start_ms, &edges[&signal])));
                    }
                }
            }
        }
    }
    all
}

/// Compares every state and number with the recommender's own; returns containers, samples and ties.
fn compare(all: &[Series], profile: &Profile) -> [usize; 3] {
    let answers = recommender("recommend", &told(all));
    let (mut containers, mut at_ties) = (0, 0);
    for theirs in answers.lines() {
        let mut words = theirs.split(' ');
        let (name, container) = (words.next().unwrap(), words.next().unwrap());
        let workload = &profile.workloads[&WorkloadKey::new("Deployment", name)];
        let ours = answer(workload, name, container);
        // an empty histogram is told there by one bucket that counts as none
        let theirs: Vec<&str> = theirs.split(' ').collect();
        for (ours, theirs) in ours.split(' ').zip(&theirs) {
            assert!(
                ours == *theirs || (ours.is_empty() && theirs.starts_with('-')),
                "{ours}\n{theirs:?}"
            );
        }
        containers += 1;
        let signals = [Signal::Cpu, Signal::Memory].map(|signal| workload.signal(container, signal));
        let states = signals.iter().flatten().filter_map(|known| known.ordered.vpa.as_ref());
        at_ties += states.map(ties).sum::<usize>();
    }
    [containers, all.iter().map(|one| one.samples.len()).sum(), at_ties]
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "what was compared, for those who ask with --nocapture"
)]
fn vpa_states_are_those_of_the_recommender_to_the_bit() {
    let all = random_series(1300);
    let [containers, samples, ties] = compare(&all, &profile(&all, WITH_VPA));
    println!(
        "{containers} containers, {} series, {samples} samples, {ties} percentiles at a tie: all equal",
        all.len()
    );
    assert!(all.len() >= 10_000 && ties > 0);
}

#[test]
fn buckets_begin_at_the_same_amounts() {
    let answer = recommender("buckets", "");
    // one container for each bucket and side of its edge: the state tells the bucket
    let mut all = Vec::new();
    for (bucket, line) in answer.lines().enumerate() {
        let least: Vec<u64> = line.split(' ').take(2).map(|word| word.parse().unwrap()).collect();
        // half a millicore more: the recommender cuts what is computed from cores
        for (signal, edge, unit, more) in [
            (Signal::Cpu, least[0], 1_000_000, 500_000),
            (Signal::Memory, least[1], 1, 0),
        ] {
            for below in 0..=u64::from(bucket > 0) {
                let name = format!("b{bucket}-{below}");
                let value = (edge - below) * unit + more;
                all.push(series(
                    signal,
                    [&name, "app", "pod"],
                    vec![Sample { at_ms: START_MS, value }],
                ));
            }
        }
    }
    let profile = profile(&all, WITH_VPA);
    for (key, workload) in &profile.workloads {
        let (bucket, below) = key.name[1..].split_once('-').unwrap();
        let (bucket, below): (usize, usize) = (bucket.parse().unwrap(), below.parse().unwrap());
        for signal in [Signal::Cpu, Signal::Memory] {
            let state = workload.signal("app", signal).unwrap().ordered.vpa.as_ref().unwrap();
            assert_eq!(state.first_bucket, bucket - below, "{key} {signal}");
        }
    }
    assert_eq!(profile.workloads.len(), 2 * 176 - 1);
}

/// A folder of its own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("profile_states").join(name);
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

const HISTORY: &str = "overlays-example/history/production";

/// The example's recorded history as a profile in this file, made with these flags.
fn recorded(to: &Path, exports: &[&str], flags: &[&str]) -> String {
    let owners = ["kube_pod_owner.json", "kube_replicaset_owner.json"].map(|file| format!("{HISTORY}/{file}"));
    let mut args = vec!["profile".to_owned(), "-o".to_owned(), to.display().to_string()];
    args.extend(exports.iter().map(|file| format!("{HISTORY}/{file}.json.gz")));
    args.extend(owners.into_iter().flat_map(|file| ["--owners".to_owned(), file]));
    args.extend(flags.iter().map(|&flag| flag.to_owned()));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    assert_ends(&trimtab(root(), &args), 0, &[]);
    std::fs::read_to_string(to).unwrap()
}

const BOTH: [&str; 2] = ["cpu_cores", "memory_working_set_bytes"];

fn read(text: &str) -> Profile {
    let mut profiles = ProfileStream::from(text.to_owned()).read().unwrap();
    assert_eq!(profiles.len(), 1);
    profiles.remove(0)
}

/// The series of an export of the example, as the tool reads them, with its text of each value.
fn told_of_file(file: &str, signal: Signal, profile: &Profile, out: &mut Vec<(i64, String, String)>) {
    let bytes = std::fs::read(root().join(format!("{HISTORY}/{file}.json.gz"))).unwrap();
    let answer: serde_json::Value = serde_json::from_reader(flate2::read::GzDecoder::new(&*bytes)).unwrap();
    for one in answer["data"]["result"].as_array().unwrap() {
        let label = |name: &str| one["metric"][name].as_str().unwrap();
        let names = profile.workloads.keys().map(|key| key.name.as_str());
        let owners = names.filter(|name| label("pod").starts_with(&format!("{name}-")));
        let workload = owners.max_by_key(|name| name.len()).unwrap();
        let mut text = format!("= {workload} {} {} {signal}\n", label("container"), label("pod"));
        let values = one["values"].as_array().unwrap();
        for value in values {
            let second = value[0].as_i64().unwrap();
            writeln!(text, "{} {}", second * 1000, value[1].as_str().unwrap()).unwrap();
        }
        out.push((values[0][0].as_i64().unwrap(), label("pod").to_owned(), text));
    }
}

#[test]
fn recorded_series_give_the_recommender_s_own_numbers() {
    let folder = folder("recorded");
    let profile = read(&recorded(&folder.join("profile.yaml"), &BOTH, &["--with-state", "vpa"]));
    let mut all = Vec::new();
    for (file, signal) in BOTH.iter().zip([Signal::Cpu, Signal::Memory]) {
        told_of_file(file, signal, &profile, &mut all);
    }
    all.sort();
    let told: String = all.into_iter().map(|(.., text)| text).collect();
    let answers = recommender("recommend", &told);
    assert!(answers.lines().count() >= 10);
    for theirs in answers.lines() {
        let mut words = theirs.split(' ');
        let (name, container) = (words.next().unwrap(), words.next().unwrap());
        let workload = &profile.workloads[&WorkloadKey::new("Deployment", name)];
        assert_eq!(answer(workload, name, container), theirs);
    }
}

/// The lines of a profile's data.
fn lines(text: &str) -> Vec<&str> {
    let lines = text
        .lines()
        .skip_while(|line| !line.contains("trimtab-profile v1"))
        .skip(1);
    lines.map(str::trim).collect()
}

fn is_state(line: &&str) -> bool {
    line.split(' ')
        .nth(2)
        .and_then(|record| record.split('.').nth(1))
        .is_some_and(|of| of == "vpa" || of == "krr")
}

#[test]
fn states_are_lines_of_their_own_and_nothing_else_changes() {
    let folder = folder("lines");
    let plain = recorded(&folder.join("plain.yaml"), &BOTH, &[]);
    let kept = recorded(&folder.join("kept.yaml"), &BOTH, &["--with-state", "vpa,krr"]);
    let (states, others): (Vec<&str>, Vec<&str>) = lines(&kept).into_iter().partition(is_state);
    assert_eq!(others, lines(&plain));
    // four for each container that has both signals
    assert_eq!(states.len() % 2, 0);
    assert!(states.iter().all(|line| line.len() < 900), "{states:#?}");
    let mean = states.iter().map(|line| line.len()).sum::<usize>() / states.len();
    assert!(mean < 300, "{mean} bytes a line");
    let krr = recorded(&folder.join("krr.yaml"), &BOTH, &["--with-state", "krr"]);
    let krr = lines(&krr);
    assert!(krr.iter().any(|line| line.contains(" cpu.krr ")) && !krr.iter().any(|line| line.contains(".vpa ")));
    // whoever plans reads as much as without them
    let key = WorkloadKey::new("Deployment", "frontend");
    let planned = |text: &str| {
        let asked = Asked::Plan { memory: Columns::Ends };
        let texts = ProfileStream::from(text.to_owned()).open().unwrap();
        texts[0].workload(&key, asked).unwrap().unwrap()
    };
    assert_eq!(planned(&kept), planned(&plain));
}

#[test]
fn parts_by_workload_or_signal_keep_their_states() {
    let folder = folder("parts");
    let flags = ["--with-state", "vpa,krr"];
    let whole = recorded(&folder.join("whole.yaml"), &BOTH, &flags);
    for (place, export) in BOTH.iter().enumerate() {
        let to = folder.join(format!("part-{place}.yaml"));
        recorded(&to, &[export], &["--with-state", "vpa,krr", "--shard"]);
    }
    assert_ends(
        &trimtab(
            &folder,
            &["profile", "merge", "part-1.yaml", "part-0.yaml", "-o", "merged.yaml"],
        ),
        0,
        &[],
    );
    assert_eq!(std::fs::read_to_string(folder.join("merged.yaml")).unwrap(), whole);
}

/// A table of one pod's CPU on two days, cut into one file for each.
fn two_days(folder: &Path) {
    for (day, file) in ["one.csv", "two.csv"].iter().enumerate() {
        let mut text = "time,metric,namespace,deployment,pod,container,value\n".to_owned();
        for step in 1..=288 {
            let at = START_MS / 1000 + i64::try_from(day).unwrap() * 86_400 + 300 * step;
            let pod = "api-5d4f7c6b9-x2x4z";
            writeln!(text, "{at},cpu,shop,api,{pod},app,0.{:03}", 100 + (step * 7 + 13) % 50).unwrap();
        }
        std::fs::write(folder.join(file), text).unwrap();
    }
}

#[test]
fn a_workload_s_states_do_not_add_up() {
    let folder = folder("days");
    two_days(&folder);
    let made = |args: &[&str]| trimtab(&folder, &[&["profile"], args].concat());
    for (file, to) in [("one.csv", "one"), ("two.csv", "two")] {
        assert_ends(
            &made(&[
                file,
                "--with-state",
                "vpa",
                "--shard",
                "-o",
                &format!("{to}-shard.yaml"),
            ]),
            0,
            &[],
        );
        assert_ends(
            &made(&[file, "--with-state", "vpa", "-o", &format!("{to}.yaml")]),
            0,
            &[],
        );
        assert_ends(&made(&[file, "--shard", "-o", &format!("{to}-plain.yaml")]), 0, &[]);
        assert_ends(&made(&[file, "-o", &format!("{to}-none.yaml")]), 0, &[]);
    }
    // shards: none may pass for the state of all, whichever of them has one
    for other in ["two-shard.yaml", "two-plain.yaml"] {
        let refused = made(&["merge", "one-shard.yaml", other, "-o", "merged.yaml"]);
        assert_ends(
            &refused,
            1,
            &["error[merge-states]: `cpu` of Deployment/api container `app` is in several parts"],
        );
        assert!(!folder.join("merged.yaml").exists());
    }
    // finished profiles lose it, and nothing else
    let merged = made(&["merge", "two.yaml", "one.yaml", "-o", "merged.yaml"]);
    assert_ends(&merged, 0, &["warning[merge-states]"]);
    assert_ends(
        &made(&["merge", "two-none.yaml", "one-none.yaml", "-o", "none.yaml"]),
        0,
        &[],
    );
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(text("merged.yaml"), text("none.yaml"));
    // the same samples again: the one that has a state stays
    let again = made(&["merge", "one-none.yaml", "one.yaml", "-o", "again.yaml"]);
    assert_ends(&again, 0, &[]);
    assert_eq!(text("again.yaml"), text("one.yaml"));
}

#[test]
fn states_are_shown_with_the_percentiles_that_they_tell() {
    let folder = folder("shown");
    two_days(&folder);
    assert_ends(
        &trimtab(
            &folder,
            &["profile", "one.csv", "--with-state", "vpa,krr", "-o", "one.yaml"],
        ),
        0,
        &[],
    );
    let shown = trimtab(&folder, &["profile", "show", "one.yaml"]);
    assert_ends(&shown, 0, &[]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    // 100 to 149 millicores, about evenly; the recommender's buckets end at 125, 142 and 159
    let row = |of: &str| {
        let of = format!(" {of} ");
        let row = shown
            .lines()
            .find(|line| line.contains(&of))
            .unwrap_or_else(|| panic!("{shown}"));
        row.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        row("krr")[3..],
        ["krr", "288", "2026-10-06T00:00:00Z", "125m", "145m", "147m", "149m"]
    );
    assert_eq!(
        row("vpa")[3..],
        ["vpa", "288", "2026-10-06T00:00:00Z", "125m", "159m", "159m", "-"],
        "{shown}"
    );
    let json = trimtab(&folder, &["profile", "show", "one.yaml", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let signal = &json["profiles"][0]["workloads"]["Deployment/api"]["signals"][0];
    assert_eq!(signal["krr"]["p95"], "147m");
    assert_eq!(signal["vpa"]["samples"], 288);
}

/// Where the first rate of a counter stands is not known before it is read: its distance to the first reading depends on
/// what came first.
#[test]
fn a_state_is_the_same_in_any_order_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let counter = |pod: &str, readings: &str| {
        let labels =
            r#""__name__":"container_cpu_usage_seconds_total","namespace":"shop","deployment":"api","container":"app""#;
        format!(r#"{{"metric":{{{labels},"pod":"{pod}"}},"values":[{readings}]}}"#)
    };
    let first = [
        counter("a", r#"[1633737600,"879.4891977082202"],[1633737630,"879.489198"]"#),
        counter(
            "c",
            r#"[1633741247,"324.0452879713215"],[1633741277,"324.0452879713215"]"#,
        ),
    ];
    let second = [counter(
        "c",
        r#"[1633737600,"411"],[1633737615,"425.3774098665928"],[1633737630,"425.3774098665928"]"#,
    )];
    for (name, series) in [("first.json", first.join(",")), ("second.json", second.join(","))] {
        let text = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#);
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let profile = |files: [&str; 2]| {
        let output = trimtab(
            folder.path(),
            &["profile", files[0], files[1], "--with-state", "vpa", "-o", "-"],
        );
        assert_ends(&output, 0, &[]);
        String::from_utf8(output.stdout).unwrap()
    };
    let one = profile(["first.json", "second.json"]);
    assert!(one.contains("cpu.vpa"), "{one}");
    assert_eq!(one, profile(["second.json", "first.json"]));
}
