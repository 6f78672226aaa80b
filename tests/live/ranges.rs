//! VictoriaMetrics counts in its ranges: what comes of it holds against the samples that it counted.

use crate::command::{Desk, run, shown, trimtab};
use crate::samples::{END, all};
use crate::stores::Store;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;
use trimtab::history::signal::Signal;
use trimtab::profile::opened::ProfileStream;

/// Values by what is measured, workload and container.
type Exact = BTreeMap<(Signal, String, String), Vec<u64>>;

/// The samples that a run was sent. Pods are those of Deployments.
fn exact(desk: &Desk) -> Exact {
    let mut all = Exact::new();
    for run in std::fs::read_dir(desk.path("work")).unwrap() {
        for file in std::fs::read_dir(run.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let signal = match name.split('.').next() {
                Some("cpu") => Signal::Cpu,
                Some("memory") => Signal::Memory,
                _ => continue,
            };
            let Ok(answer) = serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()) else {
                continue;
            };
            for series in answer["data"]["result"].as_array().unwrap() {
                let label = |name: &str| series["metric"][name].as_str().unwrap().to_owned();
                let pod = label("pod");
                let workload = pod.rsplitn(3, '-').last().unwrap().to_owned();
                let values = series["values"].as_array().unwrap().iter().map(|pair| {
                    let value: f64 = pair[1].as_str().unwrap().parse().unwrap();
                    let scale = if signal == Signal::Cpu { 1e9 } else { 1.0 };
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "amounts of a container"
                    )]
                    let units = (value * scale) as u64;
                    units
                });
                all.entry((signal, workload, label("container")))
                    .or_default()
                    .extend(values);
            }
        }
    }
    all
}

#[test]
fn counted_ranges_are_never_below_the_samples_and_not_wider_than_a_range() {
    let Some(store) = Store::victoria(&all()) else { return };
    let desk = Desk::new();
    run(&mut desk.profile(&store.url(), END, "samples.yaml", &["--keep-work"])).assert_done();
    let exact = exact(&desk);
    std::fs::remove_dir_all(desk.path("work")).unwrap();
    run(&mut desk.profile(&store.url(), END, "coarse.yaml", &["--coarse"])).assert_done();

    let profiles = ProfileStream::from(desk.text("coarse.yaml")).read().unwrap();
    let mut compared = 0_usize;
    for (workload, history) in profiles.iter().flat_map(|profile| &profile.workloads) {
        for ((container, signal), history) in &history.signals {
            let Some(coarse) = &history.coarse else { continue };
            let mut values = exact[&(*signal, workload.name.clone(), container.clone())].clone();
            values.sort_unstable();
            assert_eq!(coarse.samples, values.len() as u64, "{workload} {signal}");
            for ppm in [10_000, 250_000, 500_000, 900_000, 950_000, 990_000, 999_000, 1_000_000] {
                let rank = (values.len() as u64 * ppm).div_ceil(1_000_000).max(1);
                let exact = values[usize::try_from(rank - 1).unwrap()];
                let found = coarse.weights.quantile(ppm).unwrap().upper;
                // a range is 10^(1/18) wide, its end rounded to four digits, and a level of the sketch 1/32
                #[expect(clippy::cast_precision_loss, reason = "a thousandth is what is asked")]
                let most = exact as f64 * 1.1365 * 1.001 * (1.0 + 1.0 / 32.0) + 3.0;
                #[expect(clippy::cast_precision_loss, reason = "a thousandth is what is asked")]
                let is_within = found >= exact && found as f64 <= most;
                assert!(
                    is_within,
                    "{workload} {container} {signal} at {ppm}: {found} of {exact}"
                );
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 8 * exact.len(), "every container was counted");
    assert!(exact.len() >= 10, "{}", exact.len());
    the_recipe_gives_the_same(&desk, &store);
}

/// By bash and curl, in parts of a day: the same counts.
fn the_recipe_gives_the_same(desk: &Desk, store: &Store) {
    let args = [
        "--window",
        "2d",
        "--end",
        END,
        "--environment",
        "production",
        "--coarse",
    ];
    let script = run(trimtab(&["profile", "--print-queries", "--prometheus", &store.url()]).args(args));
    script.assert_done();
    let folder = desk.path("recipe");
    std::fs::create_dir(&folder).unwrap();
    let trimtab = std::path::Path::new(env!("CARGO_BIN_EXE_trimtab")).parent().unwrap();
    let path = format!("{}:{}", shown(trimtab), std::env::var("PATH").unwrap());
    let ran = run(Command::new("bash")
        .args(["-c", &script.stdout])
        .env("PATH", path)
        .env("no_proxy", "127.0.0.1")
        .current_dir(&folder));
    ran.assert_done();
    let of_cpu = std::fs::read_dir(folder.join("usage")).unwrap();
    let of_cpu = of_cpu.filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().starts_with("cpu."));
    assert_eq!(of_cpu.count(), 2, "one a day");
    let profile = std::fs::read_to_string(folder.join("profile.yaml")).unwrap();
    assert_eq!(profile, desk.text("coarse.yaml"));
}
