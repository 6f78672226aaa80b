//! The programs of the plane and the flags that work together.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::plane::PATIENCE;
use crate::process::Programs;

const CONTROLLERS: &str = "deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller,job-controller,\
    cronjob-controller,disruption-controller,horizontal-pod-autoscaler-controller,node-lifecycle-controller,\
    namespace-controller,garbage-collector-controller";

pub(crate) fn etcd(programs: &Programs, client: u16, peer: u16) -> Result<(), String> {
    let flags = [
        format!("--data-dir={}", programs.folder.join("etcd").display()),
        format!("--listen-client-urls=http://127.0.0.1:{client}"),
        format!("--advertise-client-urls=http://127.0.0.1:{client}"),
        format!("--listen-peer-urls=https://127.0.0.1:{peer}"),
        format!("--initial-advertise-peer-urls=https://127.0.0.1:{peer}"),
        format!("--initial-cluster=default=https://127.0.0.1:{peer}"),
        // nobody peers with it: this makes the key pair that the API server signs with
        "--peer-auto-tls".to_owned(),
        "--unsafe-no-fsync".to_owned(),
    ];
    programs.start("etcd", &tool("plane/etcd")?, &flags)
}

pub(crate) fn api_server(programs: &Programs, etcd: u16, port: u16) -> Result<(), String> {
    let folder = &programs.folder;
    let pair = folder.join("etcd/fixtures/peer");
    let (cert, key) = (pair.join("cert.pem"), pair.join("key.pem"));
    let deadline = Instant::now() + PATIENCE;
    while !(cert.exists() && key.exists()) {
        if Instant::now() > deadline {
            return Err(format!("etcd made no key pair; it said:\n{}", programs.said("etcd")));
        }
        sleep(Duration::from_millis(20));
    }
    // the folder's name is random and so is the token
    let token = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let tokens = folder.join("tokens.csv");
    write(&tokens, &format!("{token},admin,admin,system:masters\n"))?;
    write(&folder.join("kubeconfig"), &kubeconfig(port, &token))?;
    let (cert, key, certs) = (cert.display(), key.display(), folder.join("certs"));
    let flags = [
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        format!("--service-account-key-file={key}"),
        format!("--service-account-signing-key-file={key}"),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--token-auth-file={}", tokens.display()),
        "--authorization-mode=AlwaysAllow".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", certs.display()),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        // no controller here makes tokens for pods
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        // what an aggregated metrics API needs; any pair will do
        format!("--requestheader-client-ca-file={cert}"),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        format!("--proxy-client-cert-file={cert}"),
        format!("--proxy-client-key-file={key}"),
    ];
    programs.start("kube-apiserver", &tool("plane/kube-apiserver")?, &flags)
}

/// Plain HTTP on loopback in front of the API server's TLS and token.
pub(crate) fn proxy(programs: &Programs, port: u16) -> Result<(), String> {
    let flags = [kubeconfig_flag(programs), "proxy".to_owned(), format!("--port={port}")];
    programs.start("kubectl-proxy", &tool("plane/kubectl")?, &flags)
}

/// Controllers, scheduler and fake kubelets.
pub(crate) fn controllers(programs: &Programs) -> Result<(), String> {
    let [manager, scheduler, kwok] = free_ports();
    let mut flags = client_flags(programs, manager);
    flags.push(format!("--controllers={CONTROLLERS}"));
    // quick and without grace
    flags.push("--horizontal-pod-autoscaler-sync-period=2s".to_owned());
    flags.push("--horizontal-pod-autoscaler-cpu-initialization-period=0s".to_owned());
    flags.push("--horizontal-pod-autoscaler-initial-readiness-delay=0s".to_owned());
    programs.start(
        "kube-controller-manager",
        &tool("plane/kube-controller-manager")?,
        &flags,
    )?;
    programs.start(
        "kube-scheduler",
        &tool("plane/kube-scheduler")?,
        &client_flags(programs, scheduler),
    )?;
    let flags = [
        kubeconfig_flag(programs),
        "--manage-all-nodes=true".to_owned(),
        format!("--server-address=127.0.0.1:{kwok}"),
        format!("--config={}", tool("kwok-stages.yaml")?.display()),
    ];
    programs.start("kwok", &tool("plane/kwok")?, &flags)
}

fn kubeconfig_flag(programs: &Programs) -> String {
    format!("--kubeconfig={}", programs.folder.join("kubeconfig").display())
}

fn client_flags(programs: &Programs, port: u16) -> Vec<String> {
    let certs = programs.folder.join(format!("certs-{port}"));
    vec![
        kubeconfig_flag(programs),
        "--leader-elect=false".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", certs.display()),
    ]
}

fn kubeconfig(port: u16, token: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "plane",
        "contexts": [{"name": "plane", "context": {"cluster": "plane", "user": "admin"}}],
        // it signed its own certificate a second ago, on loopback
        "clusters": [{"name": "plane", "cluster": {"server": format!("https://127.0.0.1:{port}"), "insecure-skip-tls-verify": true}}],
        "users": [{"name": "admin", "user": {"token": token}}],
    })
    .to_string()
}

/// A file of `.tools/`, or which command puts it there.
pub(crate) fn tool(name: &str) -> Result<PathBuf, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools").join(name);
    if path.exists() {
        return Ok(path);
    }
    Err(format!(
        "`.tools/{name}` is missing: `make test` installs it and runs this (`scripts/install-tool.sh plane` only installs)"
    ))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Ports of loopback that nobody listens on, all different.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
