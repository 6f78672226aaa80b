//! Settings that can't hold together, or that an API server or KEDA refuses: said at their place in the policy, within
//! one class or rule and where the layers of one workload meet.

use trimtab::diag::terminal;
use trimtab::plan::model::Status;
use trimtab::policy::{Matched, Subject};

use crate::planning::{World, deployment};
use crate::policy::{parse_text, wrap};

const HEAD: &str = "environment: test\ncluster: {kubernetes: \"1.33\", addons: {keda: \"2.18\", vpa: \"1.5\"}}\nworkloads:\n  api:\n    ";

/// What is written in a rule, the value at whose place it is said between bars, and what is said.
const TABLE: &str = r#"
vpa: {minAllowed: {cpu: |"2"|}, maxAllowed: {cpu: 500m}} -> `minAllowed` of 2 is above `maxAllowed` of 500m
vpa: {minAllowed: {memory: |2Gi|}, maxAllowed: {memory: 1Gi}} -> `minAllowed` of 2Gi is above `maxAllowed` of 1Gi
scaling: {metrics: {q: {type: pods, metric: q, value: |{value: "5"}|}}} -> a metric of `type: pods` is averaged over the pods: it takes `averageValue` and no `value`
scaling: {metrics: {q: |{type: object, metric: q, value: {value: "5"}}|}} -> `describedObject` and `type: object` belong together
scaling: {metrics: {q: |{type: external, metric: q, averageValue: {value: "5"}, value: {value: "5"}}|}} -> both `averageValue` and `value` are given
scaling: {metrics: {q: {type: external, metric: |""|, value: {value: "5"}}}} -> `` is no name of a metric
scaling: {metrics: {q: {type: external, metric: |a/b|, value: {value: "5"}}}} -> `a/b` is no name of a metric
scaling: {metrics: {q: {type: external, metric: |queue depth|, value: {value: "5"}}}} -> `queue depth` is no name of a metric
scaling: {metrics: {q: {type: external, metric: q, selector: {tier: |-edge|}, value: {value: "5"}}}} -> `-edge` is no value of a label or taint
scaling: {metrics: {q: {type: external, metric: q, selector: {"a b": |edge|}, value: {value: "5"}}}} -> `a b` is no key of a label or taint
scaling: {metrics: {q: {type: object, metric: q, describedObject: {apiVersion: v1, kind: |""|, name: a}, value: {value: "5"}}}} -> `` is no kind of an object
scaling: {metrics: {q: {type: object, metric: q, describedObject: {apiVersion: v1, kind: Service, name: |a/b|}, value: {value: "5"}}}} -> `a/b` is no name of an object
scaling: {triggers: {q: {type: rabbitmq, metricType: |Utilization|}}} -> a trigger of type `rabbitmq` has no utilization: only `cpu` and `memory` have
scaling: {triggers: {q: {type: cpu, metricType: |Value|}}} -> a `cpu` trigger takes no `Value`
scaling: {triggers: {q: {type: cron, useCachedMetrics: |true|}}} -> KEDA refuses `useCachedMetrics` for `cron`
scaling: {triggers: {q: {type: rabbitmq, authenticationRef: {name: |Not_A_Name|}}}} -> `Not_A_Name` is no name of an object
scaling: {triggers: {q: {type: rabbitmq, authenticationRef: {name: a, kind: |Secret|}}}} -> `kind: Secret` brings no authentication to a trigger
scaling: {idleReplicas: |0|, minReplicas: {value: 0}} -> `idleReplicas` 0 is not below `minReplicas` 0, and KEDA refuses it
scaling: {fallback: {failureThreshold: 3, replicas: |9|}, maxReplicas: {value: 8}} -> a fallback of 9 replicas is above `maxReplicas` 8, which cuts it
scaling: {fallback: {failureThreshold: 3, replicas: |9|}, maxReplicas: {max: 8}} -> a fallback of 9 replicas is above `maxReplicas` 8, which cuts it
scaling: {fallback: {failureThreshold: 3, replicas: |1|}, minReplicas: {value: 2}} -> a fallback of 1 replicas is below `minReplicas` 2: no fewer run anyway
scaling: {minReplicas: {min: |5|}, maxReplicas: {max: 3}} -> `minReplicas` 5 is above `maxReplicas` 3
scaling: {mode: hpa}, replicas: {count: {value: |3|}} -> `replicas.count` 3 stands beside `scaling.mode: hpa`: the scaler sets the count
scaling: {mode: keda}, replicas: {count: {min: |3|}} -> `replicas.count` 3 stands beside `scaling.mode: keda`: the scaler sets the count
limits: {cpu: {mode: none, value: |"1"|}} -> a limit of 1 is stated, and `mode: none` says otherwise
containers: {log: {limits: {memory: {mode: ratio, value: |1Gi|}}}} -> a limit of 1Gi is stated, and `mode: ratio` says otherwise
"#;

#[test]
fn what_can_not_hold_in_one_rule_is_refused_at_its_place() {
    for case in TABLE.trim().lines() {
        let (rule, said) = case.split_once(" -> ").unwrap();
        let [start, value, end] = rule.split('|').collect::<Vec<_>>()[..] else {
            panic!("{case}");
        };
        // further keys of the rule on lines of their own
        let rule = format!("{start}{value}{end}").replace("}, replicas", "}\n    replicas");
        let problems = parse_text(&wrap(&format!("{HEAD}{rule}"))).map(|_| ()).expect_err(case);
        let (line, before) = match start.split_once("}, replicas") {
            Some((_, rest)) => (10, format!("replicas{rest}")),
            None => (9, start.to_owned()),
        };
        let place = format!("--> policy.yaml:{line}:{}\n", 7 + before.len());
        let said = format!(
            "error[policy-conflict]: {said}
"
        );
        assert!(
            problems.contains(&said) && problems.contains(&place),
            "{case}: not at {place}{problems}"
        );
        assert_eq!(problems.matches("error[").count(), 1, "{case}:\n{problems}");
    }
}

/// A rule and a class that are fine each by itself.
#[test]
fn what_can_not_hold_where_layers_meet_stops_that_workload_alone() {
    for (class, rule, place, said) in [
        (
            "vpa: {maxAllowed: {cpu: 500m}}",
            "vpa: {minAllowed: {cpu: \"2\"}}",
            "13:31",
            "`minAllowed` of 2 is above `maxAllowed` of 500m",
        ),
        (
            "scaling: {mode: hpa}",
            "replicas: {count: {value: 3}}",
            "13:33",
            "`replicas.count` 3 stands beside `scaling.mode: hpa`: the scaler sets the count",
        ),
        (
            "scaling: {fallback: {failureThreshold: 3, replicas: 9}}",
            "scaling: {maxReplicas: {value: 8}}",
            "9:59",
            "a fallback of 9 replicas is above `maxReplicas` 8, which cuts it",
        ),
        (
            "scaling: {idleReplicas: 0}",
            "scaling: {minReplicas: {value: 0}}",
            "9:31",
            "`idleReplicas` 0 is not below `minReplicas` 0, and KEDA refuses it",
        ),
    ] {
        let spec = format!(
            "environment: test\ncluster: {{kubernetes: \"1.33\"}}\nclasses:\n  own:\n    {class}\nworkloads:\n  api:\n    class: own\n    {rule}\n  other: {{class: web}}\n"
        );
        let settings = parse_text(&wrap(&spec)).unwrap_or_else(|problems| panic!("{problems}"));
        let subject = |name: &str| Subject {
            kind: "Deployment".into(),
            name: name.into(),
            ..Subject::default()
        };
        let Matched::Broken(found) = settings.of(&subject("api")) else {
            panic!("{rule}");
        };
        let found = terminal::render_all(&[found], false);
        assert!(found.contains(said), "{rule}:\n{found}");
        assert!(
            found.contains(&format!("policy.yaml:{place}\n")),
            "{rule}: not at {place}\n{found}"
        );
        assert!(found.contains("is set by own class own"), "{found}");
        assert!(found.contains("is set by rule api"), "{found}");
        assert!(matches!(settings.of(&subject("other")), Matched::Wanted(..)), "{rule}");
    }
}

#[test]
fn a_contradicted_workload_keeps_what_was_accepted_and_says_so() {
    let spec = |rule: &str| {
        format!(
            "{{cluster: {{kubernetes: '1.33', addons: {{vpa: '1.5'}}}}, classes: {{own: {{vpa: {{mode: recommend, maxAllowed: {{cpu: 500m}}}}}}}}, workloads: {{api: {{class: own, {rule}}}}}}}"
        )
    };
    let mut world = World::new(
        &spec("scaling: {mode: none}"),
        &[deployment("api", 2, "1", "1Gi")],
        vec![],
    );
    let accepted = world.plan();
    world.accepted = Some(accepted.clone());
    world.settings = crate::planning::settings(&spec("vpa: {minAllowed: {cpu: '2'}}"));
    let plan = world.one("api");
    assert_eq!(plan.status, Status::Kept);
    assert_eq!(plan.vpa, accepted.spec.workloads["Deployment/shop/api"].vpa);
    assert_eq!(
        plan.findings["policy-conflict"].detail,
        "`minAllowed` of 2 is above `maxAllowed` of 500m"
    );
}

/// A schedule beyond the bounds works, and not as it says.
#[test]
fn a_schedule_beyond_the_bounds_is_a_warning() {
    let cron = |desired: u32, bounds: &str| {
        let rule = format!(
            "scaling: {{{bounds}, triggers: {{day: {{type: cron, metadata: {{timezone: Europe/Berlin, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: \"{desired}\"}}}}}}}}"
        );
        let settings = parse_text(&wrap(&format!("{HEAD}{rule}"))).unwrap_or_else(|problems| panic!("{problems}"));
        terminal::render_all(&settings.warnings, false)
    };
    for (desired, bounds, said) in [
        (
            9,
            "maxReplicas: {value: 8}",
            "the schedule asks for 9 replicas, and the highest count is 8: it gets 8",
        ),
        (
            9,
            "maxReplicas: {max: 8}",
            "the schedule asks for 9 replicas, and the highest count is 8: it gets 8",
        ),
        (
            2,
            "minReplicas: {value: 2}",
            "the schedule asks for 2 replicas, and no fewer than 2 run anyway: it does nothing",
        ),
    ] {
        let found = cron(desired, bounds);
        assert!(
            found.contains(&format!("warning[schedule-beyond-bounds]: {said}\n --> policy.yaml:9:")),
            "{found}"
        );
    }
    assert_eq!(cron(5, "minReplicas: {value: 2}, maxReplicas: {value: 8}"), "");
}

#[test]
fn marks_of_spot_nodes_are_labels_and_taints() {
    let problems = |spot: &str| {
        let spec = format!("environment: test\ncluster: {{kubernetes: \"1.33\", spot: {spot}}}");
        parse_text(&wrap(&spec)).map(|_| ()).expect_err(spot)
    };
    for (spot, said) in [
        (
            "{labels: {\"a b\": spot}}",
            "`a b` is no key of a label or taint\n --> policy.yaml:6:",
        ),
        (
            "{labels: {lifecycle: \"spot!\"}}",
            "`spot!` is no value of a label or taint\n --> policy.yaml:6:",
        ),
        (
            "{labels: {a: b}, taints: {lifecycle: {value: \"-\", effect: NoSchedule}}}",
            "`-` is no value of a label or taint\n --> policy.yaml:6:",
        ),
    ] {
        let found = problems(spot);
        assert!(found.contains(said), "{found}");
    }
}
