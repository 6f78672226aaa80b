//! Talks to the API server through `kubectl proxy`: the objects' own text goes up, the server's own words come back.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Mutex;

use serde::Deserialize as _;
use serde_json::{Value, json};

const YAML: &str = "application/yaml";
const APPLY: &str = "application/apply-patch+yaml";

pub(crate) struct Client {
    port: u16,
    /// Discovery: (apiVersion, kind) → (plural, is namespaced).
    kinds: Mutex<BTreeMap<(String, String), (String, bool)>>,
}

/// One document of a YAML stream and what its address is made of.
struct Object<'a> {
    text: &'a str,
    api_version: String,
    kind: String,
    name: String,
    namespace: Option<String>,
}

impl Client {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            port,
            kinds: Mutex::default(),
        }
    }

    /// Every object of `yaml` on trial, nothing stored; see `Plane::dry_run_strict`.
    pub(crate) fn dry_run_strict(&self, yaml: &str) -> Result<(), String> {
        each(yaml, |object| {
            let path = self.collection(object, "default")? + "?dryRun=All&fieldValidation=Strict";
            self.send("POST", &path, YAML, object.text).map(drop)
        })
    }

    /// Server-side apply, strict, of every object of `yaml`.
    pub(crate) fn apply(&self, namespace: &str, yaml: &str) -> Result<(), String> {
        each(yaml, |object| {
            let collection = self.collection(object, namespace)?;
            let query = "fieldManager=trimtab-test&force=true&fieldValidation=Strict";
            self.send(
                "PATCH",
                &format!("{collection}/{}?{query}", object.name),
                APPLY,
                object.text,
            )
            .map(drop)
        })
    }

    pub(crate) fn get(&self, path: &str) -> Result<String, String> {
        self.send("GET", path, YAML, "")
    }

    pub(crate) fn json(&self, path: &str) -> Result<Value, String> {
        serde_json::from_str(&self.get(path)?).map_err(|error| format!("{path}: {error}"))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<String, String> {
        self.send("POST", path, "application/json", &body.to_string())
    }

    pub(crate) fn ensure_namespace(&self, name: &str) -> Result<(), String> {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string();
        let path = format!("/api/v1/namespaces/{name}?fieldManager=trimtab-test");
        self.send("PATCH", &path, APPLY, &body).map(drop)
    }

    /// The path that the objects of this kind live under; their namespace exists afterwards.
    fn collection(&self, object: &Object<'_>, default_namespace: &str) -> Result<String, String> {
        let (plural, is_namespaced) = self.discover(&object.api_version, &object.kind)?;
        let root = root(&object.api_version);
        if !is_namespaced {
            return Ok(format!("{root}/{plural}"));
        }
        let namespace = object.namespace.as_deref().unwrap_or(default_namespace);
        self.ensure_namespace(namespace)?;
        Ok(format!("{root}/namespaces/{namespace}/{plural}"))
    }

    fn discover(&self, api_version: &str, kind: &str) -> Result<(String, bool), String> {
        let key = (api_version.to_owned(), kind.to_owned());
        if let Some(found) = self.kinds.lock().unwrap().get(&key) {
            return Ok(found.clone());
        }
        let list = self.json(&root(api_version))?;
        let resources = list["resources"].as_array().cloned().unwrap_or_default();
        // `deployments/scale` is of kind Scale, and `deployments/status` of kind Deployment
        let is_it = |r: &&Value| r["kind"] == kind && r["name"].as_str().is_some_and(|name| !name.contains('/'));
        let resource = resources
            .iter()
            .find(is_it)
            .ok_or_else(|| format!("the server knows no {kind} in {api_version}"))?;
        let found = (
            resource["name"].as_str().unwrap_or_default().to_owned(),
            resource["namespaced"] == true,
        );
        self.kinds.lock().unwrap().insert(key, found.clone());
        Ok(found)
    }

    /// The body of a 2xx answer, or the server's message.
    fn send(&self, method: &str, path: &str, content_type: &str, body: &str) -> Result<String, String> {
        let answer = self
            .exchange(method, path, content_type, body)
            .map_err(|error| error.to_string())?;
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .ok_or("the server closed the connection")?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        if status.starts_with('2') {
            return Ok(body.to_owned());
        }
        let said: Value = serde_json::from_str(body).unwrap_or_default();
        Err(format!("{status}: {}", said["message"].as_str().unwrap_or(body)))
    }

    /// HTTP/1.0: one request, the answer in one piece until the connection closes.
    fn exchange(&self, method: &str, path: &str, content_type: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(crate::plane::PATIENCE))?;
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

/// All objects are tried; the refusals are told together.
fn each(yaml: &str, send: impl Fn(&Object<'_>) -> Result<(), String>) -> Result<(), String> {
    let mut refusals = Vec::new();
    let mut count = 0;
    for text in documents(yaml) {
        count += 1;
        let outcome = Object::read(text).and_then(|o| send(&o).map_err(|why| format!("{} {}: {why}", o.kind, o.name)));
        refusals.extend(outcome.err());
    }
    assert!(count > 0, "no object to send");
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(refusals.join("\n"))
    }
}

impl<'a> Object<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        let value = Value::deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| error.to_string())?;
        let word = |value: &Value| value.as_str().map(str::to_owned);
        Ok(Self {
            text,
            api_version: word(&value["apiVersion"]).ok_or("an object without apiVersion")?,
            kind: word(&value["kind"]).ok_or("an object without kind")?,
            name: word(&value["metadata"]["name"]).ok_or("an object without a name")?,
            namespace: word(&value["metadata"]["namespace"]),
        })
    }
}

/// The documents of a YAML stream that hold more than comments, each as it was written.
fn documents(yaml: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut from, mut at) = (0, 0);
    for line in yaml.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(&yaml[from..at]);
            from = at + line.len();
        }
        at += line.len();
    }
    documents.push(&yaml[from..]);
    let says_something = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
    documents.retain(|text| text.lines().any(says_something));
    documents
}

fn root(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}
