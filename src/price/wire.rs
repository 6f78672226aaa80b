//! The price sheet as people and importers write it. Every type here is in the published JSON Schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::wire::Metadata;
use crate::units::{Bytes, Carbon, Currency, Day, Millicores, Money, Percent, Seconds};

/// What things cost at one provider, in one region and one currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceSheet {
    /// `trimtab.dev/v1alpha1`.
    pub api_version: String,
    /// `PriceSheet`.
    pub kind: String,
    /// Name.
    pub metadata: Metadata,
    /// The prices.
    pub spec: PriceSpec,
}

/// `spec` of a PriceSheet: prices of units, of whole machines, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceSpec {
    /// The one currency of every price in the sheet.
    pub currency: Currency,
    /// Whose prices: `aws`, `gcp`, `azure`, or a name of yours.
    pub provider: String,
    /// Where they hold, as the provider names it.
    pub region: String,
    /// Where the numbers come from, so that a reader can look them up.
    pub source: String,
    /// The day they were taken.
    pub as_of: Day,
    /// The last day they are taken as true.
    pub valid_until: Day,
    /// What a unit costs: for costs of requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_prices: Option<UnitPrices>,
    /// Machines by the provider's name, such as `m5.large`: for costs after packing pods onto nodes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub offerings: BTreeMap<String, Offering>,
    /// Greenhouse gas that a unit stands for, its share of the data centre's own needs in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carbon: Option<Rates<Carbon>>,
}

/// What a unit costs, by how it is bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnitPrices {
    /// Bought without commitment and kept.
    pub on_demand: Rates<Money>,
    /// Interruptible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Rates<Money>>,
}

/// An amount of something for each unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    bound(deserialize = "T: Deserialize<'de>")
)]
#[schemars(rename = "{T}Rates")]
pub struct Rates<T> {
    /// For a core for an hour.
    pub cpu_core_hour: T,
    /// For a GiB of memory for an hour.
    pub memory_gib_hour: T,
    /// For a GPU for an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_hour: Option<T>,
    /// For a GB (10⁹ bytes) of disk for a month of 730 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_gb_month: Option<T>,
}

/// A machine that can be rented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Offering {
    /// Virtual CPUs.
    pub cpu: Millicores,
    /// Memory.
    pub memory: Bytes,
    /// GPUs in it, by model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gpus: BTreeMap<String, u32>,
    /// Local disk that its price includes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Bytes>,
    /// Bought without commitment and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<OnDemandPrice>,
    /// Interruptible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<SpotPrice>,
    /// The zones that have it, each with the prices that differ there. Absent: every zone of the region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub zones: BTreeMap<String, ZonePrices>,
}

/// Prices of a machine in one zone, where they differ from those of the region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ZonePrices {
    /// Bought without commitment and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<OnDemandPrice>,
    /// Interruptible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<SpotPrice>,
}

/// Price of a machine that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnDemandPrice {
    /// For an hour.
    pub hourly: Money,
}

/// Price of a machine that may be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpotPrice {
    /// For an hour.
    pub hourly: Money,
    /// How often it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruption: Option<Interruption>,
}

/// Share of such machines that was taken back within a period: a band, as providers publish it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Interruption {
    /// At least this share.
    pub min: Percent,
    /// At most this share; `100%` where the band has no end.
    pub max: Percent,
    /// In this time: AWS publishes shares of a month (`30d`), Azure of an hour (`1h`).
    pub period: Seconds,
}
