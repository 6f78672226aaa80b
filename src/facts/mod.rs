//! What a profile says about one workload: percentiles, demand, coverage, regimes.
