//! A store that answers what it should not: each ends in a message that says what to do, or in the right profile.

use crate::command::{Desk, Ran, run};
use crate::wire::{Asked, Server, reply};

const END: &str = "2026-11-01T00:00:00Z";

/// An answer with one series per query that this store knows: usage of one container, and its owners.
fn good(asked: &Asked) -> Vec<u8> {
    let query = asked.parameter("query").unwrap();
    let container = r#""namespace":"shop","pod":"api-0","container":"api""#;
    let labels = if query.starts_with("count by (cluster, namespace)") {
        r#""namespace":"shop""#.to_owned()
    } else if query.contains("cpu_usage") || query.contains("working_set") {
        container.to_owned()
    } else if query.contains("kube_pod_owner") {
        r#""__name__":"kube_pod_owner","namespace":"shop","pod":"api-0","owner_kind":"StatefulSet","owner_name":"api""#
            .to_owned()
    } else {
        String::new()
    };
    let number = |name: &str| asked.parameter(name).map(|text| text.parse::<u64>().unwrap());
    let (kind, values) = match (number("start"), number("end"), number("step")) {
        (Some(start), Some(end), Some(step)) => {
            let value = |at: u64| format!(r#"[{at},"{}"]"#, 1 + at / 300 % 7);
            let step = usize::try_from(step).unwrap();
            let values: Vec<String> = (start..=end).step_by(step).map(value).collect();
            ("matrix", format!(r#""values":[{}]"#, values.join(",")))
        }
        _ => ("vector", format!(r#""value":[{},"1"]"#, number("time").unwrap())),
    };
    let series = if labels.is_empty() {
        String::new()
    } else {
        format!(r#"{{"metric":{{{labels}}},{values}}}"#)
    };
    let body = format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":[{series}]}}}}"#);
    reply("200 OK", "Content-Type: application/json\r\n", &body)
}

/// What is answered in the place of what is right.
type Answer = Box<dyn Fn(&Asked) -> Vec<u8> + Send + Sync>;

/// A case: its name, the answer, words of the message.
type Wrong = (&'static str, Answer, &'static [&'static str]);

fn error(kind: &str, text: &str) -> String {
    format!(r#"{{"status":"error","errorType":"{kind}","error":"{text}"}}"#)
}

fn is_memory(asked: &Asked) -> bool {
    let query = asked.parameter("query").unwrap();
    query.contains("max_over_time(container_memory_working_set_bytes")
}

/// Runs against a store that gives `wrong` to the first so many questions for memory.
fn with_faults(times: usize, wrong: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> (Desk, Ran, usize) {
    let left = std::sync::atomic::AtomicUsize::new(times);
    let server = Server::new(move |asked, _| {
        let order = std::sync::atomic::Ordering::SeqCst;
        if is_memory(asked) && left.fetch_update(order, order, |left| left.checked_sub(1)).is_ok() {
            return wrong(asked);
        }
        good(asked)
    });
    let desk = Desk::new();
    let ran = run(&mut desk.profile(&server.url, END, "profile.yaml", &[]));
    let asked = server.asked().iter().filter(|asked| is_memory(asked)).count();
    (desk, ran, asked)
}

fn undisturbed() -> String {
    let (desk, ran, asked) = with_faults(0, good);
    ran.assert_done();
    assert_eq!(asked, 1);
    assert!(desk.working_files().is_empty(), "the working folder goes with success");
    desk.text("profile.yaml")
}

#[test]
fn what_passes_is_tried_again_and_leaves_no_trace_in_the_profile() {
    let expected = undisturbed();
    assert!(expected.contains("StatefulSet/api"), "{expected}");
    let cut_json = |asked: &Asked| {
        let whole = good(asked);
        let text = String::from_utf8(whole).unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1;
        reply("200 OK", "", &body[..body.len() / 2])
    };
    let cut_body = |asked: &Asked| {
        let whole = good(asked);
        whole[..whole.len() - 100].to_vec()
    };
    let cases: Vec<(&str, Answer)> = vec![
        (
            "429",
            Box::new(|_| reply("429 Too Many Requests", "Retry-After: 1\r\n", "slow down")),
        ),
        (
            "503",
            Box::new(|_| reply("503 Service Unavailable", "", "no healthy upstream")),
        ),
        ("closed before any answer", Box::new(|_| Vec::new())),
        ("closed in the body", Box::new(cut_body)),
        ("JSON cut in a whole body", Box::new(cut_json)),
    ];
    for (case, wrong) in cases {
        let (desk, ran, asked) = with_faults(1, wrong);
        ran.assert_done();
        assert_eq!(asked, 2, "{case}");
        assert_eq!(desk.text("profile.yaml"), expected, "{case}");
    }
}

#[test]
fn the_wait_that_a_store_asks_for_is_kept() {
    let began = std::time::Instant::now();
    let (_, ran, _) = with_faults(1, |_| reply("429 Too Many Requests", "Retry-After: 2\r\n", ""));
    ran.assert_done();
    assert!(began.elapsed() >= std::time::Duration::from_secs(2));
}

/// Two days are 576 values: 576 and 288 are too many, 144 not.
#[test]
fn what_is_too_much_is_asked_in_halves() {
    let expected = undisturbed();
    let server = Server::new(|asked, _| {
        let number = |name: &str| asked.parameter(name).unwrap().parse::<u64>().unwrap();
        if is_memory(asked) && (number("end") - number("start")) / number("step") + 1 > 200 {
            let words = "query processing would load too many samples into memory in query execution";
            return reply("422 Unprocessable Entity", "", &error("execution", words));
        }
        good(asked)
    });
    let desk = Desk::new();
    run(&mut desk.profile(&server.url, END, "profile.yaml", &[])).assert_done();
    let asked: Vec<Asked> = server.asked().into_iter().filter(is_memory).collect();
    assert_eq!(asked.len(), 1 + 2 + 4);
    assert_eq!(desk.text("profile.yaml"), expected);
}

#[test]
fn what_stays_wrong_ends_the_run_with_what_to_do() {
    let json = |status: &'static str, kind: &'static str, text: &'static str| {
        Box::new(move |_: &Asked| reply(status, "", &error(kind, text))) as Answer
    };
    let cases: Vec<Wrong> = vec![
        (
            "HTML",
            Box::new(|_| reply("200 OK", "", "<!doctype html><title>Log in</title>")),
            &["error[store-no-api]: the store answered HTML", "login"],
        ),
        (
            "a vector for a matrix",
            Box::new(|_| {
                reply(
                    "200 OK",
                    "",
                    r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
                )
            }),
            &["error[store-no-api]: the store answered a vector where a matrix was asked for"],
        ),
        (
            "credentials",
            Box::new(|_| reply("401 Unauthorized", "", "Unauthorized")),
            &[
                "error[store-refuses]: the store answered 401 (unauthorized): Unauthorized",
                "--bearer-token-file",
            ],
        ),
        (
            "a redirect",
            Box::new(|_| reply("302 Found", "Location: http://127.0.0.1:1/login?token=secret\r\n", "")),
            &["error[store-no-api]: the store answered with a redirect to `http://127.0.0.1:1/login`"],
        ),
        (
            "a bad query",
            json("400 Bad Request", "bad_data", "1:5: parse error"),
            &[
                "error[store-query-failed]: the store answered 400 (bad request): bad_data: 1:5: parse error",
                "asked for `memory`, 2026-10-30T00:00:00Z to 2026-11-01T00:00:00Z",
            ],
        ),
        (
            "a limit that nothing meets",
            json(
                "422 Unprocessable Entity",
                "execution",
                "query processing would load too many samples",
            ),
            &[
                "error[store-limit]: the store answered 422 (unprocessable): execution: query processing would load too many samples",
                "--query.max-samples",
            ],
        ),
        (
            "a wait that nobody has time for",
            Box::new(|_| reply("429 Too Many Requests", "Retry-After: 86400\r\n", "")),
            &[
                "error[store-unreachable]: the store answered 429 (too many requests)",
                "tried 1 times",
                "run the same command again",
            ],
        ),
    ];
    for (case, wrong, expected) in cases {
        let (desk, ran, _) = with_faults(usize::MAX, wrong);
        assert_eq!(ran.code, Some(1), "{case}: {}", ran.stderr);
        for words in expected {
            assert!(ran.stderr.contains(words), "{case}: {}", ran.stderr);
        }
        assert!(!ran.stderr.contains("secret"), "{case}: {}", ran.stderr);
        assert!(
            !desk.path("profile.yaml").exists(),
            "{case}: nothing partial is written"
        );
        assert!(
            desk.working_files().iter().any(|name| name.starts_with("cpu.")),
            "{case}: what came is kept"
        );
    }
}

/// Servers and proxies refuse long addresses.
#[test]
fn a_long_question_goes_as_a_form() {
    let expected = undisturbed();
    let server = Server::new(|asked, _| good(asked));
    let desk = Desk::new();
    let names: Vec<String> = (0..300).map(|number| format!("team-{number:03}-with-a-name")).collect();
    let filters: Vec<&str> = names
        .iter()
        .flat_map(|name| ["--namespace-filter", name.as_str()])
        .collect();
    run(&mut desk.profile(&server.url, END, "profile.yaml", &filters)).assert_done();
    for asked in server.asked() {
        assert!(asked.head.starts_with("POST /api/v1/query"), "{}", asked.head);
        assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert!(asked.parameter("query").unwrap().contains("team-299-with-a-name"));
    }
    assert_eq!(desk.text("profile.yaml"), expected);
}

#[test]
fn a_store_that_is_not_there_is_named() {
    let ran = run(&mut Desk::new().profile("http://no-such-host.invalid", END, "p.yaml", &[]));
    assert!(
        ran.stderr
            .contains("error[store-unreachable]: the host of the store is not known"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("http://no-such-host.invalid"), "{}", ran.stderr);
}

#[test]
fn several_clusters_are_a_choice_before_anything_is_asked() {
    let server = Server::new(|_, _| {
        let row = |cluster: &str| {
            format!(r#"{{"metric":{{"cluster":"{cluster}","namespace":"shop"}},"values":[[1793491200,"3"]]}}"#)
        };
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{},{}]}}}}"#,
            row("eu"),
            row("us")
        );
        reply("200 OK", "", &body)
    });
    let ran = run(&mut Desk::new().profile(&server.url, END, "p.yaml", &[]));
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .contains("error[several-clusters]: the store holds several clusters: eu, us"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("--cluster eu"), "{}", ran.stderr);
    assert_eq!(server.asked().len(), 1);
}

/// Another request gets another folder; the state names no credential.
#[test]
fn a_changed_request_starts_anew_and_secrets_stay_out_of_the_folder() {
    let server = Server::new(|asked, _| good(asked));
    let desk = Desk::new();
    let store = server.url.as_str();
    let keep = |more: &[&str]| {
        let more: Vec<&str> = ["--keep-work", "--http-header", "X-Token=hunter2"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        run(desk
            .profile(store, END, "p.yaml", &more)
            .env("TRIMTAB_BEARER_TOKEN", "hunter2"))
        .assert_done();
        std::fs::read_dir(desk.path("work")).unwrap().count()
    };
    assert_eq!(keep(&[]), 1);
    let asked = server.asked().len();
    assert_eq!(keep(&[]), 1, "the same request goes on in its folder");
    assert_eq!(server.asked().len(), asked, "and asks nothing again");
    assert_eq!(keep(&["--namespace-filter", "shop"]), 2);
    for run in std::fs::read_dir(desk.path("work")).unwrap() {
        for file in std::fs::read_dir(run.unwrap().path()).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!text.contains("hunter2"));
        }
    }
}
