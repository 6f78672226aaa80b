//! What the schema can't say: amounts that contradict each other.

use std::cmp::Ordering;

use super::wire::{Interruption, Offering, OnDemandPrice, PriceSheet, Rates, SpotPrice};
use crate::diag::{Code, Diagnostic, code};
use crate::policy::Source;
use crate::policy::merge::escape;
use crate::units::{Currency, Money, Percent};

/// Every contradiction in a sheet that has the schema's form.
pub(super) fn check(sheet: &PriceSheet, source: &Source) -> Vec<Diagnostic> {
    let spec = &sheet.spec;
    let mut found = Findings {
        source,
        currency: spec.currency,
        list: Vec::new(),
    };
    if spec.unit_prices.is_none() && spec.offerings.is_empty() {
        let help = "give `unitPrices`, `offerings`, or both";
        found.error("/spec", "the sheet has no price", help);
    }
    if spec.valid_until < spec.as_of {
        let headline = format!("the prices end on {}, before {}", spec.valid_until, spec.as_of);
        found.error(
            "/spec/validUntil",
            headline,
            "name the last day on which they are taken as true",
        );
    }
    if let Some(prices) = &spec.unit_prices {
        found.rates("/spec/unitPrices/onDemand", &prices.on_demand);
        if let Some(spot) = &prices.spot {
            found.rates("/spec/unitPrices/spot", spot);
        }
    }
    for (name, offering) in &spec.offerings {
        found.offering(&format!("/spec/offerings/{}", escape(name)), offering);
    }
    found.list
}

struct Findings<'a> {
    source: &'a Source,
    currency: Currency,
    list: Vec<Diagnostic>,
}

impl Findings<'_> {
    fn error(&mut self, pointer: &str, headline: impl Into<String>, help: impl Into<String>) {
        self.invalid(pointer, code::PRICES_INVALID, headline, help);
    }

    fn invalid(&mut self, pointer: &str, code: Code, headline: impl Into<String>, help: impl Into<String>) {
        let at = self.source.value_place(pointer);
        self.list.push(Diagnostic::error(code, headline).at(at).help(help));
    }

    fn rates(&mut self, pointer: &str, rates: &Rates<Money>) {
        for (name, price) in [
            ("cpuCoreHour", Some(rates.cpu_core_hour)),
            ("memoryGibHour", Some(rates.memory_gib_hour)),
            ("gpuHour", rates.gpu_hour),
            ("diskGbMonth", rates.disk_gb_month),
        ] {
            if let Some(price) = price {
                self.price(&format!("{pointer}/{name}"), price);
            }
        }
    }

    fn price(&mut self, pointer: &str, price: Money) {
        let currency = self.currency;
        if price.currency() != currency {
            let headline = format!("`{price}` stands in a sheet of prices in {currency}");
            let help = format!(
                "write the price in {currency}, or a sheet of its own for {}",
                price.currency()
            );
            self.invalid(pointer, code::CURRENCIES_MIXED, headline, help);
        }
        if price.nano() < 0 {
            let help = "leave it out where it is not known, write `0` where it costs nothing";
            self.error(pointer, format!("`{price}` is below nothing"), help);
        }
    }

    fn offering(&mut self, pointer: &str, offering: &Offering) {
        if offering.cpu.is_zero() {
            self.error(
                &format!("{pointer}/cpu"),
                "a machine has CPU",
                "write its vCPUs as text, such as `\"2\"`",
            );
        }
        if offering.memory.is_zero() {
            self.error(
                &format!("{pointer}/memory"),
                "a machine has memory",
                "write it like `8Gi`",
            );
        }
        for (model, _) in offering.gpus.iter().filter(|(_, count)| **count == 0) {
            let pointer = format!("{pointer}/gpus/{}", escape(model));
            self.error(&pointer, "a machine with no GPU of a model", "take the line out");
        }
        let zones = &offering.zones;
        let has_price =
            |on_demand: &Option<OnDemandPrice>, spot: &Option<SpotPrice>| on_demand.is_some() || spot.is_some();
        let is_sold_somewhere = zones.values().any(|zone| has_price(&zone.on_demand, &zone.spot));
        if !has_price(&offering.on_demand, &offering.spot) && !is_sold_somewhere {
            self.error(pointer, "the machine has no price", "give `onDemand`, `spot`, or both");
        }
        self.prices(pointer, offering.on_demand.as_ref(), offering.spot.as_ref(), None);
        for (zone, prices) in zones {
            let pointer = format!("{pointer}/zones/{}", escape(zone));
            let usual = offering.on_demand.as_ref();
            self.prices(&pointer, prices.on_demand.as_ref(), prices.spot.as_ref(), usual);
        }
    }

    /// `usual` is the on-demand price where `on_demand` names none.
    fn prices(
        &mut self,
        pointer: &str,
        on_demand: Option<&OnDemandPrice>,
        spot: Option<&SpotPrice>,
        usual: Option<&OnDemandPrice>,
    ) {
        if let Some(on_demand) = on_demand {
            self.price(&format!("{pointer}/onDemand/hourly"), on_demand.hourly);
        }
        let Some(spot) = spot else { return };
        let pointer = format!("{pointer}/spot");
        self.price(&format!("{pointer}/hourly"), spot.hourly);
        if let Some(interruption) = &spot.interruption {
            self.interruption(&format!("{pointer}/interruption"), interruption);
        }
        if let Some(on_demand) = on_demand.or(usual)
            && spot.hourly.checked_cmp(on_demand.hourly) == Ok(Ordering::Greater)
        {
            let at = self.source.value_place(&format!("{pointer}/hourly"));
            let headline = format!(
                "spot costs `{}`, more than `{}` on demand",
                spot.hourly, on_demand.hourly
            );
            let doubt = Diagnostic::warning(code::PRICES_DOUBTFUL, headline).at(at);
            self.list
                .push(doubt.help("swap them if they stand the wrong way round"));
        }
    }

    fn interruption(&mut self, pointer: &str, interruption: &Interruption) {
        let (min, max) = (interruption.min, interruption.max);
        if min > max {
            self.error(pointer, format!("`min: {min}` is above `max: {max}`"), "swap them");
        } else if max > Percent::WHOLE {
            let help = "a share of all machines is at most `100%`";
            self.error(
                &format!("{pointer}/max"),
                format!("`{max}` is more than all of them"),
                help,
            );
        }
        if interruption.period.is_zero() {
            let help = "name the time that the share is of, such as `30d`";
            self.error(&format!("{pointer}/period"), "nothing happens in no time", help);
        }
    }
}
