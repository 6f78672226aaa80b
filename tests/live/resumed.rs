//! Against real stores: a run that is killed half-way and started again, the printed recipe, a store with a low limit: all
//! give the bytes of an undisturbed run.

use crate::command::{Desk, run, trimtab};
use crate::samples::{END, all};
use crate::stores::Store;
use crate::wire::{Server, Stalling, forward, reply};
use std::process::{Command, Stdio};

/// Kills a run after `answers` answers, resumes it, and compares with a run that nobody disturbed.
fn killed_and_resumed(store: &Store) -> (Desk, String) {
    let desk = Desk::new();
    let proxy = Stalling::before(store.port, 10);
    let url = proxy.server.url.as_str();
    // one request at a time: 1 counts the containers, 9 answer queries, the next one waits for ever
    let mut child = desk
        .profile(url, END, "killed.yaml", &["--parallel", "1"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    proxy.wait();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!desk.path("killed.yaml").exists());
    let kept = desk.working_files();
    let ending = |name: &String| name.rsplit('.').next().unwrap_or_default().to_owned();
    let whole = |name: &&String| ["json", "empty"].contains(&ending(name).as_str());
    assert_eq!(
        kept.iter().filter(whole).count(),
        9 + 1,
        "nine answers and window.json: {kept:?}"
    );
    let before = proxy.server.asked().len();

    proxy.release();
    let resumed = run(&mut desk.profile(url, END, "killed.yaml", &[]));
    resumed.assert_done();
    assert!(
        resumed.stderr.contains("9 answers had come in an earlier run"),
        "{}",
        resumed.stderr
    );
    let asked = proxy.server.asked().len() - before;
    assert_eq!(asked, 21 - 9, "what is finished is not asked again");
    assert!(desk.working_files().is_empty());

    let undisturbed = run(&mut desk.profile(url, END, "undisturbed.yaml", &[]));
    undisturbed.assert_done();
    let said = &undisturbed.stderr;
    assert!(
        !said.contains("warning[") && !said.contains("note["),
        "an export as it should be: {said}"
    );
    let profile = desk.text("undisturbed.yaml");
    assert_eq!(desk.text("killed.yaml"), profile);
    assert!(profile.contains("Deployment/frontend"), "{profile}");
    (desk, profile)
}

/// What of the shipped history a profile says, whichever store it came through.
fn assert_knows_the_shop(profile: &str) {
    for words in [
        "Deployment/frontend",
        "cpu_request",
        "memory_limit",
        "hpa_max",
        "replicas",
        "oom",
        "2021-10-18T00:00:00Z",
        END,
    ] {
        assert!(
            profile.contains(words),
            "`{words}` is missing:\n{}",
            &profile[..profile.len().min(6000)]
        );
    }
}

#[test]
fn prometheus_killed_half_way_gives_the_bytes_of_an_undisturbed_run() {
    let Some(store) = Store::prometheus(&all(), &[], &[]) else {
        return;
    };
    let (desk, profile) = killed_and_resumed(&store);
    assert_knows_the_shop(&profile);
    the_recipe_gives_the_same(&desk, &store, &profile);
    own_queries_and_filters(&desk, &store);
    a_large_fleet_is_cut_and_gives_the_same(&store, &profile);
}

/// The count of containers is made up, so that namespaces and time are cut as for a large fleet.
fn a_large_fleet_is_cut_and_gives_the_same(store: &Store, profile: &str) {
    let port = store.port;
    let server = Server::new(move |asked, _| {
        if !asked
            .parameter("query")
            .unwrap()
            .starts_with("count by (cluster, namespace)")
        {
            return forward(port, asked);
        }
        let row = |name: &str, count: u64| {
            format!(r#"{{"metric":{{"namespace":"{name}"}},"values":[[1634688000,"{count}"]]}}"#)
        };
        let rows = [row("another", 9_000), row("online-boutique", 20_000)].join(",");
        let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{rows}]}}}}"#);
        reply("200 OK", "", &body)
    });
    let desk = Desk::new();
    run(&mut desk.profile(&server.url, END, "cut.yaml", &["--keep-work"])).assert_done();
    let names = desk.working_files();
    // 4 million / 20,000 containers = 200 of 576 values at once, in the second of three sets of namespaces
    let of_cpu: Vec<&String> = names.iter().filter(|name| name.starts_with("cpu.1.")).collect();
    assert_eq!(of_cpu.len(), 3, "{names:?}");
    assert!(
        names.iter().any(|name| name.starts_with("cpu.2.")),
        "the rest of the namespaces: {names:?}"
    );
    assert_eq!(desk.text("cut.yaml"), profile);
}

/// `--print-queries` by bash and curl.
fn the_recipe_gives_the_same(desk: &Desk, store: &Store, profile: &str) {
    let url = store.url();
    let args = ["--window", "2d", "--end", END, "--environment", "production"];
    let script = run(trimtab(&["profile", "--print-queries", "--prometheus", &url]).args(args));
    script.assert_done();
    let folder = desk.path("recipe");
    std::fs::create_dir(&folder).unwrap();
    let trimtab = std::path::Path::new(env!("CARGO_BIN_EXE_trimtab")).parent().unwrap();
    let path = std::env::join_paths(
        std::iter::once(trimtab.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let ran = run(Command::new("bash")
        .args(["-c", &script.stdout])
        .env("PATH", path.unwrap())
        .env("no_proxy", "127.0.0.1")
        .current_dir(&folder));
    ran.assert_done();
    assert!(!ran.stderr.contains("warning["), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(folder.join("profile.yaml")).unwrap(), profile);
}

fn own_queries_and_filters(desk: &Desk, store: &Store) {
    let rate = "rate=sum by (namespace, deployment) (label_replace(rate(container_cpu_usage_seconds_total{pod=~\"frontend-.*\"}[5m]), \"deployment\", \"frontend\", \"\", \"\"))";
    let run = |output: &str, more: &[&str]| run(&mut desk.profile(&store.url(), END, output, more));
    run("rate.yaml", &["--query", rate]).assert_done();
    let rate = desk.text("rate.yaml");
    assert!(rate.contains("rate:\n"), "{}", &rate[..3000]);
    let none = run("none.yaml", &["--namespace-filter", "!online-*"]);
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.contains("error[cadvisor-missing]"), "{}", none.stderr);
    assert!(none.stderr.contains("trimtab doctor --prometheus"), "{}", none.stderr);
    let odd = run("odd.yaml", &["--query", "rate=sum by ("]);
    assert!(odd.stderr.contains("error[store-query-failed]"), "{}", odd.stderr);
    assert!(odd.stderr.contains("parse error"), "{}", odd.stderr);
}

#[test]
fn victoria_metrics_killed_half_way_gives_the_bytes_of_an_undisturbed_run() {
    let Some(store) = Store::victoria(&all()) else { return };
    let (_, profile) = killed_and_resumed(&store);
    assert_knows_the_shop(&profile);
    let args = ["doctor", "--prometheus", &store.url(), "--end", END, "--window", "2d"];
    let doctor = run(&mut trimtab(&args));
    assert_eq!(
        (doctor.code, doctor.stderr.as_str()),
        (Some(0), ""),
        "{}",
        doctor.stdout
    );
}

/// 39 containers × 576 values are more than 8000 samples: Prometheus itself refuses, and its words are understood.
#[test]
fn a_prometheus_with_a_low_limit_is_asked_in_halves_and_gives_the_same() {
    let series = all();
    let Some(low) = Store::prometheus(&series, &["--query.max-samples=8000".to_owned()], &[]) else {
        return;
    };
    let desk = Desk::new();
    let ran = run(&mut desk.profile(&low.url(), END, "low.yaml", &["--keep-work"]));
    ran.assert_done();
    let halved = desk
        .working_files()
        .iter()
        .filter(|name| name.ends_with(".halved"))
        .count();
    assert!(halved >= 2, "{:?}", desk.working_files());
    let Some(usual) = Store::prometheus(&series, &[], &[]) else {
        return;
    };
    run(&mut desk.profile(&usual.url(), END, "usual.yaml", &[])).assert_done();
    assert_eq!(desk.text("low.yaml"), desk.text("usual.yaml"));
}
