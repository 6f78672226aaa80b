//! Oddities of real exports, one file of rows each (tests/fixtures/history/traps): a right result, or a message that
//! names file and row.

use crate::history_formats::{codes, input, series_of, values};
use std::path::Path;
use trimtab::history::Input;
use trimtab::history::clean::Series;
use trimtab::history::note::Note;
use trimtab::history::samples::{Expected, Labels};
use trimtab::history::signal::Signal;
use trimtab::history::unit::Unit;

type Pairs = &'static [(&'static str, &'static str)];

fn owned(pairs: Pairs) -> impl Iterator<Item = (String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
}

struct Trap {
    file: &'static str,
    signal: Signal,
    columns: Pairs,
    labels: Pairs,
    units: &'static [&'static str],
}

impl Trap {
    fn read(&self) -> Result<(Series, Vec<Note>), Vec<Note>> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/history/traps");
        let text = std::fs::read_to_string(path.join(self.file)).unwrap();
        let stated = Input {
            expected: Expected {
                signal: Some(self.signal),
                ..Expected::default()
            },
            columns: owned(self.columns).collect(),
            constants: Labels(owned(self.labels).collect()),
            units: self.units.iter().map(|id| Unit::from_id(id).unwrap()).collect(),
            ..input(self.file)
        };
        let (mut series, notes) = series_of(&stated, &text)?;
        assert_eq!(series.len(), 1, "{}", self.file);
        Ok((series.remove(0), notes))
    }
}

const KRUIZE: Trap = Trap {
    file: "",
    signal: Signal::Cpu,
    columns: &[("value", "cpu_usage_container_avg")],
    labels: &[],
    units: &[],
};
const BARE: Trap = Trap {
    file: "",
    signal: Signal::Cpu,
    columns: &[],
    labels: &[("namespace", "shop"), ("deployment", "api"), ("container", "app")],
    units: &[],
};

/// Codes with rows, of what is told with a place.
fn placed(notes: &[Note]) -> Vec<(&'static str, u64)> {
    let mut placed: Vec<_> = notes
        .iter()
        .filter_map(|note| Some((note.code.as_str(), note.row?)))
        .collect();
    placed.sort_unstable();
    placed
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of the traps")]
fn each_trap_is_told_by_its_row_and_its_samples_are_right() {
    // instants are the ends of the intervals; values by hand from the files
    for (trap, told, first, last, count, greatest) in [
        // 2023-06-02T23:15Z to 2023-06-04T06:00Z, row 7 is the first of the earlier day
        (
            Trap {
                file: "out_of_order.csv",
                ..KRUIZE
            },
            vec![("row-out-of-order", 7)],
            1_685_747_700,
            1_685_858_400,
            10,
            1_312_000,
        ),
        // 2023-03-29T15:45Z to 17:15Z, the sixth interval twice
        (
            Trap {
                file: "twice_and_blank.csv",
                ..KRUIZE
            },
            vec![("row-duplicate", 7)],
            1_680_104_700,
            1_680_110_100,
            7,
            2_192_000,
        ),
        // requests are blank in row 8: unknown for that interval, never zero
        (
            Trap {
                file: "twice_and_blank.csv",
                signal: Signal::MemoryRequest,
                columns: &[("value", "memory_request_container_avg")],
                ..KRUIZE
            },
            vec![("row-duplicate", 7), ("value-absent", 8)],
            1_680_104_700,
            1_680_110_100,
            6,
            20_971_520,
        ),
        // used above what is requested, 45,988,963 of 20,971,520 bytes: neither is bent to the other
        (
            Trap {
                file: "twice_and_blank.csv",
                signal: Signal::Memory,
                columns: &[("value", "memory_usage_container_avg")],
                ..KRUIZE
            },
            vec![("row-duplicate", 7)],
            1_680_104_700,
            1_680_110_100,
            7,
            45_988_963,
        ),
        // `Thu Mar 30 09:55:25 UTC 2023`; the blank row is nothing
        (
            Trap {
                file: "blank_row.csv",
                ..KRUIZE
            },
            vec![],
            1_680_170_125,
            1_680_171_927,
            3,
            2_760_780_767,
        ),
        (
            Trap {
                file: "no_request.csv",
                signal: Signal::MemoryRequest,
                columns: &[("value", "memory_request_container_avg")],
                ..KRUIZE
            },
            vec![],
            1_678_886_100,
            1_678_888_800,
            4,
            1_073_741_824,
        ),
        // 12 rows at 03:00:00, the greatest counts; 02:00 is missing and stays so
        (
            Trap {
                file: "clock_change.csv",
                ..BARE
            },
            vec![("row-duplicate", 8)],
            1_394_328_960,
            1_394_334_360,
            8,
            121_200_000_000,
        ),
        (
            Trap {
                file: "off_grid_hole.csv",
                ..BARE
            },
            vec![],
            1_397_518_140,
            1_397_521_140,
            8,
            55_394_000_000,
        ),
        (
            Trap {
                file: "level_shift.csv",
                ..BARE
            },
            vec![],
            1_634_020_680,
            1_634_021_580,
            16,
            1_650_580_000,
        ),
        (
            Trap {
                file: "plateau.csv",
                ..BARE
            },
            vec![],
            1_634_400_600,
            1_634_401_020,
            8,
            525_887_970_000,
        ),
    ] {
        let (series, notes) = trap.read().unwrap_or_else(|notes| panic!("{}: {notes:?}", trap.file));
        assert_eq!(placed(&notes), told, "{}: {notes:?}", trap.file);
        let samples = values(&series);
        let ends = (samples[0].0 / 1000, samples[samples.len() - 1].0 / 1000);
        assert_eq!((ends, samples.len()), ((first, last), count), "{}", trap.file);
        assert_eq!(
            samples.iter().map(|sample| sample.1).max(),
            Some(greatest),
            "{}",
            trap.file
        );
        assert!(samples.is_sorted_by(|one, next| one.0 < next.0), "{}", trap.file);
    }
}

#[test]
fn what_a_trap_leaves_open_is_an_error_with_a_way_out() {
    let damaged = Trap {
        file: "damaged_times.csv",
        columns: &[("value", "CpuUsage(m)")],
        labels: &[("namespace", "shop"), ("container", "server")],
        ..KRUIZE
    };
    for (trap, code, row, help) in [
        (
            &Trap { ..damaged },
            "unit-undeclared",
            2,
            "--unit millicores or the unit they are in",
        ),
        (
            &Trap {
                units: &["percent-of-core"],
                ..damaged
            },
            "time-columns",
            2,
            "--columns time=COLUMN",
        ),
        (
            &Trap {
                columns: &[("value", "cpu")],
                ..KRUIZE_NO_REQUEST
            },
            "column-missing",
            1,
            "",
        ),
    ] {
        let notes = trap.read().map(|_| ()).expect_err(trap.file);
        assert_eq!(
            (codes(&notes), notes[0].file.as_deref(), notes[0].row),
            (vec![code], Some(trap.file), Some(row)),
            "{notes:?}"
        );
        assert!(notes[0].help.contains(help), "{notes:?}");
    }
    // a request that is blank in every row is no request, and said to be none
    let blank = Trap {
        signal: Signal::CpuRequest,
        columns: &[("value", "cpu_request_container_avg")],
        ..KRUIZE_NO_REQUEST
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/history/traps/no_request.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let stated = Input {
        expected: Expected {
            signal: Some(blank.signal),
            ..Expected::default()
        },
        columns: owned(blank.columns).collect(),
        ..input(blank.file)
    };
    let (series, notes) = series_of(&stated, &text).unwrap();
    assert_eq!((series.len(), codes(&notes)), (0, vec!["export-empty", "value-absent"]));
}

const KRUIZE_NO_REQUEST: Trap = Trap {
    file: "no_request.csv",
    ..KRUIZE
};

#[test]
fn the_right_column_of_a_damaged_file_gives_right_times() {
    let stated = Trap {
        file: "damaged_times.csv",
        signal: Signal::Cpu,
        columns: &[("value", "CpuUsage(m)"), ("time", "Time")],
        labels: &[("namespace", "shop"), ("container", "server")],
        units: &["percent-of-core"],
    };
    let (series, notes) = stated.read().unwrap();
    assert_eq!(placed(&notes), [("time-columns", 2)]);
    // 2022-08-22 03:51:19.607 UTC, 1.76248 % of a core
    assert_eq!(values(&series)[0], (1_661_140_279_607, 17_624_800));
    assert_eq!(series.samples.len(), 8);
}

#[test]
fn a_table_that_names_nobody_is_an_error() {
    let text = "ts,value\n1634020680,0.004190\n";
    let stated = Input {
        expected: Expected {
            signal: Some(Signal::Cpu),
            namespace: Some("shop".into()),
            ..Expected::default()
        },
        ..input("input4.csv")
    };
    let notes = series_of(&stated, text).unwrap_err();
    assert_eq!((codes(&notes), notes[0].row), (vec!["column-missing"], Some(2)));
    assert!(notes[0].help.contains("--label deployment=NAME"), "{notes:?}");
}

#[test]
fn memory_above_its_limit_stays_what_was_measured() {
    // sampling noise and faults of one pod: 131 MiB of 128 MiB
    let text = "ts,metric,namespace,pod,container,value\n\
        1661140279,memory,shop,frontend-1,server,137363456\n\
        1661140279,memory_limit,shop,frontend-1,server,134217728\n";
    let (series, notes) = series_of(&input("rows.csv"), text).unwrap();
    let found: Vec<_> = series
        .iter()
        .map(|one| (one.name.signal, one.samples[0].value))
        .collect();
    assert_eq!(
        found,
        [(Signal::Memory, 137_363_456), (Signal::MemoryLimit, 134_217_728)]
    );
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn what_promtool_writes_is_read_as_what_it_was_given() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/history/promtool");
        let text = std::fs::read_to_string(path.join(name)).unwrap();
        series_of(&input(name), &text).unwrap()
    };
    let (dumped, told) = read("dump.txt");
    let (given, also) = read("samples.om");
    assert_eq!(dumped, given);
    assert_eq!(codes(&told), ["series-left-out", "value-absent"]);
    assert_eq!(codes(&told), codes(&also));
    // 1.5 s in every 30 s; one reset, to 0.75 s within 30 s
    let rates: Vec<u64> = dumped[0].samples.iter().map(|sample| sample.value).collect();
    let steady = 50_000_000;
    assert_eq!(
        rates,
        [
            steady, steady, steady, steady, steady, 25_000_000, steady, steady, steady, steady, steady
        ]
    );
    assert_eq!(dumped[0].samples[0].at_ms, 1_791_158_730_125);
    assert_eq!(dumped[1].samples.len(), 8, "a third of the readings is absent");
}
