//! Quantities are read and written as Kubernetes itself does.

use trimtab::units::Quantity;

/// Vectors that `k8s.io/apimachinery` printed; the file's first lines say how.
const VECTORS: &str = include_str!("fixtures/units/quantity_vectors.tsv");

#[test]
fn values_and_canonical_forms_are_those_of_apimachinery() {
    let rows: Vec<Vec<&str>> = VECTORS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
        .collect();
    assert!(rows.len() > 600, "the fixture is whole");
    for row in rows {
        let [text, nano, canonical] = row[..] else {
            panic!("{row:?} has three fields")
        };
        let quantity: Quantity = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(quantity.nano().to_string(), nano, "value of {text}");
        assert_eq!(quantity.to_string(), canonical, "canonical form of {text}");
    }
}
