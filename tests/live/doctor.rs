//! `trimtab doctor` against a real Prometheus: each thing that can be missing, one at a time, is named with its fix.

use crate::command::{Ran, run, trimtab};
use crate::samples::{END, Series, few};
use crate::stores::Store;

fn examine(url: &str, more: &[&str]) -> Ran {
    run(trimtab(&["doctor", "--prometheus", url, "--end", END, "--window", "2d"]).args(more))
}

/// What the doctor says of a Prometheus with these series.
fn doctor(series: &[Series], more: &[&str]) -> Option<Ran> {
    let store = Store::prometheus(series, &[], &[])?;
    Some(examine(&store.url(), more))
}

fn assert_said(ran: &Ran, code: i32, words: &[&str]) {
    for words in words {
        assert!(
            ran.stderr.contains(words),
            "`{words}` is missing:\n{}{}",
            ran.stdout,
            ran.stderr
        );
    }
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
}

fn without(prefix: &str) -> Vec<Series> {
    few()
        .into_iter()
        .filter(|series| !series.metric.starts_with(prefix))
        .collect()
}

fn renamed(from: &str, to: &str, of: &str) -> Vec<Series> {
    let mut series = few();
    for series in series.iter_mut().filter(|series| series.metric.starts_with(of)) {
        if let Some(value) = series.labels.remove(from) {
            series.labels.insert(to.to_owned(), value);
        }
    }
    series
}

#[test]
fn a_store_that_has_all_is_well() {
    let Some(ran) = doctor(&few(), &[]) else { return };
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
    for words in [
        "2d of history, 100%",
        "kube-state-metrics",
        "a sample each 1m",
        "recorded once",
        "clock agrees",
    ] {
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
}

#[test]
fn kube_state_metrics_may_be_missing_in_part_or_whole() {
    let Some(ran) = doctor(&without("kube_"), &[]) else {
        return;
    };
    assert_said(
        &ran,
        1,
        &[
            "error[kube-state-metrics-missing]: no series of kube-state-metrics",
            "install kube-state-metrics",
            "--manifests",
        ],
    );
    let Some(ran) = doctor(&without("kube_replicaset_owner"), &[]) else {
        return;
    };
    assert_said(
        &ran,
        0,
        &[
            "warning[kube-state-metrics-missing]: no series of kube_replicaset_owner",
            "--metric-allowlist",
        ],
    );
}

#[test]
fn usage_may_be_missing_or_under_other_labels() {
    let Some(ran) = doctor(&without("container_"), &[]) else {
        return;
    };
    assert_said(
        &ran,
        1,
        &[
            "error[cadvisor-missing]: no series of container_cpu_usage_seconds_total",
            "/metrics/cadvisor",
        ],
    );

    let mut old = renamed("pod", "pod_name", "container_");
    for series in &mut old {
        if let Some(container) = series
            .labels
            .remove("container")
            .filter(|_| series.metric.starts_with("container_"))
        {
            series.labels.insert("container_name".into(), container);
        }
    }
    let Some(ran) = doctor(&old, &[]) else { return };
    assert_said(
        &ran,
        1,
        &[
            "error[labels-foreign]: container_cpu_usage_seconds_total has the labels `pod_name` and `container_name`",
            "metric_relabel_configs",
        ],
    );

    let Some(ran) = doctor(&renamed("container", "id", "container_"), &[]) else {
        return;
    };
    assert_said(
        &ran,
        1,
        &[
            "error[labels-foreign]: no series of container_cpu_usage_seconds_total has the labels `namespace`, `pod` and `container`",
        ],
    );

    let Some(ran) = doctor(&renamed("pod", "exported_pod", "kube_pod_owner"), &[]) else {
        return;
    };
    assert_said(&ran, 1, &["error[labels-overwritten]", "honor_labels: true"]);
}

/// The samples reach back two days and an hour; asked for are fourteen days, the first time, and nine.
#[test]
fn short_retention_is_told_with_what_there_is() {
    let Some(store) = Store::prometheus(&few(), &[], &[]) else {
        return;
    };
    let ran = run(trimtab(&["doctor", "--prometheus", &store.url(), "--end", END]).args(["--window", "14d"]));
    assert_said(
        &ran,
        1,
        &[
            "error[retention-short]: the store holds 2d of the 14d that are asked for: from 2021-10-18T00:00:00Z on",
            "history.minimum is 7d",
            "--storage.tsdb.retention.time=14d",
            "--window 2d",
        ],
    );
}

#[test]
fn what_is_recorded_twice_is_told_by_its_label() {
    let twice = |label: &str, value: &str| {
        let again = few()
            .into_iter()
            .filter(|series| series.metric.starts_with("container_"));
        let again = again.map(|series| series.label(label, value));
        few().into_iter().chain(again).collect::<Vec<_>>()
    };
    let Some(ran) = doctor(&twice("job", "cadvisor"), &[]) else {
        return;
    };
    assert_said(
        &ran,
        0,
        &[
            "warning[several-recorders]",
            "recorded twice, by `job` cadvisor, kubelet",
            "one scrape job too many",
        ],
    );
    let Some(ran) = doctor(&twice("prometheus_replica", "b"), &[]) else {
        return;
    };
    assert_said(&ran, 0, &["by `prometheus_replica` (none), b", "--query.replica-label"]);

    let clusters = few()
        .into_iter()
        .flat_map(|series| ["eu", "us"].map(|name| series.clone().label("cluster", name)));
    let clusters: Vec<Series> = clusters.collect();
    let Some(store) = Store::prometheus(&clusters, &[], &[]) else {
        return;
    };
    let ran = examine(&store.url(), &[]);
    assert_said(
        &ran,
        1,
        &[
            "error[several-clusters]: the store holds several clusters: eu, us",
            "--cluster eu",
        ],
    );
    assert_said(&examine(&store.url(), &["--cluster", "eu"]), 0, &[]);
}

#[test]
fn rare_scrapes_are_told_with_the_step_that_they_allow() {
    let mut rare = few();
    for series in &mut rare {
        series.values.retain(|(at_ms, _)| (at_ms / 1000 - 7) % 240 == 0);
    }
    let Some(ran) = doctor(&rare, &[]) else { return };
    assert_said(
        &ran,
        1,
        &[
            "error[scrapes-sparse]: a sample each 4m, and a rate over 5m needs two",
            "longer --step",
        ],
    );
}
