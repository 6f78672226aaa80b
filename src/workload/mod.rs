//! What the manifests contain: targets, containers, selectors, scalers and budgets already there.
