//! Arguments that would do nothing in the run that they are given to: refused, with the reason, before anything is done.

use super::ProfileArgs;
use crate::diag::{Diagnostic, code};

/// Why a flag does nothing, and what to do instead.
struct Why {
    because: &'static str,
    help: &'static str,
}

const OF_FILES: Why = Why {
    because: "it says how a metrics store is asked, and no store is asked: what the files hold counts, all of it",
    help: "leave it out, or ask the store: `trimtab profile --prometheus URL`",
};
const OF_SCRIPT: Why = Why {
    because: "`--print-queries` asks nothing: the script does, by curl",
    help: "leave it out; what curl needs to be let in goes into CURL_FLAGS when the script runs",
};
const OF_ANSWERS: Why = Why {
    because: "it says what the columns of a table mean, and a store's answers are no tables",
    help: "leave it out",
};
const EXPORTS: Why = Why {
    because: "what is printed is a query, and no file is read for it",
    help: "leave the files out; give them to `trimtab profile` with what the query gives",
};
const OF_SQL: Why = Why {
    because: "`--print-sql` prints a query to stdout and makes no profile",
    help: "give it to `trimtab profile`, which reads the rows that the query gives",
};

/// Everything that does nothing.
pub(super) fn refused(args: &ProfileArgs) -> Vec<Diagnostic> {
    let mut found: Vec<(&str, Why)> = Vec::new();
    let mut refuse = |flags: Vec<&'static str>, why: fn() -> Why| {
        found.extend(flags.into_iter().map(|flag| (flag, why())));
    };
    let exports = if args.exports.is_empty() {
        vec![]
    } else {
        vec!["EXPORT"]
    };
    let live = &args.live;
    if args.engine.print_sql.is_some() {
        refuse(exports, || EXPORTS);
        refuse([live.asking(), live.running(), of_a_profile(args)].concat(), || OF_SQL);
    } else if live.print_queries {
        refuse(exports, || EXPORTS);
        refuse(live.running(), || OF_SCRIPT);
        refuse(of_tables(args), || OF_ANSWERS);
    } else if live.prometheus.is_none() {
        refuse([live.asking(), live.running()].concat(), || OF_FILES);
    } else if exports.is_empty() {
        refuse(of_tables(args), || OF_ANSWERS);
    }
    let told = |(flag, why): (&str, Why)| {
        Diagnostic::error(code::NO_EFFECT, format!("`{flag}` does nothing here"))
            .because(why.because)
            .help(why.help)
    };
    found.into_iter().map(told).collect()
}

fn of_tables(args: &ProfileArgs) -> Vec<&'static str> {
    let given = [
        ("--columns", !args.columns.is_empty()),
        ("--header", !args.header.is_empty()),
        ("--unit", !args.unit.is_empty()),
    ];
    given.into_iter().filter_map(|(flag, is)| is.then_some(flag)).collect()
}

/// What says how a profile is made, and where it goes.
fn of_a_profile(args: &ProfileArgs) -> Vec<&'static str> {
    let given = [
        ("--owners", !args.owners.is_empty()),
        ("--manifests", !args.manifests.is_empty()),
        ("--environment", args.environment.is_some()),
        ("--cluster", args.cluster.is_some()),
        ("--cluster-label", !args.cluster_label.is_empty()),
        ("--namespace", args.namespace.is_some()),
        ("--threads", args.threads > 0),
        ("--shard", args.shard),
        ("--with-state", !args.with_state.is_empty()),
        ("--header", !args.header.is_empty()),
        ("--unit", !args.unit.is_empty()),
        ("--label", !args.label.is_empty()),
        ("--output", args.output.is_some()),
    ];
    given.into_iter().filter_map(|(flag, is)| is.then_some(flag)).collect()
}
