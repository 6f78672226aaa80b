//! What `trimtab plan --write` wrote: a fixed point until an input changes, and sealed against edits.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::kustomize::{Kustomize, yaml};
use crate::shop::copy;

const PLAN: &str = "overlays/production/plan.yaml";
const POLICY: &str = "overlays/production/policy.yaml";

/// Production of the example with what it stands on.
pub(crate) fn production() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("overlays-example");
    for part in ["apps", "overlays/production", "rendered/production"] {
        copy(&example.join(part), &folder.path().join(part));
    }
    folder
}

pub(crate) fn trimtab(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(arguments)
        .env("TRIMTAB_KUSTOMIZE", Kustomize::newest().path)
        .current_dir(folder)
        .output()
        .unwrap()
}

pub(crate) fn assert_ends(output: &Output, code: i32, words: &[&str]) {
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
}

pub(crate) fn replace(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "`{from}` is in {file}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

fn workloads(plan: &str) -> serde_json::Map<String, Value> {
    yaml(plan).remove(0)["spec"]["workloads"].as_object().unwrap().clone()
}

/// An edit of an input, and the one workload it is about; none where it is about all.
type Edit = (&'static str, &'static str, &'static str, Option<&'static str>);

const EDITS: [Edit; 12] = [
    (POLICY, "wave: {workloads: 20}", "wave: {workloads: 3}", None),
    (POLICY, "provider: aws", "provider: gcp", None),
    (POLICY, r#"kubernetes: "1.33""#, r#"kubernetes: "1.26""#, None),
    (POLICY, "mode: enforce", "mode: frozen", None),
    (POLICY, "objective: balanced", "objective: safe", None),
    (
        POLICY,
        "  workloads:\n",
        "  budget: {monthly: 1300 USD}\n  workloads:\n",
        Some(""),
    ),
    (
        POLICY,
        "    emailservice:",
        "    shippingservice: {spot: {mode: never}}\n    emailservice:",
        Some("Deployment/online-boutique/shippingservice"),
    ),
    (
        POLICY,
        "{value: 2}, maxReplicas: {value: 6}",
        "{value: 2}, maxReplicas: {value: 20}",
        Some("Deployment/online-boutique/cartservice"),
    ),
    (
        POLICY,
        "    checkoutservice:\n",
        "    checkoutservice:\n      requests: {cpu: {value: 300m}}\n",
        Some("Deployment/online-boutique/checkoutservice"),
    ),
    (
        POLICY,
        "  workloads:\n",
        "  accept:\n    mail: {code: spot-unsafe, workload: emailservice, reason: known}\n  workloads:\n",
        Some("Deployment/online-boutique/emailservice"),
    ),
    (
        "apps/base/emailservice.yaml",
        "name: server",
        "name: mail",
        Some("Deployment/online-boutique/emailservice"),
    ),
    (
        POLICY,
        "    emailservice: #",
        "    emailservice:\n      match: {names: {nobody: true}} #",
        Some("Deployment/online-boutique/emailservice"),
    ),
];

/// One `--write` is enough after any edit, and an edit about one workload leaves the others' entries to the byte.
#[test]
fn what_was_written_is_a_fixed_point() {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(edit) = EDITS.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    assert_fixed(edit);
                }
            });
        }
    });
}

fn assert_fixed(edit: &Edit) {
    let (file, from, to, about) = edit;
    let folder = production();
    let folder = folder.path();
    let before = read(folder, PLAN);
    replace(folder, file, from, to);
    assert_ends(&trimtab(folder, &["plan", "overlays", "--write"]), 0, &[]);
    let after = read(folder, PLAN);
    assert_ne!(after, before, "{to}: nothing changed");
    if let Some(about) = about {
        let (before, after) = (workloads(&before), workloads(&after));
        for (key, entry) in after.iter().filter(|(key, _)| key != about) {
            assert_eq!(before.get(key), Some(entry), "{to}: {key}");
        }
        assert_eq!(
            after.get(*about) == before.get(*about),
            about.is_empty(),
            "{to}: {about}"
        );
    }
    let render = ["render", "overlays/production", "-o", "rendered/production"];
    assert_ends(&trimtab(folder, &render), 0, &[]);
    // it plans again and compares every byte
    assert_ends(
        &trimtab(folder, &["check", "."]),
        0,
        &["current: 1 environment, 1 rendered folder"],
    );
}

/// An edited number is applied by builds, refused by the gate, and gone with the next plan on these inputs.
#[test]
fn an_edited_entry_is_refused_and_decided_again() {
    let folder = production();
    let folder = folder.path();
    let was = read(folder, PLAN);
    let key = "Deployment/online-boutique/emailservice";
    edit_cpu_request(folder, key, "177m");
    let edited = format!("warning[plan-edited]: edited after planning: `{key}`\n");
    let render = ["render", "overlays/production", "-o", "rendered/production"];
    assert_ends(&trimtab(folder, &render), 0, &[&edited]);
    assert!(read(folder, "rendered/production/deployment-emailservice.patch.yaml").contains("177m"));
    let words = [
        "error[plan-edited]",
        key,
        "was edited after planning",
        "state it in the policy and plan again",
    ];
    assert_ends(&trimtab(folder, &["check", "."]), 3, &words);
    assert_ends(&trimtab(folder, &["explain", "--verify", "overlays"]), 1, &words);
    assert_ends(&trimtab(folder, &["plan", "overlays", "--write"]), 0, &[&edited]);
    // the same inputs: what was decided before the edit, and no second step
    assert_eq!(workloads(&read(folder, PLAN)), workloads(&was));
    assert_ends(&trimtab(folder, &render), 0, &[]);
    assert_ends(&trimtab(folder, &["check", "."]), 0, &[]);
}

/// A seal holds for its own workload and for all of it: a moved, copied or shortened entry does not fit.
#[test]
fn no_part_of_an_entry_can_be_edited_unseen() {
    use trimtab::plan::codec::{edited, is_sealed};
    let plan: trimtab::plan::OptimizationPlan =
        serde_json::from_value(yaml(&read(production().path(), PLAN)).remove(0)).unwrap();
    assert_eq!(edited(&plan).count(), 0);
    let key = "Deployment/online-boutique/frontend";
    let entry = &plan.spec.workloads[key];
    assert!(is_sealed(key, entry) && !is_sealed("Deployment/online-boutique/adservice", entry));
    let value = serde_json::to_value(entry).unwrap();
    for field in value.as_object().unwrap().keys() {
        let mut without = value.clone();
        without[field] = Value::Null;
        // what must be there can't be left out at all
        if let Ok(entry) = serde_json::from_value(without) {
            assert!(!is_sealed(key, &entry), "{field}");
        }
    }
}

/// Value and value before of the first container's CPU request.
fn cpu_request(plan: &str, key: &str) -> (String, Option<String>) {
    let workloads = workloads(plan);
    let containers = workloads[key]["containers"].as_object().unwrap();
    let cpu = &containers.values().next().unwrap()["requests"]["cpu"];
    (
        cpu["value"].as_str().unwrap().to_owned(),
        cpu["before"].as_str().map(str::to_owned),
    )
}

/// As `sed` in an entry would.
fn edit_cpu_request(folder: &Path, key: &str, to: &str) {
    let plan = read(folder, PLAN);
    let (value, _) = cpu_request(&plan, key);
    let start = plan.find(&format!("{key}:")).unwrap();
    let at = start + plan[start..].find(&format!("value: {value}")).unwrap();
    let edited = format!(
        "{}value: {to}{}",
        &plan[..at],
        &plan[at + format!("value: {value}").len()..]
    );
    std::fs::write(folder.join(PLAN), edited).unwrap();
}

/// Who edits a number and seals it again is not stopped by the seal; `--verify` still shows that nothing derives it.
#[test]
fn a_sealed_number_that_nothing_derives_is_listed() {
    use sha2::{Digest, Sha256};
    let folder = production();
    let folder = folder.path();
    let verify = ["explain", "--verify", "overlays"];
    let whole = trimtab(folder, &verify);
    assert_ends(&whole, 0, &["16 entries", "61 of 61 values"]);
    assert!(!String::from_utf8_lossy(&whole.stdout).contains("not derived again"));
    let key = "Deployment/online-boutique/emailservice";
    edit_cpu_request(folder, key, "90m");
    let mut plan = yaml(&read(folder, PLAN)).remove(0);
    let entry = &mut plan["spec"]["workloads"][key];
    entry.as_object_mut().unwrap().remove("seal");
    let digest = Sha256::digest(serde_json::to_vec(&serde_json::json!([key, entry])).unwrap());
    let start = u64::from_be_bytes(digest[..8].try_into().unwrap());
    entry["seal"] = format!("sha256:{start:016x}").into();
    std::fs::write(folder.join(PLAN), trimtab::yaml::to_string(&plan)).unwrap();
    assert_ends(
        &trimtab(folder, &verify),
        0,
        &[
            "60 of 61 values",
            "not derived again",
            &format!("{key}.containers.server.requests.cpu: 90m"),
        ],
    );
}

/// A request of 100m stays while its limit falls to 90m: what was there before is nothing that a plan may say.
#[test]
fn a_plan_on_a_manifest_that_was_lowered_is_derived_again() {
    let folder = production();
    let folder = folder.path();
    replace(folder, "apps/base/frontend.yaml", "cpu: 100m", "cpu: 50m");
    replace(folder, "apps/base/frontend.yaml", "cpu: 200m", "cpu: 90m");
    assert_ends(&trimtab(folder, &["plan", "overlays/production", "--write"]), 0, &[]);
    let verified = trimtab(folder, &["explain", "--verify", "overlays/production"]);
    assert_ends(&verified, 0, &["16 entries"]);
}

/// An accepted value is no answer to a policy that was edited since: who asks is told.
#[test]
fn explain_says_what_changed_since_the_plan() {
    let folder = production();
    let folder = folder.path();
    let explain = [
        "explain",
        "paymentservice",
        "maxReplicas",
        "--dir",
        "overlays/production",
    ];
    let before = String::from_utf8(trimtab(folder, &explain).stdout).unwrap();
    assert!(
        before.contains("4  stated") && !before.contains("changed since"),
        "{before}"
    );
    replace(
        folder,
        POLICY,
        "{value: 2}, maxReplicas: {value: 4}",
        "{value: 2}, maxReplicas: {value: 5}",
    );
    let words = [
        "4  stated",
        "changed since this was planned: what the policy says of it; below is the accepted plan",
    ];
    assert_ends(&trimtab(folder, &explain), 0, &words);
    // of another workload it says the same as before
    let other = ["explain", "cartservice", "--dir", "overlays/production"];
    assert!(
        !String::from_utf8(trimtab(folder, &other).stdout)
            .unwrap()
            .contains("changed since")
    );
    assert_ends(&trimtab(folder, &["plan", "overlays", "--write"]), 0, &[]);
    let after = String::from_utf8(trimtab(folder, &explain).stdout).unwrap();
    assert!(
        after.contains("5  stated") && !after.contains("changed since"),
        "{after}"
    );
}

/// A plan that lost workloads (cut, or merged wrongly) is not applied: their scalers and budgets would silently go.
#[test]
fn a_plan_that_lost_workloads_is_not_applied_and_can_be_planned_on() {
    let folder = production();
    let whole = read(folder.path(), PLAN);
    let entry = |name: &str| {
        whole
            .find(&format!("\n    Deployment/online-boutique/{name}:\n"))
            .unwrap()
            + 1
    };
    let (one, next) = (entry("frontend"), entry("paymentservice"));
    for lost in [
        format!("{}{}", &whole[..one], &whole[next..]),
        whole[..one].to_owned(),
        whole[..whole.find("  workloads:\n").unwrap()].to_owned(),
    ] {
        std::fs::write(folder.path().join(PLAN), lost).unwrap();
        let arguments = ["render", "overlays/production", "-o", "out"];
        let output = trimtab(folder.path(), &arguments);
        assert_ends(
            &output,
            1,
            &["plan-edited", "plan.yaml", "the plan says it has 16 workloads and has"],
        );
        assert!(output.stdout.is_empty() && !folder.path().join("out").exists());
        let output = trimtab(folder.path(), &["plan", "overlays/production"]);
        assert_ends(&output, 0, &["the plan says it has 16 workloads and has"]);
    }
    std::fs::write(folder.path().join(PLAN), &whole).unwrap();
    assert_ends(&trimtab(folder.path(), &["check", "overlays"]), 0, &[]);
}

#[test]
fn a_workload_is_named_without_what_the_overlay_puts_around_it() {
    let folder = production();
    replace(
        folder.path(),
        "apps/production/kustomization.yaml",
        "resources:",
        "namePrefix: prd-\nresources:",
    );
    replace(folder.path(), POLICY, "identity: {", "identity: {namePrefix: prd-, ");
    assert_ends(
        &trimtab(folder.path(), &["plan", "overlays/production", "--write"]),
        0,
        &[],
    );
    for name in ["frontend", "prd-frontend", "Deployment/online-boutique/prd-frontend"] {
        let output = trimtab(folder.path(), &["explain", name, "--dir", "overlays/production"]);
        assert_ends(&output, 0, &["Deployment/online-boutique/prd-frontend in"]);
    }
}
