//! Takes secret values out of objects before anything is compared, shown or counted.
//!
//! A hidden value becomes a mark that stands for it: equal values of one comparison have equal marks, so that a change
//! is still seen. [`reveal`] turns every mark into the same text, so neither the value nor its length, its digest or its
//! equality to another value leaves the comparison.
//!
//! Hidden: `data` and `stringData` of Secrets (as one, so that both spellings compare), ciphertext of `SealedSecrets`,
//! environment variables, arguments, headers and trigger metadata with a telling name, assignments such as `password=…`
//! in `ConfigMaps`, the credentials inside URLs, private keys. Too much rather than too little.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use super::HIDDEN;

/// Begins and ends a mark. No YAML document can hold it.
const MARK: char = '\u{0}';

/// Words in the names of variables, arguments and keys that hold a secret.
const TELLING: [&str; 13] = [
    "pass",
    "token",
    "secret",
    "key",
    "dsn",
    "credential",
    "pwd",
    "private",
    "connectionstring",
    "authorization",
    "cookie",
    "bearer",
    "apikey",
];
/// The same for lines of configuration, where `key:` alone says nothing.
const TELLING_IN_TEXT: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "dsn",
    "credential",
    "pwd",
    "connectionstring",
];
/// The same for fields of any object: the end of their name. `secretName` and `tokenExpirationSeconds` are none.
const TELLING_FIELDS: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "connectionstring",
    "privatekey",
    "apikey",
    "accesskey",
    "secretkey",
    "token",
];

/// Hides values, and remembers which ones were equal.
#[derive(Default)]
pub(super) struct Masker {
    marks: BTreeMap<String, usize>,
}

impl Masker {
    /// The object without its secrets.
    pub(super) fn object(&mut self, object: &Value) -> Value {
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
        let mut masked = object.clone();
        match kind {
            "Secret" => self.secret(&mut masked),
            "SealedSecret" => {
                if let Some(data) = masked.pointer_mut("/spec/encryptedData") {
                    self.all(data);
                }
            }
            "ConfigMap" => self.config_map(&mut masked),
            _ => {}
        }
        self.walk(&mut masked, "");
        masked
    }

    /// `stringData` joins `data`, as the API server does it; then every value goes.
    fn secret(&mut self, object: &mut Value) {
        let Some(object) = object.as_object_mut() else { return };
        let written = object.remove("stringData");
        if let Some(Value::Object(written)) = written {
            let data = object.entry("data").or_insert_with(|| Value::Object(Map::new()));
            for (key, value) in written {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if let Some(data) = data.as_object_mut() {
                    data.insert(key, Value::String(BASE64.encode(text)));
                }
            }
        }
        if let Some(data) = object.get_mut("data") {
            // Line breaks inside base64 text say nothing.
            if let Some(text) = data.as_object_mut() {
                for value in text.values_mut() {
                    if let Value::String(text) = value {
                        text.retain(|c| !c.is_whitespace());
                    }
                }
            }
            self.all(data);
        }
    }

    fn config_map(&mut self, object: &mut Value) {
        let Some(data) = object.get_mut("data").and_then(Value::as_object_mut) else {
            return;
        };
        for (key, value) in data {
            if is_telling(key) {
                self.all(value);
            } else if let Value::String(text) = value {
                *text = self.assignments(text, &['=', ':']);
            }
        }
    }

    /// Hides every scalar below.
    fn all(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => map.values_mut().for_each(|value| self.all(value)),
            Value::Array(items) => items.iter_mut().for_each(|value| self.all(value)),
            Value::Null => {}
            Value::String(text) => *text = self.hide(text),
            Value::Bool(_) | Value::Number(_) => *value = Value::String(self.hide(&value.to_string())),
        }
    }

    fn hide(&mut self, text: &str) -> String {
        if text.starts_with(MARK) && text.ends_with(MARK) && text.matches(MARK).count() == 2 {
            return text.to_owned();
        }
        let next = self.marks.len();
        let mark = *self.marks.entry(text.to_owned()).or_insert(next);
        format!("{MARK}{mark}{MARK}")
    }

    fn walk(&mut self, value: &mut Value, key: &str) {
        match value {
            Value::Object(map) => self.map(map, key),
            Value::Array(items) if matches!(key, "args" | "command") => self.arguments(items),
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item, key)),
            Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }

    fn map(&mut self, map: &mut Map<String, Value>, parent: &str) {
        let is_named_value = map.get("name").and_then(Value::as_str).is_some_and(is_telling);
        for (key, value) in map {
            let is_secret = match value {
                Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) => false,
                _ if key == "value" && is_named_value => true,
                // `passwordFromEnv: NAME` names a variable.
                _ if parent == "metadata" && key.ends_with("FromEnv") => false,
                _ if parent == "metadata" && key.to_lowercase().contains("connection") => true,
                _ => is_telling_field(key),
            };
            if is_secret {
                self.all(value);
            } else if let Value::String(text) = value
                && (key == "value" || parent == "metadata")
            {
                *text = self.assignments(text, &['=']);
            }
            self.walk(value, key);
        }
    }

    /// `--password=abc`, `--password abc`, and assignments inside a shell line.
    fn arguments(&mut self, items: &mut [Value]) {
        let mut is_next_secret = false;
        for item in items {
            let Value::String(text) = item else { continue };
            let is_flag = text.starts_with('-') && !text.contains(['=', ' ', '\n']);
            if is_next_secret && !text.starts_with('-') {
                *text = self.hide(text);
            } else {
                *text = self.assignments(text, &['=']);
                *text = self.text(text);
            }
            is_next_secret = is_flag && is_telling(text);
        }
    }

    /// Any text: private keys and the credentials of URLs.
    fn text(&mut self, text: &str) -> String {
        if text.contains("PRIVATE KEY-----") {
            return self.hide(text);
        }
        let mut rest = text;
        let mut masked = String::with_capacity(text.len());
        while let Some(at) = rest.find("://") {
            let (head, tail) = rest.split_at(at + 3);
            masked.push_str(head);
            rest = tail;
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`'))
                .unwrap_or(rest.len());
            let credentials = rest[..end]
                .match_indices('@')
                .map(|(at, _)| at)
                // `registry/app@sha256:…` is a digest
                .rfind(|at| !rest[at + 1..].starts_with("sha"));
            if let Some(at) = credentials {
                masked.push_str(&self.hide(&rest[..at]));
                rest = &rest[at..];
            }
        }
        masked.push_str(rest);
        masked
    }

    /// Lines of configuration or a command: what follows `password=` goes, up to the end of the line.
    fn assignments(&mut self, text: &str, separators: &[char]) -> String {
        let mut masked = String::with_capacity(text.len());
        // Indentation of the key whose block scalar is being hidden.
        let mut block: Option<usize> = None;
        for line in text.split_inclusive('\n') {
            let body = line.trim_end_matches(['\n', '\r']);
            let indent = body.len() - body.trim_start().len();
            let is_inside = block.is_some_and(|outer| indent > outer || body.trim().is_empty());
            if is_inside {
                if !body.trim().is_empty() {
                    masked.push_str(&body[..indent]);
                    masked.push_str(&self.hide(&body[indent..]));
                }
            } else {
                block = None;
                if let Some(at) = secret_assignment(body, separators) {
                    let secret = body[at..].trim();
                    masked.push_str(&body[..at]);
                    if secret.starts_with(['|', '>']) && secret.len() <= 3 {
                        masked.push_str(&body[at..]);
                        block = Some(indent);
                    } else {
                        masked.push_str(&self.hide(secret));
                    }
                } else {
                    masked.push_str(body);
                }
            }
            masked.push_str(&line[body.len()..]);
        }
        masked
    }
}

/// Where the secret of a line begins: behind the separator that follows a telling name.
fn secret_assignment(line: &str, separators: &[char]) -> Option<usize> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '"' | '\'');
    for (at, separator) in line.match_indices(separators) {
        let head = line[..at].trim_end();
        let start = head.rfind(|c: char| !is_name(c)).map_or(0, |before| {
            before + head[before..].chars().next().map_or(1, char::len_utf8)
        });
        // `registry/token-service:1.2` is an image, `host:port` no assignment
        let is_bounded = head[..start]
            .chars()
            .next_back()
            .is_none_or(|c| c.is_whitespace() || matches!(c, '{' | ',' | ';' | '&' | '?' | '[' | '('));
        let after = at + separator.len();
        if is_bounded && is_telling_in_text(&head[start..]) && !line[after..].trim().is_empty() {
            return Some(after);
        }
    }
    None
}

/// The name in lower case without signs: `API-Key` and `apiKey` are one.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}

fn is_telling(name: &str) -> bool {
    let name = plain(name);
    TELLING.iter().any(|word| name.contains(word))
}

fn is_telling_in_text(name: &str) -> bool {
    let name = plain(name);
    TELLING_IN_TEXT.iter().any(|word| name.contains(word)) || (name.ends_with("key") && name.len() > 3)
}

fn is_telling_field(name: &str) -> bool {
    let name = plain(name);
    TELLING_FIELDS.iter().any(|word| name.ends_with(word))
}

/// Whether the text has a hidden part.
pub(super) fn has_hidden(text: &str) -> bool {
    text.contains(MARK)
}

/// The text as it may be shown.
pub(super) fn reveal(text: &str) -> Cow<'_, str> {
    if !has_hidden(text) {
        return Cow::Borrowed(text);
    }
    // Every second piece is the number of a mark.
    let pieces = text.split(MARK).enumerate();
    Cow::Owned(
        pieces
            .map(|(n, piece)| if n % 2 == 0 { piece } else { HIDDEN })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn masked(object: &Value) -> String {
        let masked = Masker::default().object(object);
        reveal(&masked.to_string().replace("\\u0000", "\u{0}")).into_owned()
    }

    #[test]
    fn credentials_of_urls_go_and_the_rest_stays() {
        for (url, expected) in [
            (
                "postgres://app:hunter2@db:5432/shop",
                "postgres://(hidden)@db:5432/shop",
            ),
            ("amqp://u:p/w@mq", "amqp://(hidden)@mq"),
            ("amqp://u:p@h1,amqp://u:p@h2/v", "amqp://(hidden)@h2/v"),
            ("https://example.com/a?b=c", "https://example.com/a?b=c"),
            (
                "oci://registry:5000/app@sha256:abc",
                "oci://registry:5000/app@sha256:abc",
            ),
            ("a://b@c d://e:f@g", "a://(hidden)@c d://(hidden)@g"),
        ] {
            let text = Masker::default().text(url);
            assert_eq!(reveal(&text), expected, "{url}");
        }
    }

    #[test]
    fn assignments_with_a_telling_name_go_up_to_the_end_of_the_line() {
        for (text, expected) in [
            ("password: hunter2", "password:(hidden)"),
            (
                "a: 1\n  db.password = x y\nb: 2\n",
                "a: 1\n  db.password =(hidden)\nb: 2\n",
            ),
            ("{\"apiKey\": \"abc\", \"b\": 1}", "{\"apiKey\":(hidden)"),
            (
                "token: |\n  one\n  two\nnext: 1",
                "token: |\n  (hidden)\n  (hidden)\nnext: 1",
            ),
            ("image: registry/token-service:1.2", "image: registry/token-service:1.2"),
            ("key: value", "key: value"),
            ("password:", "password:"),
        ] {
            let masked = Masker::default().assignments(text, &['=', ':']);
            assert_eq!(reveal(&masked), expected, "{text}");
        }
    }

    #[test]
    fn what_has_a_telling_name_is_hidden_wherever_it_stands() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
            "env": [{"name": "DB_PASSWORD", "value": "canary1"}, {"name": "API_KEY", "value": "canary2"},
                    {"name": "OPTS", "value": "-Dpassword=canary3"}],
            "args": ["--password=canary4", "--token", "canary5", "--api-key", "canary6", "export SECRET=canary7; run"],
            "triggers": [{"type": "azure-servicebus", "metadata": {"connection": "canary8", "connectionFromEnv": "SB"}}],
            "httpHeaders": [{"name": "Authorization", "value": "Bearer canary9"}],
            "adminPassword": "canary10", "tls": "-----BEGIN RSA PRIVATE KEY-----\ncanary11",
        }});
        let text = masked(&object);
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("\"connectionFromEnv\":\"SB\""), "{text}");
    }

    #[test]
    fn names_that_only_sound_secret_stay() {
        let spec = json!({"secretName": "tls", "topologyKey": "zone", "tokenExpirationSeconds": 3600,
            "secretKeyRef": {"name": "db", "key": "password"}, "automountServiceAccountToken": false});
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec});
        assert_eq!(Masker::default().object(&object), object);
    }

    #[test]
    fn string_data_and_data_are_one() {
        let secret = |field: &str, text: &str| {
            let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
            object[field] = json!({"k": text});
            object
        };
        let mut masker = Masker::default();
        // base64 of `x` is `eA==`
        let plain = masker.object(&secret("stringData", "x"));
        let encoded = masker.object(&secret("data", "eA==\n"));
        assert_eq!(plain, encoded);
    }
}
