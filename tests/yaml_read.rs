//! What is read, and what is refused with which words.

use serde_json::{Value, json};
use trimtab::yaml::{Limits, Problem, read_all, read_one};

use crate::kustomize::{self, Kustomize};

#[test]
fn refusals_say_what_where_why_and_how() {
    let table = [
        (
            "a: 1\nb:\n  c: 1\n  \"c\": 2\n",
            "4:3: the key `c` appears twice in one map, and readers differ in which value they take; remove one of them",
        ),
        (
            "{\"a\": 1,\n \"a\": 2}",
            "2:4: the key `a` appears twice in one map, and readers differ in which value they take; remove one of them",
        ),
        (
            "a:\n  1: x\n",
            "2:3: the key `1` is not text, and Kubernetes knows only text keys; quote it: \"1\"",
        ),
        (
            "a:\n  true: x\n",
            "2:3: the key `true` is not text, and Kubernetes knows only text keys; quote it: \"true\"",
        ),
        (
            "~: x\n",
            "1:1: the key `null` is not text, and Kubernetes knows only text keys; quote it: \"null\"",
        ),
        (
            "a: {{ .Values.x }}",
            "1:5: a map or list stands where a key is expected; if this is a template such as `{{ .Values.x }}`, render it first or quote it",
        ),
        (
            "a: !foo x",
            "1:4: the tag `!foo` has no meaning in Kubernetes, and readers drop it silently; remove the tag and write the plain value",
        ),
        (
            "a: 1\nb: !!binary aGk=",
            "2:4: the tag `!!binary` has no meaning in Kubernetes, and readers drop it silently; remove the tag and write the plain value",
        ),
        (
            "a: -.INF",
            "1:4: `.inf` is not a finite number, and JSON, the data model of Kubernetes, has no other; use a number, or quote it as text",
        ),
        (
            "a: 18446744073709551616",
            "1:4: the integer `18446744073709551616` does not fit 64 bits, and other readers round it; quote it if it is text",
        ),
        (
            "a: 1\n---\nb:\n- 1\n- 340282366920938463463374607431768211456",
            "5:3: the integer `340282366920938463463374607431768211456` does not fit 64 bits, and other readers round it; quote it if it is text",
        ),
        (
            "a: 1_0000000000000000000000",
            "1:4: the integer `1_0000000000000000000000` does not fit 64 bits, and other readers round it; quote it if it is text",
        ),
        (
            "{\"a\": \"\\\"18446744073709551616\",\n \"b\": [1, -9223372036854775809]}",
            "2:11: the integer `-9223372036854775809` does not fit 64 bits, and other readers round it; quote it if it is text",
        ),
        (
            "{\"a\": 18446744073709551616}",
            "1:7: the integer `18446744073709551616` does not fit 64 bits, and other readers round it; quote it if it is text",
        ),
        (
            "{\"a\": 1e400}",
            "1:11: this number is larger than any reader's numbers (1.8e308); quote it if it is text",
        ),
        (
            "a: {<<: 1}",
            "1:4: `<<` merges a map or a list of maps, and found neither; name an anchored map: `<<: *name`",
        ),
        (
            "a: 1\nb: x\u{7f}",
            "2:5: the control character U+007F is not allowed in YAML; remove it, or write it as an escape in double quotes",
        ),
        (
            "é\u{0}",
            "1:2: the control character U+0000 is not allowed in YAML; remove it, or write it as an escape in double quotes",
        ),
        (
            "a: \u{80}",
            "1:4: the control character U+0080 is not allowed in YAML; remove it, or write it as an escape in double quotes",
        ),
        (
            "a: \u{fffe}",
            "1:4: the control character U+FFFE is not allowed in YAML; remove it, or write it as an escape in double quotes",
        ),
        (
            "a:\n\tb: 1",
            "2:1: found character that cannot start any token; indent with blanks, not tabs, and quote a value that starts with @ ` or %",
        ),
        (
            "a: *x",
            "1:4: unknown anchor; define `&name` before `*name`, or quote a value that starts with `*`",
        ),
        (
            "a: b: c",
            "1:5: mapping values are not allowed in this context; quote a value that contains `: `, and check the indentation",
        ),
    ];
    for (text, expected) in table {
        let error = read_all(text.as_bytes(), &Limits::POLICY).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let error = |bytes: &[u8]| read_all(bytes, &Limits::POLICY).unwrap_err().to_string();
    let expected = "2:4: the byte 0xFF is not UTF-8, the encoding of YAML in Kubernetes; save the file as UTF-8";
    assert_eq!(error(b"a: 1\nb: \xff\n"), expected);
    assert_eq!(
        error(b"\xff\xfea\0"),
        "1:1: the text is UTF-16, and Kubernetes reads UTF-8; save the file as UTF-8"
    );
}

#[test]
fn empty_documents_are_dropped_and_the_others_keep_their_number() {
    let text = "---\n# only a comment\n---\na: 1\n---\n---\nnull\n---\nb: 2\n...\n";
    let documents = read_all(text.as_bytes(), &Limits::STREAM).unwrap();
    let found: Vec<_> = documents
        .iter()
        .map(|document| (document.index, &document.value))
        .collect();
    assert_eq!(found, [(1, &json!({"a": 1})), (4, &json!({"b": 2}))]);
    for empty in ["", "\n", "# comment", "---\n---\n", "~"] {
        assert_eq!(read_all(empty.as_bytes(), &Limits::STREAM).unwrap(), [], "{empty:?}");
    }
}

#[test]
fn one_document_means_one() {
    assert_eq!(read_one(b"---\na: 1\n---\n", &Limits::POLICY), Ok(json!({"a": 1})));
    assert_eq!(
        read_one(b"# nothing\n", &Limits::POLICY).unwrap_err().problem,
        Problem::Empty
    );
    assert_eq!(
        read_one(b"a: 1\n---\nb: 1\n", &Limits::POLICY).unwrap_err().problem,
        Problem::Several(2)
    );
}

#[test]
fn json_is_read_as_json() {
    let json = "{\n\t\"a\": \"\\/\\ud83d\\ude00\",\n\t\"<<\": [1e2, 0.1, 18446744073709551615, null]\n}\n";
    let expected = json!({"a": "/\u{1f600}", "<<": [100.0, 0.1, u64::MAX, null]});
    assert_eq!(read_one(json.as_bytes(), &Limits::POLICY), Ok(expected));
    // flow YAML begins alike
    assert_eq!(
        read_one(b"{a: 1, 'b': [x,],}", &Limits::POLICY),
        Ok(json!({"a": 1, "b": ["x"]}))
    );
    assert_eq!(
        read_all(b"{\"a\": 1}\n---\n{\"b\": 1}\n", &Limits::POLICY)
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn scalars_have_the_types_that_kubernetes_gives_them() {
    let table: [(&str, Value); 20] = [
        ("012", json!(10)),
        ("0x1F", json!(31)),
        ("0o14", json!(12)),
        ("+5", json!(5)),
        ("1e3", json!(1000.0)),
        ("1e400", json!("1e400")),
        ("1_000", json!(1000)),
        ("yes", json!("yes")),
        ("on", json!("on")),
        ("True", json!(true)),
        ("~", Value::Null),
        ("2001-01-01", json!("2001-01-01")),
        ("1:30", json!("1:30")),
        ("!!str 1", json!("1")),
        ("\"1\"", json!("1")),
        ("'~'", json!("~")),
        ("|\n  x", json!("x")),
        ("\"\\U0001F600\"", json!("\u{1f600}")),
        ("a\r\n  b", json!("a b")),
        ("\u{a0}", json!("\u{a0}")),
    ];
    for (text, expected) in table {
        let value = read_one(format!("k: {text}").as_bytes(), &Limits::POLICY)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(value["k"], expected, "{text}");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_key() {
    assert_eq!(
        read_one("\u{feff}a: 1\n".as_bytes(), &Limits::POLICY),
        Ok(json!({"a": 1}))
    );
    assert_eq!(
        read_one("\u{feff}{\"a\": 1}".as_bytes(), &Limits::POLICY),
        Ok(json!({"a": 1}))
    );
}

/// Joined files, each with its mark: kustomize reads every object, and so do we.
#[test]
fn a_byte_order_mark_may_begin_every_document() {
    let object = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"c\"}}\n";
    let text = format!("\u{feff}{}---\n\u{feff}{}---\n\u{feff}{json}", object("a"), object("b"));
    let documents = read_all(text.as_bytes(), &Limits::STREAM).unwrap();
    let names = |values: &mut dyn Iterator<Item = &Value>| -> Vec<String> {
        values
            .map(|value| value["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&mut documents.iter().map(|document| &document.value)),
        ["a", "b", "c"]
    );
    let folder = tempfile::tempdir().unwrap();
    kustomize::write(
        folder.path(),
        &[("kustomization.yaml", "resources: [all.yaml]\n"), ("all.yaml", &text)],
    );
    for kustomize in Kustomize::all() {
        let built = kustomize::objects(&kustomize.build(folder.path()));
        assert_eq!(names(&mut built.iter()), ["a", "b", "c"], "{}", kustomize.version);
    }
    // inside a value it is a character like others
    assert_eq!(
        read_one("a: \"x\u{feff}\"\nb: y\u{feff}z\n".as_bytes(), &Limits::POLICY),
        Ok(json!({"a": "x\u{feff}", "b": "y\u{feff}z"}))
    );
}

/// kustomize takes the first object and drops the others without a word; kubectl reads both. Neither is guessed.
#[test]
fn objects_in_a_row_and_marks_elsewhere_are_refused_at_their_place() {
    let row = "did not find expected <document start>; the value before ends the document: put a line `---` before the next \
               object, as kustomize drops what follows without one";
    let mark = "a byte order mark (U+FEFF), which editors do not show, begins this line; remove it, and put `---` between \
                joined files";
    for (text, place, expected) in [
        ("{\"a\": 1}\n{\"b\": 2}\n", "2:1", row),
        ("{\"a\": 1}{\"b\": 2}\n", "1:9", row),
        ("{\"a\": 1}\n---\n{\"b\": 2}\n\n {\"c\": 3}\n", "5:2", row),
        ("a: 1\n\u{feff}---\nb: 2\n", "2:1", mark),
        ("\u{feff}\u{feff}a: 1\nb: 2\n", "1:1", mark),
        ("a: 1\n\u{feff}b: 2\nc: 3\n", "2:1", mark),
    ] {
        let error = read_all(text.as_bytes(), &Limits::STREAM).expect_err(text).to_string();
        assert_eq!(error, format!("{place}: {expected}"), "{text}");
    }
}

#[test]
fn numbers_as_yaml_1_1_spells_them_are_what_kustomize_reads() {
    let spec = "a: 0644\nb: [1_000, 0X1F, 0b11, 08]\nc: \"0644\"\nd: !!str 012\ne: !!str &x 012\nf: *x\ng: |-\n  012\nh: &y 014\ni: *y\n\
                j: '1_000'\nk: 1:30\nl: 10Mi\nm: {n: 0777}\no: 1_0.5\n";
    let expected = json!({
        "a": 420, "b": [1000, 31, 3, 8], "c": "0644", "d": "012", "e": "012", "f": "012", "g": "012", "h": 12, "i": 12,
        "j": "1_000", "k": "1:30", "l": "10Mi", "m": {"n": 511}, "o": 10.5,
    });
    assert_eq!(read_one(spec.as_bytes(), &Limits::STREAM).unwrap(), expected);
    let folder = tempfile::tempdir().unwrap();
    let thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\nspec:\n  ".to_owned()
        + &spec.replace('\n', "\n  ");
    kustomize::write(
        folder.path(),
        &[
            ("kustomization.yaml", "resources: [thing.yaml]\n"),
            ("thing.yaml", &thing),
        ],
    );
    for kustomize in Kustomize::all() {
        let built = kustomize::objects(&kustomize.build(folder.path()));
        assert_eq!(built[0]["spec"], expected, "{}", kustomize.version);
    }
}

#[test]
fn large_floats_and_integers_in_quotes_are_what_they_were() {
    let values = json!({
        "a": 1e20,
        "b": "18446744073709551616",
        "c": u64::MAX,
        "d": i64::MIN,
        "e": 1.844_674_407_370_955_2e19
    });
    let yaml = "a: 1e20\nb: \"18446744073709551616\"\nc: 18446744073709551615\nd: -9223372036854775808\ne: 18446744073709551616.0";
    let json = r#"{"a": 1E+20, "b": "18446744073709551616", "c": 18446744073709551615, "d": -9223372036854775808, "e": 18446744073709551616.0}"#;
    for text in [yaml, json] {
        assert_eq!(
            read_one(text.as_bytes(), &Limits::POLICY).as_ref(),
            Ok(&values),
            "{text}"
        );
    }
    // text for kustomize too (strconv.ParseFloat reports a range error)
    assert_eq!(read_one(b"a: 1e400", &Limits::POLICY), Ok(json!({"a": "1e400"})));
}
