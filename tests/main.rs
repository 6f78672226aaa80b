//! Behaviour through the doors that users use: the binary, `ResourceList` on stdin, and the public types.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files, run programs and may panic"
)]

mod accepted;
mod adopted_metrics;
mod agreement;
mod bounds;
mod budgets;
mod check;
mod comfort;
mod container;
mod container_rename;
mod contradictions;
mod diff;
mod diff_command;
mod divided;
mod drift;
mod engines;
mod environments;
mod event_scalers;
mod example;
mod file_edges;
mod former_names;
mod function;
mod grace;
mod history_alike;
mod history_averages;
mod history_bad;
mod history_coarse;
mod history_formats;
mod history_hosted;
#[cfg(feature = "parquet")]
mod history_parquet;
mod history_ranges;
mod history_rows;
mod history_traps;
mod house;
mod idle_rules;
mod in_place;
mod keda_scalers;
mod krr;
mod kustomize;
mod kustomize_host;
mod kustomize_layer;
mod kustomize_strings;
mod left_in_file;
mod limits;
mod mistyped;
mod moved;
mod namespaces;
mod odd;
mod owner;
mod plan_laws;
mod plan_possible;
mod planning;
mod platforms;
mod policy;
mod prices;
mod profile_accuracy;
mod profile_arguments;
mod profile_diff;
mod profile_laws;
mod profile_output;
mod profile_shown;
mod profile_states;
mod quantities;
mod render;
mod report;
mod scale_out;
mod scale_point;
mod sealed;
mod several_profiles;
mod shop;
mod stated;
mod steps;
mod trap_strings;
mod yaml_hostile;
mod yaml_places;
mod yaml_read;
mod yaml_strings;
mod yaml_write;
