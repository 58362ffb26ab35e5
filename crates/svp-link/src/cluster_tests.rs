use proptest::prelude::*;

use super::*;

const TERMS: Terms = Terms { threshold: 0.0, unproposed: -3.0 };

fn of(edges: &[(u32, u32, f32)]) -> Vec<Edge> {
    edges.iter().map(|(a, b, w)| Edge { a: *a, b: *b, sum: f64::from(*w), seen: 1 }).collect()
}

fn group(n: usize, edges: &[(u32, u32, f32)]) -> Vec<u32> {
    average(n, &of(edges), &vec![1; n], vec![Vec::new(); n], TERMS).0
}

/// Always joins the best pair of groups, by looking at all of them.
fn slow(n: usize, edges: &[(u32, u32, f32)], dedup_source: &[Vec<u32>]) -> Vec<u32> {
    let mut of: Vec<u32> = (0..n as u32).collect();
    loop {
        let mut best: Option<(f64, u32, u32)> = None;
        let mut roots = of.clone();
        roots.sort_unstable();
        roots.dedup();
        for (i, a) in roots.iter().enumerate() {
            for b in &roots[i + 1..] {
                let members = |g: u32| (0..n).filter(|x| of[*x] == g).collect::<Vec<_>>();
                let (x, y) = (members(*a), members(*b));
                let clash =
                    x.iter().any(|p| y.iter().any(|q| dedup_source[*p].iter().any(|s| dedup_source[*q].contains(s))));
                let mut sum = 0.0;
                let mut any = false;
                for p in &x {
                    for q in &y {
                        let (p, q) = (*p.min(q) as u32, *p.max(q) as u32);
                        match edges.iter().find(|e| e.0 == p && e.1 == q) {
                            Some(e) => {
                                sum += f64::from(e.2);
                                any = true;
                            }
                            None => sum -= 3.0,
                        }
                    }
                }
                let mean = sum / (x.len() * y.len()) as f64;
                if any && !clash && mean > 0.0 && best.is_none_or(|(w, ..)| mean > w) {
                    best = Some((mean, *a, *b));
                }
            }
        }
        let Some((_, a, b)) = best else { return of };
        of.iter_mut().filter(|g| **g == b).for_each(|g| *g = a);
    }
}

#[test]
fn a_chain_does_not_pull_two_groups_together() {
    let mut edges = Vec::new();
    for base in [0u32, 4] {
        for a in 0..4 {
            for b in a + 1..4 {
                edges.push((base + a, base + b, 9.0));
            }
        }
    }
    edges.push((3, 4, 6.0));
    assert_eq!(group(8, &edges), [0, 0, 0, 0, 4, 4, 4, 4]);
}

#[test]
fn a_source_that_has_each_person_once_gives_one_record_to_a_group() {
    let dedup_source = vec![vec![1], vec![2], vec![2]];
    let (groups, forbidden) = average(3, &of(&[(0, 1, 5.0), (0, 2, 4.0), (1, 2, 8.0)]), &[1; 3], dedup_source, TERMS);
    assert_eq!(groups, [0, 0, 2]);
    assert!(forbidden > 0);
}

#[test]
fn nothing_gives_nothing() {
    assert!(group(0, &[]).is_empty());
    assert_eq!(group(2, &[]), [0, 1]);
    assert_eq!(group(2, &[(0, 1, -1.0)]), [0, 1]);
}

#[test]
fn two_people_of_an_earlier_run_need_more_than_one_bridge() {
    // Nodes 0 and 1 stand for five and four records; record 2 is like both.
    let edges = [Edge { a: 0, b: 2, sum: 50.0, seen: 5 }, Edge { a: 1, b: 2, sum: 36.0, seen: 4 }];
    let (groups, _) = average(3, &edges, &[5, 4, 1], vec![Vec::new(); 3], TERMS);
    assert_eq!(groups, [0, 1, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_chain_finds_what_trying_all_finds(
        weights in prop::collection::vec(prop::option::weighted(0.6, -8.0f32..12.0), 28),
        deduplicated in prop::collection::vec(0u32..4, 8),
    ) {
        let mut edges = Vec::new();
        let mut w = weights.iter();
        for a in 0..8u32 {
            for b in a + 1..8 {
                if let Some(weight) = w.next().unwrap() {
                    edges.push((a, b, *weight));
                }
            }
        }
        let dedup_source: Vec<Vec<u32>> = deduplicated.iter().map(|p| if *p < 2 { vec![*p] } else { Vec::new() }).collect();
        let fast = average(8, &of(&edges), &[1; 8], dedup_source.clone(), TERMS).0;
        let mut reversed = edges.clone();
        reversed.reverse();
        prop_assert_eq!(&fast, &average(8, &of(&reversed), &[1; 8], dedup_source.clone(), TERMS).0);
        prop_assert_eq!(fast, slow(8, &edges, &dedup_source));
    }
}
