//! Container mode: the shipped image, run by real kustomizes with the flags they use.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::kustomize::{Kustomize, write};
use crate::shop::{fixture, shop};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The container client of the pinned tools; `None` where this machine can run none and `make tools` has said so.
fn client() -> Option<PathBuf> {
    let client = root().join(".tools/docker-shim/docker");
    if client.exists() {
        return Some(client);
    }
    let reason = std::fs::read_to_string(root().join(".tools/not-run/podman"));
    assert!(
        reason.is_ok() && std::env::var_os("CI").is_none(),
        "{} is missing: run `make tools`",
        client.display()
    );
    None
}

/// Builds the static program and the image around it.
fn build_image(client: &Path) -> &'static str {
    let image = "localhost/trimtab-test:latest";
    let context = tempfile::tempdir().unwrap();
    for name in ["Dockerfile", "passwd", "group"] {
        std::fs::copy(root().join("container").join(name), context.path().join(name)).unwrap();
    }
    // the last step alone is static, so everything else is what the tests have built already
    let link = format!("link={}", context.path().join("trimtab").display());
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "rustc",
        "--quiet",
        "--locked",
        "--bin",
        "trimtab",
        "--",
        "-C",
        "target-feature=+crt-static",
        "-C",
        "relocation-model=static",
    ]);
    succeed(cargo.args(["--emit", &link]).current_dir(root()));
    succeed(
        Command::new(client)
            .args(["build", "--quiet", "--tag", image])
            .arg(context.path()),
    );
    image
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// `kustomize build --enable-alpha-plugins`: containers need no second flag.
fn build(kustomize: &Kustomize, client: &Path, folder: &Path) -> Output {
    let folders = std::iter::once(client.parent().unwrap().to_owned());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
    let mut command = kustomize.command();
    command
        .env("PATH", path)
        .args(["build", "--enable-alpha-plugins"])
        .arg(folder)
        .output()
        .unwrap()
}

/// The image runs as kustomize starts it (no network, `nobody`, nothing mounted), gives the same bytes as exec mode,
/// and its refusals reach the user.
#[test]
fn the_image_does_what_the_program_does() {
    let Some(client) = client() else {
        #[expect(clippy::print_stderr, reason = "a test that did not run says so")]
        {
            eprintln!("not run: no container client works on this machine");
        }
        return;
    };
    let image = build_image(&client);
    let folder = shop();
    let shop = folder.path().join("shop");
    let policy = std::fs::read_to_string(fixture("env/policy.yaml")).unwrap();
    let in_image = policy
        .replace("exec:", "container:")
        .replace("path: trimtab", &format!("image: {image}"));
    write(&shop, &[("env/policy.yaml", &in_image)]);
    for kustomize in Kustomize::all() {
        let expected = kustomize.build_with_functions(&fixture("env"));
        let output = build(&kustomize, &client, &shop.join("env"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&expected.stdout),
            "{}",
            kustomize.version
        );
    }
    write(&shop, &[("env/policy.yaml", &in_image.replace("mode:", "mod:"))]);
    let output = build(&Kustomize::newest(), &client, &shop.join("env"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(
        stderr.contains("error[policy-invalid]") && stderr.contains("`mod`"),
        "{stderr}"
    );
}
