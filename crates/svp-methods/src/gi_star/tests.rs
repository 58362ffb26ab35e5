use super::permute::{Draws, judge};
use super::*;
use crate::draw::{Draw, Urn};
use proptest::prelude::*;

/// A board of `side` × `side` with counts that look like crime: many noughts.
fn board(side: i64, seed: u64) -> (Vec<f64>, Neighbours) {
    let cells: Vec<(i64, i64)> =
        (0..side).flat_map(|y| (0..side).map(move |x| (x, y))).filter(|(x, y)| (x * 7 + y * 3) % 11 != 0).collect();
    let mut draw = Draw::new(seed, 9);
    let values = cells.iter().map(|_| (draw.below(10).saturating_sub(6) * draw.below(4)) as f64).collect();
    (values, Neighbours::squares(&cells, 1).unwrap())
}

/// The example of esda's documentation: six points, neighbours within 15.
fn documented() -> (Vec<f64>, Neighbours) {
    let points = [(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)];
    let keys = [0, 1, 2, 3, 4, 5];
    let near = Neighbours::from_lists(&keys, |key, out| {
        let (x, y): (i32, i32) = points[key as usize];
        out.extend(keys.iter().filter(|j| {
            let (a, b) = points[**j as usize];
            (a - x).pow(2) + (b - y).pow(2) <= 225
        }));
    });
    (vec![2.0, 3.0, 3.2, 5.0, 8.0, 7.0], near.unwrap())
}

#[test]
fn as_esda_documents() {
    let (values, near) = documented();
    let check = |weights, expected: [f64; 6]| {
        for (found, z) in gi_star_weighted(&values, &near, weights).iter().zip(expected) {
            assert!((found.unwrap().z - z).abs() < 1e-8, "{found:?} {z}");
        }
    };
    check(Weights::Binary, [-1.397_276_26, -0.289_177_62, 0.650_649_64, -0.289_177_62, 1.234_520_88, 2.024_243_31]);
    check(
        Weights::RowStandardised,
        [-0.624_880_94, -0.091_445_99, 0.411_506_96, -0.091_445_99, 0.246_904_18, 1.280_243_88],
    );
}

#[test]
fn tails_belong_together() {
    let (values, near) = documented();
    for local in gi_star(&values, &near).into_iter().flatten() {
        assert!((local.p_two - 2.0 * local.p_one).abs() < 1e-15);
        assert!((local.p_high - if local.z > 0.0 { local.p_one } else { 1.0 - local.p_one }).abs() < 1e-15);
    }
}

#[test]
fn no_answer_where_there_is_none() {
    let near = Neighbours::squares(&[(0, 0), (1, 0), (5, 5)], 1).unwrap();
    for bad in [&[0.1, 0.1, 0.1][..], &[1.0, f64::NAN, 2.0], &[1.0, f64::INFINITY, 2.0], &[1.0, 2.0], &[]] {
        assert!(gi_star(bad, &near).iter().all(Option::is_none), "{bad:?}");
        assert!(gi_star_permutations(bad, &near, Weights::Binary, 9, 1, 1).iter().all(Option::is_none), "{bad:?}");
        assert_eq!(gi_star(bad, &near).len(), bad.len());
    }
    let one = Neighbours::squares(&[(0, 0)], 1).unwrap();
    assert_eq!(gi_star(&[4.0], &one), [None]);
    let two = Neighbours::squares(&[(0, 0), (0, 1)], 1).unwrap();
    assert_eq!(gi_star(&[4.0, 1.0], &two), [None, None], "the neighbourhood is all there is");
}

#[test]
fn an_island_stands_for_itself() {
    let near = Neighbours::squares(&[(0, 0), (1, 0), (5, 5)], 1).unwrap();
    let values = [1.0, 2.0, 6.0];
    let sd = (14.0_f64 / 3.0).sqrt();
    let z = gi_star(&values, &near)[2].unwrap().z;
    assert!((z - 3.0 / sd).abs() < 1e-12);
    let row = gi_star_weighted(&values, &near, Weights::RowStandardised)[2].unwrap().z;
    assert!((row - 3.0 / sd).abs() < 1e-12);
    let p = gi_star_permutations(&values, &near, Weights::Binary, 99, 1, 1);
    assert!(p[0].is_some() && p[2].is_none());
}

/// Cell by cell and permutation by permutation, as esda does it: the weighted sum of the neighbours, term by term.
fn slowly(values: &[f64], near: &Neighbours, weights: &[f64], ids: &[u32], width: usize) -> Vec<Option<f64>> {
    let all = ids.len() / width;
    let mut from = 0;
    let mut p = |i: usize| {
        let k = near.of(i).len();
        let weights = &weights[from..from + k];
        from += k;
        let sum = |terms: &mut dyn Iterator<Item = f64>| terms.zip(weights).map(|(x, w)| w * x).sum::<f64>();
        let observed = sum(&mut near.of(i).iter().map(|j| values[*j as usize]));
        let larger = ids
            .chunks(width)
            .filter(|draw| {
                let named = |r: &u32| values[*r as usize + usize::from(*r as usize >= i)];
                sum(&mut draw[..k].iter().map(named)) >= observed
            })
            .count();
        weights.iter().any(|w| *w > 0.0).then(|| (larger.min(all - larger) + 1) as f64 / (all + 1) as f64)
    };
    (0..values.len()).map(&mut p).collect()
}

/// Draws for a board.
fn drawn(cells: usize, width: usize, permutations: usize) -> Vec<u32> {
    let (mut ids, mut draw, mut urn) = (Vec::new(), Draw::new(5, 0), Urn::new(cells as u32 - 1));
    (0..permutations).for_each(|_| urn.take(&mut draw, width, &mut ids));
    ids
}

#[test]
fn the_step_function_is_what_the_slow_way_finds() {
    for (side, permutations) in [(3, 99), (12, 199), (50, 49)] {
        let (values, near) = board(side, 3);
        let width = 8.min(values.len() - 1);
        let ids = drawn(values.len(), width, permutations);
        let quick = gi_star_permutations_drawn(&values, &near, Alternative::Directed, &ids, width, 2);
        assert_eq!(quick, slowly(&values, &near, &near.weigh(|_, _| 1.0), &ids, width));
    }
}

/// Weights that are multiples of a quarter, and counts, so that sums are exact in any order: the answers must be the same.
#[test]
fn unequal_weights_are_what_the_slow_way_finds() {
    for (side, permutations) in [(3, 99), (12, 199), (50, 49)] {
        let (values, near) = board(side, 3);
        let width = 8.min(values.len() - 1);
        let ids = drawn(values.len(), width, permutations);
        // Some cells weigh nothing, some alike, some only what lies behind them.
        let weights = near.weigh(|i, j| match i % 5 {
            0 => 0.0,
            1 => 0.75,
            2 if j < i => 0.0,
            _ => ((i + 3 * j) % 9) as f64 / 4.0,
        });
        let weighted = |ids: &[u32], threads| {
            judge(&values, &near, Weights::Each(&weights), Alternative::Directed, Draws { ids, width }, threads)
        };
        let quick = weighted(&ids, 2);
        assert_eq!(quick, slowly(&values, &near, &weights, &ids, width));
        assert_eq!(quick, weighted(&ids, 1));
        assert_ne!(quick, slowly(&values, &near, &near.weigh(|_, _| 1.0), &ids, width), "the weights count");
    }
}

/// Draws that hold the observed values in another order reach the observed sum, though their terms round otherwise.
#[test]
fn equal_sums_are_equal_in_any_order() {
    // The middle of nine squares; what lies beside it weighs 0.1, the corners 0.7.
    let cells: Vec<(i64, i64)> = (0..9).map(|i| (i % 3, i / 3)).collect();
    let near = Neighbours::squares(&cells, 1).unwrap();
    let weights = near.weigh(|i, j| if cells[i].0 == cells[j].0 || cells[i].1 == cells[j].1 { 0.1 } else { 0.7 });
    let values = [3.0, 1.0, 1.0, 7.0, 0.0, 2.0, 5.0, 3.0, 6.0];
    // Places in the list of the middle, and numbers of the cells that stand there.
    let (corners, sides) = ([0, 2, 5, 7], [1, 3, 4, 6]);
    let (mut ids, mut sums) = (Vec::new(), Vec::new());
    for turn in 0..16 {
        let mut draw = [0; 8];
        for at in 0..4 {
            draw[corners[at]] = corners[(at + turn / 4) % 4] as u32;
            draw[sides[at]] = sides[(at + turn % 4) % 4] as u32;
        }
        let named = draw.iter().map(|r| values[*r as usize + usize::from(*r >= 4)]);
        sums.push(named.zip(&weights[near.range(4)]).map(|(x, w)| x * w).sum::<f64>());
        ids.extend(draw);
    }
    assert!(sums.iter().any(|sum| *sum != sums[0]), "term by term they differ: {sums:?}");
    for alternative in [Alternative::Greater, Alternative::Less] {
        let draws = Draws { ids: &ids, width: 8 };
        let p = judge(&values, &near, Weights::Each(&weights), alternative, draws, 1);
        assert_eq!(p[4], Some(1.0), "{alternative:?}");
    }
}

#[test]
fn weights_of_one_and_of_one_size_are_binary_to_the_last_bit() {
    let mut draw = Draw::new(8, 1);
    for side in [4, 13, 40] {
        let (counts, near) = board(side, 2);
        let rates: Vec<f64> = counts.iter().map(|_| draw.below(1 << 40) as f64 / 3.0).collect();
        for values in [counts, rates] {
            let (ones, alike) = (near.weigh(|_, _| 1.0), near.weigh(|i, _| 0.1 + i as f64));
            let p = |weights| gi_star_permutations(&values, &near, weights, 199, 3, 2);
            let binary = p(Weights::Binary);
            for weights in [Weights::Each(&ones), Weights::Each(&alike), Weights::RowStandardised] {
                assert_eq!(p(weights), binary);
            }
            assert_eq!(gi_star_weighted(&values, &near, Weights::Each(&ones)), gi_star(&values, &near));
        }
    }
}

/// What was published before weights could differ: the same draws, the same answers.
#[test]
fn the_answers_of_a_seed_stay() {
    let cells: Vec<(i64, i64)> = (0..15).map(|i| (i % 5, i / 5)).collect();
    let near = Neighbours::squares(&cells, 1).unwrap();
    let values = [0.0, 2.0, 5.0, 0.0, 1.0, 0.0, 3.0, 8.0, 1.0, 0.0, 0.0, 1.0, 2.0, 0.0, 4.0];
    let held = [403.0, 82.0, 106.0, 153.0, 46.0, 175.0, 231.0, 228.0, 177.0, 184.0, 309.0, 234.0, 217.0, 132.0, 45.0];
    let expected: Vec<Option<f64>> = held.iter().map(|m| Some(m / 1000.0)).collect();
    assert_eq!(gi_star_permutations(&values, &near, Weights::Binary, 999, 20, 1), expected);
    assert_eq!(gi_star_permutations(&values, &near, Weights::Each(&near.weigh(|_, _| 1.0)), 999, 20, 2), expected);
}

#[test]
fn z_with_unequal_weights() {
    // A board of 25 with weights 1/2 beside and 1/4 across a corner; computed with numpy from the formula.
    let counts = [
        0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 6.0, 8.0, 1.0, 0.0, 1.0, 7.0, 9.0, 2.0, 0.0, 0.0, 1.0, 2.0, 1.0, 0.0, 0.0, 0.0,
        0.0, 1.0, 0.0,
    ];
    let cells: Vec<(i64, i64)> = (0..25).map(|i| (i % 5, i / 5)).collect();
    let near = Neighbours::squares(&cells, 1).unwrap();
    let weights = near.weigh(|i, j| if cells[i].0 == cells[j].0 || cells[i].1 == cells[j].1 { 0.5 } else { 0.25 });
    let found = gi_star_weighted(&counts, &near, Weights::Each(&weights));
    for (i, z) in [(6, 2.834_605_730_614_598), (12, 4.129_603_272_519_745), (24, -0.892_369_614_796_337_8)] {
        assert!((found[i].unwrap().z - z).abs() < 1e-12, "{i}");
    }
}

#[test]
fn weights_that_are_none_have_no_answer() {
    let near = Neighbours::squares(&[(0, 0), (1, 0), (2, 0), (5, 5)], 1).unwrap();
    let values = [1.0, 2.0, 6.0, 3.0];
    for bad in [&[1.0; 3][..], &[1.0; 5], &[1.0, -1.0, 1.0, 1.0], &[1.0, f64::NAN, 1.0, 1.0]] {
        assert_eq!(gi_star_weighted(&values, &near, Weights::Each(bad)), [None; 4]);
        assert_eq!(gi_star_permutations(&values, &near, Weights::Each(bad), 9, 1, 1), [None; 4]);
    }
    let p = gi_star_permutations(&values, &near, Weights::Each(&[0.0, 1.0, 0.0, 2.0]), 9, 1, 1);
    assert_eq!(p.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, true, false]);
}

#[test]
fn threads_change_nothing_and_the_seed_does() {
    let (values, near) = board(70, 1);
    let p = |seed, threads| gi_star_permutations(&values, &near, Weights::Binary, 199, seed, threads);
    assert_eq!(p(1, 1), p(1, 7));
    assert_ne!(p(1, 1), p(2, 1));
}

#[test]
fn permutations_agree_with_the_normal_tail_where_it_holds() {
    // 25 cells of a smooth value: nearly normal sums.
    let cells: Vec<(i64, i64)> = (0..1600).map(|i| (i % 40, i / 40)).collect();
    let near = Neighbours::squares(&cells, 2).unwrap();
    let mut draw = Draw::new(4, 4);
    let values: Vec<f64> = cells.iter().map(|_| draw.below(1000) as f64).collect();
    let p = gi_star_permutations_sided(&values, &near, Alternative::Greater, 1999, 3, 2);
    let mut sum = 0.0;
    for (local, p) in gi_star(&values, &near).iter().zip(&p) {
        // The permutation holds the cell itself fast, so single cells differ; their mean does not.
        sum += p.unwrap() - local.unwrap().p_high;
    }
    assert!((sum / 1600.0).abs() < 0.01, "{}", sum / 1600.0);
}

proptest! {
    /// Sides: greater and less count every permutation, equal ones twice; never 0, never above 1.
    #[test]
    fn sides_add_up(side in 3i64..9, seed in 0u64..50) {
        let (values, near) = board(side, seed);
        let p = |alternative| gi_star_permutations_sided(&values, &near, alternative, 99, 1, 1);
        let (both, up, down) = (p(Alternative::Directed), p(Alternative::Greater), p(Alternative::Less));
        for ((both, up), down) in both.iter().zip(&up).zip(&down) {
            let (Some(both), Some(up), Some(down)) = (both, up, down) else { continue };
            prop_assert!(*up + *down >= 1.01 - 1e-12 && *up <= 1.0 && *down <= 1.0);
            prop_assert!(*both <= *up + 1e-12 && *both > 0.0);
        }
    }
}
