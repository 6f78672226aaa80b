//! What others hold of a workload, a scaler by its target or a VPA by its mode, is not decided a second time, and that
//! is said.

use serde_json::{Value, json};
use trimtab::facts::Facts;
use trimtab::plan::WorkloadPlan;

use crate::planning::{World, deployment, facts};

const KEY: &str = "Deployment/shop/api";

/// An HPA of the team on the deployment `api`.
fn hpa(metrics: &[Value]) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "minReplicas": 2, "maxReplicas": 6,
            "metrics": metrics}
    })
}

fn share(resource: &str, percent: u32) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": percent});
    json!({"type": "Resource", "resource": {"name": resource, "target": target}})
}

fn share_of(container: &str, percent: u32) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": percent});
    json!({"type": "ContainerResource", "containerResource": {"name": "cpu", "container": container, "target": target}})
}

/// Steady 200m of CPU and 300 MiB a pod, in both containers.
fn of_both() -> Facts {
    let mut both = facts("api", 300, |_| 400, |_| 2);
    both.containers
        .insert("proxy".to_owned(), both.containers["api"].clone());
    both
}

fn two_containers(proxy_cpu: Option<&str>) -> Value {
    let mut object = deployment("api", 2, "1", "1Gi");
    let mut proxy =
        json!({"name": "proxy", "image": "registry.example/proxy:1", "resources": {"requests": {"memory": "1Gi"}}});
    if let Some(cpu) = proxy_cpu {
        proxy["resources"]["requests"]["cpu"] = cpu.into();
    }
    let containers = object["spec"]["template"]["spec"]["containers"].as_array_mut();
    containers.expect("a list").push(proxy);
    object
}

fn planned(rule: &str, objects: &[Value]) -> WorkloadPlan {
    let spec = format!("{{cluster: {{kubernetes: '1.33'}}, workloads: {{api: {{{rule}}}}}}}");
    World::new(&spec, objects, vec![(KEY, of_both())]).one("api")
}

fn cpu(plan: &WorkloadPlan, container: &str) -> Option<String> {
    let decided = plan.containers.get(container)?.requests.cpu.as_ref()?;
    Some(decided.value.to_string())
}

fn memory(plan: &WorkloadPlan, container: &str) -> Option<String> {
    let decided = plan.containers.get(container)?.requests.memory.as_ref()?;
    Some(decided.value.to_string())
}

/// 300 MiB and 15 % are 352 MiB: at a target of 80 % the scaler would add pods at 282 MiB, which every pod has at all times.
#[test]
fn memory_under_a_memory_target_is_not_lowered() {
    let theirs = hpa(&[share("cpu", 60), share("memory", 80)]);
    let other = hpa(&[share("cpu", 60)]);
    let ours = "scaling: {mode: hpa, targets: {memory: {value: 70%}}}";
    for (case, rule, scaler, kept) in [
        ("left to its owner", "", &theirs, true),
        ("adopted", "class: web", &theirs, true),
        ("a target of ours", ours, &other, true),
        (
            "a bounded one of ours",
            "scaling: {mode: hpa, targets: {memory: {max: 75%}}}",
            &other,
            true,
        ),
        ("no target", "class: web", &other, false),
        (
            "nothing scales by it",
            "scaling: {mode: none, targets: {memory: {value: 70%}}}",
            &other,
            false,
        ),
    ] {
        let plan = planned(rule, &[deployment("api", 2, "1", "1Gi"), scaler.clone()]);
        let held = memory(&plan, "api") == Some("1Gi".to_owned());
        assert_eq!(held, kept, "{case}");
        let finding = plan.findings.get("memory-not-lowered");
        let is_said = finding.is_some_and(|finding| finding.detail.contains("is a share of it"));
        assert_eq!(is_said, kept, "{case}");
    }
}

/// 200m and 15 % are 230m, so every container of 1 core falls by the 30 % of one plan where nothing holds it.
#[test]
fn cpu_of_a_side_container_stays_under_a_target_that_counts_it() {
    let lower = Some("700m".to_owned());
    for (case, rule, metric, wanted) in [
        ("the pod's sum", "", share("cpu", 60), None),
        ("this container", "", share_of("proxy", 60), None),
        ("the other container", "", share_of("api", 60), lower.clone()),
        (
            "adopted: it looks at the main container from now on",
            "class: web",
            share("cpu", 60),
            lower.clone(),
        ),
        (
            "stated",
            "containers: {proxy: {requests: {cpu: {value: 300m}}}}",
            share("cpu", 60),
            Some("300m".to_owned()),
        ),
        ("memory alone", "", share("memory", 60), lower),
    ] {
        let plan = planned(rule, &[two_containers(Some("1")), hpa(&[metric])]);
        assert_eq!(cpu(&plan, "proxy"), wanted, "{case}");
    }
}

/// The pod requests 2 cores, so the controller's tolerance is 200m of the sum, and 100m of the container alone.
#[test]
fn a_stated_request_that_moves_the_scale_point_from_the_side_is_said() {
    for (case, stated, metric, is_said) in [
        ("far under the sum", "300m", share("cpu", 60), true),
        ("far above it", "1300m", share("cpu", 60), true),
        ("within the tolerance", "820m", share("cpu", 60), false),
        ("the same of the container alone", "820m", share_of("proxy", 60), true),
        ("the other container is looked at", "300m", share_of("api", 60), false),
        ("memory alone", "300m", share("memory", 60), false),
    ] {
        let rule = format!("containers: {{proxy: {{requests: {{cpu: {{value: {stated}}}}}}}}}");
        let plan = planned(&rule, &[two_containers(Some("1")), hpa(&[metric])]);
        let finding = plan.findings.get("scale-point-moved");
        assert_eq!(finding.is_some(), is_said, "{case}: {finding:?}");
    }
}

/// The scaler can't act on such a pod (Kubernetes, HPA: "missing request for cpu"), so there is no point to keep.
#[test]
fn a_side_container_without_a_cpu_request_gets_one() {
    let plan = planned("", &[two_containers(None), hpa(&[share("cpu", 60)])]);
    assert_eq!(cpu(&plan, "proxy").as_deref(), Some("230m"));
}

fn vpa(mode: &str, policy: &Value) -> Value {
    json!({
        "apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler", "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "updatePolicy": {"updateMode": mode},
            "resourcePolicy": {"containerPolicies": [policy]}}
    })
}

#[test]
fn what_a_vpa_sets_is_not_derived_beside_it() {
    let all = json!({"containerName": "*"});
    let memory_alone = json!({"containerName": "*", "controlledResources": ["memory"]});
    let off = json!({"containerName": "api", "mode": "Off"});
    for (case, rule, mode, policy, sets) in [
        ("it acts", "", "Recreate", &all, ["cpu", "memory"].as_slice()),
        ("at the start of pods", "", "Initial", &all, &["cpu", "memory"]),
        ("it recommends", "", "Off", &all, &[]),
        ("memory alone", "", "Recreate", &memory_alone, &["memory"]),
        ("another container", "", "Recreate", &off, &[]),
        ("it is to recommend", "vpa: {mode: recommend}", "Recreate", &all, &[]),
    ] {
        let spec =
            format!("{{cluster: {{kubernetes: '1.33', addons: {{vpa: '1.4'}}}}, workloads: {{api: {{{rule}}}}}}}");
        let objects = [deployment("api", 2, "1", "1Gi"), vpa(mode, policy)];
        let plan = World::new(&spec, &objects, vec![(KEY, of_both())]).one("api");
        assert_eq!(cpu(&plan, "api").is_none(), sets.contains(&"cpu"), "{case}");
        assert_eq!(memory(&plan, "api").is_none(), sets.contains(&"memory"), "{case}");
        assert_eq!(plan.findings.contains_key("left-alone"), !sets.is_empty(), "{case}");
    }
    let stated = planned(
        "requests: {cpu: {value: 300m}}",
        &[deployment("api", 2, "1", "1Gi"), vpa("Auto", &all)],
    );
    assert_eq!(cpu(&stated, "api").as_deref(), Some("300m"));
}

#[test]
fn settings_of_a_scaler_that_nobody_asked_for_are_said() {
    let theirs = hpa(&[share("cpu", 60)]);
    for (case, rule, scaler, code, words) in [
        (
            "a bound",
            "scaling: {minReplicas: {min: 4}}",
            true,
            "scaling-mode-absent",
            "`mode: hpa` adopts it",
        ),
        (
            "no scaler",
            "scaling: {targets: {cpu: {value: 50%}}}",
            false,
            "scaling-mode-absent",
            "`targets`",
        ),
        (
            "nothing",
            "",
            true,
            "left-alone",
            "the CPU request it divides by stays as it is",
        ),
    ] {
        let mut objects = vec![deployment("api", 2, "1", "1Gi")];
        objects.extend(scaler.then(|| theirs.clone()));
        let plan = planned(rule, &objects);
        let said = plan.findings.get(code).map(|finding| finding.detail.as_str());
        assert!(said.is_some_and(|said| said.contains(words)), "{case}: {said:?}");
    }
    for rule in [
        "scaling: {mode: hpa, minReplicas: {min: 4}}",
        "requests: {strategy: keep}",
        "scaling: {mode: none}",
    ] {
        let plan = planned(rule, &[deployment("api", 2, "1", "1Gi"), theirs.clone()]);
        let said = ["scaling-mode-absent", "left-alone"].map(|code| plan.findings.contains_key(code));
        assert_eq!(said, [false, false], "{rule}");
    }
}

#[test]
fn usage_under_another_container_name_is_said() {
    let mut object = deployment("api", 2, "1", "1Gi");
    object["spec"]["template"]["spec"]["containers"][0]["name"] = "main".into();
    let world = World::new(
        "{workloads: {api: {}}}",
        &[object],
        vec![(KEY, facts("api", 300, |_| 400, |_| 2))],
    );
    let said = world.one("api").findings["no-history"].detail.clone();
    assert_eq!(
        said,
        "the profile has no usage of container `main`, and has that of api, which the manifest does not have"
    );
}
