//! `UsageProfile`: sketch, demand, events, line codec, merge.
