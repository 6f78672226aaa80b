//! The canonical writer: the same value gives the same bytes, and every reader takes them back as the same value.

use serde_json::Value;
use serde_saphyr::{SerializerOptions, ser_options, to_fmt_writer_with_options};

use super::order::Ordered;

/// One document, ending in a newline. Block style, two blanks, keys as `apiVersion`, `kind`, `metadata`, then sorted;
/// every string that some reader could take for something else is quoted.
pub fn to_string(value: &Value) -> String {
    let mut text = String::new();
    write_document(value, &mut text);
    text
}

/// Documents in their order, separated by `---` lines.
pub fn to_stream(values: &[Value]) -> String {
    let mut text = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        write_document(value, &mut text);
    }
    text
}

/// One document under comment lines, one for each line of the header.
pub fn to_string_with_header(value: &Value, header: &str) -> String {
    let mut text = String::new();
    for line in header.lines() {
        text.push('#');
        if !line.is_empty() {
            text.push(' ');
        }
        // a line break of YAML 1.1 would end the comment, a control character the document
        text.extend(line.chars().map(|char| {
            if is_comment(char) {
                char
            } else {
                char::REPLACEMENT_CHARACTER
            }
        }));
        text.push('\n');
    }
    write_document(value, &mut text);
    text
}

fn is_comment(char: char) -> bool {
    !char.is_control() && !matches!(char, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

fn write_document(value: &Value, text: &mut String) {
    // Never folded: long lines stay whole, so that a diff shows the change alone.
    let options: SerializerOptions = ser_options! { prefer_block_scalars: false };
    to_fmt_writer_with_options(text, &Ordered::new(value), options)
        .expect("broken invariant: a JSON value has text keys and finite numbers, which is all the emitter asks for");
}
