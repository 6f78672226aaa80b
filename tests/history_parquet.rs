//! Parquet: the same samples give the same profile as CSV, whatever wrote them; and whatever is wrong with a file, it is told
//! with its place, and nothing stops the program. `tests/fixtures/parquet/make.py` made the files.

use crate::history_formats::{codes, input};
use std::io::Read as _;
use std::sync::Arc;
use trimtab::history::note::Note;
use trimtab::history::owners::{Declared, Owners};
use trimtab::history::spool::Stored;
use trimtab::history::{Input, Read, read};
use trimtab::profile::build::{Options, assemble};
use trimtab::profile::object::text;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/parquet/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn options() -> Options {
    Options {
        step_s: 300,
        ..Options::default()
    }
}

fn profile_of(reads: Vec<Read>) -> String {
    let built = assemble(reads, Owners::default(), Declared::default(), &options()).unwrap();
    text(&built.profiles).unwrap()
}

fn named<'a>(name: &'a str, columns: &[(&str, &str)]) -> Input<'a> {
    let owned = |(role, column): &(&str, &str)| ((*role).to_owned(), (*column).to_owned());
    Input {
        columns: columns.iter().map(owned).collect(),
        ..input(name)
    }
}

fn profile(name: &str, columns: &[(&str, &str)]) -> String {
    let bytes = fixture(name);
    profile_of(vec![read(&named(name, columns), Box::new(bytes.as_slice())).unwrap()])
}

/// A file that is there, so that it is read where it lies.
#[derive(Debug)]
struct There(Vec<u8>);

impl Stored for There {
    fn get(&self, start: u64, out: &mut [u8]) -> std::io::Result<()> {
        let start = usize::try_from(start).map_err(std::io::Error::other)?;
        let bytes = start.checked_add(out.len()).and_then(|end| self.0.get(start..end));
        out.copy_from_slice(bytes.ok_or(std::io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn length(&self) -> Option<u64> {
        Some(self.0.len() as u64)
    }
}

fn faults(name: &str, bytes: &[u8]) -> Vec<Note> {
    let there = Input {
        again: Some(Arc::new(There(bytes.to_vec()))),
        ..input(name)
    };
    let aside = read(&input(name), Box::new(bytes)).expect_err(name);
    let in_place = read(&there, Box::new(bytes)).expect_err(name);
    assert_eq!(aside, in_place, "{name}");
    aside
}

const STRUCT: &[(&str, &str)] = &[
    ("namespace", "kubernetes.namespace"),
    ("pod", "kubernetes.pod"),
    ("container", "kubernetes.container"),
];

#[test]
fn every_writer_gives_the_profile_of_the_csv() {
    let expected = profile("samples.csv", &[]);
    assert_eq!(expected.matches(".sketch ").count(), 2, "{expected}");
    for (name, columns) in [
        ("snappy.parquet", &[][..]),
        ("zstd.parquet", &[]),
        ("gzip.parquet", &[]),
        ("plain.parquet", &[]),
        ("v2.parquet", &[]),
        ("timestamps.parquet", &[("time", "at")]),
        ("zoned.parquet", &[]),
        ("nanos.parquet", &[]),
        ("millis.parquet", &[]),
        ("texts.parquet", &[]),
        ("struct.parquet", STRUCT),
        ("int96.parquet", &[]),
        ("pages-v2.parquet", &[]),
        ("delta.parquet", &[]),
        ("delta-length.parquet", &[]),
    ] {
        assert_eq!(profile(name, columns), expected, "{name}");
    }
}

#[test]
fn decimals_and_singles_are_what_their_text_says() {
    let expected = profile("float.csv", &[]);
    for name in ["decimal.parquet", "wide-decimal.parquet", "float.parquet"] {
        assert_eq!(profile(name, &[]), expected, "{name}");
    }
}

#[test]
fn a_file_is_read_where_it_lies_from_a_pipe_and_out_of_gzip() {
    let expected = profile("samples.csv", &[]);
    let bytes = fixture("pages-v2.parquet");
    let there = Input {
        again: Some(Arc::new(There(bytes.clone()))),
        ..input("cpu.parquet")
    };
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(bytes.as_slice(), flate2::Compression::fast());
    encoder.read_to_end(&mut packed).unwrap();
    for (input, bytes) in [
        (there, &bytes),
        (input("-"), &bytes),
        (input("cpu.parquet.gz"), &packed),
    ] {
        let read = read(&input, Box::new(bytes.as_slice())).unwrap();
        assert_eq!(profile_of(vec![read]), expected, "{}", input.name);
    }
}

#[test]
fn counted_rows_are_read_and_sums_that_were_rounded_are_not() {
    let tables = ["buckets.parquet", "instants.parquet"].map(|name| {
        let bytes = fixture(name);
        read(&input(name), Box::new(bytes.as_slice())).unwrap()
    });
    let lines = |text: &str| -> Vec<String> {
        let is_of_law = |line: &&str| line.contains(".sketch ") || line.contains(".demand ");
        text.lines().filter(is_of_law).map(str::to_owned).collect()
    };
    let (found, expected) = (profile_of(tables.into()), profile("samples.csv", &[]));
    assert_eq!(lines(&found), lines(&expected));
    let notes = faults("rounded.parquet", &fixture("rounded.parquet"));
    assert_eq!(codes(&notes), ["value-malformed"]);
    assert!(
        notes[0].row.is_some() && notes[0].help.contains("DECIMAL(38, 0)"),
        "{notes:?}"
    );
}

#[test]
fn what_is_not_read_is_told_with_its_reason() {
    let whole = fixture("snappy.parquet");
    let with_end = |end: &[u8]| [&whole[..whole.len() - end.len()], end].concat();
    for (name, bytes, code, told, help) in [
        (
            "cut",
            whole[..whole.len() - 3].to_vec(),
            "export-truncated",
            "cut off after",
            "again",
        ),
        (
            "short",
            b"PAR1PAR1".to_vec(),
            "export-truncated",
            "cut off after 8 bytes",
            "again",
        ),
        (
            "mark",
            b"PAR1".to_vec(),
            "export-truncated",
            "cut off after 4 bytes",
            "again",
        ),
        (
            "encrypted",
            with_end(b"PARE"),
            "export-unreadable",
            "encrypted footer",
            "without encryption",
        ),
        (
            "huge",
            with_end(b"\xff\xff\xff\xffPAR1"),
            "export-malformed",
            "declares a footer of 4294967295 bytes",
            "again",
        ),
        (
            "footer",
            with_end(b"\x10\0\0\0PAR1"),
            "export-malformed",
            "its footer can't be read",
            "again",
        ),
        (
            "brotli.parquet",
            fixture("brotli.parquet"),
            "export-malformed",
            "row group 1 of 1, column `namespace`: it is compressed with brotli; snappy, zstd and gzip are read",
            "COMPRESSION zstd",
        ),
        (
            "map.parquet",
            fixture("map.parquet"),
            "column-missing",
            "not looked into are its lists and maps, pod",
            "--columns pod=COLUMN",
        ),
    ] {
        let notes = faults(name, &bytes);
        assert_eq!(codes(&notes), [code], "{name}: {notes:?}");
        assert!(notes[0].message.contains(told), "{name}: {notes:?}");
        assert!(notes[0].help.contains(help), "{name}: {notes:?}");
        assert_eq!(notes[0].file.as_deref(), Some(name));
    }
}

#[test]
fn columns_that_are_missing_or_no_values_are_told_at_once() {
    let bytes = fixture("no-pod.parquet");
    let told = |columns: &[(&str, &str)]| {
        let notes = read(&named("no-pod.parquet", columns), Box::new(bytes.as_slice())).unwrap_err();
        assert_eq!(codes(&notes), ["column-missing"]);
        format!("{} {}", notes[0].message, notes[0].help)
    };
    let none = told(&[("time", "at")]);
    assert!(
        none.contains("no column `at`, its columns are ts, value, metric"),
        "{none}"
    );
    let bytes = fixture("map.parquet");
    let map = read(
        &named("map.parquet", &[("pod", "pod.key_value.value")]),
        Box::new(bytes.as_slice()),
    );
    let notes = map.unwrap_err();
    assert!(
        notes[0]
            .message
            .contains("has lists or maps where a row needs one value"),
        "{notes:?}"
    );
}

/// Park and Miller's minimal standard generator.
fn next(state: &mut u64) -> usize {
    *state = *state * 16_807 % 2_147_483_647;
    usize::try_from(*state).unwrap()
}

#[test]
fn damage_is_never_more_than_an_error() {
    let mut state = 11;
    let (mut read_on, mut refused) = (0, 0);
    for name in [
        "snappy.parquet",
        "zstd.parquet",
        "gzip.parquet",
        "plain.parquet",
        "v2.parquet",
        "int96.parquet",
        "pages-v2.parquet",
        "delta.parquet",
        "delta-length.parquet",
        "wide-decimal.parquet",
        "buckets.parquet",
    ] {
        let whole = fixture(name);
        let rounds = std::env::var("ROUNDS").map_or(200, |rounds| rounds.parse().unwrap());
        for round in 0..rounds {
            let mut bytes = whole.clone();
            for _ in 0..=next(&mut state) % 3 {
                let place = match next(&mut state) % 3 {
                    // half of what makes sense lies at the end
                    0 => bytes.len() - 1 - next(&mut state) % 1200.min(bytes.len()),
                    _ => next(&mut state) % bytes.len(),
                };
                bytes[place] = match next(&mut state) % 4 {
                    0 => 0xff,
                    1 => bytes[place] ^ (1 << (next(&mut state) % 8)),
                    2 => bytes[place].wrapping_add(1),
                    _ => u8::try_from(next(&mut state) % 256).unwrap(),
                };
            }
            if round % 10 == 9 {
                let place = next(&mut state) % bytes.len();
                bytes.drain(place..(place + 1 + next(&mut state) % 8).min(whole.len()));
            }
            match read(&input(name), Box::new(bytes.as_slice())) {
                Ok(_) => read_on += 1,
                Err(notes) => {
                    refused += 1;
                    assert!(
                        !notes.is_empty() && notes.iter().all(|note| note.file.is_some()),
                        "{notes:?}"
                    );
                }
            }
        }
    }
    // what is damaged within a value still reads; the rest is found
    assert!(read_on > 100 && refused > 400, "{read_on} {refused}");
}
