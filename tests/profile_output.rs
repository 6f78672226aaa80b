//! What `profile` writes: all files of a folder or none, and what stands above a part.

use crate::profile_shown::profile;
use crate::sealed::{assert_ends, trimtab};
use std::fs;
use std::path::Path;

/// Exports of two namespaces, `mall` and `shop`.
fn exports(folder: &Path) {
    profile(folder, "profile.yaml", 1, 1);
    let text = fs::read_to_string(folder.join("cpu.json")).unwrap();
    fs::write(folder.join("more.json"), text.replace("\"shop\"", "\"mall\"")).unwrap();
}

fn run(folder: &Path, output: &str) -> std::process::Output {
    trimtab(folder, &["profile", "cpu.json", "cpu=more.json", "-o", output])
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

#[test]
fn a_folder_that_is_not_there_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    exports(folder);
    assert_ends(
        &run(folder, "new/profiles/"),
        0,
        &["mall: 2 workloads", "shop: 2 workloads"],
    );
    assert_eq!(names(&folder.join("new/profiles")), ["mall.yaml", "shop.yaml"]);
    assert_ends(
        &trimtab(folder, &["profile", "show", "new/profiles"]),
        0,
        &["namespace mall", "namespace shop"],
    );
    assert_ends(
        &trimtab(
            folder,
            &["profile", "show", "new/profiles/mall.yaml", "profile.yaml", "wave"],
        ),
        0,
        &["namespace mall", "namespace shop"],
    );
}

#[test]
fn of_a_folder_all_files_are_written_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    exports(folder);
    let profiles = folder.join("profiles");
    fs::create_dir(&profiles).unwrap();
    // somebody's file where the second one would go
    fs::write(profiles.join("shop.yaml"), "mine: true\n").unwrap();
    assert_ends(
        &run(folder, "profiles"),
        1,
        &["shop.yaml is there and is no usage profile"],
    );
    assert_eq!(names(&profiles), ["shop.yaml"]);
    // what can't be replaced: the first one stays away all the same
    fs::remove_file(profiles.join("shop.yaml")).unwrap();
    fs::create_dir(profiles.join("shop.yaml")).unwrap();
    assert_ends(&run(folder, "profiles"), 1, &["shop.yaml"]);
    assert_eq!(names(&profiles), ["shop.yaml"]);
}

#[test]
fn two_profiles_never_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    exports(folder);
    for (environment, cluster, name) in [("a-b", "c", "one.yaml"), ("a", "b-c", "other.yaml")] {
        let arguments = [
            "profile",
            "cpu.json",
            "--environment",
            environment,
            "--cluster",
            cluster,
            "-o",
            name,
        ];
        assert_ends(&trimtab(folder, &arguments), 0, &[]);
    }
    let merge = ["profile", "merge", "--mixed", "one.yaml", "other.yaml", "-o", "both/"];
    let told = [
        "environment a-b, cluster c",
        "environment a, cluster b-c",
        "a-b-c-shop.yaml",
    ];
    assert_ends(&trimtab(folder, &merge), 1, &told);
    assert!(!folder.join("both").exists());
}

#[test]
fn the_head_of_a_part_does_not_say_that_nothing_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let whole = profile(folder, "profile.yaml", 1, 1);
    assert!(whole.contains("100.0%"), "{whole:.900}");
    assert_ends(
        &trimtab(folder, &["profile", "cpu.json", "--shard", "-o", "part.yaml"]),
        0,
        &[],
    );
    let part = fs::read_to_string(folder.join("part.yaml")).unwrap();
    let row: Vec<&str> = part
        .lines()
        .find(|line| line.contains("Deployment/flat"))
        .unwrap()
        .split_whitespace()
        .collect();
    // workload, container, weeks, known, pods
    assert_eq!(row[..6], ["#", "Deployment/flat", "app", "1", "-", "-"]);
}
