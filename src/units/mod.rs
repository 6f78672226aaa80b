//! Amounts with their units in the type: processor time, bytes, seconds, shares, money, Kubernetes quantities.
