//! `trimtab profile --print-sql`: what an engine is given to run. That the engines' rows give the lines of the samples is
//! tried by `scripts/test-engines.sh`, with the engines themselves.

use std::process::{Command, Output};

const ENGINES: [&str; 5] = ["clickhouse", "datafusion", "duckdb", "spark", "trino"];

fn print_sql(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
    command.args(["profile", "--print-sql"]).args(args).output().unwrap()
}

fn sql(args: &[&str]) -> String {
    let output = print_sql(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Statements without their remarks.
fn statements(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let statements = text.split(';').map(str::trim).filter(|text| !text.is_empty());
    statements.map(str::to_owned).collect()
}

#[test]
fn every_engine_gets_two_whole_statements() {
    for engine in ENGINES {
        let text = sql(&[engine]);
        let statements = statements(&text);
        let [buckets, instants] = statements.as_slice() else {
            panic!("{engine}: {} statements", statements.len())
        };
        for (statement, group) in [(buckets, "metric, week, bucket"), (instants, "metric, ts")] {
            let count = |mark| statement.matches(mark).count();
            assert_eq!(count('('), count(')'), "{engine}: {statement}");
            assert!(
                statement.contains(&format!("GROUP BY namespace, kind, name, container, {group}")),
                "{engine}"
            );
            assert!(
                !statement.contains(['{', '}']) && !statement.contains("ROWS"),
                "{engine}: {statement}"
            );
        }
        assert_eq!(
            text.contains("no test runs this dialect"),
            ["clickhouse", "trino"].contains(&engine)
        );
    }
}

#[test]
fn tables_and_columns_are_taken_as_the_engine_says_them() {
    let columns = "time=epoch(at),value=cores,workload_type='Deployment'";
    let text = sql(&["duckdb", "--table", "'lake/*.parquet'", "--columns", columns]);
    for part in [
        "FROM 'lake/*.parquet'",
        "CAST(ceil(epoch(at)) AS BIGINT) AS ts",
        "CAST(cores AS DOUBLE) AS raw",
        "'Deployment' AS kind",
        "pod AS pod",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let output = print_sql(&["duckdb", "--columns", "tim=at"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(told.contains("no `tim` (did you mean `time`?)"), "{told}");
}

#[test]
fn cells_of_the_step_are_taken_only_where_pods_have_instants_of_their_own() {
    assert!(!sql(&["spark", "--step", "15m"]).contains("cell"));
    let text = sql(&["spark", "--step", "15m", "--off-grid"]);
    assert!(text.contains("ts + 899 - (ts + 899) % 900 AS cell"), "{text}");
    let step = print_sql(&["spark", "--step", "7m", "--off-grid"]);
    assert!(!step.status.success());
}
