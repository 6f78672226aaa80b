//! A rule that matches nothing says what was meant.

use crate::planning::{World, deployment};

#[test]
fn a_rule_that_matches_nothing_names_what_was_meant() {
    let objects = ["prod-warm-cache", "prod-cache", "api-v1"].map(|name| deployment(name, 2, "1", "1Gi"));
    for (case, spec, help) in [
        (
            "a prefix",
            "workloads: {cache: {}}",
            "for `prod-cache` state `identity: {namePrefix: prod-}`",
        ),
        (
            "a suffix",
            "workloads: {api: {}}",
            "for `api-v1` state `identity: {nameSuffix: -v1}`",
        ),
        ("a slip", "workloads: {prod-cachf: {}}", "did you mean `prod-cache`?"),
        (
            "nothing near",
            "workloads: {billing: {}}",
            "correct its `match`, or take the rule away",
        ),
        (
            "a prefix is stated",
            "identity: {namePrefix: prod-}, workloads: {cachf: {}}",
            "did you mean `cache`?",
        ),
    ] {
        let (_, said) = World::new(&format!("{{{spec}}}"), &objects, vec![]).planned();
        let idle: Vec<_> = said
            .iter()
            .filter(|one| one.code.as_str() == "rule-matches-nothing")
            .collect();
        let [only] = idle.as_slice() else {
            panic!("{case}: {said:?}")
        };
        assert!(
            only.help.as_deref().is_some_and(|said| said.starts_with(help)),
            "{case}: {only:?}"
        );
    }
}
