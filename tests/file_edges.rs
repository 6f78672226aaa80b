//! What stands where a file is meant, what a killed run leaves behind, and exports that are not whole.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, SystemTime};

use crate::sealed::{assert_ends, production, trimtab};

const ENVIRONMENT: &str = "overlays/production";

/// Without its plan an environment would be rendered as if nothing had been accepted; a pipe must not be waited for.
#[cfg(unix)]
#[test]
fn what_is_no_file_does_not_count_as_none() {
    let folder = production();
    let folder = folder.path();
    for name in [
        "plan.yaml",
        "policy.yaml",
        "profile.yaml",
        "prices.yaml",
        "kustomization.yaml",
    ] {
        let path = folder.join(ENVIRONMENT).join(name);
        let aside = folder.join("aside");
        let was_there = fs::rename(&path, &aside).is_ok();
        for (make, said) in [
            (&["ln", "-s", "nowhere"][..], "it is a link that leads nowhere"),
            (&["mkdir"], "it is a folder, and a file is wanted there"),
            (&["mkfifo"], "it is a pipe or a device, and a file is wanted there"),
        ] {
            let made = std::process::Command::new(make[0]).args(&make[1..]).arg(&path).status();
            assert!(made.unwrap().success(), "{make:?}");
            let words = format!("cannot read `{ENVIRONMENT}/{name}`: {said}");
            for arguments in [
                &["render", ENVIRONMENT, "-o", "rendered/production"][..],
                &["plan", ENVIRONMENT],
            ] {
                let output = trimtab(folder, arguments);
                assert_ends(&output, 1, &[&words]);
                assert!(output.stdout.is_empty(), "{name}");
            }
            if path.is_dir() {
                fs::remove_dir(&path).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
            }
        }
        if was_there {
            fs::rename(&aside, &path).unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn a_linked_profile_is_a_profile() {
    let folder = production();
    let folder = folder.path();
    let profile = folder.join(ENVIRONMENT).join("profile.yaml");
    fs::rename(&profile, folder.join("shared.yaml")).unwrap();
    assert_ends(
        &trimtab(folder, &["check", "."]),
        3,
        &["is not what its inputs make of it"],
    );
    std::os::unix::fs::symlink("../../shared.yaml", &profile).unwrap();
    assert_ends(&trimtab(folder, &["check", "."]), 0, &["current: 1 environment"]);
}

#[expect(clippy::disallowed_types, reason = "the time of a file is set through it")]
fn age(path: &Path, hours: u64) {
    let then = SystemTime::now() - Duration::from_hours(hours);
    fs::File::open(path).unwrap().set_modified(then).unwrap();
}

#[cfg(unix)]
#[test]
fn what_a_killed_run_left_is_cleared_unless_it_holds_files_of_others() {
    let folder = production();
    let folder = folder.path();
    let render = ["render", ENVIRONMENT, "-o", "rendered/production"];
    let left = |name: &str| folder.join("rendered").join(name);
    // as a killed `render` leaves it: complete, and not yet in its place
    fs::create_dir_all(left(".trimtab-aB3dEf")).unwrap();
    crate::shop::copy(&folder.join("rendered/production"), &left(".trimtab-aB3dEf/new"));
    let checked = trimtab(folder, &["check", "."]);
    assert_ends(&checked, 0, &["current: 1 environment, 1 rendered folder\n"]);
    assert_ends(&trimtab(folder, &render), 0, &[]);
    assert!(left(".trimtab-aB3dEf").is_dir(), "another run may still need it");
    age(&left(".trimtab-aB3dEf"), 2);
    // its name is not one that we give
    fs::create_dir_all(left(".trimtab-mine")).unwrap();
    age(&left(".trimtab-mine"), 2);
    fs::create_dir_all(left(".trimtab-000000/old")).unwrap();
    fs::write(left(".trimtab-000000/old/README.md"), "of the team").unwrap();
    age(&left(".trimtab-000000"), 2);
    let words = "`rendered/.trimtab-000000` was left by a run that was killed";
    assert_ends(&trimtab(folder, &render), 0, &[words]);
    assert!(!left(".trimtab-aB3dEf").exists());
    assert!(left(".trimtab-mine").is_dir() && left(".trimtab-000000/old/README.md").is_file());
    // a single file is written beside its place too
    let file = folder.join(ENVIRONMENT).join(".trimtab-zZ9zZ9");
    fs::write(&file, "half").unwrap();
    age(&file, 2);
    fs::remove_file(folder.join(ENVIRONMENT).join("plan.yaml")).unwrap();
    assert_ends(&trimtab(folder, &["plan", ENVIRONMENT, "--write"]), 0, &[]);
    assert!(!file.exists());
}

const JSON: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"container_memory_working_set_bytes","namespace":"shop","deployment":"api","pod":"api-1","container":"api"},"values":[[1700000000,"1000"],[1700000300,"2000"]]}]}}"#;
const CSV: &str = "ts,value,namespace,deployment,pod,container,metric\n\
    1700000000,1000,shop,api,api-1,api,container_memory_working_set_bytes\n";
const LINES: &str = "container_memory_working_set_bytes{namespace=\"shop\",deployment=\"api\",pod=\"api-1\",container=\"api\"} 1000 1700000000000\n";

fn profile(folder: &Path, name: &str, content: &[u8]) -> Output {
    fs::write(folder.join(name), content).unwrap();
    trimtab(folder, &["profile", name, "-o", "-"])
}

#[test]
fn a_byte_order_mark_hides_no_format() {
    let folder = tempfile::tempdir().unwrap();
    for text in [JSON, CSV, LINES] {
        let plain = profile(folder.path(), "export", text.as_bytes());
        assert_ends(&plain, 0, &["Deployment/api"]);
        let marked = profile(folder.path(), "export", format!("\u{FEFF}{text}").as_bytes());
        assert_ends(&marked, 0, &[]);
        assert_eq!(marked.stdout, plain.stdout, "{text}");
    }
    let wide: Vec<u8> = CSV.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe][..], &wide].concat();
    assert_ends(
        &profile(folder.path(), "export", &marked),
        1,
        &["is text in UTF-16", "write it as UTF-8"],
    );
}

/// The pipe holds the run up between its first look at the export and its last.
#[cfg(unix)]
#[test]
fn an_export_that_is_written_meanwhile_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for is_written in [false, true] {
        fs::write(at("cpu.json"), JSON).unwrap();
        let made = std::process::Command::new("mkfifo").arg(at("more.json")).status();
        assert!(made.unwrap().success());
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_trimtab"))
            .current_dir(folder.path())
            .args(["profile", "cpu.json", "cpu=more.json", "-o", "profile.yaml"])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = fs::OpenOptions::new().write(true).open(at("more.json")).unwrap();
        if is_written {
            fs::write(at("cpu.json"), format!("{JSON}\n")).unwrap();
        }
        pipe.write_all(JSON.as_bytes()).unwrap();
        drop(pipe);
        let output = run.wait_with_output().unwrap();
        if is_written {
            assert_ends(
                &output,
                1,
                &["error[export-changed]: was written while it was read", "cpu.json"],
            );
        } else {
            assert_ends(&output, 0, &["written to profile.yaml"]);
            fs::remove_file(at("profile.yaml")).unwrap();
        }
        assert!(!at("profile.yaml").exists());
        fs::remove_file(at("more.json")).unwrap();
    }
}

#[test]
fn a_cut_gzip_stream_is_said_to_be_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    for text in [JSON, CSV, LINES] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        let whole = gzip.finish().unwrap();
        for length in [5, whole.len() / 2, whole.len() - 1] {
            let words = format!("the gzip stream is cut off: the file ends after {length} bytes");
            let cut = profile(folder.path(), "export.gz", &whole[..length]);
            assert_ends(
                &cut,
                1,
                &["error[export-truncated]", &words, "the download was cut short"],
            );
        }
        let tail = profile(
            folder.path(),
            "export.gz",
            &[&whole[..], b"something else behind it"].concat(),
        );
        assert_ends(
            &tail,
            1,
            &[
                "the gzip stream is damaged in its first",
                "what follows its end is no gzip",
            ],
        );
    }
}

#[test]
fn a_message_holds_no_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let header: Vec<String> = (0..5000).map(|column| format!("column_{column}").repeat(9)).collect();
    let output = profile(folder.path(), "wide.csv", header.join(",").as_bytes());
    assert_ends(&output, 1, &["has no value column", "and 4980 more", "…"]);
    assert!(output.stderr.len() < 2000, "{}", output.stderr.len());
}

#[test]
fn threads_have_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    for command in [&["plan", "."][..], &["fn"], &["profile", "x", "-o", "y"]] {
        let arguments = [command, &["--threads", "257"]].concat();
        assert_ends(
            &trimtab(folder.path(), &arguments),
            1,
            &["'257' for '--threads <N>': 256 at most"],
        );
    }
}

#[test]
fn a_file_of_another_kind_is_told_so_once() {
    let folder = tempfile::tempdir().unwrap();
    let workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 2, template: {}}\n";
    fs::write(folder.path().join("w.yaml"), workload).unwrap();
    let policy = |cluster: &str, rule: &str| {
        format!(
            "apiVersion: trimtab.dev/v1alpha1\nkind: OptimizationPolicy\nmetadata: {{name: p}}\n\
             spec: {{environment: test, cluster: {{kubernetes: '1.33'{cluster}}}, workloads: {{all: {{{rule}}}}}}}\n"
        )
    };
    let huge = "addons: {keda: '99999999999.1'}";
    fs::write(folder.path().join("p.yaml"), policy("", "")).unwrap();
    fs::write(folder.path().join("addon.yaml"), policy(&format!(", {huge}"), "")).unwrap();
    fs::write(folder.path().join("priority.yaml"), policy("", "priority: 99999999999")).unwrap();
    for (arguments, said, count) in [
        (&["--policy", "w.yaml"][..], "write `kind: OptimizationPolicy`", 2),
        (
            &["--policy", "p.yaml", "--plan", "p.yaml"],
            "write `kind: OptimizationPlan`",
            1,
        ),
        (
            &["--policy", "p.yaml", "--prices", "w.yaml"],
            "write `kind: PriceSheet`",
            2,
        ),
        (&["--policy", "addon.yaml"], "`99999999999.1` is no version", 1),
        (
            &["--policy", "priority.yaml"],
            "99999999999 is greater than the maximum of 2147483647",
            1,
        ),
    ] {
        let mut function = std::process::Command::new(env!("CARGO_BIN_EXE_trimtab"));
        let input = folder.path().join("w.yaml");
        let stdin = std::process::Stdio::piped();
        let mut child = function.arg("fn").args(arguments).current_dir(&folder).stdin(stdin);
        child = child
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = child.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(&fs::read(&input).unwrap())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_ends(&output, 1, &[said]);
        let errors = String::from_utf8_lossy(&output.stderr).matches("error[").count();
        assert_eq!(errors, count, "{arguments:?}");
    }
}
