//! Hostile and broken text ends in an error with a place, soon, and on the small stack of a test's thread.

use std::fmt::Write as _;

use trimtab::yaml::{Limits, read_all};

fn error(text: &str) -> String {
    match read_all(text.as_bytes(), &Limits::STREAM) {
        Ok(documents) => panic!("read as {:.200}", format!("{documents:?}")),
        Err(error) => error.to_string(),
    }
}

#[test]
fn deep_nesting_is_refused_in_every_style() {
    let block: String = (0..3_000).fold(String::new(), |mut text, depth| {
        writeln!(text, "{}a:", " ".repeat(depth)).unwrap();
        text
    });
    for (style, text) in [
        ("[", "[".repeat(100_000)),
        ("{a: ", "{a: ".repeat(100_000)),
        ("{\"a\":", "{\"a\":".repeat(100_000)),
        ("quoted brackets between", "[']',".repeat(100_000)),
        ("just below the suspicion", "[".repeat(1_000)),
        ("no document start", "[\n---x,".repeat(10_000)),
        ("closed", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
        ("- ", "- ".repeat(100_000)),
        ("? ", "? ".repeat(100_000)),
        ("block maps", block),
        ("a list of itself", "&a [*a]".to_owned()),
        ("a map of itself", "&a {b: *a}".to_owned()),
        ("merged into itself", "&a {<<: *a}".to_owned()),
    ] {
        let error = error(&text);
        let expected = [
            "nested more than 128 deep",
            "a map or list stands where a key is expected",
        ];
        assert!(expected.iter().any(|part| error.contains(part)), "{style}: {error}");
    }
}

#[test]
fn nesting_up_to_the_limit_is_read_and_written() {
    let depth = Limits::DEPTH - 1;
    for text in [
        format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)),
        format!("{}1{}", "{a: ".repeat(depth), "}".repeat(depth)),
        format!("{}1", "- ".repeat(depth)),
    ] {
        let documents =
            read_all(text.as_bytes(), &Limits::STREAM).unwrap_or_else(|error| panic!("{error}: {text:.40}"));
        let written = trimtab::yaml::to_string(&documents[0].value);
        assert_eq!(
            read_all(written.as_bytes(), &Limits::STREAM).unwrap(),
            documents,
            "{text:.40}"
        );
    }
}

#[test]
fn aliases_cannot_multiply_without_bound() {
    let laughs: String = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |mut text, level| {
        writeln!(
            text,
            "a{level}: &a{level} [{}]",
            vec![format!("*a{}", level - 1); 9].join(",")
        )
        .unwrap();
        text
    });
    let lists = format!("a: &a [{}]\nb: [{}]\n", "1,".repeat(20_000), "*a,".repeat(20_000));
    let texts = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a,".repeat(20_000));
    let small = Limits {
        nodes: 1_000_000,
        ..Limits::STREAM
    };
    for (name, text, expected) in [
        ("billion laughs", laughs, "more than 1000000 values"),
        ("20k aliases of 20k items", lists, "more than 1000000 values"),
        ("20k aliases of 100 kB", texts, "more than 16777216 bytes"),
    ] {
        let error = read_all(text.as_bytes(), &small).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn honest_aliases_and_merges_are_expanded() {
    let text = "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: {<<: [*a, {y: 4, z: 5}]}\nd: [*a, *a]\n";
    let expected = serde_json::json!({
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"x": 1, "y": 2, "z": 5},
        "d": [{"x": 1, "y": 2}, {"x": 1, "y": 2}],
    });
    assert_eq!(read_all(text.as_bytes(), &Limits::POLICY).unwrap()[0].value, expected);
}

#[test]
fn size_is_bounded_before_anything_is_parsed() {
    let limits = Limits {
        bytes: 100,
        documents: 3,
        nodes: 10,
        scalar: 100,
    };
    let error = |text: &str| read_all(text.as_bytes(), &limits).unwrap_err().to_string();
    let expected = "the text has 101 bytes, more than the 100 that are read here; split it into several files";
    assert_eq!(error(&"x".repeat(101)), expected);
    assert!(error("a: 1\n---\nb: 1\n---\n---\nc: 1\n").contains("more than 3 documents"));
    assert!(error("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]").contains("more than 10 values"));
    assert!(error("- 1\n- 2\n- 3\n- 4\n- 5\n- 6\n- 7\n- 8\n- 9\n- 10\n").contains("more than 10 values"));
}

/// The reader takes a scalar whole, a character at a time: one that no cluster would take is refused before.
#[test]
fn a_scalar_beyond_every_cluster_is_refused_at_its_place() {
    let limits = Limits {
        scalar: 20,
        ..Limits::POLICY
    };
    let error = |text: &str| read_all(text.as_bytes(), &limits).unwrap_err().to_string();
    let words = |bytes: usize| {
        format!("a text of {bytes} bytes on one line or in one value is more than the 20 that are read here")
    };
    // a line, whatever is on it: 3 + 18
    let line = format!("a: 1\nb: {}\n", "x".repeat(18));
    assert!(
        error(&line).starts_with(&format!("2:1: {}", words(21))),
        "{}",
        error(&line)
    );
    assert!(read_all(format!("b: {}\n", "x".repeat(17)).as_bytes(), &limits).is_ok());
    // lines that become one value: 3 x (6 + 1)
    let block = format!("a:\n  b: |\n{}", "    xxxxxx\n".repeat(3));
    assert!(error(&block).contains(&words(21)), "{}", error(&block));
    // JSON on one line may hold more than one value does
    assert!(read_all(b"{\"a\": \"xxxxxxxxxxxxxxxxxxxx\"}", &limits).is_ok());
    assert!(error("{\"a\": \"xxxxxxxxxxxxxxxxxxxxx\"}").contains(&words(21)));
    // what a stream may hold: a line of 65 MiB is refused at once
    let long = format!("a: 1\nb: {}", "x".repeat(65 << 20));
    let found = read_all(long.as_bytes(), &Limits::STREAM).unwrap_err();
    assert_eq!(found.position.map(|at| (at.line, at.column)), Some((2, 1)));
}

#[test]
fn long_lines_and_wide_maps_are_fine() {
    let wide: String = (0..20_000).fold(String::new(), |mut text, key| {
        writeln!(text, "k{key}: 1").unwrap();
        text
    });
    for text in [
        "x".repeat(5_000_000),
        format!("a: \"{}\"", "x".repeat(5_000_000)),
        wide,
        "a: 1\n---\n".repeat(20_000),
        " ".repeat(1_000_000),
        "\n".repeat(1_000_000),
    ] {
        assert!(read_all(text.as_bytes(), &Limits::STREAM).is_ok(), "{text:.20}");
    }
    for text in [
        format!("{}: 1", "x".repeat(5_000_000)),
        "\"".repeat(1_000_000),
        ": ".repeat(100_000),
        "&a ".repeat(100_000),
        "!!a ".repeat(100_000),
        "\t".repeat(1_000_000),
        "%YAML 1.1\n".repeat(10_000),
        "[\n--- ".repeat(100_000),
    ] {
        error(&text);
    }
}

#[test]
fn random_mutations_never_panic() {
    // A small linear generator: the same bytes in every run.
    let mut state = 1_u32;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let seed = b"a: &x {b: [1, 'c', \"d\\n\"], <<: *x}\n---\n? - e\n: |\n  f\n  g\n# h\ni: !!str >-\n j\n...\n";
    for _ in 0..20_000 {
        let mut bytes = seed.to_vec();
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = seed[next(seed.len())],
                1 => bytes.insert(at, u8::try_from(next(256)).unwrap()),
                _ => drop(bytes.remove(at)),
            }
        }
        if let Err(error) = read_all(&bytes, &Limits::POLICY) {
            assert!(error.to_string().len() > 20, "an explanation, not `{error}`");
        }
    }
}
