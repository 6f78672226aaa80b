//! What exports really look like, and what each oddity ends in: a right result, or a message that names file and row.

use std::fmt::Write as _;
use std::io::Read as _;
use trimtab::history::clean::{Series, clean};
use trimtab::history::note::Note;
use trimtab::history::samples::{Expected, Labels, Samples};
use trimtab::history::signal::Signal;
use trimtab::history::unit::Unit;
use trimtab::history::{Input, read};

pub(crate) fn input(name: &str) -> Input<'_> {
    Input {
        name,
        ..Input::default()
    }
}

pub(crate) fn series_of(input: &Input<'_>, text: &str) -> Result<(Vec<Series>, Vec<Note>), Vec<Note>> {
    let read = read(input, Box::new(text.as_bytes()))?;
    let (series, mut notes) = cleaned(read.samples)?;
    notes.extend(read.notes);
    Ok((series, notes))
}

/// Every series that has a sample, and what there is to tell.
fn cleaned(samples: Samples) -> Result<(Vec<Series>, Vec<Note>), Vec<Note>> {
    let (recorded, mut notes) = clean(samples, false)?;
    let (series, doubles) = recorded.load_all().map_err(|note| vec![note])?;
    notes.extend(doubles.into_notes());
    Ok((series, notes))
}

pub(crate) fn values(series: &Series) -> Vec<(i64, u64)> {
    series
        .samples
        .iter()
        .map(|sample| (sample.at_ms, sample.value))
        .collect()
}

pub(crate) fn codes(notes: &[Note]) -> Vec<&'static str> {
    let mut codes: Vec<_> = notes.iter().map(|note| note.code.as_str()).collect();
    codes.sort_unstable();
    codes
}

pub(crate) fn matrix(series: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#)
}

const API: &str = r#""metric":{"namespace":"shop","pod":"api-1","container":"app"}"#;

#[test]
fn a_query_range_answer_gives_integers() {
    let text = matrix(&format!(
        r#"{{{API},"values":[[1700000000,"0.0005691903766665973"],[1700000300.5,"1e-09"],[1700000600,"NaN"],[1700000900,"+Inf"],[1700001200,2],[1700001500,null]]}}"#
    ));
    let (series, notes) = series_of(&input("cpu.json"), &text).unwrap();
    assert_eq!(series[0].name.signal, Signal::Cpu);
    assert_eq!(
        values(&series[0]),
        [
            (1_700_000_000_000, 569_190),
            (1_700_000_300_500, 1),
            (1_700_001_200_000, 2_000_000_000)
        ]
    );
    assert_eq!(codes(&notes), ["signal-by-file-name", "value-absent"]);
    let absent = notes.iter().find(|note| note.code.as_str() == "value-absent").unwrap();
    assert!(absent.message.starts_with("3 samples"), "{}", absent.message);
    assert_eq!((absent.file.as_deref(), absent.row), (Some("cpu.json"), Some(1)));
}

#[test]
fn answers_may_be_sorted_wrapped_warned_concatenated_or_bare() {
    let one = format!(r#"{{{API},"values":[[1700000000,"1"]]}}"#);
    for text in [
        matrix(&one),
        format!(
            r#"{{"data":{{"result":[{one}],"resultType":"matrix"}},"infos":["x"],"stats":{{"a":[1,{{}}]}},"status":"success","warnings":["partial"]}}"#
        ),
        format!("[{one}]"),
        one.clone(),
        format!("{}\n\n{}", matrix(&one), matrix(&one)),
        format!(" \n{}", matrix(&one)),
    ] {
        let (series, notes) = series_of(&input("cpu.json"), &text).unwrap();
        assert_eq!(series.len(), 1, "{text}");
        assert_eq!(values(&series[0]), [(1_700_000_000_000, 1_000_000_000)], "{text}");
        let warned = codes(&notes).contains(&"export-warned");
        assert_eq!(warned, text.contains("partial"));
    }
}

#[test]
fn chunks_share_their_boundary_sample_once() {
    let chunk = |values: &str| matrix(&format!(r#"{{{API},"values":[{values}]}}"#));
    let first = read(
        &input("cpu-000.json"),
        Box::new(chunk(r#"[0,"1"],[1700000000,"1"],[1700000300,"2"]"#).as_bytes()),
    )
    .unwrap();
    let second = read(
        &input("cpu-001.json"),
        Box::new(chunk(r#"[1700000300,"2"],[1700000600,"3"]"#).as_bytes()),
    )
    .unwrap();
    let mut samples = second.samples;
    samples.merge(first.samples);
    let (series, notes) = cleaned(samples).unwrap();
    let instants: Vec<_> = values(&series[0]).into_iter().map(|(at, _)| at / 1000).collect();
    assert_eq!(instants, [1_700_000_000, 1_700_000_300, 1_700_000_600]);
    assert_eq!(codes(&notes), ["samples-shared"]);
    assert_eq!(
        codes(&first.notes),
        ["signal-by-file-name", "time-out-of-range"],
        "1970 is no time of an export"
    );
}

#[test]
fn conflicting_values_are_told_and_the_order_of_files_does_not_matter() {
    let file = |value: &str| matrix(&format!(r#"{{{API},"values":[[1700000000,"{value}"]]}}"#));
    let mut results = Vec::new();
    for order in [["1", "3"], ["3", "1"]] {
        let mut samples = Samples::default();
        for value in order {
            samples.merge(
                read(&input("memory.json"), Box::new(file(value).as_bytes()))
                    .unwrap()
                    .samples,
            );
        }
        let (series, notes) = cleaned(samples).unwrap();
        assert_eq!(codes(&notes), ["samples-conflict"]);
        results.push((values(&series[0]), notes));
    }
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0].0, [(1_700_000_000_000, 3)]);
}

#[test]
fn raw_counters_become_rates() {
    let metric = r#""metric":{"__name__":"container_cpu_usage_seconds_total","namespace":"shop","pod":"api-1","container":"app"}"#;
    // 3 s of CPU in 30 s, then a reset to 1.5 s within 30 s
    let text = matrix(&format!(
        r#"{{{metric},"values":[[1700000000.1,"10"],[1700000030.1,"13"],[1700000060.1,"1.5"]]}}"#
    ));
    let (series, _) = series_of(&input("raw.json"), &text).unwrap();
    assert_eq!(series[0].name.signal, Signal::Cpu);
    assert_eq!(
        values(&series[0]),
        [(1_700_000_030_100, 100_000_000), (1_700_000_060_100, 50_000_000)]
    );
}

#[test]
fn unusable_answers_name_the_file_and_the_way_out() {
    let cut = matrix(&format!(r#"{{{API},"values":[[1700000000,"1"],[17000003"#));
    let cut = &cut[..cut.len() - 4];
    for (text, code, told) in [
        (cut, "export-truncated", "ends inside"),
        (
            r#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#,
            "export-failed",
            "bad_data: parse error",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}"#,
            "not-a-range",
            "instant query",
        ),
        (
            r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#,
            "not-a-range",
            "type `scalar`",
        ),
        (
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":"a","namespace":"b","container":"c"},"histograms":[]}]}}"#,
            "native-histogram",
            "histograms",
        ),
        (
            r#"{"metric":{"namespace":"n","pod":"p","container":"c"},"values":[[1700000000,"x"]]}"#,
            "export-malformed",
            "no number",
        ),
        (
            r#"{"metric":{"pod":"p","container":"c"},"values":[[1700000000,"1"]]}"#,
            "namespace-missing",
            "namespace",
        ),
        ("<html><body>502 Bad Gateway</body></html>", "format-unknown", "HTML"),
        ("", "format-unknown", "empty"),
        if cfg!(feature = "parquet") {
            ("PAR1....", "export-truncated", "footer of a Parquet file")
        } else {
            ("PAR1....", "format-unknown", "Parquet, which this build")
        },
        ("\u{0}\u{1}\u{2},", "format-unknown", "no format"),
    ] {
        let notes = series_of(&input("cpu.json"), text).expect_err(text);
        assert_eq!(notes[0].code.as_str(), code, "{text}: {notes:?}");
        assert!(notes[0].message.contains(told), "{text}: {notes:?}");
        assert_eq!(notes[0].file.as_deref(), Some("cpu.json"), "{text}");
    }
}

#[test]
fn a_file_that_tells_no_signal_is_an_error_that_lists_them() {
    let text = matrix(&format!(r#"{{{API},"values":[[1700000000,"1"]]}}"#));
    let notes = series_of(&input("export.json"), &text).unwrap_err();
    assert_eq!(notes[0].code.as_str(), "signal-unknown");
    assert!(
        notes[0].help.contains("cpu_request") && notes[0].help.contains("SIGNAL=FILE"),
        "{notes:?}"
    );
    let stated = Input {
        expected: Expected {
            signal: Some(Signal::Memory),
            ..Expected::default()
        },
        ..input("export.json")
    };
    assert_eq!(series_of(&stated, &text).unwrap().0[0].name.signal, Signal::Memory);
}

#[test]
fn gzip_is_read_as_what_it_holds() {
    let text = matrix(&format!(r#"{{{API},"values":[[1700000000,"1"]]}}"#));
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast())
        .read_to_end(&mut packed)
        .unwrap();
    let read_all = |bytes: &[u8]| read(&input("cpu.json.gz"), Box::new(std::io::Cursor::new(bytes.to_vec())));
    assert!(read_all(&packed).is_ok());
    assert!(read_all(&packed[..packed.len() / 2]).is_err(), "a cut download");
    // in two members, and with the zeros that a tape's last block is filled with
    let (first, second) = text.split_at(text.len() / 2);
    let members = [first, second].map(|text| {
        let mut member = Vec::new();
        flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast())
            .read_to_end(&mut member)
            .unwrap();
        member
    });
    let samples = |bytes: &[u8]| read_all(bytes).unwrap().extent.last;
    assert_eq!(samples(&[members.concat(), vec![0; 20_000]].concat()), samples(&packed));
    let notes = read_all(&[packed, vec![0; 20_000], b"more".to_vec()].concat()).unwrap_err();
    assert!(
        notes[0].message.ends_with("what follows its end is no gzip"),
        "{notes:?}"
    );
    // stored as it is: what is damaged is the text, and only the checksum at the end tells whose fault that is
    let mut stored = Vec::new();
    flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::none())
        .read_to_end(&mut stored)
        .unwrap();
    let comma = stored.iter().position(|byte| *byte == b'[').expect("a list");
    stored[comma] ^= 0x10;
    let notes = read_all(&stored).unwrap_err();
    assert!(notes[0].message.contains("the gzip stream is damaged"), "{notes:?}");
}

#[test]
fn blanks_may_stand_before_a_text() {
    let text = matrix(&format!(r#"{{{API},"values":[[1700000000,"1"]]}}"#));
    let behind = |blanks: usize| format!("{}{text}", " \n".repeat(blanks / 2));
    for blanks in [10, 4096, 100_000] {
        let read = read(&input("cpu.json"), Box::new(std::io::Cursor::new(behind(blanks)))).unwrap();
        assert!(read.extent.last.is_some(), "{blanks}");
    }
    let endless = Box::new(std::io::repeat(b' ').take(1 << 30));
    let notes = read(&input("cpu.json"), endless).unwrap_err();
    assert_eq!(notes[0].message, "begins with more than 1 MiB of blanks");
}

#[test]
fn endless_strings_and_rows_stay_in_bounded_memory() {
    let endless = |head: &'static str| head.as_bytes().chain(std::io::repeat(b'x')).take(1 << 30);
    let notes = read(
        &input("cpu.json"),
        Box::new(endless(r#"{"data":{"result":[{"metric":{"pod":""#)),
    )
    .unwrap_err();
    assert!(notes[0].message.contains("longer than"), "{notes:?}");
    for head in ["ts,metric,value\n1700000000,", "ts,metric,value\n1700000000,\""] {
        let notes = read(&input("a.csv"), Box::new(endless(head))).unwrap_err();
        assert!(notes[0].message.contains("longer than 1048576 bytes"), "{notes:?}");
        assert_eq!(notes[0].row, Some(2));
    }
    // many short lines inside one quote that is never closed
    let lines = b"ts,metric,value\n1700000000,\""
        .chain(std::io::BufReader::new(std::io::repeat(b'\n')))
        .take(1 << 30);
    assert!(
        read(&input("a.csv"), Box::new(lines)).unwrap_err()[0]
            .message
            .contains("quote left open")
    );
}

#[test]
fn long_csv_is_found_by_its_columns() {
    for (text, name) in [
        (
            "ts,metric,namespace,pod,container,value\n1700000000,cpu,shop,api-1,app,0.25\n",
            "plain",
        ),
        (
            "\u{feff}Time;Metric;Namespace;Pod_Name;Container_Name;Value\r\n2023-11-14 22:13:20;cpu;shop;api-1;app;0.25\r\n",
            "excel",
        ),
        (
            "timestamp\tmetric\tns\tpod\tcontainer\tvalue\n1700000000000\tcpu\tshop\tapi-1\tapp\t0.25\n",
            "tabs and milliseconds",
        ),
        (
            "\"value\",\"pod\",\"container\",\"namespace\",\"ts\"\n0.25,api-1,app,shop,2023-11-14T22:13:20Z\n",
            "cpu.csv",
        ),
    ] {
        let (series, _) = series_of(&input(name), text).unwrap();
        assert_eq!(
            (series[0].name.signal, &*series[0].name.pod),
            (Signal::Cpu, "api-1"),
            "{name}"
        );
        assert_eq!(values(&series[0]), [(1_700_000_000_000, 250_000_000)], "{name}");
    }
}

#[test]
fn traps_of_tables_are_told_with_their_row() {
    let head = "ts,metric,namespace,pod,container,value\n";
    let row = |at: &str, value: &str| format!("{at},cpu,shop,api-1,app,{value}\n");
    for (rows, code, at_row) in [
        (row("1700000300", "1") + &row("1700000000", "1"), "row-out-of-order", 3),
        (row("1700000000", "1") + &row("1700000000", "1"), "row-duplicate", 3),
        (row("1700000000", "1") + ",,,,,\n", "row-blank", 3),
        (row("1700000000", "1") + &row("1700000300", "-1"), "value-negative", 3),
        (row("1700000000", "") + &row("1700000300", "1"), "value-absent", 2),
        (row("1700000000", "1") + &row("4200000000", "1"), "time-out-of-range", 3),
        (row("1700000000000", "1"), "time-in-milliseconds", 2),
        (row("1700000000", "1e30"), "value-too-large", 2),
    ] {
        let (_, notes) = series_of(&input("samples.csv"), &format!("{head}{rows}")).unwrap();
        let note = notes
            .iter()
            .find(|note| note.code.as_str() == code)
            .unwrap_or_else(|| panic!("{code}: {notes:?}"));
        assert_eq!(
            (note.file.as_deref(), note.row),
            (Some("samples.csv"), Some(at_row)),
            "{note:?}"
        );
    }
    for (rows, code) in [
        (row("yesterday", "1"), "time-malformed"),
        (row("1700000000", "1,5"), "export-malformed"),
        (row("1700000000", "250m"), "value-malformed"),
        ("1700000000,cpu,shop,api-1\n".to_owned(), "export-malformed"),
    ] {
        let result = series_of(
            &input("samples.csv"),
            &format!("{head}{}{rows}", row("1700000000", "1")),
        );
        let notes = result.expect_err(&rows);
        assert_eq!((notes[0].code.as_str(), notes[0].row), (code, Some(3)), "{rows}");
    }
}

#[test]
fn a_table_without_a_header_line_gets_its_names_from_outside() {
    // what VictoriaMetrics answers to format=__name__,namespace,pod,container,__value__,__timestamp__:unix_s
    let text = "container_memory_working_set_bytes,shop,api-1,app,56541184,1759999800\n\
        container_memory_working_set_bytes,shop,api-1,app,56541184,1760000100\n";
    let names = "__name__,namespace,pod,container,__value__,__timestamp__:unix_s";
    let named = |names: &str| Input {
        header: names.split(',').map(str::to_owned).collect(),
        ..input("export.csv")
    };
    let (series, _) = series_of(&named(names), text).unwrap();
    assert_eq!(
        values(&series[0]),
        [(1_759_999_800_000, 56_541_184), (1_760_000_100_000, 56_541_184)]
    );
    let notes = series_of(&named("__name__,namespace,pod,__value__,__timestamp__"), text).unwrap_err();
    assert_eq!((codes(&notes), notes[0].row), (vec!["export-malformed"], Some(1)));
    let notes = series_of(&input("export.csv"), text).unwrap_err();
    assert_eq!(codes(&notes), ["column-missing"]);
}

#[test]
fn a_damaged_time_beside_a_right_one_is_found_by_its_row() {
    // the shape of Nezha's adservice: the text column is right, the numbers beside it are in 2028
    let text = "Time,TimeStamp,namespace,pod,container,value\n\
        2022-08-22 03:51:19.607158889 +0000 UTC m=+0.113112869,1661140279,shop,api-1,app,1\n\
        2022-08-22 03:52:19.589328775 +0000 UTC m=+60.095282755,1861140339,shop,api-1,app,2\n";
    let notes = series_of(&input("cpu.csv"), text).unwrap_err();
    assert_eq!((codes(&notes), notes[0].row), (vec!["time-columns"], Some(3)));
    assert!(notes[0].message.contains("`1861140339`"), "{notes:?}");
    let stated = |column: &str| Input {
        columns: [("time".to_owned(), column.to_owned())].into(),
        ..input("cpu.csv")
    };
    let (series, told) = series_of(&stated("Time"), text).unwrap();
    assert_eq!(
        values(&series[0]),
        [(1_661_140_279_607, 1_000_000_000), (1_661_140_339_589, 2_000_000_000)]
    );
    let told: Vec<_> = told.iter().map(|note| (note.code.as_str(), note.row)).collect();
    assert!(told.contains(&("time-columns", Some(3))), "{told:?}");
    // times of an interval's two ends are both right
    let interval = text.replace("1861140339", "1661140400");
    assert_eq!(series_of(&input("cpu.csv"), &interval).unwrap().0[0].samples.len(), 2);
}

#[test]
fn the_unit_of_a_column_is_declared_never_guessed() {
    // Nezha's `CpuUsage(m)` holds percent of a core; its name says millicores
    let text = "TimeStamp,PodName,CpuUsage(m)\n1661137140,frontend-579b9bff58-t2dbm,6.5\n";
    let columns = [("time", "TimeStamp"), ("pod", "PodName"), ("value", "CpuUsage(m)")];
    let table = |signal: &'static str, units: &[&str]| Input {
        columns: columns.map(|(role, name)| (role.to_owned(), name.to_owned())).into(),
        constants: Labels(
            [("namespace", "shop"), ("container", "server")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        ),
        units: units.iter().map(|id| Unit::from_id(id).unwrap()).collect(),
        ..input(signal)
    };
    let notes = series_of(&table("cpu.csv", &[]), text).unwrap_err();
    assert_eq!((notes[0].code.as_str(), notes[0].row), ("unit-undeclared", Some(2)));
    assert!(notes[0].message.contains("tells millicores"), "{notes:?}");
    for (unit, nano) in [
        ("percent-of-core", 65_000_000),
        ("millicores", 6_500_000),
        ("cores", 6_500_000_000),
    ] {
        let (series, _) = series_of(&table("cpu.csv", &["MiB", unit]), text).unwrap();
        assert_eq!(values(&series[0]), [(1_661_137_140_000, nano)], "{unit}");
    }
    // what has no unit in its name is in the signal's own
    let plain = text.replace("CpuUsage(m)", "usage");
    let table = Input {
        columns: [("time", "TimeStamp"), ("pod", "PodName"), ("value", "usage")]
            .map(|(role, name)| (role.to_owned(), name.to_owned()))
            .into(),
        ..table("cpu.csv", &[])
    };
    assert_eq!(
        values(&series_of(&table, &plain).unwrap().0[0]),
        [(1_661_137_140_000, 6_500_000_000)]
    );
}

#[test]
fn columns_and_labels_can_be_stated() {
    // the columns of a cost-management export: one row a workload and quarter of an hour
    let text = "interval_start,interval_end,container_name,workload,workload_type,namespace,cpu_usage_container_sum\n\
        2023-03-15 13:00:01 +0000 UTC,2023-03-15 13:15:00 +0000 UTC,manager,koku,deployment,cost,0.001758\n\
        2023-03-15 13:00:01 +0000 UTC,2023-03-15 13:15:00 +0000 UTC,manager,koku,deployment,cost,0.001758\n";
    let missing = series_of(&input("cpu.csv"), text).unwrap_err();
    assert_eq!(missing[0].code.as_str(), "column-missing");
    assert!(missing[0].help.contains("--columns value="), "{missing:?}");
    let columns = [("value", "cpu_usage_container_sum")].map(|(role, name)| (role.to_owned(), name.to_owned()));
    let stated = Input {
        columns: columns.into(),
        ..input("cpu.csv")
    };
    let (series, notes) = series_of(&stated, text).unwrap();
    let workload = series[0].name.workload.as_ref().unwrap();
    assert_eq!(
        (workload.kind.as_deref(), &*workload.name),
        (Some("Deployment"), "koku")
    );
    assert_eq!(values(&series[0]), [(1_678_886_100_000, 1_758_000)]);
    assert_eq!(
        codes(&notes),
        ["row-duplicate", "samples-shared", "signal-by-file-name"]
    );

    let bare = "ts,value\n1628640000,39.722330\n";
    let labels = [("namespace", "shop"), ("deployment", "front"), ("container", "app")];
    let constants = Labels(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let (series, _) = series_of(
        &Input {
            constants,
            ..input("cpu.csv")
        },
        bare,
    )
    .unwrap();
    assert_eq!(values(&series[0]), [(1_628_640_000_000, 39_722_330_000)]);
}

#[test]
fn several_clusters_in_one_export_need_a_choice() {
    let of = |cluster: &str| {
        format!(
            r#"{{"metric":{{"cluster":"{cluster}","namespace":"n","pod":"db-0","container":"c"}},"values":[[1700000000,"1"]]}}"#
        )
    };
    let text = matrix(&format!("{},{}", of("east"), of("west")));
    let notes = series_of(&input("cpu.json"), &text).unwrap_err();
    assert_eq!(notes[0].code.as_str(), "several-clusters");
    let chosen = Input {
        expected: Expected {
            cluster: Some("east".into()),
            ..Expected::default()
        },
        ..input("cpu.json")
    };
    assert_eq!(series_of(&chosen, &text).unwrap().0.len(), 1);
}

/// Two replicas of one Prometheus without deduplication, or two servers: whether they tell the same is not guessed.
#[test]
fn one_series_of_several_recorders_needs_a_choice() {
    let of = |label: &str, value: &str, pod: &str, cores: u32| {
        format!(
            r#"{{"metric":{{"{label}":"{value}","namespace":"n","pod":"{pod}","container":"c"}},"values":[[1700000000,"{cores}"]]}}"#
        )
    };
    for label in ["prometheus", "prometheus_replica", "replica", "job"] {
        let text = matrix(&format!("{},{}", of(label, "b", "db-0", 2), of(label, "a", "db-0", 1)));
        let notes = series_of(&input("cpu.json"), &text).unwrap_err();
        assert_eq!(codes(&notes), ["several-recorders"], "{label}");
        for word in [format!("`{label}`: a, b"), "`cpu` of n/db-0/c".to_owned()] {
            assert!(notes[0].message.contains(&word), "{}", notes[0].message);
        }
        for (choice, cores) in [(Some("a"), 1), (Some("b"), 2), (None, 2)] {
            let chosen = Input {
                expected: Expected {
                    recorders: vec![(label.to_owned(), choice.map(str::to_owned))],
                    ..Expected::default()
                },
                ..input("cpu.json")
            };
            let (series, _) = series_of(&chosen, &text).unwrap();
            assert_eq!(
                values(&series[0]),
                [(1_700_000_000_000, cores * 1_000_000_000)],
                "{label} {choice:?}"
            );
        }
        // servers that each record other pods are one fleet
        let apart = matrix(&format!("{},{}", of(label, "a", "db-0", 1), of(label, "b", "db-1", 1)));
        assert_eq!(series_of(&input("cpu.json"), &apart).unwrap().0.len(), 2, "{label}");
    }
}

#[test]
fn names_that_could_break_a_line_are_left_out() {
    for pod in ["a b", "a\\nb", "../x", ""] {
        let text = matrix(&format!(
            r#"{{"metric":{{"namespace":"n","pod":"{pod}","container":"c"}},"values":[[1700000000,"1"]]}}"#
        ));
        let (series, notes) = series_of(&input("cpu.json"), &text).unwrap();
        assert!(series.is_empty(), "{pod}");
        assert!(codes(&notes).contains(&"series-left-out"), "{pod}: {notes:?}");
    }
}

#[test]
fn lines_of_victoriametrics_are_read_like_the_matrix_of_the_same_samples() {
    let pairs = r#"[1700000000,"1000"],[1700000300.5,"3000"],[1700000600,"NaN"],[1700000900,"2"]"#;
    let (series, notes) = series_of(
        &input("memory.json"),
        &matrix(&format!(r#"{{{API},"values":[{pairs}]}}"#)),
    )
    .unwrap();
    let times = "\"timestamps\":[1700000000000,1700000300500,1700000600000,1700000900000]";
    for line in [
        format!(r#"{{{API},"values":[1000,3e3,null,2.5],{times}}}"#),
        format!(r#"{{{API},{times},"values":[1000,3000,"Infinity",2]}}"#),
        // one series over several lines, as `max_rows_per_line` makes them
        format!(
            "{{{API},\"values\":[2,null],\"timestamps\":[1700000900000,1700000600000]}}\n{{{API},\"values\":[1000,3000],\"timestamps\":[1700000000000,1700000300500]}}"
        ),
    ] {
        let (found, told) = series_of(&input("memory.json"), &format!("{line}\n")).unwrap();
        assert_eq!(found, series, "{line}");
        assert_eq!(codes(&told), codes(&notes), "{line}");
    }
}

#[test]
fn broken_lines_of_victoriametrics_name_what_is_wrong() {
    for (line, what) in [
        (
            r#""values":[1,2],"timestamps":[1700000000000]"#,
            "2 values and 1 timestamps",
        ),
        (r#""values":[1,2]"#, "no `timestamps`"),
        (
            r#""values":[1,[1700000000,"2"]],"timestamps":[1700000000000]"#,
            "a number expected",
        ),
        (r#""values":[true],"timestamps":[1700000000000]"#, "a number expected"),
        (r#""values":[1],"timestamps":["soon"]"#, "a number expected"),
    ] {
        let text = format!("{{{API},\"values\":[],\"timestamps\":[]}}\n{{{API},{line}}}\n");
        let notes = read(&input("memory.jsonl"), Box::new(text.as_bytes())).expect_err(what);
        assert!(notes[0].message.contains(what), "{what}: {notes:?}");
        assert_eq!(
            (notes[0].file.as_deref(), notes[0].row),
            (Some("memory.jsonl"), Some(2)),
            "{what}"
        );
    }
}

const DUMP: &str = r#"{__name__="container_cpu_usage_seconds_total", container="app", namespace="shop", pod="api-0"} 10 1700000000100
{__name__="container_cpu_usage_seconds_total", container="app", namespace="shop", pod="api-0"} 13 1700000030100
{__name__="container_cpu_usage_seconds_total", container="app", namespace="shop", pod="api-0"} 1.5 1700000060100
{__name__="up", job="kubelet"} 1 1700000000000
{__name__="container_memory_working_set_bytes", container="app", namespace="shop", pod="api-0"} 1.5e+06 1700000000000
{__name__="container_memory_working_set_bytes", container="app", namespace="shop", pod="api-0"} NaN 1700000030000
"#;

#[test]
fn dumps_of_promtool_give_rates_of_counters_and_leave_out_what_tells_nothing() {
    let (series, notes) = series_of(&input("dump.txt"), DUMP).unwrap();
    // 3 s of CPU in 30 s, then a reset to 1.5 s within 30 s
    assert_eq!(
        values(&series[0]),
        [(1_700_000_030_100, 100_000_000), (1_700_000_060_100, 50_000_000)]
    );
    assert_eq!(values(&series[1]), [(1_700_000_000_000, 1_500_000)]);
    assert_eq!(
        (series[0].name.signal, series[1].name.signal),
        (Signal::Cpu, Signal::Memory)
    );
    assert_eq!(codes(&notes), ["series-left-out", "value-absent"]);

    // the same as OpenMetrics: the name in front, no blanks, seconds
    let mut open = "# TYPE container_cpu_usage_seconds_total counter\n".to_owned();
    for line in DUMP.lines() {
        let (labels, sample) = line.split_once("} ").unwrap();
        let (name, labels) = labels.strip_prefix("{__name__=\"").unwrap().split_once("\", ").unwrap();
        let (value, ms) = sample.split_once(' ').unwrap();
        let (seconds, ms) = ms.split_at(10);
        let labels = labels.replace(", ", ",");
        let _ = writeln!(open, "{name}{{{labels}}} {value} {seconds}.{ms}");
    }
    let ended = format!("{open}# EOF\n");
    assert_eq!(series_of(&input("open.om"), &ended).unwrap().0, series);
    let notes = read(&input("open.om"), Box::new(open.as_bytes())).expect_err("no end");
    assert_eq!(codes(&notes), ["export-truncated"]);
}

#[test]
fn lines_that_are_no_history_name_their_row() {
    let cut = &DUMP[..DUMP.len() - 20];
    for (text, code, row) in [
        (cut, "export-truncated", Some(6)),
        (
            "# TYPE x gauge\ncpu{pod=\"a\",namespace=\"b\",container=\"c\"} 1\n# EOF\n",
            "export-malformed",
            Some(2),
        ),
        (
            "cpu{pod=\"a\",namespace=\"b\",container=\"c\"} 1 1700000000\ncpu{pod=\"a} 1 1700000000\n",
            "export-malformed",
            Some(2),
        ),
        (
            "cpu{pod=\"a\",namespace=\"b\",container=\"c\"} one 1700000000\n",
            "value-malformed",
            Some(1),
        ),
        (
            "cpu{pod=\"a\",namespace=\"b\",container=\"c\"} 1 now\n",
            "time-malformed",
            Some(1),
        ),
        (
            "up{pod=\"a\",namespace=\"b\",container=\"c\"} 1 1700000000\n",
            "signal-unknown",
            Some(1),
        ),
    ] {
        let notes = read(&input("dump.txt"), Box::new(text.as_bytes())).expect_err(code);
        assert_eq!((codes(&notes), notes[0].row), (vec![code], row), "{text}: {notes:?}");
    }
}

/// A skippable frame, a frame with a checksum and one without, made by `zstd` 1.5.
const ZSTD: &[u8] = include_bytes!("fixtures/history/zstd/memory.json.zst");

#[test]
fn zstd_is_read_as_what_it_holds() {
    let plain = include_bytes!("fixtures/history/zstd/memory.json");
    assert_eq!(
        told("memory.json", Box::new(ZSTD)),
        told("memory.json", Box::new(plain.as_slice()))
    );
    assert_eq!(
        told("memory.json", Box::new(&ZSTD[13..])),
        told("memory.json", Box::new(ZSTD)),
        "the skippable frame aside"
    );
}

#[test]
fn a_cut_or_damaged_zstd_stream_is_an_error() {
    for length in (20..ZSTD.len()).step_by(97) {
        let errors = read(&input("memory.json"), Box::new(&ZSTD[..length])).expect_err("a cut stream");
        assert_eq!(errors[0].file.as_deref(), Some("memory.json"), "{length}");
    }
    // within the compressed data of the frame that has a checksum
    for place in (100..1000).step_by(83) {
        let mut bytes = ZSTD.to_vec();
        bytes[place] ^= 0x10;
        let errors = read(&input("memory.json"), Box::new(bytes.as_slice())).expect_err("a flipped bit");
        assert!(!errors.is_empty(), "{place}");
    }
}

/// Hands out a few bytes at a time, so that the fast path through plain samples never has enough ahead of it.
struct Drip<'t>(&'t [u8]);

impl std::io::Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.len().min(out.len()).min(7);
        out[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

/// All that reading a text gives, in words: samples by series as they are held, notes and places, or the errors.
fn told(name: &str, raw: Box<dyn std::io::Read + '_>) -> String {
    match read(&input(name), raw) {
        Ok(read) => {
            let extent = (read.extent.first, read.extent.last);
            format!("{:?} {:?} {extent:?}", read.samples, read.notes)
        }
        Err(notes) => format!("{notes:?}"),
    }
}

#[test]
fn a_bare_number_has_no_leading_zero() {
    let line = |value: &str| {
        let values = ["0.5"; 40].join(",") + "," + value + "," + &["0.5"; 40].join(",");
        let times: Vec<_> = (0..81)
            .map(|place| format!("{}000", 1_700_000_000 + 30 * place))
            .collect();
        format!("{{{API},\"values\":[{values}],\"timestamps\":[{}]}}\n", times.join(","))
    };
    for (value, is_taken) in [("0", true), ("0.25", true), ("007", false), ("00.5", false)] {
        let text = line(value);
        let fast = told("cpu.jsonl", Box::new(text.as_bytes()));
        assert_eq!(fast, told("cpu.jsonl", Box::new(Drip(text.as_bytes()))), "{value}");
        assert_eq!(!fast.contains("is no JSON number"), is_taken, "{value}: {fast}");
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let ranges = "{\"resultType\":\"vector\",\"vmrange\":0,\"data\":";
    let allocations = "{\"code\":200,\"cpuCoreUsageAverage\":0,\"data\":";
    for (head, nested) in [("", "{\"data\":"), (ranges, "{\"data\":"), (allocations, "[")] {
        let text = head.to_owned() + &nested.repeat(100_000);
        let file = input("cpu.json");
        let notes = read(&file, Box::new(text.as_bytes())).map(drop).unwrap_err();
        assert!(
            notes[0].message.contains("nested more than 64 deep"),
            "{head}: {notes:?}"
        );
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1000))]
    /// The judge is the strict reader itself, which alone sees texts that come in drips.
    #[test]
    fn the_fast_path_and_the_strict_one_agree_on_every_input(
        pairs in proptest::collection::vec((900_000_000u64..4_300_000_000, "(|||\\.[0-9]{0,4})", "(0|[0-9]{1,18})(|\\.(99|[0-9]){0,20})", "(|||||||||||||||e-0?[0-9])(||||||||||||||||||||||||||||||[-+ a])"), 1..20),
        damage in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0u8..127), 0..3),
        is_memory in proptest::prelude::any::<bool>(),
    ) {
        // times of the first series are those of the second, whose values come from behind
        let times = || pairs.iter().map(|(at, ms, ..)| format!("{at}{ms}"));
        let value = |(.., value, end): &(u64, String, String, String)| format!("{value}{end}");
        let series = |pod: &str, values: Vec<String>| {
            let pairs: Vec<_> = times().zip(values).map(|(at, value)| format!("[{at},\"{value}\"]")).collect();
            format!(r#"{{{},"values":[{}]}}"#, API.replace("api", pod), pairs.join(","))
        };
        let [first, second] = [pairs.iter().map(value).collect(), pairs.iter().rev().map(value).collect()];
        let mut text = matrix(&[series("api", first), series("web", second)].join(",")).into_bytes();
        for (place, byte) in damage {
            // most damage goes into the samples
            let place = text.len() / 3 + place.index(text.len() - text.len() / 3);
            text[place] = byte;
        }
        let name = if is_memory { "memory.json" } else { "cpu.json" };
        proptest::prop_assert_eq!(told(name, Box::new(text.as_slice())), told(name, Box::new(Drip(&text))));
    }

    /// The same for the lines of VictoriaMetrics, whose values and times stand apart.
    #[test]
    fn the_fast_path_and_the_strict_one_agree_on_every_line(
        pairs in proptest::collection::vec((900_000_000u64..4_300_000_000, "([0-9]{3}|[0-9]{3}|[0-9]{0,6})", "(0|[0-9]{1,18})(|\\.(99|[0-9]){0,20})", "(|||||||||||||||e-0?[0-9])(||||||||||||||||||||||||||||||[-+ a])"), 1..20),
        damage in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0u8..127), 0..3),
        is_memory in proptest::prelude::any::<bool>(),
        is_turned in proptest::prelude::any::<bool>(),
    ) {
        let values: Vec<_> = pairs.iter().map(|(.., value, end)| format!("{value}{end}")).collect();
        let times: Vec<_> = pairs.iter().map(|(at, ms, ..)| format!("{at}{ms}")).collect();
        let mut columns = [("values", values), ("timestamps", times)].map(|(name, all)| format!(r#""{name}":[{}]"#, all.join(",")));
        if is_turned {
            columns.reverse();
        }
        let mut text = format!("{{{API},{}}}\n", columns.join(",")).repeat(2).into_bytes();
        for (place, byte) in damage {
            let place = text.len() / 3 + place.index(text.len() - text.len() / 3);
            text[place] = byte;
        }
        let name = if is_memory { "memory.jsonl" } else { "cpu.jsonl" };
        proptest::prop_assert_eq!(told(name, Box::new(text.as_slice())), told(name, Box::new(Drip(&text))));
    }
}

#[test]
fn rows_in_the_order_of_time_count_a_series_once() {
    let mut text = "ts,metric,namespace,pod,container,value\n".to_owned();
    for at in 0..3 {
        for container in ["app", "POD"] {
            let _ = writeln!(text, "{},cpu,shop,api-1,{container},0.{at}", 1_700_000_000 + 300 * at);
        }
    }
    let (series, notes) = series_of(&input("lake.csv"), &text).unwrap();
    assert_eq!(values(&series[0]).len(), 3);
    let left_out: Vec<_> = notes.iter().filter(|note| note.message.contains("left out")).collect();
    assert!(
        left_out.len() == 1 && left_out[0].message.starts_with("1 series"),
        "{notes:?}"
    );
}
