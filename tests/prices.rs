//! Price sheets: what is read, what is refused and how it is said, and that no command lets one through unread.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use trimtab::diag::{Severity, terminal};
use trimtab::policy::Source;
use trimtab::price::{self, PriceSheet};
use trimtab::yaml::{self, Limits};

use crate::kustomize::{Kustomize, write};
use crate::shop::shop;

const SAMPLE: &str = "overlays-example/overlays/prices.yaml";

fn parse(text: &str) -> Result<PriceSheet, String> {
    let value = yaml::read_one(text.as_bytes(), &Limits::STREAM).unwrap();
    price::parse(&value, &Source::file("prices.yaml", text))
        .map(|(sheet, _)| sheet)
        .map_err(|problems| terminal::render_all(&problems, false))
}

/// A sheet with these lines below `spec`, beside what every sheet has.
fn sheet(lines: &str) -> String {
    let head =
        "currency: USD\nprovider: aws\nregion: us-east-1\nsource: a bill\nasOf: 2026-11-01\nvalidUntil: 2026-12-31\n";
    let lines: Vec<String> = format!("{head}{lines}")
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect();
    let lines = lines.concat();
    format!("apiVersion: trimtab.dev/v1alpha1\nkind: PriceSheet\nmetadata: {{name: aws}}\nspec:\n{lines}")
}

const UNITS: &str = "unitPrices: {onDemand: {cpuCoreHour: 0.031611 USD, memoryGibHour: 0.004237 USD}}";

#[test]
fn the_sample_sheet_is_read_to_the_nano_unit() {
    let sheet = parse(&std::fs::read_to_string(SAMPLE).unwrap()).unwrap_or_else(|problems| panic!("{problems}"));
    let spec = sheet.spec;
    assert_eq!(spec.currency.to_string(), "USD");
    assert_eq!(spec.valid_until.to_string(), "2027-01-31");
    let units = spec.unit_prices.unwrap();
    assert_eq!(units.on_demand.cpu_core_hour.nano(), 31_611_000);
    assert_eq!(units.spot.unwrap().memory_gib_hour.nano(), 892_000);
    let m5 = &spec.offerings["m5.large"];
    assert_eq!((m5.cpu.get(), m5.memory.get()), (2000, 8 << 30));
    // 2 / 5 of 0.096
    assert_eq!(m5.spot.as_ref().unwrap().hourly.nano(), 38_400_000);
    assert_eq!(m5.zones["us-east-1b"].spot.as_ref().unwrap().hourly.nano(), 41_000_000);
    assert_eq!(spec.offerings["g4dn.xlarge"].disk.unwrap().get(), 125_000_000_000);
}

#[test]
fn carbon_is_read_and_a_key_deleted_by_a_layer_counts_as_absent() {
    let text = sheet(&format!(
        "{UNITS}\ncarbon: {{cpuCoreHour: 4.1 gCO2e, memoryGibHour: 0.35 gCO2e, gpuHour: null}}"
    ));
    let carbon = parse(&text).unwrap().spec.carbon.unwrap();
    assert_eq!(carbon.cpu_core_hour.nano(), 4_100_000_000);
    assert_eq!(carbon.gpu_hour, None);
}

#[test]
fn mistakes_are_reported_with_place_reason_and_repair() {
    let offering = |rest: &str| format!("offerings:\n  m5.large: {{cpu: \"2\", memory: 8Gi, {rest}}}");
    let whole = |from: &str, to: &str| sheet(UNITS).replacen(from, to, 1);
    let cases = [
        ("no_price", sheet("")),
        ("empty_offerings", sheet("offerings: {}")),
        ("unknown_field", sheet("unitPrice: {onDemand: {}}")),
        (
            "wrong_kind",
            whole("PriceSheet", "PriceSheets").replacen("v1alpha1", "v1", 1),
        ),
        (
            "missing_fields",
            whole("  asOf: 2026-11-01\n", "").replacen("  source: a bill\n", "", 1),
        ),
        ("money_as_number", whole("0.031611 USD", "0.031611")),
        ("money_without_currency", whole("0.031611 USD", "$0.031611")),
        ("money_too_fine", whole("0.031611 USD", "0.0000000001 USD")),
        ("currency_unknown", whole("currency: USD", "currency: Dollar")),
        ("currencies_mixed", whole("0.004237 USD", "0.004237 EUR")),
        ("negative_price", whole("0.031611 USD", "-0.031611 USD")),
        ("no_such_day", whole("2026-12-31", "2026-11-31")),
        ("ends_before_it_begins", whole("2026-12-31", "2026-10-31")),
        ("list_for_map", sheet("offerings:\n- {name: m5.large}")),
        ("scalar_for_map", sheet(&offering("onDemand: 0.096 USD"))),
        ("machine_without_price", sheet(&offering("zones: {a: {}}"))),
        (
            "machine_of_nothing",
            sheet("offerings:\n  m5: {cpu: \"0\", memory: \"0\", gpus: {t4: 0}, onDemand: {hourly: 0.096 USD}}"),
        ),
        (
            "interruption_band",
            sheet(&offering(
                "spot: {hourly: 0.03 USD, interruption: {min: 20%, max: 5%, period: 0s}}",
            )),
        ),
        (
            "interruption_above_all",
            sheet(&offering(
                "spot: {hourly: 0.03 USD, interruption: {min: 20%, max: 500%, period: 30d}}",
            )),
        ),
        (
            "zone_in_another_currency",
            sheet(&offering(
                "onDemand: {hourly: 0.096 USD}, zones: {a: {spot: {hourly: 0.03 EUR}}}",
            )),
        ),
        (
            "carbon_in_tonnes",
            sheet(&format!(
                "{UNITS}\ncarbon: {{cpuCoreHour: 4 t, memoryGibHour: 1 gCO2e}}"
            )),
        ),
    ];
    let said = cases.map(|(name, text)| {
        let problems = parse(&text).map(|_| ()).expect_err(name);
        format!("## {name}\n{problems}\n")
    });
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("prices__mistakes", said.concat());
    });
}

/// Possible, and mostly two numbers swapped: said, and used as it stands. A zone is held against its region's price.
#[test]
fn a_spot_price_above_the_one_on_demand_is_doubted() {
    let text = sheet(
        "offerings:\n  m5: {cpu: \"2\", memory: 8Gi, onDemand: {hourly: 0.04 USD}, spot: {hourly: 0.04 USD}, zones: {a: {spot: {hourly: 0.05 USD}}}}",
    );
    let value = yaml::read_one(text.as_bytes(), &Limits::STREAM).unwrap();
    let (_, doubts) = price::parse(&value, &Source::file("prices.yaml", text.clone())).unwrap();
    let [doubt] = doubts.as_slice() else {
        panic!("{doubts:?}")
    };
    assert_eq!(doubt.severity, Severity::Warning);
    assert_eq!(doubt.headline, "spot costs `0.05 USD`, more than `0.04 USD` on demand");
}

fn the_shop() -> (tempfile::TempDir, std::path::PathBuf) {
    let keeper = shop();
    let folder = keeper.path().join("shop");
    (keeper, folder)
}

fn trimtab(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trimtab"))
        .args(arguments)
        .env("TRIMTAB_KUSTOMIZE", Kustomize::newest().path)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), stdin).unwrap();
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_refused(output: &Output, words: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
    assert!(said.contains(words), "no `{words}` in: {said}");
}

const MIXED: &str = "unitPrices: {onDemand: {cpuCoreHour: 0.031611 USD, memoryGibHour: 0.004237 EUR}}";

/// By file and as an item: a good sheet changes nothing, a bad one stops the function with nothing on stdout.
#[test]
fn the_function_reads_prices_and_keeps_them_out_of_its_output() {
    let (_keeper, folder) = the_shop();
    let app = Kustomize::newest().build(&folder.join("app")).stdout;
    let files = ["fn", "--policy", "env/policy.yaml", "--plan", "env/plan.yaml"];
    let without = trimtab(&folder, &files, &app);
    assert!(without.status.success(), "{}", stderr(&without));

    write(
        &folder,
        &[
            ("good.yaml", &sheet(UNITS)),
            ("mixed.yaml", &sheet(MIXED)),
            ("torn.yaml", "a: ["),
        ],
    );
    let with = |file: &str| trimtab(&folder, &[&files[..], &["--prices", file]].concat(), &app);
    assert_eq!(with("good.yaml").stdout, without.stdout);
    assert_refused(&with("mixed.yaml"), "--> mixed.yaml:11:");
    assert_refused(&with("torn.yaml"), "torn.yaml");
    assert_refused(&with("env/policy.yaml"), "error[prices-invalid]");

    let beside = |text: &str| [&app[..], b"\n---\n", text.as_bytes()].concat();
    let as_item = |text: &str| trimtab(&folder, &files, &beside(text));
    assert_eq!(as_item(&sheet(UNITS)).stdout, without.stdout);
    assert_refused(&as_item(&sheet(MIXED)), "error[currencies-mixed]");
    assert_refused(
        &as_item(&format!("{}---\n{}", sheet(UNITS), sheet(UNITS))),
        "2 objects of kind PriceSheet",
    );
    assert_refused(
        &as_item(&sheet(UNITS).replace("PriceSheet", "PriceShet")),
        "did you mean `PriceSheet`?",
    );
}

/// kpt and `kustomize fn run` delete the file of an item that does not come back.
#[test]
fn a_sheet_that_a_host_keeps_as_a_file_stays() {
    let (_keeper, folder) = the_shop();
    let mut kept = yaml::read_one(sheet(UNITS).as_bytes(), &Limits::STREAM).unwrap();
    kept["metadata"]["annotations"] = json!({"internal.config.kubernetes.io/path": "prices.yaml"});
    let list = json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": [kept]});
    let files = ["fn", "--policy", "env/policy.yaml", "--plan", "env/plan.yaml"];
    let output = trimtab(&folder, &files, list.to_string().as_bytes());
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list["items"], json!([kept]));
}

/// In the environment's folder, listed or not, or in the folder around it: found by every command, and never rendered.
#[test]
fn commands_find_the_sheet_of_an_environment() {
    let (_keeper, folder) = the_shop();
    let render = |output: &str| trimtab(&folder, &["render", "env", "--as", "overlay", "-o", output], b"");
    let plain = render("without");
    assert!(plain.status.success(), "{}", stderr(&plain));
    let built = |name: &str| Kustomize::newest().build(&folder.join(name)).stdout;

    write(&folder, &[("prices.yaml", &sheet(MIXED))]);
    assert_refused(&render("refused"), "prices.yaml:11:");
    assert!(!folder.join("refused").exists());
    write(
        &folder,
        &[(
            "prices.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: prices}\n",
        )],
    );
    assert!(
        render("with").status.success(),
        "a file of that name that is somebody else's"
    );

    // the environment's own goes before the shared one
    write(
        &folder,
        &[("prices.yaml", &sheet(UNITS)), ("env/prices.yaml", &sheet(MIXED))],
    );
    assert_refused(&render("refused"), "env/prices.yaml:11:");
    let kustomization = std::fs::read_to_string(folder.join("env/kustomization.yaml")).unwrap();
    let listed = kustomization.replacen("resources:\n", "resources:\n- prices.yaml\n", 1);
    assert_ne!(kustomization, listed);
    write(
        &folder,
        &[("env/prices.yaml", &sheet(UNITS)), ("env/kustomization.yaml", &listed)],
    );
    let output = render("with");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(built("with"), built("without"));
    std::fs::remove_file(folder.join("env/plan.yaml")).unwrap();
    let planned = trimtab(&folder, &["plan", "env"], b"");
    assert!(
        planned.status.success(),
        "a plan that is listed and not there yet: {}",
        stderr(&planned)
    );
}

/// `check` alone judges age, warns once of a sheet that environments share, and stops nothing for it.
#[test]
fn check_warns_of_prices_past_their_day() {
    let (_keeper, folder) = the_shop();
    let environment = |name: &str| {
        let copy = |file: &str| std::fs::read_to_string(folder.join("env").join(file)).unwrap();
        let files: Vec<(String, String)> = ["kustomization.yaml", "policy.yaml", "plan.yaml"]
            .map(|file| (format!("{name}/{file}"), copy(file)))
            .to_vec();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        write(&folder, &files);
    };
    environment("two");
    write(&folder, &[("prices.yaml", &sheet(UNITS))]);
    let check = |now: &str| trimtab(&folder, &["check", "env", "two", "--now", now], b"");
    // the sheet holds until 2026-12-31, to the end of the day
    let current = check("2026-12-31T23:59:59Z");
    assert!(!stderr(&current).contains("prices-expired"), "{}", stderr(&current));
    let old = check("2027-01-01T00:00:00Z");
    let said = stderr(&old);
    assert_eq!(
        said.matches("warning[prices-expired]: the prices held until 2026-12-31")
            .count(),
        1,
        "{said}"
    );
    assert!(said.contains("--> prices.yaml:10:"), "{said}");
    assert_eq!(old.status.code(), current.status.code(), "{said}");
}
