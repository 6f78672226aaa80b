//! Who we are to a store: real TLS, client certificates and passwords of Prometheus; headers, tokens and signatures as they go
//! over the wire.

use crate::command::{Desk, Ran, run, shown, trimtab};
use crate::samples::{END, few};
use crate::stores::Store;
use crate::wire::{Server, reply};
use std::path::Path;
use std::process::Command;

fn openssl(folder: &Path, args: &str) {
    let ran = run(Command::new("openssl").args(args.split(' ')).current_dir(folder));
    assert_eq!(ran.code, Some(0), "openssl {args}: {}", ran.stderr);
}

/// An authority, a pair for the server on loopback and one for the client.
fn certificates(folder: &Path) {
    std::fs::write(
        folder.join("names"),
        "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        folder,
        &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"),
    );
    for name in ["server", "client"] {
        openssl(
            folder,
            &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"),
        );
        openssl(
            folder,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2 -extfile names"
            ),
        );
    }
}

/// The password is `hunter2`, by bcrypt at its lowest cost.
const WEB: &str = "tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
basic_auth_users:
  shop: $2b$04$abcdefghijklmnopqrstuuV3duMsC0HpUex6N9qapiuOHHWkwRXVm
";

#[test]
fn a_prometheus_behind_mutual_tls_and_a_password_lets_the_right_one_in() {
    let desk = Desk::new();
    certificates(desk.folder.path());
    let text = |name: &str| desk.text(name);
    let (ca, pem, key) = (text("ca.pem"), text("server.pem"), text("server.key"));
    let files = [
        ("web.yml", WEB),
        ("ca.pem", &ca),
        ("server.pem", &pem),
        ("server.key", &key),
    ];
    let flags = ["--web.config.file=FOLDER/web.yml".to_owned()];
    let Some(store) = Store::prometheus(&few(), &flags, &files) else {
        return;
    };
    let url = store.url().replace("http:", "https:");
    let (ca, cert, key, password) = (
        desk.path("ca.pem"),
        desk.path("client.pem"),
        desk.path("client.key"),
        desk.path("password"),
    );
    std::fs::write(&password, "hunter2\n").unwrap();
    let doctor =
        |more: &[&str]| run(trimtab(&["doctor", "--prometheus", &url, "--end", END, "--window", "2d"]).args(more));
    let told = |ran: &Ran, words: &str| assert!(ran.code == Some(1) && ran.stderr.contains(words), "{}", ran.stderr);

    told(&doctor(&[]), "--ca-file");
    let trusts = ["--ca-file", shown(&ca)];
    let known = [
        &trusts[..],
        &["--client-cert", shown(&cert), "--client-key", shown(&key)],
    ]
    .concat();
    told(&doctor(&known), "error[store-refuses]: the store answered 401");
    let user = ["--basic-auth", "shop", "--password-file", shown(&password)];
    told(&doctor(&[&trusts[..], &user].concat()), "store-unreachable");
    assert_eq!(doctor(&[&known[..], &user].concat()).code, Some(0));
    let more = [&known[..], &user].concat();
    run(&mut desk.profile(&url, END, "profile.yaml", &more)).assert_done();
}

/// The requests of a doctor that is refused: it asks once.
fn asked_with(more: &[&str], variables: &[(&str, &str)]) -> (crate::wire::Asked, Ran) {
    let server = Server::new(|_, _| reply("403 Forbidden", "", "no"));
    let mut command = trimtab(&["doctor", "--prometheus", &server.url]);
    let ran = run(command.args(more).envs(variables.iter().copied()));
    assert!(ran.stderr.contains("error[store-refuses]"), "{}", ran.stderr);
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    (asked[0].clone(), ran)
}

#[test]
fn tokens_passwords_and_tenants_go_as_headers_and_into_no_message() {
    let (asked, ran) = asked_with(
        &["--http-header", "X-Scope-OrgID=shop"],
        &[("TRIMTAB_BEARER_TOKEN", "hunter2")],
    );
    assert_eq!(asked.header("authorization"), Some("Bearer hunter2"));
    assert_eq!(asked.header("x-scope-orgid"), Some("shop"));
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);

    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "from-file\n").unwrap();
    let (asked, _) = asked_with(&["--bearer-token-file", shown(&token)], &[]);
    assert_eq!(asked.header("authorization"), Some("Bearer from-file"));

    let (asked, _) = asked_with(&["--basic-auth", "me"], &[("TRIMTAB_PASSWORD", "pass")]);
    // base64 of `me:pass`
    assert_eq!(asked.header("authorization"), Some("Basic bWU6cGFzcw=="));

    let ran = run(&mut trimtab(&["doctor", "--prometheus", "https://me:hunter2@store"]));
    assert!(ran.code == Some(1) && !ran.stderr.contains("hunter2"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--basic-auth"), "{}", ran.stderr);
}

#[test]
fn requests_to_managed_stores_are_signed() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "session"),
    ];
    let (asked, ran) = asked_with(&["--sigv4-region", "eu-west-1"], &keys);
    let authorization = asked.header("authorization").unwrap();
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        "{authorization}"
    );
    assert!(
        authorization
            .contains("/eu-west-1/aps/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="),
        "{authorization}"
    );
    assert_eq!(asked.header("x-amz-security-token"), Some("session"));
    assert_eq!(
        asked.head.to_ascii_lowercase().matches("host:").count(),
        1,
        "{}",
        asked.head
    );
    assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    let ran = run(
        trimtab(&["doctor", "--prometheus", "https://aps", "--sigv4-region", "eu-west-1"])
            .env_remove("AWS_ACCESS_KEY_ID"),
    );
    assert!(
        ran.stderr
            .contains("AWS_ACCESS_KEY_ID of the environment, which is not set"),
        "{}",
        ran.stderr
    );
}

/// A store whose clock is a day behind; what it says of everything else does not matter here.
#[test]
fn a_clock_that_is_off_is_told() {
    let server = Server::new(|asked, _| {
        let clock = asked.parameter("query").unwrap() == "vector(time())";
        let result = if clock {
            r#"{"metric":{},"value":[1,"1700000000.5"]}"#
        } else {
            ""
        };
        let kind = if asked.path.contains("query_range") {
            "matrix"
        } else {
            "vector"
        };
        reply(
            "200 OK",
            "",
            &format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":[{result}]}}}}"#),
        )
    });
    let ran = run(&mut trimtab(&["doctor", "--prometheus", &server.url]));
    assert!(
        ran.stderr.contains("warning[clock-skew]: the store's clock is"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("behind ours"), "{}", ran.stderr);
}

/// The environment names the way; what is exempt goes straight.
#[test]
fn a_proxy_of_the_environment_is_used() {
    let proxy = Server::new(|_, _| reply("403 Forbidden", "", "no"));
    let ask = |store: &str, exempt: &str| {
        let mut command = trimtab(&["doctor", "--prometheus", store]);
        run(command.env("http_proxy", &proxy.url).env("no_proxy", exempt));
        proxy.asked()
    };
    let asked = ask("http://store.example:9090", "");
    assert!(asked[0].head.contains("store.example:9090"), "{}", asked[0].head);
    let known = asked.len();
    let direct = Server::new(|_, _| reply("403 Forbidden", "", "no"));
    assert_eq!(ask(&direct.url, "127.0.0.1").len(), known);
    assert_eq!(direct.asked().len(), 1);
}
