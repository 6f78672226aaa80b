//! Laws of planning over time: whatever comes after whatever, windows of history, edits of the policy and of manifests,
//! lost profiles and broken seals, what is planned and rendered keeps its promises after every single event.

mod beside;
mod course;
mod events;
mod laws;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::beside::beside;
use self::course::{Course, NAMES};
use self::events::{Event, Kind, any_event, event};
use self::laws::laws;

/// Courses of such events on such workloads.
fn run(cases: u32, seed: u8, kinds: &[Kind], event: impl Strategy<Value = Event> + 'static) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(config, seed);
    let courses = (select(kinds.to_vec()), prop::collection::vec(event, 1..12));
    let found = runner.run(&courses, |(kind, events)| {
        let mut course = Course::new(kind);
        laws(&mut course, None, NAMES.map(|name| Course::new(kind).built(name).0))?;
        for event in &events {
            let before = NAMES.map(|name| course.built(name).0);
            course.happen(event);
            // builds go on before anyone plans
            beside(&course)?;
            laws(&mut course, Some(event), before)?;
            beside(&course)?;
        }
        Ok(())
    });
    if let Err(found) = found {
        panic!("{found}");
    }
}

#[test]
fn plans_keep_their_laws_over_any_course_of_events() {
    run(20, 7, &Kind::FEW, event());
}

#[test]
fn plans_keep_their_laws_over_what_stands_beside_a_workload() {
    run(8, 7, &Kind::ALL, any_event());
}

/// `TRIMTAB_LAW_CASES` courses, or 2000, from the seed `TRIMTAB_LAW_SEED`, or 7; less than 0.1 s each.
fn run_many(kinds: &[Kind], event: impl Strategy<Value = Event> + 'static) {
    let said = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let seed = said("TRIMTAB_LAW_SEED").and_then(|seed| u8::try_from(seed).ok());
    run(
        said("TRIMTAB_LAW_CASES").unwrap_or(2000),
        seed.unwrap_or(7),
        kinds,
        event,
    );
}

#[test]
#[ignore = "slow"]
fn plans_keep_their_laws_over_many_courses_of_events() {
    run_many(&Kind::FEW, event());
}

#[test]
#[ignore = "slow"]
fn plans_keep_their_laws_over_much_that_stands_beside_a_workload() {
    run_many(&Kind::ALL, any_event());
}
