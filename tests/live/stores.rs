//! Prometheus and VictoriaMetrics on loopback, filled before a test asks them.

use crate::command::shown;
use crate::process::Programs;
use crate::samples::{Series, text};
use crate::wire::ask;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_mins(1);

/// A program of the stores; `None` where this machine can have none and `make tools` has said so.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools");
    let program = tools.join("metrics").join(name);
    if program.exists() {
        return Some(program);
    }
    let reason = std::fs::read_to_string(tools.join("not-run/metrics"));
    assert!(
        reason.is_ok() && std::env::var_os("CI").is_none(),
        "{} is missing: run `make tools`",
        program.display()
    );
    None
}

/// A store that ends with the test.
pub(crate) struct Store {
    pub(crate) port: u16,
    _programs: Programs,
}

impl Store {
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Prometheus with these series in its blocks, and further flags; `files` are written beside its data.
    pub(crate) fn prometheus(series: &[Series], flags: &[String], files: &[(&str, &str)]) -> Option<Self> {
        let (prometheus, promtool) = (program("prometheus")?, program("promtool")?);
        let programs = Programs::new().unwrap();
        let folder = programs.folder.clone();
        let (data, samples, config) = (
            folder.join("data"),
            folder.join("samples.om"),
            folder.join("prometheus.yml"),
        );
        std::fs::create_dir(&data).unwrap();
        std::fs::write(&config, "global: {}\n").unwrap();
        for (name, content) in files {
            std::fs::write(folder.join(name), content).unwrap();
        }
        if !series.is_empty() {
            std::fs::write(&samples, text(series, true)).unwrap();
            let made = Command::new(promtool)
                .args([
                    "tsdb",
                    "create-blocks-from",
                    "--quiet",
                    "--max-block-duration=24h",
                    "openmetrics",
                ])
                .args([&samples, &data])
                .output()
                .unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let port = free_port();
        let mut all = vec![
            format!("--config.file={}", shown(&config)),
            format!("--storage.tsdb.path={}", shown(&data)),
            "--storage.tsdb.retention.time=100y".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        let folder = shown(&folder).to_owned();
        all.extend(flags.iter().map(|flag| flag.replace("FOLDER", &folder)));
        programs.start("prometheus", &prometheus, &all).unwrap();
        let store = Self {
            port,
            _programs: programs,
        };
        // one with TLS or a password answers nothing that we wait for here
        if flags.is_empty() || flags.iter().all(|flag| !flag.contains("web.config")) {
            store.wait("/-/ready", "Ready");
        } else {
            store.wait_for_port();
        }
        Some(store)
    }

    /// VictoriaMetrics with these series.
    pub(crate) fn victoria(series: &[Series]) -> Option<Self> {
        let program = program("victoria-metrics")?;
        let programs = Programs::new().unwrap();
        let port = free_port();
        let flags = [
            format!("-storageDataPath={}", shown(&programs.folder.join("data"))),
            "-retentionPeriod=100y".to_owned(),
            format!("-httpListenAddr=127.0.0.1:{port}"),
        ];
        programs.start("victoria-metrics", &program, &flags).unwrap();
        let store = Self {
            port,
            _programs: programs,
        };
        store.wait("/health", "OK");
        ask(
            port,
            "POST",
            "/api/v1/import/prometheus",
            text(series, false).as_bytes(),
        )
        .unwrap();
        ask(port, "GET", "/internal/force_flush", b"").unwrap();
        Some(store)
    }

    fn wait(&self, path: &str, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !ask(self.port, "GET", path, b"").is_ok_and(|answer| answer.contains(words)) {
            assert!(Instant::now() < deadline, "the store does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait_for_port(&self) {
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < deadline, "the store does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
