//! What the Vertical Pod Autoscaler kept: imported as a coarse block beside samples, and good for raising a request alone.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use trimtab::facts::{self, Facts};
use trimtab::history::note::Note;
use trimtab::history::owners::{Declared, Owners};
use trimtab::history::read;
use trimtab::plan::model::WorkloadPlan;
use trimtab::profile::build::{Built, Options, assemble};
use trimtab::profile::merge::merge;
use trimtab::profile::object;
use trimtab::profile::opened::ProfileStream;
use trimtab::profile::written::Written;
use trimtab::report::Recorded;

use crate::history_formats::{codes, input};
use crate::planning::{World, deployment, facts as sampled};

const REAL: &str = include_str!("fixtures/history/vpa/checkpoint.yaml");

/// The VPA that the real checkpoint is of; its target is ours.
fn vpa(name: &str, target: &str) -> Value {
    json!({
        "apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler",
        "metadata": {"name": name, "namespace": "cmapiserver"},
        "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}}
    })
}

const NAME: &str = "cmapiserver-deployment-high-vpa";

fn built(files: &[(&str, &str)], manifests: &[Value], shard: bool) -> Result<Built, Vec<Note>> {
    let reads: Result<Vec<_>, _> = files
        .iter()
        .map(|(name, text)| read(&input(name), Box::new(text.as_bytes())))
        .collect();
    let mut declared = Declared::default();
    for object in manifests {
        declared.add_object(object);
    }
    let options = Options {
        step_s: 300,
        shard,
        ..Options::default()
    };
    assemble(reads?, Owners::default(), declared, &options)
}

fn text(files: &[(&str, &str)], manifests: &[Value]) -> String {
    object::text(&built(files, manifests, false).unwrap().profiles).unwrap()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains(".coarse ")).collect()
}

/// Worked out apart, with exact fractions: bucket n ends at 0.01 × (1.05^(n+1) − 1) / 0.05 cores. Of 45341 weights of CPU
/// half end at bucket 7 (95.5m), 95 % at bucket 17 (281.3m), which a sketch shows as at most 286m; the last is bucket 43.
/// Memory's last is bucket 80: 10207902625 bytes.
#[test]
fn a_real_checkpoint_is_a_coarse_block_and_no_samples() {
    let text = text(&[("checkpoint.yaml", REAL)], &[vpa(NAME, "cmapiserver")]);
    let heads: Vec<String> = lines(&text)
        .iter()
        .map(|line| line.trim().split(' ').take(12).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        heads,
        [
            "Deployment/cmapiserver cmapiserver cpu.coarse - 1698206993 1722141044 819544 45341 5664967464627 31525000 1511430056 "
                .to_owned()
                + heads[0].rsplit(' ').next().unwrap(),
            "Deployment/cmapiserver cmapiserver memory.coarse - 1698206993 1722141044 819544 13983 129524235950854 8362607247 10207902625 "
                .to_owned()
                + heads[1].rsplit(' ').next().unwrap(),
        ]
    );
    assert!(
        text.contains("286m (coarse)") && text.contains("9736 MiB (coarse)"),
        "{text}"
    );
    assert!(!text.contains(".sketch ") && !text.contains(".demand "), "{text}");
    // eight days at most are in it, whatever the first sample was
    assert!(text.contains("start: \"2024-07-20T04:30:00Z\""), "{text}");
    assert!(text.contains("end: \"2024-07-28T04:30:44Z\""), "{text}");
    let profiles = ProfileStream::from(text.clone()).read().unwrap();
    assert_eq!(
        trimtab::profile::object::to_text(&profiles),
        text,
        "reads back to the byte"
    );
    let shown = Recorded::of(&profiles, &|_| true).text();
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("profile__show_coarse", shown);
    });
}

/// JSON as kubectl lists it, the VPA before or behind, in the same file or in another, gives the same profile.
#[test]
fn whose_a_checkpoint_is_its_vpa_tells_wherever_it_stands() {
    let checkpoint = serde_yaml::from_str::<Value>(REAL).unwrap();
    let list = |items: &[Value]| json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let vpa = vpa(NAME, "cmapiserver");
    let expected = text(&[("checkpoint.yaml", REAL)], std::slice::from_ref(&vpa));
    let (both, reversed) = (
        list(&[checkpoint.clone(), vpa.clone()]),
        list(&[vpa.clone(), checkpoint.clone()]),
    );
    let alone = list(std::slice::from_ref(&vpa));
    for files in [
        &[("all.json", both.as_str())][..],
        &[("all.json", &reversed)],
        &[("vpa.json", &alone), ("checkpoint.yaml", REAL)],
        &[("all.json", &both), ("again.yaml", REAL)],
    ] {
        assert_eq!(text(files, &[]), expected, "{files:?}");
    }
    // items of the API's own list do not repeat their kind
    let mut bare = checkpoint;
    bare.as_object_mut().unwrap().remove("kind");
    let of_api =
        json!({"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscalerCheckpointList", "items": [bare]});
    assert_eq!(text(&[("api.json", &of_api.to_string())], &[vpa]), expected);
}

#[test]
fn a_checkpoint_without_its_vpa_is_an_error_that_names_it() {
    let faults = built(&[("checkpoint.yaml", REAL)], &[], false).unwrap_err();
    assert_eq!(codes(&faults), ["vpa-unknown"]);
    assert_eq!(
        faults[0].message,
        format!("a checkpoint is of VPA `{NAME}` in `cmapiserver`, and nothing tells its workload")
    );
    assert!(faults[0].help.contains("vpa,vpacheckpoints"), "{faults:?}");
    let two = [vpa(NAME, "cmapiserver"), vpa(NAME, "other")];
    let faults = built(&[("checkpoint.yaml", REAL)], &two, false).unwrap_err();
    assert_eq!(codes(&faults), ["identity-ambiguous"]);
    let alone = vpa(NAME, "cmapiserver").to_string();
    let built = built(&[("vpa.json", &alone)], &[], false).unwrap();
    assert!(built.profiles.is_empty());
    assert_eq!(codes(&built.notes), ["not-a-history"]);
}

#[test]
fn a_checkpoint_that_cannot_be_is_refused_with_its_place() {
    for (what, from, to, said) in [
        (
            "another form",
            "version: v3",
            "version: v4",
            "is of version `v4`, whose buckets are not known",
        ),
        (
            "a bucket past the last",
            "'80': 617",
            "'176': 617",
            "there is no bucket `176`, the last is 175",
        ),
        (
            "a weight that is none",
            "'80': 617",
            "'80': -1",
            "a checkpoint can't be read",
        ),
        (
            "a time that is none",
            "'2024-07-28T04:30:44Z'",
            "'yesterday'",
            "`yesterday` is no time",
        ),
        (
            "times the wrong way round",
            "'2023-10-25T04:09:53Z'",
            "'2025-10-25T04:09:53Z'",
            "ends before it begins",
        ),
    ] {
        let faults = built(
            &[("checkpoint.yaml", &REAL.replace(from, to))],
            &[vpa(NAME, "api")],
            false,
        )
        .unwrap_err();
        assert!(faults[0].message.contains(said), "{what}: {faults:?}");
    }
    let empty = REAL.replace("lastSampleStart", "lastSampleNever");
    let built = built(&[("checkpoint.yaml", &empty)], &[vpa(NAME, "api")], false).unwrap();
    assert!(built.profiles.is_empty());
    assert_eq!(codes(&built.notes), ["export-empty", "series-left-out"]);
}

/// Two states of one checkpoint are no sum: the later one counts, in one run and in parts merged in any order.
#[test]
fn of_two_states_the_later_one_counts() {
    let earlier = REAL
        .replace("'2024-07-28T04:30:44Z'", "'2024-07-27T04:30:44Z'")
        .replace("'80': 617", "'90': 617");
    let manifests = [vpa(NAME, "cmapiserver")];
    let expected = text(&[("checkpoint.yaml", REAL)], &manifests);
    let both = text(&[("checkpoint.yaml", REAL), ("earlier.yaml", &earlier)], &manifests);
    assert_eq!(lines(&both), lines(&expected));
    let shard = |text: &str| {
        let built = built(&[("checkpoint.yaml", text)], &manifests, true).unwrap();
        ProfileStream::from(object::text(&built.profiles).unwrap())
            .read()
            .unwrap()
    };
    let merged = |parts: [&str; 2]| {
        let parts = parts.into_iter().flat_map(shard).collect();
        let merged = merge(parts, false).unwrap();
        object::text(&merged.iter().map(Written::of).collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(merged([REAL, &earlier]), both);
    assert_eq!(merged([&earlier, REAL]), both);
}

/// A wave of CPU samples for the same container.
#[test]
fn samples_and_a_coarse_block_stand_side_by_side() {
    let mut csv = "ts,metric,namespace,deployment,pod,container,value\n".to_owned();
    for step in 0..12 {
        writeln!(
            csv,
            "{},cpu,cmapiserver,cmapiserver,cmapiserver-1,cmapiserver,0.5",
            1_722_141_000 + step * 300
        )
        .unwrap();
    }
    let manifests = [vpa(NAME, "cmapiserver")];
    let samples = text(&[("cpu.csv", &csv)], &manifests);
    let both = text(&[("cpu.csv", &csv), ("checkpoint.yaml", REAL)], &manifests);
    let of = |text: &str, record: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains(record));
        lines.map(str::to_owned).collect()
    };
    for record in [".sketch ", ".demand "] {
        assert_eq!(of(&both, record), of(&samples, record), "{record}");
    }
    assert_eq!(lines(&both).len(), 2);
    // the summary shows samples where there are any
    assert!(both.contains("500m") && !both.contains("m (coarse)"), "{both}");
}

fn recorded(name: &str) -> Facts {
    let text = text(&[("checkpoint.yaml", REAL)], &[vpa(NAME, name)]);
    let profiles = ProfileStream::from(text).read().unwrap();
    let mut facts = facts::of(&profiles, "cmapiserver", "Deployment", name).unwrap();
    facts.containers = facts
        .containers
        .into_values()
        .map(|container| (name.to_owned(), container))
        .collect::<BTreeMap<_, _>>();
    facts
}

const SPEC: &str = "{workloads: {api: {scaling: {mode: hpa}}}}";

fn world(object: Value, facts: Facts) -> World {
    World::new(SPEC, &[object], vec![("Deployment/shop/api", facts)])
}

fn requests(plan: &WorkloadPlan) -> [Option<String>; 2] {
    let requests = plan.containers.get("api").map(|container| &container.requests);
    [
        requests.and_then(|requests| Some(requests.cpu.as_ref()?.value.to_string())),
        requests.and_then(|requests| Some(requests.memory.as_ref()?.value.to_string())),
    ]
}

fn bare() -> Value {
    let mut object = deployment("api", 3, "1", "1Gi");
    object["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({});
    object
}

/// p95 of 286m and 15 % are 328m, and the next rung is 330m; 9736 MiB and 15 % are 11196 MiB, and it is 11264 MiB.
#[test]
fn a_coarse_block_founds_a_request_where_there_is_none() {
    let mut world = world(bare(), recorded("api"));
    let plan = world.one("api");
    assert_eq!(requests(&plan), [Some("330m".to_owned()), Some("11Gi".to_owned())]);
    let memory = plan.containers["api"].requests.memory.as_ref().unwrap();
    assert_eq!(memory.reason.code, "rough-history");
    let inputs = &memory.reason.inputs;
    assert_eq!(
        [&inputs["confidence"], &inputs["from"], &inputs["derivedFrom"]],
        ["low", "a VPA checkpoint", "percentile"]
    );
    assert!(!inputs.contains_key("samples"), "weights are no samples: {inputs:?}");
    assert!(
        plan.findings["rough-history"]
            .detail
            .contains("may rise by that and not fall")
    );
    assert!(
        plan.findings.contains_key("short-history"),
        "the rest is left to samples"
    );
    assert!(plan.scaler.is_none(), "no scaler follows from it");
    assert!(
        plan.containers["api"].limits.is_empty(),
        "a limit at a lower bound kills"
    );
    // planned again on the same profile: nothing moves
    let first = world.plan();
    world.accepted = Some(first.clone());
    assert_eq!(world.plan(), first);
}

#[test]
fn a_coarse_block_lowers_nothing() {
    let mut object = deployment("api", 3, "2", "20Gi");
    let plan = world(object.clone(), recorded("api")).one("api");
    assert_eq!(requests(&plan), [None, None]);
    assert!(plan.findings.contains_key("rough-history"));
    // nor what was accepted on better grounds, whatever the manifest has
    object["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "10m", "memory": "1Gi"}});
    let mut world = world(object, sampled("api", 20_000, |_| 3000, |_| 3));
    let accepted = world.plan();
    let before = requests(&accepted.spec.workloads["Deployment/shop/api"]);
    world.facts = [("Deployment/shop/api".to_owned(), recorded("api"))].into();
    world.accepted = Some(accepted);
    assert_eq!(requests(&world.one("api"))[1], before[1]);
}

#[test]
fn a_coarse_block_raises_a_request_up_to_its_limit() {
    let mut object = deployment("api", 3, "100m", "2Gi");
    let resources = |limit: &str| json!({"requests": {"cpu": "100m", "memory": "2Gi"}, "limits": {"memory": limit}});
    for (limit, expected) in [("64Gi", "11Gi"), ("8Gi", "8Gi")] {
        object["spec"]["template"]["spec"]["containers"][0]["resources"] = resources(limit);
        let plan = world(object.clone(), recorded("api")).one("api");
        assert_eq!(
            requests(&plan),
            [Some("330m".to_owned()), Some(expected.to_owned())],
            "{limit}"
        );
        assert!(plan.containers["api"].limits.is_empty(), "{limit}");
    }
    // requests that are their limit stay: nothing that was used can have been more
    object["spec"]["template"]["spec"]["containers"][0]["resources"] = resources("2Gi");
    assert_eq!(requests(&world(object, recorded("api")).one("api"))[1], None);
}

#[test]
fn a_coarse_block_of_less_than_the_policy_asks_for_founds_nothing() {
    let mut world = world(bare(), recorded("api"));
    world.settings = crate::planning::settings("{history: {minimum: 14d}, workloads: {api: {scaling: {mode: hpa}}}}");
    let plan = world.one("api");
    assert_eq!(requests(&plan), [None, None]);
    let detail = &plan.findings["rough-history"].detail;
    assert!(detail.contains("over 8d; the policy asks for 14d"), "{detail}");
}

/// Four weeks of samples decide as if there were no coarse block.
#[test]
fn samples_replace_a_coarse_block() {
    let mut facts = sampled("api", 300, |_| 600, |_| 3);
    let alone = world(bare(), facts.clone()).one("api");
    let coarse = recorded("api").containers.remove("api").unwrap();
    let container = facts.containers.get_mut("api").unwrap();
    (container.rough_cpu, container.rough_memory) = (coarse.rough_cpu, coarse.rough_memory);
    assert_eq!(world(bare(), facts).one("api"), alone);
}
