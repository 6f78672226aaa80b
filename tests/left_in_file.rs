//! Series that stay in their file until they are needed come to the same profile as series that are read at once, or to
//! an error, after which they are read at once.

use proptest::prelude::*;
use proptest::sample::Index;
use std::io;
use std::sync::Arc;
use trimtab::history::note::Note;
use trimtab::history::owners::{Declared, Owners};
use trimtab::history::spool::Stored;
use trimtab::history::{Input, read};
use trimtab::profile::build::{Options, assemble};
use trimtab::profile::object;

#[derive(Debug)]
struct Text(Vec<u8>);

impl Stored for Text {
    fn get(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(start).map_err(io::Error::other)?;
        let part = self.0.get(start..start + out.len());
        out.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// The profile of these files, and what there is to tell.
fn profile(files: &[(&str, Vec<u8>)], is_left: bool) -> Result<(String, Vec<Note>), Vec<Note>> {
    let mut reads = Vec::new();
    for (name, text) in files {
        let again = is_left.then(|| Arc::new(Text(text.clone())) as Arc<dyn Stored>);
        let input = Input {
            name,
            again,
            ..Input::default()
        };
        reads.push(read(&input, Box::new(text.as_slice()))?);
    }
    let options = Options {
        step_s: 300,
        ..Options::default()
    };
    let built = assemble(reads, Owners::default(), Declared::default(), &options)?;
    Ok((object::text(&built.profiles).unwrap(), built.notes))
}

/// A series in the usual form, long enough to be left where it is, and to cross blocks of the reader.
fn series(pod: &str, start: u64, step: u64, values: &[u32]) -> String {
    let pairs: Vec<_> = (0..)
        .zip(values)
        .map(|(place, value)| format!("[{},\"{}.{value:05}\"]", start + place * step, value % 7))
        .collect();
    let labels = format!(r#"{{"deployment":"api","namespace":"shop","pod":"{pod}","container":"app"}}"#);
    format!(r#"{{"metric":{labels},"values":[{}]}}"#, pairs.join(","))
}

fn matrix(series: &[String]) -> Vec<u8> {
    let series = series.join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#).into_bytes()
}

const MONDAY: u64 = 1_633_305_600;

#[test]
fn series_that_are_left_give_what_series_that_are_read_give() {
    let values: Vec<u32> = (0..9000).map(|place| place * 7919 % 90_001).collect();
    let weeks = |range: std::ops::Range<usize>, pod: &str| {
        let start = MONDAY + 300 * range.start as u64;
        series(pod, start, 300, &values[range])
    };
    // chunks that share their edges, a pod that comes later, one that is on another grid of the same step, a short one
    let cpu = matrix(&[
        weeks(0..3000, "api-1"),
        weeks(500..9000, "api-2"),
        weeks(10..20, "api-3"),
    ]);
    let more = matrix(&[
        weeks(2999..6000, "api-1"),
        series("api-4", MONDAY + 60, 300, &values[..2000]),
    ]);
    let files = [("cpu-1.json", cpu), ("cpu-2.json", more)];
    let (left, notes) = profile(&files, true).unwrap();
    assert!(
        left.contains("samples: 16510") && left.len() > 10_000,
        "{}",
        &left[..800]
    );
    assert_eq!(profile(&files, false).unwrap(), (left, notes));
}

#[test]
fn what_is_in_no_usual_form_is_an_error_where_it_was_left() {
    let values: Vec<u32> = (0..2000).collect();
    let usual = String::from_utf8(matrix(&[series("api-1", MONDAY, 300, &values)])).unwrap();
    let at = format!("[{}", MONDAY + 300 * 1000);
    for (other, is_error) in [
        (format!("[{}", MONDAY + 300 * 1000 + 1), false),
        (format!("[ {}", MONDAY + 300 * 1000), false),
        (format!("[{}", MONDAY + 300 * 2), true),
        (format!("[{}000", MONDAY + 300 * 1000), true),
        (format!("[{MONDAY},\"NaN\"],{at}"), true),
        (format!("[{},\"1\"]],{at}", MONDAY + 300 * 1000 - 1), true),
        (format!("x{at}"), true),
        (format!("[1,2],{at}"), true),
    ] {
        let files = [("cpu.json", usual.replacen(&at, &other, 1).into_bytes())];
        let left = profile(&files, true);
        assert_eq!(left.is_err(), is_error, "{other}: {left:?}");
        if !is_error {
            assert_eq!(left, profile(&files, false), "{other}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_is_left_comes_to_the_same_or_to_an_error(
        lengths in proptest::collection::vec(1usize..900, 1..4),
        steps in proptest::collection::vec(proptest::sample::select(vec![15u64, 60, 300, 301]), 4),
        starts in proptest::collection::vec(0u64..2000, 4),
        damage in proptest::collection::vec((any::<Index>(), proptest::sample::select(b"0123456789[],.\"e- ".to_vec())), 0..4),
        swapped in proptest::option::of(any::<Index>()),
    ) {
        let mut all = Vec::new();
        for (place, &length) in lengths.iter().enumerate() {
            let values: Vec<u32> = (0..length).map(|value| u32::try_from(value * 7919 % 90_001).unwrap()).collect();
            // the second chunk is of the first one's pod
            let pod = format!("api-{}", place / 2);
            all.push(series(&pod, MONDAY + starts[place], steps[place], &values));
        }
        let mut text = matrix(&all);
        for (place, byte) in damage {
            let place = place.index(text.len());
            text[place] = byte;
        }
        if let Some(place) = swapped {
            let place = place.index(text.len() - 1);
            text.swap(place, place + 1);
        }
        let files = [("cpu.json", text)];
        if let Ok(left) = profile(&files, true) {
            prop_assert_eq!(profile(&files, false), Ok(left));
        }
    }
}
