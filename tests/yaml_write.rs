//! The canonical form: order of keys, layout, quoting.

use serde_json::json;
use trimtab::yaml::{to_stream, to_string, to_string_with_header};

#[test]
fn an_object_reads_from_what_it_is_to_what_it_says() {
    let object = json!({
        "spec": {
            "template": {"spec": {"containers": [{"image": "x:1", "env": [{"value": "on", "name": "A"}], "name": "main"}]},
                         "metadata": {"labels": {"b": "1", "a": "2"}, "annotations": {}, "name": "p"}},
            "replicas": 3,
            "scaleTargetRef": {"name": "api", "kind": "Deployment", "apiVersion": "apps/v1"},
        },
        "metadata": {"namespace": "shop", "labels": {"app": "api"}, "name": "api"},
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "data": {"run.sh": "#!/bin/sh\nexec \"$@\"\n", "tab": "\ta\nb\n"},
    });
    let expected = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
  labels:
    app: api
data:
  run.sh: |
    #!/bin/sh
    exec "$@"
  tab: "\ta\nb\n"
spec:
  replicas: 3
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: api
  template:
    metadata:
      name: p
      annotations: {}
      labels:
        a: "2"
        b: "1"
    spec:
      containers:
      - name: main
        env:
        - name: A
          value: "on"
        image: x:1
"#;
    assert_eq!(to_string(&object), expected);
}

#[test]
fn long_lines_are_never_folded() {
    let text = "word ".repeat(100);
    assert_eq!(to_string(&json!({ "a": text })).lines().count(), 1);
}

#[test]
fn documents_are_separated_and_not_framed() {
    assert_eq!(
        to_stream(&[json!({"a": 1}), json!({"b": []}), json!({"c": "x\n\n"})]),
        "a: 1\n---\nb: []\n---\nc: |+\n  x\n\n"
    );
    assert_eq!(to_stream(&[]), "");
}

#[test]
fn a_header_stays_a_comment_whatever_it_holds() {
    let text = to_string_with_header(&json!({"a": 1}), "made by trimtab\n\nx\u{2028}b: 1\u{0}\ry: 2");
    assert_eq!(
        text,
        "# made by trimtab\n#\n# x\u{fffd}b: 1\u{fffd}\u{fffd}y: 2\na: 1\n"
    );
    assert_eq!(
        trimtab::yaml::read_one(text.as_bytes(), &trimtab::yaml::Limits::POLICY),
        Ok(json!({"a": 1}))
    );
}

/// Holds only while no dependency switches on `preserve_order` of `serde_json`, which would let input order through.
#[test]
fn the_order_of_the_input_leaves_no_trace() {
    let one: serde_json::Value = serde_json::from_str(r#"{"b": {"d": 1, "c": 2}, "a": 3}"#).unwrap();
    let other: serde_json::Value = serde_json::from_str(r#"{"a": 3, "b": {"c": 2, "d": 1}}"#).unwrap();
    assert_eq!(one.to_string(), r#"{"a":3,"b":{"c":2,"d":1}}"#);
    assert_eq!(to_string(&one), to_string(&other));
}
