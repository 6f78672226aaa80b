//! The commands that look into environments: one real build shows everything, and nothing foreign runs unasked.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::kustomize::{Kustomize, objects, write};
use crate::shop::{fixture, shop};

fn trimtab(kustomize: &Kustomize, arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
    command.env("TRIMTAB_KUSTOMIZE", &kustomize.path).current_dir(folder);
    command.args(arguments).output().unwrap()
}

fn render(kustomize: &Kustomize, environment: &str, form: &str, output: &str, folder: &Path) -> Output {
    trimtab(kustomize, &["render", environment, "--as", form, "-o", output], folder)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_rendered(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

fn assert_refused(output: &Output, words: &[&str]) {
    assert_eq!(output.status.code(), Some(1), "{}", stderr(output));
    for word in words {
        assert!(stderr(output).contains(word), "no `{word}` in: {}", stderr(output));
    }
}

fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(|object| (object["kind"].to_string(), object["metadata"]["name"].to_string()));
    objects
}

/// `kustomize build apps/ENV | trimtab fn …`
fn linear_route(kustomize: &Kustomize, shop: &Path) -> Output {
    use std::io::Write;
    let app = kustomize.build(&shop.join("app"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(["fn", "--policy", "env/policy.yaml", "--plan", "env/plan.yaml"])
        .current_dir(shop)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&app.stdout).unwrap();
    child.wait_with_output().unwrap()
}

/// The law: the function's way, the way without plugins, whole manifests and the linear route are one, object for object.
#[test]
fn every_way_gives_the_same_objects() {
    for kustomize in Kustomize::all() {
        let folder = shop();
        let shop = folder.path().join("shop");
        let expected = sorted(objects(&kustomize.build_with_functions(&shop.join("env"))));
        assert_eq!(
            sorted(objects(&linear_route(&kustomize, &shop))),
            expected,
            "linear {}",
            kustomize.version
        );
        for form in ["overlay", "manifests"] {
            let output = format!("rendered/{form}");
            assert_rendered(&render(&kustomize, "env", form, &output, &shop));
            let built = kustomize.build(&shop.join(&output));
            assert_eq!(sorted(objects(&built)), expected, "{form} {}", kustomize.version);
        }
    }
}

/// A policy beside the kustomization, merged policies through the wiring, and a container that no engine runs: the
/// capture sees the same, and the files come out byte for byte.
#[test]
fn the_wiring_does_not_matter_for_what_is_rendered() {
    let kustomize = Kustomize::newest();
    let folder = shop();
    let shop = folder.path().join("shop");
    let policy = std::fs::read_to_string(fixture("env/policy.yaml")).unwrap();
    let image = policy
        .replace("exec:", "container:")
        .replace("path: trimtab", "image: registry.invalid/trimtab");
    let plan = std::fs::read_to_string(fixture("env/plan.yaml")).unwrap();
    write(
        &shop,
        &[
            (
                "layered/policy/kustomization.yaml",
                "resources: [../../../wiring]\npatches: [{path: policy.yaml}]",
            ),
            ("beside/kustomization.yaml", "resources: [../app]"),
            ("beside/policy.yaml", &policy),
            ("beside/plan.yaml", &plan),
            (
                "image/kustomization.yaml",
                "resources: [../app, plan.yaml]\ntransformers: [policy.yaml]",
            ),
            ("image/policy.yaml", &image),
            ("image/plan.yaml", &plan),
        ],
    );
    let rendered = |environment: &str| -> Vec<(String, String)> {
        let output = format!("rendered-{}", environment.replace('/', "-"));
        assert_rendered(&render(&kustomize, environment, "manifests", &output, &shop));
        let mut files: Vec<_> = std::fs::read_dir(shop.join(output))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                (
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    // where it was rendered from is the one thing that differs
                    std::fs::read_to_string(path)
                        .unwrap()
                        .lines()
                        .filter(|line| !line.contains("trimtab.dev/rendered-from"))
                        .collect::<Vec<_>>()
                        .join("\n"),
                )
            })
            .collect();
        files.sort();
        files
    };
    let expected = rendered("env");
    assert!(
        expected
            .iter()
            .any(|(name, _)| name == "horizontalpodautoscaler-prod-web.yaml"),
        "{expected:?}"
    );
    for environment in ["layered/env", "beside", "image"] {
        assert_eq!(rendered(environment), expected, "{environment}");
    }
}

/// Rendering twice gives the same bytes, from any working folder.
#[test]
fn rendering_again_changes_no_byte() {
    let kustomize = Kustomize::newest();
    let folder = shop();
    let contents = || {
        let files = walkdir::WalkDir::new(folder.path().join("shop/rendered"))
            .sort_by_file_name()
            .into_iter();
        let files: Vec<(String, Vec<u8>)> = files
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| (entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()))
            .collect();
        files
    };
    assert_rendered(&render(
        &kustomize,
        "env",
        "overlay",
        "rendered",
        &folder.path().join("shop"),
    ));
    let first = contents();
    assert_rendered(&render(
        &kustomize,
        "shop/env",
        "overlay",
        "shop/rendered",
        folder.path(),
    ));
    assert_eq!(contents(), first);
    assert!(first.len() > 5);
}

/// What a tree would run is read before anything runs, wherever it hides.
/// What the case is, files to write, and what the refusal names.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);

#[test]
fn foreign_functions_are_refused_before_building() {
    let kustomize = Kustomize::newest();
    let evil = "apiVersion: evil.example/v1\nkind: Evil\nmetadata:\n  name: x\n  annotations:\n    \
                config.kubernetes.io/function: 'exec: {path: ./evil.sh}'\n";
    let ours = std::fs::read_to_string(fixture("env/policy.yaml")).unwrap();
    // a patch that turns our own function into another program
    let patched = "resources: [policy.yaml]\npatches:\n- patch: |\n    apiVersion: trimtab.dev/v1alpha1\n    kind: OptimizationPolicy\n    \
                   metadata:\n      name: shop\n      annotations:\n        config.kubernetes.io/function: 'exec: {path: ../evil.sh}'\n";
    let inline = format!(
        "resources: [../base]\ngenerators:\n- |\n  {}",
        evil.replace('\n', "\n  ")
    );
    let cases: [Case; 5] = [
        (
            "in a base",
            vec![
                ("base/evil.yaml", evil),
                (
                    "base/kustomization.yaml",
                    "transformers: [evil.yaml]\nresources: [web.yaml]",
                ),
            ],
            "runs the program `./evil.sh`",
        ),
        (
            "inline in an overlay",
            vec![("app/kustomization.yaml", &inline)],
            "`Evil`",
        ),
        (
            "patched in",
            vec![
                ("env/policy/kustomization.yaml", patched),
                ("env/policy/policy.yaml", &ours),
                (
                    "env/kustomization.yaml",
                    "resources: [../app, plan.yaml]\ntransformers: [policy]",
                ),
            ],
            "runs the program `../evil.sh`",
        ),
        (
            "a remote base",
            vec![(
                "app/kustomization.yaml",
                "resources: ['https://example.invalid/base?ref=v1']",
            )],
            "not on this machine",
        ),
        (
            "a plugin of the old layout",
            vec![
                ("app/old.yaml", "apiVersion: x/v1\nkind: Old\nmetadata: {name: x}\n"),
                ("app/kustomization.yaml", "resources: [../base]\nvalidators: [old.yaml]"),
            ],
            "old layout",
        ),
    ];
    for (case, files, words) in cases {
        let folder = shop();
        let shop = folder.path().join("shop");
        write(&shop, &files);
        let witness = folder.path().join("ran");
        let script = format!("#!/bin/sh\ntouch {}\ncat\n", witness.display());
        for place in ["base", "app", "env", "env/policy"] {
            if shop.join(place).is_dir() {
                write(&shop, &[(&format!("{place}/evil.sh"), &script)]);
                set_executable(&shop.join(place).join("evil.sh"));
            }
        }
        let output = render(&kustomize, "env", "manifests", "rendered", &shop);
        assert_refused(&output, &[words, "--allow-functions"]);
        assert!(!witness.exists() && !shop.join("rendered").exists(), "{case}");
    }
}

/// The user's word lets a foreign function run, beside ours.
#[cfg(unix)]
#[test]
fn allowed_functions_run() {
    let kustomize = Kustomize::newest();
    let folder = shop();
    let shop = folder.path().join("shop");
    let function = "apiVersion: x/v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: 'exec: {path: ./label.sh}'\n";
    write(
        &shop,
        &[
            ("app/label.sh", "#!/bin/sh\nexec sed 's/image: web:1/image: web:2/'\n"),
            ("app/function.yaml", function),
            (
                "app/kustomization.yaml",
                "resources: [../base]\nnamePrefix: prod-\nnamespace: shop\ntransformers: [function.yaml]",
            ),
        ],
    );
    set_executable(&shop.join("app/label.sh"));
    let output = trimtab(
        &kustomize,
        &[
            "render",
            "env",
            "--as",
            "manifests",
            "-o",
            "rendered",
            "--allow-functions",
        ],
        &shop,
    );
    assert_rendered(&output);
    let web = std::fs::read_to_string(shop.join("rendered/deployment-prod-web.yaml")).unwrap();
    assert!(
        web.contains("image: \"web:2\"") || web.contains("image: web:2"),
        "{web}"
    );
    assert!(web.contains("222m"));
}

/// The layer stands on the overlay below: what the environment itself adds would be lost, and nothing would say so.
#[test]
fn no_layer_is_rendered_from_an_environment_that_changes_manifests_itself() {
    let kustomize = Kustomize::newest();
    let folder = shop();
    let shop = folder.path().join("shop");
    let written = std::fs::read_to_string(shop.join("env/kustomization.yaml")).unwrap();
    for (added, word) in [
        ("replicas: [{name: prod-web, count: 9}]", "`replicas`"),
        ("images: [{name: web, newTag: '9'}]", "`images`"),
        ("labels: [{pairs: {team: shop}}]", "`labels`"),
        ("namePrefix: eu-", "`namePrefix`"),
        (
            "patches: [{patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: prod-web, namespace: shop}, spec: {paused: true}}'}]",
            "`patches`",
        ),
    ] {
        write(&shop, &[("env/kustomization.yaml", &format!("{written}\n{added}\n"))]);
        let refused = render(&kustomize, "env", "overlay", "rendered", &shop);
        assert_refused(
            &refused,
            &["does more than stand on one overlay", word, "--as manifests"],
        );
        assert_rendered(&render(&kustomize, "env", "manifests", "rendered", &shop));
    }
    for neutral in ["patches: []", "sortOptions: {order: fifo}"] {
        write(&shop, &[("env/kustomization.yaml", &format!("{written}\n{neutral}\n"))]);
        assert_rendered(&render(&kustomize, "env", "overlay", "rendered/layer", &shop));
    }
}

/// An inner layer of ours does its work while the outer one is looked at.
#[test]
fn a_function_further_inside_runs_for_real() {
    let kustomize = Kustomize::newest();
    let folder = shop();
    let shop = folder.path().join("shop");
    let policy = std::fs::read_to_string(fixture("env/policy.yaml")).unwrap();
    let plan = std::fs::read_to_string(fixture("env/plan.yaml")).unwrap();
    write(
        &shop,
        &[
            (
                "outer/kustomization.yaml",
                "resources: [../env, plan.yaml]\ntransformers: [policy.yaml]",
            ),
            ("outer/policy.yaml", &policy),
            ("outer/plan.yaml", &plan.replace("222m", "333m")),
        ],
    );
    assert_rendered(&render(&kustomize, "outer", "overlay", "rendered", &shop));
    let patch = std::fs::read_to_string(shop.join("rendered/deployment-prod-web.patch.yaml")).unwrap();
    // the inner one has removed the replicas and made the scalers: only its request is left to change
    assert!(patch.contains("333m") && !patch.contains("replicas"), "{patch}");
    assert_eq!(std::fs::read_dir(shop.join("rendered")).unwrap().count(), 2);
}

#[test]
fn a_missing_kustomize_and_a_broken_build_say_what_to_do() {
    let folder = shop();
    let shop = folder.path().join("shop");
    let missing = Kustomize {
        path: "/no/such/kustomize".into(),
        ..Kustomize::newest()
    };
    assert_refused(
        &render(&missing, "env", "manifests", "rendered", &shop),
        &["`/no/such/kustomize` was not found", "install kustomize 5.0 or later"],
    );
    write(&shop, &[("app/kustomization.yaml", "resources: [../gone.yaml]")]);
    assert_refused(
        &render(&Kustomize::newest(), "env", "manifests", "rendered", &shop),
        &["gone.yaml"],
    );
    write(
        &shop,
        &[("app/kustomization.yaml", "resources: [../base]\nnamePrefix: [1]")],
    );
    assert_refused(
        &render(&Kustomize::newest(), "env", "manifests", "rendered", &shop),
        &["kustomize can't build `env`"],
    );
}

#[cfg(unix)]
fn set_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(not(unix))]
fn set_executable(_: &Path) {}

/// Where only kubectl is installed, its built-in kustomize serves as long as no function is involved.
#[cfg(unix)]
#[test]
fn kubectl_stands_in_where_no_function_runs() {
    let folder = shop();
    let shop = folder.path().join("shop");
    let real = Kustomize::newest().path;
    let kubectl = format!(
        "#!/bin/sh\n[ \"$1\" = kustomize ] && exec {} build \"$2\"\nexit 9\n",
        real.display()
    );
    let policy = std::fs::read_to_string(fixture("env/policy.yaml")).unwrap();
    let plan = std::fs::read_to_string(fixture("env/plan.yaml")).unwrap();
    write(
        &shop,
        &[
            ("programs/kubectl", &kubectl),
            ("beside/kustomization.yaml", "resources: [../app]"),
            ("beside/policy.yaml", &policy),
            ("beside/plan.yaml", &plan),
        ],
    );
    set_executable(&shop.join("programs/kubectl"));
    let render = |environment: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trimtab"));
        command
            .env("PATH", shop.join("programs"))
            .env_remove("TRIMTAB_KUSTOMIZE")
            .current_dir(&shop);
        command
            .args(["render", environment, "-o", "rendered"])
            .output()
            .unwrap()
    };
    assert_rendered(&render("beside"));
    assert!(shop.join("rendered/scaledobject-prod-queue.yaml").exists());
    assert_refused(&render("env"), &["`kustomize` was not found", "TRIMTAB_KUSTOMIZE"]);
}

/// Plain files without a kustomization, read in the order of their paths; what is not a manifest is passed over.
#[test]
fn a_folder_of_plain_files_is_an_environment() {
    let folder = shop();
    let shop = folder.path().join("shop");
    let web = std::fs::read_to_string(fixture("base/web.yaml")).unwrap();
    write(
        &shop,
        &[
            (
                "plain/web/web.yaml",
                &web.replace("  name: web\n  labels", "  name: prod-web\n  namespace: shop\n  labels"),
            ),
            ("plain/values.yaml", "replicas: 3\n"),
            ("plain/.hidden/x.yaml", "a: ["),
            (
                "plain/policy.yaml",
                &std::fs::read_to_string(fixture("env/policy.yaml")).unwrap(),
            ),
            (
                "plain/plan.yaml",
                &std::fs::read_to_string(fixture("env/plan.yaml")).unwrap(),
            ),
        ],
    );
    let missing = Kustomize {
        path: "/no/such/kustomize".into(),
        ..Kustomize::newest()
    };
    assert_rendered(&render(&missing, "plain", "manifests", "rendered", &shop));
    let mut names: Vec<String> = std::fs::read_dir(shop.join("rendered"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "deployment-prod-web.yaml",
            "horizontalpodautoscaler-prod-web.yaml",
            "kustomization.yaml",
            "poddisruptionbudget-prod-web.yaml",
            "service-web.yaml",
        ]
    );
}

#[test]
fn manifests_that_a_kustomization_can_not_hold_are_refused_whole() {
    let folder = shop();
    let shop = folder.path().join("shop");
    let fixed = |file: &str| std::fs::read_to_string(fixture(file)).unwrap();
    let plain = [
        ("plain/policy.yaml", fixed("env/policy.yaml")),
        ("plain/plan.yaml", fixed("env/plan.yaml")),
        ("plain/web.yaml", fixed("base/web.yaml")),
    ];
    write(&shop, &plain.each_ref().map(|(name, text)| (*name, text.as_str())));
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-}\n";
    let twice = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n";
    for (more, said) in [(job, "a Job has no `metadata.name`"), (twice, "is there twice")] {
        write(&shop, &[("plain/more.yaml", more)]);
        let output = render(&Kustomize::newest(), "plain", "manifests", "rendered", &shop);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(!shop.join("rendered").exists());
    }
}

/// A tree may bring a schema that knows no Deployment, for the whole build: a strategic merge would then lose the image
/// of every container. Patches take another form there.
#[test]
fn a_schema_of_the_tree_does_not_change_what_the_layer_gives() {
    let folder = shop();
    let shop = folder.path().join("shop");
    let schema = r#"{"definitions": {"x": {"type": "object", "properties": {}, "x-kubernetes-group-version-kind":
        [{"group": "argoproj.io", "kind": "Rollout", "version": "v1alpha1"}]}}}"#;
    let kustomization = std::fs::read_to_string(fixture("app/kustomization.yaml")).unwrap();
    write(
        &shop,
        &[
            ("app/schema.json", schema),
            (
                "app/kustomization.yaml",
                &format!("{kustomization}openapi: {{path: schema.json}}\n"),
            ),
        ],
    );
    for kustomize in Kustomize::all() {
        assert_rendered(&render(&kustomize, "env", "overlay", "rendered", &shop));
        let expected = sorted(objects(&kustomize.build_with_functions(&shop.join("env"))));
        assert_eq!(
            sorted(objects(&kustomize.build(&shop.join("rendered")))),
            expected,
            "{}",
            kustomize.version
        );
    }
}

const APP: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n\
                   spec: {template: {spec: {containers: [{name: web, image: \"web:1\"}]}}}\n";
const POLICY: &str = "apiVersion: trimtab.dev/v1alpha1\nkind: OptimizationPolicy\nmetadata: {name: shop}\nspec: {environment: x, cluster: {kubernetes: \"1.33\"}}\n";

/// A gate that does not see its policy would pass. So what was meant as an environment is an error, with its place.
#[test]
fn what_was_meant_as_an_environment_is_not_passed_over() {
    let kustomize = Kustomize::newest();
    let misspelt = POLICY.replace("OptimizationPolicy", "OptimisationPolicy");
    let other_version = POLICY.replace("v1alpha1", "v1");
    let beside = ("env/kustomization.yaml", "resources: [../app]");
    let cases: [Case; 11] = [
        (
            "misspelt kind, beside",
            vec![beside, ("env/policy.yaml", &misspelt)],
            "env/policy.yaml:2:7",
        ),
        (
            "another version, beside",
            vec![beside, ("env/policy.yaml", &other_version)],
            "write `apiVersion: trimtab.dev/v1alpha1`",
        ),
        (
            "empty, beside",
            vec![beside, ("env/policy.yaml", "# later\n")],
            "env/policy.yaml` is empty",
        ),
        (
            "misspelt, a transformer",
            vec![
                (
                    "env/kustomization.yaml",
                    "resources: [../app]\ntransformers: [sizes.yaml]",
                ),
                ("env/sizes.yaml", &misspelt),
            ],
            "env/sizes.yaml:2:7",
        ),
        (
            "misspelt, in a layer of policies",
            vec![
                (
                    "env/kustomization.yaml",
                    "resources: [../app]\ntransformers: [../layer]",
                ),
                ("layer/kustomization.yaml", "resources: [base.yaml]"),
                ("layer/base.yaml", &misspelt),
            ],
            "layer/base.yaml:2:7",
        ),
        (
            "empty, a transformer",
            vec![
                (
                    "env/kustomization.yaml",
                    "resources: [../app]\ntransformers: [policy.yaml]",
                ),
                ("env/policy.yaml", ""),
            ],
            "env/policy.yaml` is empty",
        ),
        (
            "a transformer that is gone",
            vec![(
                "env/kustomization.yaml",
                "resources: [../app]\ntransformers: [policy.yaml]",
            )],
            "under `transformers:`, which is not there",
        ),
        (
            "listed as a resource",
            vec![
                ("env/kustomization.yaml", "resources: [../app, policy.yaml]"),
                ("env/policy.yaml", POLICY),
            ],
            "where it does nothing",
        ),
        (
            "under another name",
            vec![beside, ("env/policy.yml", POLICY)],
            "only `policy.yaml` is looked for",
        ),
        (
            "no kustomization",
            vec![
                ("env/policy.yaml", POLICY),
                ("env/kustomisation.yaml", "resources: [../app]"),
            ],
            "rename `kustomisation.yaml`",
        ),
        ("nothing", vec![], "there is no environment in `env`"),
    ];
    for case in cases {
        assert_told(&kustomize, case);
    }
}

/// Every command that looks for environments says so, an environment in good order beside it or not.
fn assert_told(kustomize: &Kustomize, (case, files, words): Case<'_>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("env")).unwrap();
    write(
        folder.path(),
        &[
            ("app/kustomization.yaml", "resources: [web.yaml]"),
            ("app/web.yaml", APP),
            ("good/kustomization.yaml", "resources: [../app]"),
            ("good/policy.yaml", POLICY),
        ],
    );
    write(folder.path(), &files);
    let mut commands = vec![
        vec!["check", "good", "env"],
        vec!["plan", "good", "env"],
        vec!["render", "env", "-o", "x"],
    ];
    // without anything that was meant, the folder above is fine, and two folders can be compared
    if case != "nothing" {
        commands.extend([vec!["diff", "app", "env"], vec!["check", "."]]);
    }
    for command in commands {
        let output = trimtab(kustomize, &command, folder.path());
        assert_eq!(output.status.code(), Some(1), "{case}: {command:?}");
        assert!(
            stderr(&output).contains(words),
            "{case}: {command:?}: {}",
            stderr(&output)
        );
    }
}

/// Repositories hold many a `policy.yaml` and many a transformer: none of these is our business.
#[test]
fn policies_of_other_tools_are_passed_over() {
    let kustomize = Kustomize::newest();
    let folder = tempfile::tempdir().unwrap();
    let istio = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: x}\n";
    write(
        folder.path(),
        &[
            ("app/kustomization.yaml", "resources: [web.yaml]"),
            ("app/web.yaml", APP),
            ("good/kustomization.yaml", "resources: [../app]"),
            ("good/policy.yaml", POLICY),
            ("istio/kustomization.yaml", "resources: [policy.yaml]"),
            ("istio/policy.yaml", istio),
            ("beside/kustomization.yaml", "resources: [../app]"),
            ("beside/policy.yaml", istio),
            (
                "kyverno/policy.yaml",
                "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: x}\n",
            ),
            ("iam/policy.yaml", r#"{"Version": "2012-10-17", "Statement": []}"#),
            ("empty/policy.yaml", ""),
            (
                "chart/templates/policy.yaml",
                "{{- if .Values.x }}\nkind: [\n{{- end }}",
            ),
            (
                "plugins/kustomization.yaml",
                "resources: [../app]\ntransformers: [label.yaml, https://example.com/policy.yaml]",
            ),
            (
                "plugins/label.yaml",
                "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: x}\n",
            ),
            // a policy that an environment elsewhere uses
            ("policies/policy.yaml", POLICY),
            (
                "layers/kustomization.yaml",
                "resources: [../policies/policy.yaml]\npatches: [{path: policy.yaml}]",
            ),
            ("layers/policy.yaml", POLICY),
        ],
    );
    let output = trimtab(&kustomize, &["plan", ".", "--format", "json"], folder.path());
    assert!(output.status.success(), "{}", stderr(&output));
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["environments"].as_array().unwrap().len(), 1, "{shown}");
}

/// A folder of plain manifests is an environment wherever it lies.
#[test]
fn plain_environments_are_found_below() {
    let kustomize = Kustomize::newest();
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[("clusters/a/web.yaml", APP), ("clusters/a/policy.yaml", POLICY)],
    );
    let output = trimtab(&kustomize, &["plan", "clusters"], folder.path());
    assert!(output.status.success(), "{}", stderr(&output));
    // the one workload was seen, and no rule is for it
    assert!(stderr(&output).contains("Deployment/shop/web"), "{}", stderr(&output));
}

/// A policy at hand tells lint the cluster: what is gone from 1.26 on is still served by its lowest version.
#[test]
fn lint_judges_for_the_cluster_of_the_policy() {
    let kustomize = Kustomize::newest();
    let folder = tempfile::tempdir().unwrap();
    let scaler = "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: shop}\n\
                  spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n";
    let old = POLICY.replace("1.33", "1.25");
    write(
        folder.path(),
        &[
            ("app/kustomization.yaml", "resources: [scaler.yaml]"),
            ("app/scaler.yaml", scaler),
            ("old/kustomization.yaml", "resources: [../app]"),
            ("old/policy.yaml", &old),
            ("new/kustomization.yaml", "resources: [../app]"),
            ("new/policy.yaml", POLICY),
        ],
    );
    for (arguments, is_found) in [
        (&["lint", "app"][..], true),
        (&["lint", "app", "--policy", "old/policy.yaml"], false),
        (&["lint", "app/scaler.yaml", "--policy", "new/policy.yaml"], true),
        (&["lint", "old"], false),
        (&["lint", "new"], true),
        (&["lint", "old", "app"], true),
        (&["lint", "old", "--policy", "new/policy.yaml"], true),
    ] {
        let output = trimtab(&kustomize, arguments, folder.path());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text.contains("is not served since"), is_found, "{arguments:?}: {text}");
    }
}

/// What an explicit `none` takes away is among what is explained.
#[test]
fn explain_tells_of_objects_that_are_taken_away() {
    let kustomize = Kustomize::newest();
    let folder = shop();
    let shop = folder.path().join("shop");
    let path = shop.join("env/plan.yaml");
    let mut plan: Value = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let web = &mut plan["spec"]["workloads"]["Deployment/shop/prod-web"];
    assert!(web["scaler"].take().is_object());
    web.as_object_mut().unwrap().remove("scaler");
    web["removed"] = serde_json::json!({"scaler": {"code": "stated"}});
    std::fs::write(&path, serde_yaml::to_string(&plan).unwrap()).unwrap();
    let output = trimtab(&kustomize, &["explain", "prod-web", "--dir", "env"], &shop);
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = "  removed.scaler: made by trimtab → taken away  stated\n";
    assert!(said.contains(expected), "{said}{}", stderr(&output));
}
