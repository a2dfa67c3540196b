//! Prices of Fargate, as a table with its date and source.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};

/// The table that comes along.
const INCLUDED: &str = include_str!("prices.toml");

/// A table of prices in USD an hour.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::operate) struct Prices {
    /// When they were right, such as `2026-07`.
    pub(in crate::operate) date: String,
    /// Where they come from.
    pub(in crate::operate) source: String,
    /// What a Spot task costs, as a part of the price.
    pub(in crate::operate) spot_share: f64,
    regions: BTreeMap<String, RegionPrices>,
}

/// The prices of a Region. Those that are absent are not known.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionPrices {
    vcpu: Option<f64>,
    gb: Option<f64>,
    arm_vcpu: Option<f64>,
    arm_gb: Option<f64>,
    /// How the ARM prices are known, for readers of the table.
    #[serde(rename = "arm")]
    _arm: Option<String>,
    /// A GB of ephemeral storage above what is included.
    pub(super) storage: Option<f64>,
    /// A public IPv4 address.
    pub(super) ipv4: Option<f64>,
}

impl Prices {
    /// The table in this file, or the one that comes along.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is no table of prices.
    pub(in crate::operate) fn load(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else {
            return Self::parse(INCLUDED);
        };
        let refused = |problem: String| {
            Error::system(format!(
                "could not read the prices in {}: {problem}",
                file.display()
            ))
            .advise("docs/report.md describes the table ([Report] Prices).")
        };
        let text = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
        Self::parse(&text).map_err(|error| refused(error.to_string()))
    }

    fn parse(text: &str) -> Result<Self> {
        let prices: Self = toml::from_str(text)
            .map_err(|error| Error::system(error.to_string().trim().to_owned()))?;
        let regions = prices.regions.values();
        let figures = regions.flat_map(|region| {
            [
                region.vcpu,
                region.gb,
                region.arm_vcpu,
                region.arm_gb,
                region.storage,
                region.ipv4,
            ]
        });
        let is_price = |price: f64| price.is_finite() && price >= 0.0;
        match figures.flatten().chain([prices.spot_share]).all(is_price) {
            true => Ok(prices),
            false => Err(Error::system("a price must be 0 or more")),
        }
    }

    /// The prices of a Region.
    pub(super) fn of(&self, region: &str) -> Option<&RegionPrices> {
        self.regions.get(region)
    }
}

impl RegionPrices {
    /// The prices of a vCPU and of a GB of memory on this architecture.
    pub(super) fn compute(&self, is_arm: bool) -> Option<(f64, f64)> {
        match is_arm {
            true => Some((self.arm_vcpu?, self.arm_gb?)),
            false => Some((self.vcpu?, self.gb?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Prices {
        /// The same table, with prices of nothing.
        pub(in crate::operate) fn for_free(mut self) -> Self {
            for region in self.regions.values_mut() {
                (region.vcpu, region.gb) = (Some(0.0), Some(0.0));
            }
            self
        }
    }

    #[test]
    fn the_table_that_comes_along_has_twenty_regions() {
        let prices = Prices::load(None).unwrap();
        assert_eq!(prices.regions.len(), 20);
        // AWS's own example: 2 vCPU and 4 GB for ten minutes (aws.amazon.com/fargate/pricing).
        let (vcpu, gb) = prices.of("us-east-1").unwrap().compute(false).unwrap();
        assert!(((2.0 * vcpu + 4.0 * gb) / 6.0 - 0.0165).abs() < 0.0001);
        assert!(prices.of("ap-east-1").unwrap().compute(true).is_none());
        for (name, region) in &prices.regions {
            let (vcpu, gb) = region.compute(false).unwrap();
            assert!(
                (0.03..0.08).contains(&vcpu) && (0.004..0.008).contains(&gb),
                "{name}"
            );
            if let Some((arm_vcpu, arm_gb)) = region.compute(true) {
                let share = [arm_vcpu / vcpu, arm_gb / gb];
                assert!(
                    share.iter().all(|share| (0.79..0.81).contains(share)),
                    "{name}: {share:?}"
                );
            }
        }
    }

    #[test]
    fn a_table_of_ones_own_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prices.toml");
        let table = |region: &str| {
            format!(
                "date = \"2027-01\"\nsource = \"ours\"\nspot_share = 0.3\n[regions.us-east-1]\n{region}\n"
            )
        };
        std::fs::write(&file, table("vcpu = 1\ngb = 0.5")).unwrap();
        let prices = Prices::load(Some(&file)).unwrap();
        assert_eq!(
            prices.of("us-east-1").unwrap().compute(false),
            Some((1.0, 0.5))
        );
        for wrong in [table("vcpu = -1"), table("vcpus = 1"), "date".to_owned()] {
            std::fs::write(&file, wrong).unwrap();
            let refused = Prices::load(Some(&file)).unwrap_err();
            assert!(refused.to_string().contains("prices.toml"), "{refused}");
        }
    }
}
