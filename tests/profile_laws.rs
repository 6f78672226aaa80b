//! Laws of the usage profile: what is written reads back, and any partition of the input gives the same lines.

use proptest::prelude::*;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use trimtab::history::clean::{Series, SeriesName};
use trimtab::history::owners::{Declared, Owners, WorkloadKey};
use trimtab::history::samples::{Named, Sample};
use trimtab::history::signal::Signal;
use trimtab::history::spool::Stored;
use trimtab::profile::build::{Options, build};
use trimtab::profile::merge::merge;
use trimtab::profile::object::{ProfileError, text, to_object, to_text};
use trimtab::profile::opened::{Asked, ProfileStream, ProfileText, from_object};
use trimtab::profile::{Profile, finish};

/// 2026-10-05T00:00:00Z, a Monday.
const START_S: i64 = 1_791_158_400;

fn options(shard: bool) -> Options {
    Options {
        environment: Some("test".into()),
        step_s: 300,
        shard,
        ..Options::default()
    }
}

fn profiles(series: &[Series], shard: bool) -> Vec<Profile> {
    let recorded = series.iter().cloned().collect();
    let built = build(&recorded, Owners::default(), Declared::default(), &options(shard))
        .expect("series with workload labels resolve");
    let texts = built
        .profiles
        .iter()
        .map(|one| text(std::slice::from_ref(one)).unwrap());
    texts
        .flat_map(|text| read_text(&text).expect("what is written reads back"))
        .collect()
}

fn series(signal: Signal, workload: &str, pod: usize, samples: Vec<Sample>) -> Series {
    let name = SeriesName {
        signal,
        namespace: "shop".into(),
        workload: Some(Named {
            kind: Some("Deployment".into()),
            name: workload.into(),
        }),
        pod: format!("{workload}-{pod}").into(),
        container: if signal.is_of_container() {
            "app".into()
        } else {
            "".into()
        },
    };
    Series { name, samples }
}

prop_compose! {
    /// Up to four series of one signal on a grid of one, five or fifteen minutes, with gaps, over up to six weeks.
    fn of_signal(signal: Signal)(
        step in prop::sample::select(vec![60i64, 300, 900]),
        offset in 0i64..60,
        pods in prop::collection::vec(
            (0i64..4000, prop::collection::vec((1i64..4, 0u64..5_000_000_000), 1..60)), 1..5),
    ) -> Vec<Series> {
        pods.into_iter().enumerate().map(|(pod, (start, values))| {
            let mut at = START_S + offset + start * step;
            let samples = values.into_iter().map(|(gap, value)| {
                // now and then a gap of days
                at += step * if value % 31 == 0 { gap * 700 } else { gap };
                Sample { at_ms: at * 1000, value }
            });
            series(signal, if pod % 2 == 0 { "api" } else { "cart" }, pod, samples.collect())
        }).collect()
    }
}

fn all_series() -> impl Strategy<Value = Vec<Series>> {
    [
        Signal::Cpu,
        Signal::Latency,
        Signal::Replicas,
        Signal::Restarts,
        Signal::Throttling,
    ]
    .map(of_signal)
    .prop_map(|signals| signals.concat())
}

/// Deals samples to `parts` shards: by series, and within each by blocks of time cut at whole cells.
fn deal(all: &[Series], parts: usize, choices: &[usize], block_s: i64) -> Vec<Vec<Series>> {
    let mut shards = vec![Vec::new(); parts];
    for (place, one) in all.iter().enumerate() {
        for (shard, members) in shards.iter_mut().enumerate() {
            let mine = |sample: &&Sample| {
                let block = usize::try_from((sample.at_ms - 1).div_euclid(block_s * 1000)).unwrap();
                choices[(place * 7 + block) % choices.len()] % parts == shard
            };
            let samples: Vec<Sample> = one.samples.iter().filter(mine).copied().collect();
            if !samples.is_empty() {
                members.push(Series { samples, ..one.clone() });
            }
        }
    }
    shards
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_partition_merged_in_any_order_gives_the_same_profile(
        all in all_series(),
        parts in 2usize..5,
        choices in prop::collection::vec(0usize..60, 1..9),
        block_s in prop::sample::select(vec![300i64, 3_600, 86_400, 604_800]),
        rotate in 0usize..5,
    ) {
        // at a sample each fifteen minutes, cells of five are cut between samples all the same
        let whole = profiles(&all, false);
        let mut shards: Vec<Profile> = deal(&all, parts, &choices, block_s).iter().flat_map(|part| profiles(part, true)).collect();
        let turn = rotate % shards.len();
        shards.rotate_left(turn);
        // through the text, as shards travel
        let shards: Vec<Profile> = shards.iter().map(read_back).collect();
        let half = shards.len() / 2;
        let (left, right) = (merge(shards[..half].to_vec(), true).unwrap(), merge(shards[half..].to_vec(), true).unwrap());
        let stepwise = merge([left, right].concat(), false).unwrap();
        prop_assert_eq!(to_text(&stepwise), to_text(&whole));
        prop_assert_eq!(to_text(&merge(shards, false).unwrap()), to_text(&whole));
    }

    #[test]
    fn a_profile_reads_back_as_it_was(all in all_series(), shard in any::<bool>()) {
        for profile in profiles(&all, shard) {
            prop_assert_eq!(&read_back(&profile), &profile);
            let object = to_object(&profile);
            prop_assert_eq!(&from_object(&object).unwrap().read().unwrap(), &profile);
            if !shard {
                prop_assert_eq!(finish(profile.clone()), profile, "finishing twice changes nothing");
            }
        }
    }

    #[test]
    fn bisection_finds_each_workload_and_no_other(all in all_series(), names in prop::collection::btree_set("[a-z][a-z0-9-]{0,6}[a-z]", 1..20)) {
        let mut renamed = all;
        let names: Vec<_> = names.into_iter().collect();
        for (place, one) in renamed.iter_mut().enumerate() {
            let name = names[place % names.len()].as_str();
            one.name.workload.as_mut().unwrap().name = name.into();
        }
        let profile = profiles(&renamed, false).remove(0);
        let text = to_text(std::slice::from_ref(&profile));
        let opened = open(&text).unwrap().remove(0);
        for name in names.iter().chain(&["a".to_owned(), "zzzzzzzzzz".to_owned()]) {
            let key = WorkloadKey::new("Deployment", name.clone());
            let found = opened.workload(&key, Asked::Everything).unwrap();
            prop_assert_eq!(found.as_ref(), profile.workloads.get(&key));
        }
        prop_assert_eq!(opened.workload(&WorkloadKey::new("CronJob", "a"), Asked::Everything).unwrap(), None);
    }
}

fn read_back(profile: &Profile) -> Profile {
    let text = to_text(std::slice::from_ref(profile));
    let mut read: Vec<Profile> = open(&text).unwrap().iter().map(|text| text.read().unwrap()).collect();
    assert_eq!(read.len(), 1);
    read.remove(0)
}

fn hour(signal: Signal, pod: usize, from: i64, values: &[u64]) -> Series {
    let at = |place: usize| (START_S + from + 300 * (i64::try_from(place).unwrap() + 1)) * 1000;
    series(
        signal,
        "api",
        pod,
        values
            .iter()
            .enumerate()
            .map(|(place, &value)| Sample {
                at_ms: at(place),
                value,
            })
            .collect(),
    )
}

#[test]
fn finished_profiles_merge_only_where_they_know_different_time() {
    let [first, second] =
        [0, 900].map(|from| profiles(&[hour(Signal::Cpu, 1, from, &[100, 200, 300])], false).remove(0));
    let both = profiles(&[hour(Signal::Cpu, 1, 0, &[100, 200, 300, 100, 200, 300])], false);
    assert_eq!(
        to_text(&merge(vec![second, first.clone()], false).unwrap()),
        to_text(&both)
    );

    let other_pod = profiles(&[hour(Signal::Cpu, 2, 0, &[100])], false).remove(0);
    let error = merge(vec![first.clone(), other_pod], false).unwrap_err();
    assert_eq!(error.code.as_str(), "merge-overlap");
    assert!(error.help.contains("--shard"), "{}", error.help);

    assert_eq!(
        merge(vec![first.clone(), first.clone()], false).unwrap(),
        [first],
        "the same part twice says nothing new"
    );
}

#[test]
fn shards_that_share_a_sample_are_refused() {
    // what query_range does: both ends inclusive, so the third sample is in both chunks
    let chunk = |from, values: &[u64]| profiles(&[hour(Signal::Cpu, 1, from, values)], true).remove(0);
    let error = merge(vec![chunk(0, &[1, 2, 3]), chunk(600, &[3, 4])], false).unwrap_err();
    assert_eq!(error.code.as_str(), "merge-overlap");
    assert!(error.message.contains("2026-10-05T00:15:00Z"), "{}", error.message);
}

#[test]
fn shards_on_different_grids_are_refused() {
    let shifted = |shift: i64| {
        let mut one = hour(Signal::Cpu, usize::try_from(shift).unwrap(), 0, &[1, 2, 3]);
        one.samples.iter_mut().for_each(|sample| sample.at_ms += shift * 1000);
        profiles(&[one], true).remove(0)
    };
    assert_eq!(
        merge(vec![shifted(0), shifted(7)], false).unwrap_err().code.as_str(),
        "merge-grids"
    );
    assert!(
        merge(vec![shifted(0), shifted(60)], false).is_ok(),
        "both lie on a grid of a minute"
    );
}

#[test]
fn clusters_are_never_added_up() {
    let of_cluster = |name: &str| {
        let mut profile = profiles(&[hour(Signal::Cpu, 1, 0, &[1])], false).remove(0);
        profile.scope.cluster = Some(name.to_owned());
        profile
    };
    assert_eq!(
        merge(vec![of_cluster("b"), of_cluster("a")], false).unwrap(),
        [of_cluster("a"), of_cluster("b")]
    );
    let names = ["a", "b"].map(|name| of_cluster(name).scope.name());
    assert_eq!(
        names,
        ["test-a-shop", "test-b-shop"],
        "in a folder neither overwrites the other"
    );
}

fn read_text(text: &str) -> Result<Vec<Profile>, ProfileError> {
    ProfileStream::from(text.to_owned()).read()
}

fn open(text: &str) -> Result<Vec<ProfileText>, ProfileError> {
    ProfileStream::from(text.to_owned()).open()
}

/// CRC-32C bit by bit, as its definition says (RFC 3720 section 12.1).
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
    !bytes
        .iter()
        .fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

/// The text with checksums that are right for its lines: damage that no checksum shows.
fn resealed(text: &str) -> String {
    let (mut out, mut is_data) = (String::new(), false);
    for line in text.split_inclusive('\n') {
        let sealed = line.trim().rsplit_once(' ').filter(|_| is_data);
        is_data |= line.starts_with("    trimtab-profile v1");
        let Some((bare, _)) = sealed else {
            out.push_str(line);
            continue;
        };
        let (indent, end) = (line.len() - line.trim_start().len(), line.trim_end().len());
        let _ = write!(
            out,
            "{}{bare} {:08x}{}",
            &line[..indent],
            crc32c(bare.as_bytes()),
            &line[end..]
        );
    }
    out
}

#[test]
fn every_flipped_bit_of_the_data_is_an_error_that_names_its_line() {
    let cpu = hour(Signal::Cpu, 1, 0, &[100, 200]);
    let mut other = hour(Signal::Memory, 1, 0, &[1000, 1100]);
    other.name.workload.as_mut().unwrap().name = "web".into();
    let profile = profiles(&[cpu, other], false).remove(0);
    let text = to_text(std::slice::from_ref(&profile));
    assert_eq!(resealed(&text), text, "the checksums are those of the definition");
    let start = text.find("    trimtab-profile v1").unwrap();
    for at in start..text.len() {
        let line = 1 + text[..at].matches('\n').count() as u64;
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            // the eighth bit is never set: reading the file as text says so
            let Ok(damaged) = String::from_utf8(bytes) else {
                assert_eq!(bit, 7);
                continue;
            };
            let opened = open(&damaged).map(|mut texts| texts.remove(0));
            let error = opened
                .as_ref()
                .map_or_else(|error| Err(error.clone()), ProfileText::read);
            let error = error.expect_err("a flipped bit is seen");
            assert_eq!(error.line, Some(line), "bit {bit} of byte {at}: {error}");
            let Ok(opened) = opened else { continue };
            for (key, history) in &profile.workloads {
                if let Ok(found) = opened.workload(key, Asked::Everything) {
                    assert_eq!(found.as_ref(), Some(history), "bit {bit} of byte {at} changed {key}");
                }
            }
        }
    }
}

#[test]
fn a_week_more_changes_no_line_of_the_weeks_before() {
    const WEEK_S: i64 = 7 * 86_400;
    let values = |week: i64| [100, 200 + u64::try_from(week).unwrap(), 300];
    let upto = |weeks: i64| -> Vec<String> {
        let all: Vec<Series> = [Signal::Cpu, Signal::Memory, Signal::Replicas, Signal::Restarts]
            .into_iter()
            .map(|signal| {
                let parts = (0..weeks).map(|week| hour(signal, 1, week * WEEK_S, &values(week)));
                let samples = parts.clone().flat_map(|part| part.samples).collect();
                let first = parts.take(1).next().unwrap();
                Series { samples, ..first }
            })
            .collect();
        let text = to_text(&profiles(&all, false));
        let data = text.find("    trimtab-profile v1").unwrap();
        text[data..].lines().skip(1).map(str::to_owned).collect()
    };
    let (before, after) = (upto(3), upto(4));
    let is_whole = |line: &&String| ["state -", "days -"].iter().any(|record| line.contains(record));
    let kept = before.iter().filter(|line| !is_whole(line));
    assert!(kept.clone().count() > 10);
    for line in kept {
        assert!(after.contains(line), "{line}");
    }
    // the fourth week is that of 2026-10-26
    let new = after.iter().filter(|line| !before.contains(line));
    assert!(new.clone().count() >= 4);
    for line in new {
        assert!(line.contains(" 2026-10-26 ") || is_whole(&line), "{line}");
    }
}

#[test]
fn fields_above_the_data_are_under_a_checksum_too() {
    let text = to_text(&profiles(&[hour(Signal::Cpu, 1, 0, &[100, 200])], false));
    let line = 1 + text[..text.find("    trimtab-profile v1").unwrap()]
        .matches('\n')
        .count() as u64;
    for (from, to) in [
        ("  step: 5m", "  step: 1m"),
        ("namespace: shop", "namespace: shot"),
        ("samples: 2", "samples: 3"),
        ("end: \"2026-10-05T00:10:00Z\"", "end: \"2026-10-05T00:15:00Z\""),
    ] {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        let error = read_text(&edited).unwrap_err();
        assert!(error.what.contains("the fields above it"), "{from}: {error}");
        assert_eq!(error.line, Some(line), "{from}");
    }
    let mut object = to_object(&read_text(&text).unwrap()[0]);
    object.spec.namespace = "other".to_owned();
    assert_eq!(from_object(&object).unwrap_err().line, Some(1));
}

#[test]
fn a_profile_survives_what_kustomize_does_to_an_object() {
    let profile = profiles(&[hour(Signal::Cpu, 1, 0, &[100, 200])], false).remove(0);
    let mut object = to_object(&profile);
    object.metadata.name.insert_str(0, "prod-");
    object.metadata.annotations.insert("team".into(), "shop".into());
    assert_eq!(from_object(&object).unwrap().read().unwrap(), profile);
}

#[test]
fn damage_to_a_profile_is_an_error_with_its_line() {
    let all = [
        hour(Signal::Cpu, 1, 0, &[100, 200]),
        hour(Signal::Replicas, 1, 0, &[2, 3]),
    ];
    let text = to_text(&profiles(&all, false));
    let data = text.find("    trimtab-profile v1").unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let number = |needle: &str| 1 + lines.iter().position(|line| line.contains(needle)).unwrap() as u64;
    let sketch = number("cpu.sketch");
    let at = lines.iter().position(|line| line.contains("cpu.sketch")).unwrap();
    let pair = |first: usize, second: usize| format!("{}\n{}\n", lines[first], lines[second]);
    let swapped = text.replace(&pair(at - 1, at), &pair(at, at - 1));
    let cut = lines[..lines.len() - 1].join("\n") + "\n";
    for (damaged, what, line) in [
        (
            text.replace("profile v1", "profile v2"),
            "trimtab-profile v2",
            Some(number("profile v1")),
        ),
        (
            text.replacen("cpu.sketch 2026-10-05 2 300", "cpu.sketch 2026-10-05 3 300", 1),
            "buckets hold 2",
            Some(sketch),
        ),
        (
            text.replace("cpu.sketch 2026-10-05", "cpu.sketch 2026-10-06"),
            "no Monday",
            Some(sketch),
        ),
        (
            text.replace("app cpu.sketch", "app! cpu.sketch"),
            "no container",
            Some(sketch),
        ),
        (
            text.replace("- replicas.state", "- rate.states"),
            "no record",
            Some(number("replicas.state")),
        ),
        (text.replace("cpu.sketch", "gpu.sketch"), "no record", Some(sketch)),
        (swapped, "out of order", Some(sketch)),
        (cut, "lines were lost", None),
        (
            text[..text.len() - 1].to_owned(),
            "the file was cut",
            Some(lines.len() as u64),
        ),
        (text[..data].to_owned(), "begins with", None),
        (text.replace("    Deployment", "   Deployment"), "", None),
        (text.replace("kind: UsageProfile", "kind: Secret"), "is Secret", None),
        (
            text.replace("  namespace: shop\n", "  namespace: shop\n  surprise: 1\n"),
            "surprise",
            None,
        ),
        (text.replace("  step: 5m\n", "  step: 5m\r\n"), "carriage return", None),
        (String::new(), "no UsageProfile", None),
    ] {
        assert_ne!(damaged, text, "{what}");
        let error = read_text(&resealed(&damaged)).expect_err(what);
        assert!(error.what.contains(what), "{what}: {error:?}");
        assert!(line.is_none() || error.line == line, "{what} at {line:?}: {error:?}");
    }
}

/// Two thousand workloads of two namespaces in one stream: each is found alone as it is read with all others, and a search
/// looks at a small part of the text.
#[test]
fn a_workload_is_found_without_reading_the_others() {
    #[derive(Debug)]
    struct Counted(Vec<u8>, AtomicU64);
    impl Stored for Counted {
        fn get(&self, start: u64, out: &mut [u8]) -> std::io::Result<()> {
            let start = usize::try_from(start).unwrap();
            out.copy_from_slice(&self.0[start..start + out.len()]);
            self.1.fetch_add(out.len() as u64, Ordering::Relaxed);
            Ok(())
        }
    }
    let series = |place: u64| {
        let mut one = hour(Signal::Cpu, 1, 0, &[100 + place, 200]);
        one.name.namespace = format!("team-{}", place % 2).into();
        // one name begins with the other
        one.name.workload.as_mut().unwrap().name =
            format!("{}{place}", ["w", "w-", "w-0-"][usize::try_from(place % 3).unwrap()]).into();
        one
    };
    let all: Vec<Series> = (0..2000).map(series).collect();
    let profiles = profiles(&all, false);
    assert_eq!(profiles.len(), 2);
    let text = to_text(&profiles);
    let length = text.len() as u64;
    let counted = Arc::new(Counted(text.into_bytes(), AtomicU64::new(0)));
    let opened = ProfileStream::new(counted.clone(), length).open().unwrap();
    let seen = || counted.1.swap(0, Ordering::Relaxed);
    assert!(seen() < length, "the lines are not read to find the heads");
    for (opened, profile) in opened.iter().zip(&profiles) {
        seen();
        for (key, history) in &profile.workloads {
            assert_eq!(
                opened.workload(key, Asked::Everything).unwrap().as_ref(),
                Some(history),
                "{key}"
            );
            let looked_at = seen();
            assert!(looked_at < length / 5, "{looked_at} of {length} bytes for {key}");
        }
        for stranger in ["a", "w", "w-", "w-0", "zz", "w-0-2-", "W"] {
            for kind in ["Aaa", "Deployment", "Zzz"] {
                assert_eq!(
                    opened.workload(&WorkloadKey::new(kind, stranger), Asked::Everything),
                    Ok(None),
                    "{kind}/{stranger}"
                );
            }
        }
        assert_eq!(opened.read().as_ref(), Ok(profile));
    }
}

/// Two branches that both refreshed a profile, merged line by line: each line is right, and they are not of one profile.
#[test]
fn lines_of_two_profiles_are_not_taken_for_one() {
    let of = |value| to_text(&profiles(&[hour(Signal::Cpu, 1, 0, &[100, value])], false));
    let (ours, theirs) = (of(200), of(201));
    let line = |text: &str| {
        text.lines()
            .find(|line| line.contains("cpu.sketch"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(line(&ours).len(), line(&theirs).len());
    assert_ne!(line(&ours), line(&theirs));
    let mixed = ours.replace(&line(&ours), &line(&theirs));
    let error = read_text(&mixed).unwrap_err();
    assert!(error.what.contains("lines of another profile"), "{error}");
}

/// Checksums are over what was written, whatever a checkout made of the line ends.
#[test]
fn windows_line_ends_are_taken_back() {
    let text = to_text(&profiles(&[hour(Signal::Cpu, 1, 0, &[1, 2])], false));
    let checked_out = text.replace('\n', "\r\n");
    assert_ne!(checked_out, text);
    assert_eq!(read_text(&checked_out), read_text(&text));
}

#[test]
fn signals_that_are_not_added_by_instant_have_no_grid_after_a_merge_either() {
    let [first, second] = [0, 1800].map(|from| hour(Signal::Throttling, 1, from, &[1, 2]));
    let parts = [&first, &second].map(|part| profiles(std::slice::from_ref(part), true).remove(0));
    let samples = [first.samples.clone(), second.samples].concat();
    let whole = profiles(&[Series { samples, ..first }], false);
    assert_eq!(merge(parts.into(), false).unwrap(), whole);
}
