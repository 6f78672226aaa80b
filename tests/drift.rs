//! Manifests that moved on after the plan was accepted: what would hurt is left out, and said.

use serde_json::{Value, json};
use trimtab::krm::{Object, apply};
use trimtab::render::render;
use trimtab::workload;

use crate::planning::{World, deployment, facts, wave};

const KEY: &str = "Deployment/shop/api";
const POLICY: &str = "{cluster: {kubernetes: '1.33', provider: aws, zones: 3, addons: {keda: '2.17'}}, workloads: {api: {class: web, \
                      scaling: {mode: hpa, minReplicas: {value: 3}, maxReplicas: {value: 9}}, disruption: {mode: auto}, \
                      spot: {mode: prefer}, termination: {gracePeriod: {value: 60s}}}}}";

/// A workload as it was when it was planned under `policy`, rendered as it is after `moved`: the objects and the codes
/// of what was found.
fn drifted(policy: &str, moved: impl Fn(&mut Vec<Value>)) -> (Vec<Object>, Vec<String>) {
    let before = vec![deployment("api", 4, "500m", "512Mi")];
    let world = World::new(policy, &before, vec![(KEY, facts("api", 300, wave, |_| 4))]);
    let plan = world.plan();
    let mut after = before;
    moved(&mut after);
    let (edits, found) = render(&plan, &workload::read(&after).0);
    let objects = apply(after, &edits).expect("the edits fit");
    let again = render(&plan, &workload::read(&objects).0).0;
    assert_eq!(
        apply(objects.clone(), &again).expect("the edits fit"),
        objects,
        "its own output stays"
    );
    (objects, found.iter().map(|found| found.code.to_string()).collect())
}

fn names(objects: &[Object], kind: &str) -> Vec<String> {
    let of_kind = objects.iter().filter(|object| object["kind"] == kind);
    of_kind
        .map(|object| object["metadata"]["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn own(api_version: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec})
}

const TARGET: &str = "scaleTargetRef";

fn target() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"})
}

#[test]
fn without_drift_everything_is_rendered() {
    let (objects, found) = drifted(POLICY, |_| ());
    assert_eq!(names(&objects, "HorizontalPodAutoscaler"), ["api"]);
    assert_eq!(names(&objects, "PodDisruptionBudget"), ["api"]);
    assert!(objects[0].pointer("/spec/template/spec/affinity").is_some());
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_scaler_of_the_owner_stays_alone() {
    let hpa = own(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "mine",
        &json!({TARGET: target(), "minReplicas": 2, "maxReplicas": 5}),
    );
    let scaled_object = own(
        "keda.sh/v1alpha1",
        "ScaledObject",
        "mine",
        &json!({TARGET: target(), "minReplicaCount": 2, "triggers": []}),
    );
    for (kind, theirs) in [("HorizontalPodAutoscaler", hpa), ("ScaledObject", scaled_object)] {
        let (objects, found) = drifted(POLICY, |objects| objects.push(theirs.clone()));
        assert_eq!(names(&objects, kind), ["mine"]);
        assert_eq!(objects[1], theirs, "it stays as it is");
        assert_eq!(
            objects
                .iter()
                .filter(|object| object["spec"].get(TARGET).is_some())
                .count(),
            1
        );
        assert_eq!(objects[0]["spec"]["replicas"], 4, "the count of the manifest");
        assert_eq!(found, ["two-scalers"]);
    }
}

#[test]
fn a_scaler_of_ours_that_a_host_fed_back_goes_when_the_owner_has_one() {
    let hpa = |name: &str| {
        own(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            name,
            &json!({TARGET: target(), "minReplicas": 2, "maxReplicas": 5}),
        )
    };
    let mut ours = hpa("api");
    ours["metadata"]["labels"] = json!({"trimtab.dev/managed-by": "trimtab"});
    let (objects, found) = drifted(POLICY, |objects| objects.extend([ours.clone(), hpa("mine")]));
    assert_eq!(names(&objects, "HorizontalPodAutoscaler"), ["mine"]);
    assert_eq!(found, ["two-scalers", "removed"]);
}

#[test]
fn a_budget_of_the_owner_stays_alone() {
    for selector in [json!({"matchLabels": {"app": "api"}}), json!({})] {
        let theirs = own(
            "policy/v1",
            "PodDisruptionBudget",
            "mine",
            &json!({"maxUnavailable": 1, "selector": selector}),
        );
        let (objects, found) = drifted(POLICY, |objects| objects.push(theirs.clone()));
        assert_eq!(names(&objects, "PodDisruptionBudget"), ["mine"]);
        assert_eq!(found, ["two-budgets"]);
    }
}

#[test]
fn what_its_owner_parked_stays_at_zero() {
    let park = |objects: &mut Vec<Value>| objects[0]["spec"]["replicas"] = json!(0);
    let (objects, found) = drifted(POLICY, park);
    assert_eq!(objects[0]["spec"]["replicas"], 0);
    assert_eq!(
        names(&objects, "HorizontalPodAutoscaler"),
        ["api"],
        "an HPA leaves zero alone"
    );
    assert_eq!(found, ["not-scalable"]);
    let cron = "{cluster: {kubernetes: '1.33', addons: {keda: '2.17'}}, workloads: {api: {class: worker, scaling: {mode: keda, \
                minReplicas: {value: 1}, maxReplicas: {value: 9}, triggers: {day: {type: cron, metadata: {timezone: UTC, \
                start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: '3'}}}}}}}";
    assert_eq!(names(&drifted(cron, |_| ()).0, "ScaledObject"), ["api"]);
    let (objects, found) = drifted(cron, park);
    assert_eq!(objects[0]["spec"]["replicas"], 0);
    assert_eq!(names(&objects, "ScaledObject"), [""; 0], "KEDA would start it");
    assert_eq!(found, ["not-scalable"]);
}

#[test]
fn what_was_parked_stays_so_when_it_is_planned_again() {
    let before = [deployment("api", 4, "500m", "512Mi")];
    let mut world = World::new(POLICY, &before, vec![(KEY, facts("api", 300, wave, |_| 4))]);
    world.accepted = Some(world.plan());
    let parked = vec![deployment("api", 0, "500m", "512Mi")];
    world.workloads = workload::read(&parked).0;
    world.profile = "sha256:2".to_owned();
    let plan = world.plan();
    assert!(plan.spec.workloads[KEY].findings.contains_key("not-scalable"));
    assert_eq!(plan.spec.workloads[KEY].replicas, None);
    let objects = apply(parked, &render(&plan, &world.workloads).0).expect("the edits fit");
    assert_eq!(objects[0]["spec"]["replicas"], 0);
}

#[test]
fn a_volume_keeps_pods_off_spot_nodes() {
    let claim = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    let (objects, found) = drifted(POLICY, |objects| {
        objects[0]["spec"]["template"]["spec"]["volumes"] = claim.clone();
    });
    assert_eq!(objects[0].pointer("/spec/template/spec/affinity"), None);
    assert_eq!(objects[0].pointer("/spec/template/spec/tolerations"), None);
    assert_eq!(found, ["spot-unsafe"]);
}

#[test]
fn of_a_workload_that_is_there_twice_nothing_is_rendered() {
    let (objects, found) = drifted(POLICY, |objects| objects.push(objects[0].clone()));
    let one = deployment("api", 4, "500m", "512Mi");
    assert_eq!(objects, [one.clone(), one]);
    assert_eq!(found, ["left-alone"]);
}

/// The API server refuses both, and a list that is merged by name has one place for the two.
#[test]
fn where_a_name_is_taken_twice_in_a_pod_its_manifest_stays() {
    for list in ["containers", "initContainers"] {
        let twin = json!({"name": "api", "image": "x"});
        let (objects, found) = drifted(POLICY, |objects| {
            let pod = &mut objects[0]["spec"]["template"]["spec"];
            pod[list] = json!([pod["containers"][0], twin]);
        });
        let mut expected = deployment("api", 4, "500m", "512Mi");
        let pod = &mut expected["spec"]["template"]["spec"];
        pod[list] = json!([pod["containers"][0], twin]);
        assert_eq!(objects[0], expected);
        assert_eq!(
            names(&objects, "HorizontalPodAutoscaler"),
            ["api"],
            "beside it nothing changes"
        );
        assert!(found.contains(&"left-alone".to_owned()), "{found:?}");
    }
}

/// `resources` of the first container.
fn resources(objects: &[Object]) -> &Value {
    &objects[0]["spec"]["template"]["spec"]["containers"][0]["resources"]
}

/// Sets requests of 800m and 600Mi, and leaves limits and replicas as they are.
const SIZED: &str = "{workloads: {api: {scaling: {mode: none}, requests: {cpu: {value: 800m}, memory: {value: 600Mi}}, \
                     limits: {memory: {mode: keep}}}}}";

#[test]
fn a_request_never_passes_a_limit_that_came_later() {
    let written = json!({"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"cpu": "200m", "memory": "512Mi"}});
    let (objects, found) = drifted(SIZED, |objects| {
        objects[0]["spec"]["template"]["spec"]["containers"][0]["resources"] = written.clone();
    });
    // 800m is above the limit of 200m that came later; the memory limit is the plan's own, as it was
    assert_eq!(resources(&objects)["requests"]["cpu"], "100m");
    assert_eq!(resources(&objects)["limits"]["cpu"], "200m");
    assert_eq!(resources(&objects)["requests"]["memory"], "600Mi");
    assert_eq!(found, ["left-alone"]);
}

#[test]
fn requests_never_pass_those_of_the_pod() {
    for (of_pod, cpu) in [
        (json!({"limits": {"cpu": "700m"}}), "500m"),
        (json!({"requests": {"cpu": "600m"}}), "500m"),
        (json!({"requests": {"cpu": "800m"}}), "800m"),
    ] {
        let (objects, found) = drifted(SIZED, |objects| {
            objects[0]["spec"]["template"]["spec"]["resources"] = of_pod.clone();
        });
        assert_eq!(resources(&objects)["requests"]["cpu"], cpu, "{of_pod}");
        assert_eq!(found.len(), usize::from(cpu == "500m"), "{of_pod}");
    }
}

/// Init containers run beside the sidecars that were started before them, and before all others.
#[test]
fn sidecars_and_init_containers_count_as_the_api_server_counts_them() {
    let amount = |name: &str, cpu: &str| json!({"name": name, "image": "x", "resources": {"requests": {"cpu": cpu}}});
    // (sidecar, init container behind it): 800m + sidecar against 1000m of the pod, and sidecar + init
    for (sidecar, init, cpu) in [
        ("100m", "850m", "800m"),
        ("250m", "700m", "500m"),
        ("100m", "950m", "500m"),
    ] {
        let (objects, _) = drifted(SIZED, |objects| {
            let pod = &mut objects[0]["spec"]["template"]["spec"];
            pod["resources"] = json!({"requests": {"cpu": "1000m"}});
            let mut side = amount("side", sidecar);
            side["restartPolicy"] = json!("Always");
            pod["initContainers"] = json!([side, amount("init", init)]);
        });
        assert_eq!(resources(&objects)["requests"]["cpu"], cpu, "{sidecar} {init}");
    }
}

#[test]
fn a_scaler_is_left_out_where_its_metric_would_be_invalid() {
    let sidecar = |objects: &mut Vec<Value>, resources: Value| {
        let containers = objects[0]["spec"]["template"]["spec"]["containers"].as_array_mut();
        containers
            .expect("a list")
            .push(json!({"name": "side", "image": "x", "resources": resources}));
    };
    let hpas = |objects: &[Object]| names(objects, "HorizontalPodAutoscaler").len();
    let (objects, found) = drifted(POLICY, |objects| sidecar(objects, json!({})));
    assert_eq!(
        (hpas(&objects), found),
        (0, vec!["utilization-without-request".to_owned()])
    );
    assert_eq!(objects[0]["spec"]["replicas"], 4, "the count of the manifest");
    let (objects, found) = drifted(POLICY, |objects| sidecar(objects, json!({"limits": {"cpu": "100m"}})));
    assert_eq!((hpas(&objects), found.len()), (1, 0), "a limit alone is a request");
    let (objects, found) = drifted(POLICY, |objects| {
        sidecar(objects, json!({}));
        let limits = json!({"limits": [{"type": "Container", "defaultRequest": {"cpu": "100m"}}]});
        objects.push(own("v1", "LimitRange", "defaults", &limits));
    });
    assert_eq!((hpas(&objects), found.len()), (1, 0), "a LimitRange fills it");
}

#[test]
fn an_adopted_scaler_keeps_its_metric_where_the_planned_one_would_be_invalid() {
    let cpu = json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 81}}}]);
    let theirs = json!({TARGET: target(), "minReplicas": 2, "maxReplicas": 5, "metrics": cpu});
    let hpa = own("autoscaling/v2", "HorizontalPodAutoscaler", "theirs", &theirs);
    let before = vec![deployment("api", 4, "500m", "512Mi"), hpa];
    let plan = World::new(POLICY, &before, vec![(KEY, facts("api", 300, wave, |_| 4))]).plan();
    let mut after = before.clone();
    let containers = after[0]["spec"]["template"]["spec"]["containers"].as_array_mut();
    containers.expect("a list").push(json!({"name": "side", "image": "x"}));
    let rendered =
        |objects: Vec<Value>| apply(objects.clone(), &render(&plan, &workload::read(&objects).0).0).expect("fits");
    assert_ne!(
        rendered(before)[1]["spec"]["metrics"],
        cpu,
        "without drift the target is the plan's"
    );
    let objects = rendered(after);
    assert_eq!(objects[1]["spec"]["metrics"], cpu);
    assert_eq!(objects[1]["spec"]["maxReplicas"], 9);
}

/// An HPA, a budget and a VPA of the owner that point at `api`.
fn theirs() -> [Value; 3] {
    let metrics = json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]);
    [
        own(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "theirs",
            &json!({TARGET: target(), "minReplicas": 2, "maxReplicas": 5, "metrics": metrics}),
        ),
        own(
            "policy/v1",
            "PodDisruptionBudget",
            "theirs",
            &json!({"minAvailable": 2, "selector": {"matchLabels": {"app": "api"}}}),
        ),
        own(
            "autoscaling.k8s.io/v1",
            "VerticalPodAutoscaler",
            "theirs",
            &json!({"targetRef": target(), "updatePolicy": {"updateMode": "Off"}}),
        ),
    ]
}

const ADOPTING: &str = "{cluster: {kubernetes: '1.33', addons: {vpa: '1.5'}}, workloads: {api: {class: web, \
                        scaling: {mode: hpa, minReplicas: {value: 3}, maxReplicas: {value: 9}}, \
                        disruption: {maxUnavailable: {value: 1}}, vpa: {mode: recommend}}}}";

#[test]
fn what_was_adopted_and_is_gone_is_not_made_anew() {
    let workload = || deployment("api", 4, "500m", "512Mi");
    let all: Vec<Value> = [workload()].into_iter().chain(theirs()).collect();
    let plan = World::new(ADOPTING, &all, vec![(KEY, facts("api", 300, wave, |_| 4))]).plan();
    let one = &plan.spec.workloads[KEY];
    assert!(one.scaler.as_ref().is_some_and(|scaler| scaler.adopted), "{one:?}");
    assert!(one.disruption.as_ref().is_some_and(|budget| budget.adopted));
    assert!(one.vpa.as_ref().is_some_and(|vpa| vpa.adopted));
    let rendered = |objects: Vec<Value>| {
        let (edits, found) = render(&plan, &workload::read(&objects).0);
        let objects = apply(objects, &edits).expect("the edits fit");
        let codes: Vec<String> = found.iter().map(|found| found.code.to_string()).collect();
        (objects, codes)
    };
    let (objects, found) = rendered(all);
    assert_eq!((objects.len(), found.len()), (4, 0));
    let (objects, found) = rendered(vec![workload()]);
    assert_eq!(objects.len(), 1, "none of the three is made");
    assert_eq!(objects[0]["spec"]["replicas"], 4, "the count of the manifest");
    assert_eq!(found, ["adopted-object-gone"; 3]);
    // one that serves another workload by now is gone as well
    let mut retargeted = theirs()[0].clone();
    retargeted["spec"][TARGET]["name"] = json!("other");
    let (objects, found) = rendered(vec![
        workload(),
        deployment("other", 1, "10m", "32Mi"),
        retargeted.clone(),
    ]);
    assert_eq!(objects[2], retargeted);
    assert_eq!((objects.len(), found), (3, vec!["adopted-object-gone".to_owned(); 3]));
}

#[test]
fn what_was_adopted_and_is_gone_is_decided_afresh() {
    let workload = || deployment("api", 4, "500m", "512Mi");
    let all: Vec<Value> = [workload()].into_iter().chain(theirs()).collect();
    let mut world = World::new(ADOPTING, &all, vec![(KEY, facts("api", 300, wave, |_| 4))]);
    world.accepted = Some(world.plan());
    world.workloads = workload::read(&[workload()]).0;
    let plan = world.one("api");
    assert!(
        plan.findings["adopted-object-gone"]
            .detail
            .contains("`HorizontalPodAutoscaler/theirs`")
    );
    let scaler = plan.scaler.expect("the policy asks for one");
    assert_eq!((scaler.name.as_str(), scaler.adopted), ("api", false));
    assert_eq!(plan.vpa.expect("the policy asks for one").name, "api");
    // where the policy asks for none, nothing of the adopted one lingers
    world.settings = crate::planning::settings("{workloads: {api: {requests: {strategy: keep}}}}");
    let plan = world.one("api");
    assert_eq!((plan.scaler, plan.disruption, plan.vpa), (None, None, None));
}

/// A hard spread over zones, as an owner writes it.
fn hard_spread(objects: &mut [Value]) {
    objects[0]["spec"]["template"]["spec"]["topologySpreadConstraints"] = json!([{
        "topologyKey": "topology.kubernetes.io/zone", "maxSkew": 2, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "api"}}
    }]);
}

fn spreads(objects: &[Object]) -> &Value {
    &objects[0]["spec"]["template"]["spec"]["topologySpreadConstraints"]
}

#[test]
fn a_hard_spread_that_came_later_stays_hard() {
    let (objects, found) = drifted(POLICY, |_| ());
    assert_eq!(spreads(&objects)[0]["whenUnsatisfiable"], "ScheduleAnyway");
    assert!(found.is_empty());
    let mut theirs = vec![deployment("api", 4, "500m", "512Mi")];
    hard_spread(&mut theirs);
    let (objects, found) = drifted(POLICY, |objects| hard_spread(objects));
    assert_eq!(spreads(&objects), spreads(&theirs));
    assert_eq!(found, ["left-alone"]);
}

#[test]
fn a_hard_spread_is_planned_around_unless_the_policy_softens_it_in_words() {
    let mut objects = vec![deployment("api", 4, "500m", "512Mi")];
    hard_spread(&mut objects);
    let theirs = objects.clone();
    let rendered = |policy: &str| {
        let world = World::new(policy, &objects, vec![(KEY, facts("api", 300, wave, |_| 4))]);
        let plan = world.plan();
        let said = plan.spec.workloads[KEY]
            .findings
            .get("left-alone")
            .map(|found| found.detail.clone());
        let edits = render(&plan, &world.workloads).0;
        (apply(objects.clone(), &edits).expect("the edits fit"), said)
    };
    let (after, said) = rendered(POLICY);
    assert_eq!(spreads(&after), spreads(&theirs));
    assert!(said.expect("said").contains("topology.kubernetes.io/zone"));
    let spoken = POLICY.replace(
        "disruption: {mode: auto}",
        "disruption: {mode: auto}, spread: {mode: zone, zone: {whenUnsatisfiable: ScheduleAnyway}}",
    );
    let (after, said) = rendered(&spoken);
    assert_eq!(spreads(&after)[0]["whenUnsatisfiable"], "ScheduleAnyway");
    assert_eq!(said, None);
}

#[test]
fn a_budget_for_the_scalers_count_goes_with_the_scaler_where_one_pod_is_left() {
    let policy = |disruption: &str| {
        let scaling = "scaling: {mode: hpa, minReplicas: {value: 3}, maxReplicas: {value: 9}}";
        format!("{{workloads: {{api: {{class: web, {scaling}, disruption: {disruption}}}}}}}")
    };
    let hpa = |min: u32| {
        let spec = json!({TARGET: target(), "minReplicas": min, "maxReplicas": 5});
        own("autoscaling/v2", "HorizontalPodAutoscaler", "mine", &spec)
    };
    let budgets = |objects: &[Object]| names(objects, "PodDisruptionBudget").len();
    for (disruption, min, left) in [
        // more than one may run
        ("{mode: auto}", 1, 1),
        // two of two may not go: no drain ends
        ("{minAvailable: {value: 2}}", 2, 0),
        ("{minAvailable: {value: 2}}", 3, 1),
    ] {
        let (objects, found) = drifted(&policy(disruption), |objects| objects.push(hpa(min)));
        assert_eq!(budgets(&objects), left, "{disruption} at {min}");
        let expected: &[&str] = if left == 1 {
            &["two-scalers"]
        } else {
            &["two-scalers", "pdb-omitted"]
        };
        assert_eq!(found, expected, "{disruption} at {min}");
    }
    for (replicas, left) in [(json!(1), 0), (json!(2), 1), (Value::Null, 1)] {
        let (objects, found) = drifted(&policy("{mode: auto}"), |objects| {
            objects[0]["spec"]["replicas"] = replicas.clone();
            let containers = objects[0]["spec"]["template"]["spec"]["containers"].as_array_mut();
            containers.expect("a list").push(json!({"name": "side", "image": "x"}));
        });
        assert_eq!(budgets(&objects), left, "{replicas}");
        assert_eq!(
            found.contains(&"pdb-omitted".to_owned()),
            left == 0,
            "{replicas}: {found:?}"
        );
    }
}

#[test]
fn a_single_pod_stays_off_spot_nodes() {
    let hpa = own(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "mine",
        &json!({TARGET: target(), "maxReplicas": 5}),
    );
    // without `minReplicas` one pod is the lowest
    for (min, is_on_spot) in [(None, false), (Some(1), false), (Some(2), true)] {
        let (objects, found) = drifted(POLICY, |objects| {
            let mut hpa = hpa.clone();
            hpa["spec"]["minReplicas"] = json!(min);
            objects.push(hpa);
        });
        let affinity = objects[0].pointer("/spec/template/spec/affinity");
        assert_eq!(affinity.is_some(), is_on_spot, "{min:?}");
        assert_eq!(found.contains(&"spot-unsafe".to_owned()), !is_on_spot, "{found:?}");
    }
}

#[test]
fn pods_that_take_longer_to_end_than_the_notice_stay_off_spot_nodes() {
    let unbound = POLICY.replace(", termination: {gracePeriod: {value: 60s}}", "");
    let accepted = unbound.replace(
        "workloads:",
        "accept: {a: {code: spot-unsafe, workload: api, reason: known}}, workloads:",
    );
    // AWS gives 120 s; the plan's own 60 s are within it
    for (policy, grace, is_on_spot) in [
        (POLICY, 61, true),
        (POLICY, 121, false),
        (unbound.as_str(), 120, true),
        (&unbound, 121, false),
        (&accepted, 121, false),
    ] {
        let (objects, found) = drifted(policy, |objects| {
            objects[0]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(grace);
        });
        let affinity = objects[0].pointer("/spec/template/spec/affinity");
        assert_eq!(affinity.is_some(), is_on_spot, "{grace}: {policy}");
        assert_eq!(found.contains(&"spot-unsafe".to_owned()), !is_on_spot, "{found:?}");
    }
}

const SIZED_BY_VPA: &str = "{cluster: {kubernetes: '1.33', addons: {vpa: '1.5'}}, workloads: {api: {scaling: {mode: none}, \
                            vpa: {mode: MODE}}}}";

fn vpas(objects: &[Object]) -> Vec<String> {
    names(objects, "VerticalPodAutoscaler")
}

#[test]
fn a_vpa_of_the_owner_stays_alone() {
    let policy = SIZED_BY_VPA.replace("MODE", "recommend");
    let [_, _, theirs] = theirs();
    let (objects, found) = drifted(&policy, |objects| objects.push(theirs.clone()));
    assert_eq!(vpas(&objects), ["theirs"]);
    assert_eq!(objects[1], theirs, "it stays as it is");
    assert_eq!(found, ["left-alone"]);
    let (objects, found) = drifted(&policy, |_| ());
    assert_eq!((vpas(&objects), found.len()), (vec!["api".to_owned()], 0));
}

#[test]
fn a_vpa_that_acts_is_left_out_beside_a_scaler_that_divides() {
    let hpa = |resource: &str| {
        let target = json!({"type": "Utilization", "averageUtilization": 70});
        let metrics = json!([{"type": "Resource", "resource": {"name": resource, "target": target}}]);
        let spec = json!({TARGET: self::target(), "minReplicas": 4, "maxReplicas": 5, "metrics": metrics});
        own("autoscaling/v2", "HorizontalPodAutoscaler", "mine", &spec)
    };
    let acting = SIZED_BY_VPA.replace("MODE", "recreate");
    let memory = acting.replace("mode: recreate", "mode: recreate, resources: memory");
    for (policy, resource, left) in [
        (&acting, "cpu", 0),
        (&acting, "memory", 0),
        (&memory, "memory", 0),
        (&memory, "cpu", 1),
        (&SIZED_BY_VPA.replace("MODE", "recommend"), "cpu", 1),
    ] {
        let (objects, found) = drifted(policy, |objects| objects.push(hpa(resource)));
        assert_eq!(vpas(&objects).len(), left, "{resource}: {policy}");
        let is_said = found.contains(&"scaler-fights-vpa".to_owned());
        assert_eq!(is_said, left == 0, "{found:?}");
    }
}

/// What an adopted VPA has for containers, with the bounds that the policy states for the main one.
fn adopted_policies(bounds: &str, theirs: &Value) -> Value {
    let [_, _, mut vpa] = self::theirs();
    vpa["spec"]["resourcePolicy"] = json!({"containerPolicies": theirs});
    let policy = SIZED_BY_VPA.replace("MODE", &format!("recommend{bounds}"));
    let before = vec![deployment("api", 4, "500m", "512Mi"), vpa];
    let plan = World::new(&policy, &before, vec![(KEY, facts("api", 300, wave, |_| 4))]).plan();
    let rendered =
        |objects: Vec<Value>| apply(objects.clone(), &render(&plan, &workload::read(&objects).0).0).expect("fits");
    let objects = rendered(before);
    assert_eq!(rendered(objects.clone()), objects, "its own output stays");
    objects[1]["spec"]["resourcePolicy"]["containerPolicies"].clone()
}

#[test]
fn an_adopted_vpa_keeps_the_bounds_that_the_plan_does_not_name() {
    let all = ["cpu", "memory"];
    let theirs = json!([
        {"containerName": "side", "mode": "Off"},
        {"containerName": "*", "minAllowed": {"cpu": "100m", "memory": "1Gi"}, "maxAllowed": {"cpu": "4"}},
    ]);
    let mut others = theirs[1].clone();
    others["controlledResources"] = json!(all);
    others["controlledValues"] = json!("RequestsOnly");
    assert_eq!(adopted_policies("", &theirs), json!([theirs[0], others]));
    // a policy of its own takes the main container out of `*`: it brings along what held for it
    let mut main = others.clone();
    main["containerName"] = json!("api");
    main["maxAllowed"] = json!({"cpu": "2", "memory": "2Gi"});
    assert_eq!(
        adopted_policies(", maxAllowed: {cpu: '2', memory: 2Gi}", &theirs),
        json!([theirs[0], others, main])
    );
    // their lower bounds above our upper ones would be refused
    main["minAllowed"] = json!({"cpu": "100m"});
    main["maxAllowed"] = json!({"cpu": "4", "memory": "512Mi"});
    assert_eq!(
        adopted_policies(", maxAllowed: {memory: 512Mi}", &theirs),
        json!([theirs[0], others, main])
    );
}
