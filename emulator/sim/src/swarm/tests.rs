use super::*;

const SHORT: Duration = Duration::from_secs(600);

#[test]
fn a_seed_expands_to_the_same_plan_every_time() {
    let text = |seed| plan(seed, None, SHORT).to_string();
    assert_eq!(text(3), text(3));
    assert_ne!(text(3), text(4));
}

#[test]
fn plans_differ_in_size_and_stay_within_their_phase() {
    let plans: Vec<SwarmPlan> = (0..200).map(|seed| plan(seed, None, SHORT)).collect();
    let sizes: std::collections::BTreeSet<usize> = plans
        .iter()
        .map(|plan| plan.lab.cluster.members.len())
        .collect();
    assert!(sizes.len() >= 4, "{sizes:?}");
    let acts = plans.iter().flat_map(|plan| &plan.acts);
    assert!(acts.clone().count() > 1_000);
    assert!(acts.into_iter().all(|(at, _)| *at < SHORT));
}

#[test]
fn a_seed_leaves_the_same_trace_twice() {
    for seed in 1..=5 {
        let plan = plan(seed, None, SHORT);
        assert_eq!(run_caught(&plan), run_caught(&plan));
    }
}

#[test]
fn shards_share_the_seeds_out() {
    let swarm = |shard| Swarm {
        lab: None,
        first_seed: 10,
        seeds: 20,
        shard,
        length: SHORT,
        threads: None,
    };
    let mut seeds: Vec<u64> = (1..=3)
        .flat_map(|place| swarm(Some((place, 3))).own_seeds().collect::<Vec<_>>())
        .collect();
    seeds.sort_unstable();
    assert_eq!(seeds, swarm(None).own_seeds().collect::<Vec<_>>());
}

#[test]
fn a_plan_reads_as_sentences_with_the_names_of_its_lab() {
    let mut text = String::new();
    for seed in 1..60 {
        text += &plan(seed, None, SHORT).to_string();
    }
    // Nothing of how the program spells its own types.
    for code in ["{", "}", "(", "::", "Deed", "Some", "NodeId", "DiskId"] {
        assert!(!text.contains(code), "`{code}` in {text}");
    }
    assert!(
        text.contains("an administrator asks: move group g1 to the best node"),
        "{text}"
    );
}
