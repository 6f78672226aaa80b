//! A JSON pointer leads back to the line and column where its value was written.

use trimtab::yaml::{Position, SpanIndex};

const TEXT: &str = "\
a: 1
---
# policy
spec:
  'quoted key': {flow: [10, 20]}
  list:
    - name: x
      té: ünï # comment
    - *none
";

fn at(line: usize, column: usize) -> Position {
    Position { line, column }
}

#[test]
fn keys_and_values_have_their_own_places() {
    let index = SpanIndex::new(TEXT, 1);
    // (pointer, key, value), counted by hand
    for (pointer, key, value) in [
        ("/spec", at(4, 1), at(5, 3)),
        ("/spec/quoted key", at(5, 3), at(5, 17)),
        ("/spec/quoted key/flow", at(5, 18), at(5, 24)),
        ("/spec/quoted key/flow/1", at(5, 29), at(5, 29)),
        ("/spec/list/0/name", at(7, 7), at(7, 13)),
        ("/spec/list/0/té", at(8, 7), at(8, 11)),
    ] {
        assert_eq!(
            index.key_place(pointer).map(|place| place.position),
            Some(key),
            "key of {pointer}"
        );
        assert_eq!(
            index.value_place(pointer).map(|place| place.position),
            Some(value),
            "value of {pointer}"
        );
    }
}

#[test]
fn a_place_shows_its_line_and_how_much_to_underline() {
    let index = SpanIndex::new(TEXT, 1);
    let value = index.value_place("/spec/list/0/té").unwrap();
    assert_eq!((value.source_line, value.width), ("      té: ünï # comment", 3));
    let key = index.key_place("/spec/quoted key").unwrap();
    assert_eq!((key.source_line, key.width), ("  'quoted key': {flow: [10, 20]}", 12));
    assert_eq!(SpanIndex::new(TEXT, 0).value_place("/a").unwrap().position, at(1, 4));
}

#[test]
fn what_is_not_there_has_no_place() {
    let index = SpanIndex::new(TEXT, 1);
    for pointer in [
        "/nothing",
        "/spec/list/7",
        "/spec/list/x",
        "/spec/list/0/name/deeper",
        "spec",
    ] {
        assert_eq!(index.key_place(pointer), None, "{pointer}");
    }
    assert_eq!(SpanIndex::new(TEXT, 9).value_place(""), None);
    assert_eq!(SpanIndex::new("", 0).value_place(""), None);
}

#[test]
fn pointers_escape_and_the_root_has_a_place() {
    let index = SpanIndex::new("trimtab.dev/a~b: 1\n", 0);
    assert_eq!(index.value_place("/trimtab.dev~1a~0b").unwrap().position, at(1, 18));
    assert_eq!(index.value_place("").unwrap().position, at(1, 1));
}

#[test]
fn aliases_and_merges_lead_to_where_the_value_was_written() {
    let text = "a: &a\n  x: 1\n  y: 2\nb: *a\nc:\n  <<: *a\n  y: 3\nd:\n  <<: [*a, {z: 4}]\n";
    let index = SpanIndex::new(text, 0);
    for (pointer, place) in [
        ("/b", at(4, 4)),
        ("/b/x", at(2, 6)),
        ("/c/x", at(2, 6)),
        ("/c/y", at(7, 6)),
        ("/d/z", at(9, 16)),
    ] {
        assert_eq!(
            index.value_place(pointer).map(|place| place.position),
            Some(place),
            "{pointer}"
        );
    }
    // such a map is never read, but asking must end
    assert_eq!(SpanIndex::new("&a {<<: *a}", 0).value_place("/x"), None);
}

#[test]
fn a_broken_end_leaves_the_beginning_placed() {
    let index = SpanIndex::new("a: 1\nb: [\n", 0);
    assert_eq!(index.value_place("/a").unwrap().position, at(1, 4));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_do_not_shift_places() {
    let index = SpanIndex::new("\u{feff}a: 1\r\nb: 2\r\n", 0);
    let place = index.value_place("/b").unwrap();
    assert_eq!((place.position, place.source_line), (at(2, 4), "b: 2"));
}
