use super::*;
use crate::attack::{Proof, attack, attack_exact};
use crate::random_tables::{Chance, Rule, flat, nested, plain, random, tables};
use crate::system::{Equation, Number, ProtectionInterval};
use proptest::prelude::*;
use svp_contract::Advice;

const EXACT: Rule = Rule { k: 5, base: 1 };

/// A two-way table with margins from its inner counts.
fn two_way(rows: &[&[i32]], rule: Rule) -> System {
    let mut counts = rows.iter().flat_map(|r| r.iter().map(|&c| f64::from(c)));
    tables(&[flat(rows.len()), flat(rows[0].len())], &[&[0, 1]], rule, || counts.next().unwrap()).0
}

fn hidden(system: &System) -> Vec<usize> {
    (0..system.numbers.len()).filter(|&i| system.numbers[i].state == State::Hidden).collect()
}

/// Numbers whose protection interval the full programme breaks.
fn broken_exactly(system: &System) -> Vec<usize> {
    let mut system = system.clone();
    raise_intervals(&mut system).unwrap();
    let system = &system;
    let open = |i: &usize| {
        system.numbers[*i].state != State::Shown && system.numbers[*i].protection != ProtectionInterval::None
    };
    (0..system.numbers.len())
        .filter(open)
        .filter(|&i| {
            let (lo, hi) = attack_exact(system, i).unwrap();
            system.numbers[i].protection.broken_by(lo, hi)
        })
        .collect()
}

#[test]
fn one_small_cell_in_a_two_by_two_table_needs_three_more() {
    let mut system = two_way(&[&[3, 20], &[30, 40]], EXACT);
    assert_eq!(attack(&system, &Effort::default()).unwrap().broken.len(), 1);
    let number = hidden(&system)[0];
    assert_eq!(attack_exact(&system, number).unwrap(), (3.0, 3.0));
    let done = protect(&mut system, &Effort::default()).unwrap();
    assert_eq!(done.hidden.len(), 3);
    assert!(done.unprotected.is_empty() && done.attack.broken.is_empty());
    let (lo, hi) = attack_exact(&system, number).unwrap();
    assert_eq!((lo, hi), (1.0, 22.0));
}

#[test]
fn two_small_cells_in_two_rows_close_a_circle_with_two_more() {
    let mut system = two_way(&[&[2, 50, 60], &[70, 2, 80], &[90, 95, 99]], EXACT);
    let done = protect(&mut system, &Effort::default()).unwrap();
    assert_eq!(done.hidden.len(), 2);
}

#[test]
fn a_small_total_of_three_cells_is_three_at_the_least() {
    let mut system = two_way(&[&[1, 1, 2], &[9, 8, 7], &[12, 11, 9]], EXACT);
    let done = protect(&mut system, &Effort::default()).unwrap();
    assert!(done.unprotected.is_empty());
    let total = (0..system.numbers.len()).find(|&i| system.numbers[i].value == Some(4.0)).unwrap();
    let (lo, hi) = attack_exact(&system, total).unwrap();
    assert!((lo - 3.0).abs() < MARGIN && hi >= 4.0);
}

#[test]
fn noughts_cannot_be_hidden_so_a_row_of_them_gives_its_total() {
    let mut system = two_way(&[&[3, 0, 0], &[30, 40, 0], &[8, 9, 7]], EXACT);
    let done = protect(&mut system, &Effort::default()).unwrap();
    assert!(done.unprotected.is_empty());
    assert!(broken_exactly(&system).is_empty());
    assert!(hidden(&system).iter().all(|&i| system.numbers[i].value != Some(0.0)));
}

#[test]
fn a_latent_difference_must_not_be_surely_small() {
    let known = |value: f64| EXACT.number(value, 0);
    let rest = Number {
        state: State::Latent,
        assumed: (0.0, f64::INFINITY),
        protection: ProtectionInterval::EitherSide { lower: 1.0, upper: 4.0 },
        ..known(2.0)
    };
    let mut system =
        System { numbers: vec![known(52.0), known(50.0), rest], equations: vec![Equation::sum(0, &[1, 2])] };
    assert_eq!(attack(&system, &Effort::default()).unwrap().broken, [2]);
    let done = protect(&mut system.clone(), &Effort::default()).unwrap();
    assert_eq!(done.hidden, [1], "the cheaper of the two");
    system.numbers[0].fixed = true;
    system.numbers[1].fixed = true;
    let stuck = protect(&mut system, &Effort::default()).unwrap();
    assert_eq!((stuck.hidden.len(), stuck.unprotected), (0, vec![2]), "an earlier release stands in the way");
}

#[test]
fn an_old_release_is_attacked_without_its_truth() {
    let mut system = two_way(&[&[3, 20], &[30, 40]], EXACT);
    for n in &mut system.numbers {
        n.value = None;
    }
    assert_eq!(attack(&system, &Effort::default()).unwrap().broken.len(), 1);
    assert!(matches!(protect(&mut system.clone(), &Effort::default()), Err(SystemError::NoValue { number: 0 })));
    let mut safe = two_way(&[&[3, 20], &[30, 40]], EXACT);
    protect(&mut safe, &Effort::default()).unwrap();
    for n in &mut safe.numbers {
        n.value = None;
    }
    let found = attack(&safe, &Effort::default()).unwrap();
    assert!(found.broken.is_empty());
    assert_eq!(found.proofs[&Proof::Witness], 1);
}

#[test]
fn too_little_effort_counts_as_broken() {
    let mut system = two_way(&[&[3, 20, 8], &[30, 40, 9], &[7, 11, 12]], EXACT);
    protect(&mut system, &Effort::default()).unwrap();
    let lazy = Effort { circle: 0, neighbourhoods: vec![2], whole: 1, ..Effort::default() };
    let found = attack(&system, &lazy).unwrap();
    assert!(!found.broken.is_empty());
    assert!(found.bounds.iter().all(|b| b.broken == (b.proof != Proof::Witness)));
    assert!(found.proofs.contains_key(&Proof::GaveUp));
}

/// The table of sdcTable's own test of SIMPLEHEURISTIC (repository sdcTools/sdcTable,
/// tests/testthat/test-simpleheuristic.R): nine cells are suppressed, every line has two or more, and still one
/// can be computed. sdcTable adds one cell; its attack then bounds that cell by 0 and 141.
#[test]
fn the_table_of_sdctable_needs_one_cell_more() {
    let open = Rule { k: 0, base: 1 };
    let mut system = two_way(&[&[30, 47, 64, 89], &[90, 124, 5, 31], &[92, 100, 59, 85], &[800, 991, 651, 685]], open);
    // Keys are sorted: number 5·row + column, row and column 0 being totals.
    let cell = |row: usize, column: usize| 5 * row + column;
    let small = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 3), (3, 2), (3, 4), (4, 2), (4, 4)];
    for n in &mut system.numbers {
        n.assumed = (0.0, f64::INFINITY);
    }
    for (row, column) in small {
        let n = &mut system.numbers[cell(row, column)];
        n.state = State::Hidden;
        let value = n.value.unwrap();
        // sdcTable's heuristic protects against exact recomputation only.
        n.protection = ProtectionInterval::BothSides { lower: value - 1.0, upper: value + 1.0 };
    }
    assert_eq!(attack_exact(&system, cell(1, 2)).unwrap(), (47.0, 47.0));
    assert_eq!(attack(&system, &Effort::default()).unwrap().broken, [cell(1, 2)]);
    let mut ours = system.clone();
    let done = protect(&mut ours, &Effort::default()).unwrap();
    assert_eq!(done.hidden.len(), 1, "as many as sdcTable");
    assert_eq!(done.hidden, [cell(2, 4)], "31; sdcTable's authors name a cell of 124");
    system.numbers[cell(2, 2)].state = State::Hidden;
    assert!(attack(&system, &Effort::default()).unwrap().broken.is_empty());
    let (lo, hi) = attack_exact(&system, cell(1, 2)).unwrap();
    assert!((lo - 0.0).abs() < 1e-6 && (hi - 141.0).abs() < 1e-6, "sdcTable's attack: 0 to 141");
}

#[test]
fn a_thousand_random_linked_tables_withstand_the_full_attack() {
    let mut chance = Chance(20_260_101);
    let (mut leaked, mut with_goals, mut cells, mut first, mut second, mut plainly, mut plain_leaks) =
        (0, 0, 0, 0, 0, 0, 0);
    for round in 0..1000 {
        let primary = random(&mut chance);
        cells += primary.numbers.len();
        first += hidden(&primary).len();
        let before = attack(&primary, &Effort::default()).unwrap();
        with_goals += usize::from(!before.bounds.is_empty());
        leaked += usize::from(!before.broken.is_empty());
        let mut system = primary.clone();
        let done = protect(&mut system, &Effort::default()).unwrap();
        assert!(done.unprotected.is_empty(), "table {round}");
        assert_eq!(broken_exactly(&system), [0_usize; 0], "table {round}");
        second += done.hidden.len();
        for (now, then) in system.numbers.iter().zip(&primary.numbers) {
            let hidden_now = now.state != then.state;
            assert_eq!((now.value, now.published, now.assumed), (then.value, then.published, then.assumed));
            assert!(
                !hidden_now || (now.state == State::Hidden && then.state == State::Shown && then.value != Some(0.0))
            );
        }
        let mut theirs = primary.clone();
        plainly += plain(&mut theirs);
        plain_leaks += usize::from(!attack(&theirs, &Effort::default()).unwrap().broken.is_empty());
    }
    // In 2026: 58,763 cells, 11,160 primary; ours hides 5,681 and leaks nowhere, the plain heuristic hides 11,077
    // (it does not see what rounding protects) and leaks in 382 tables.
    assert!(cells > first && second < plainly && plain_leaks > 0, "{cells} {first} {second} {plainly} {plain_leaks}");
    // Without secondary suppression the attack recovers cells in most tables that have any to recover.
    assert!(2 * leaked > with_goals, "{leaked} of {with_goals}");
}

/// Numbers and equations laid out in another order.
fn shuffled(system: &System, chance: &mut Chance) -> (System, Vec<usize>) {
    let mut order: Vec<usize> = (0..system.numbers.len()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, chance.below(i + 1));
    }
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(to, &from)| place[from] = to);
    let mut equations: Vec<Equation> = system
        .equations
        .iter()
        .map(|e| Equation { terms: e.terms.iter().rev().map(|&(i, c)| (place[i], -c)).collect() })
        .collect();
    equations.reverse();
    (System { numbers: order.iter().map(|&i| system.numbers[i].clone()).collect(), equations }, order)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_same_is_hidden_however_the_rows_lie(seed in any::<u64>()) {
        let mut chance = Chance(seed);
        let mut system = random(&mut chance);
        let (mut other, order) = shuffled(&system, &mut chance);
        let low_greedy = Effort { greedy_from: if seed % 2 == 0 { 0 } else { 3000 }, ..Effort::default() };
        protect(&mut system, &low_greedy).unwrap();
        protect(&mut other, &low_greedy).unwrap();
        let mut there: Vec<usize> = hidden(&other).into_iter().map(|i| order[i]).collect();
        there.sort_unstable();
        prop_assert_eq!(hidden(&system), there);
    }

    #[test]
    fn the_greedy_stage_and_small_neighbourhoods_are_as_safe(seed in any::<u64>()) {
        let mut system = random(&mut Chance(seed));
        let effort = Effort { greedy_from: 0, neighbourhoods: vec![8, 20], take_back: 5, ..Effort::default() };
        let done = protect(&mut system, &effort).unwrap();
        prop_assert!(done.unprotected.is_empty());
        prop_assert_eq!(broken_exactly(&system), Vec::<usize>::new());
    }

    #[test]
    fn the_attack_agrees_with_the_full_programme(seed in any::<u64>()) {
        let system = random(&mut Chance(seed));
        let found = attack(&system, &Effort::default()).unwrap();
        prop_assert_eq!(&found.broken, &broken_exactly(&system));
        for b in &found.bounds {
            let (lo, hi) = attack_exact(&system, b.number).unwrap();
            prop_assert!(b.lo <= lo + MARGIN && b.hi >= hi - MARGIN, "bounds are true");
        }
    }

    #[test]
    fn every_witness_fits_everything_that_was_published(seed in any::<u64>()) {
        let system = random(&mut Chance(seed));
        let mut proofs = Proofs::new(&system);
        run(&system, &Effort::default(), &mut proofs).unwrap();
        for witness in &proofs.witnesses {
            let mut all: Vec<f64> = system.numbers.iter().map(|n| n.value.unwrap()).collect();
            witness.iter().for_each(|&(i, x)| all[i] = x);
            for (x, n) in all.iter().zip(&system.numbers) {
                prop_assert!(inside(*x, n.interval()));
            }
            for e in &system.equations {
                let sum: f64 = e.terms.iter().map(|&(i, c)| c * all[i]).sum();
                prop_assert!(sum.abs() < 1e-5);
            }
        }
    }
}

#[test]
fn a_wrong_system_is_refused() {
    let good = two_way(&[&[3, 20], &[30, 40]], EXACT);
    let refused = |change: &dyn Fn(&mut System)| {
        let mut system = good.clone();
        change(&mut system);
        let error = protect(&mut system.clone(), &Effort::default()).unwrap_err();
        assert_eq!(attack(&system, &Effort::default()).unwrap_err(), error);
        assert!(error.hint().is_some());
        error
    };
    // A hierarchy with a hole: one part of a total is not in its equation.
    let hole = refused(&|s| s.equations[1].terms.truncate(2));
    assert_eq!(hole, SystemError::DoesNotAddUp { equation: 1 });
    assert_eq!(refused(&|s| s.equations[0].terms[0].0 = 99), SystemError::Term { equation: 0 });
    assert_eq!(refused(&|s| s.equations[0].terms[0].1 = 0.0), SystemError::Term { equation: 0 });
    assert_eq!(refused(&|s| s.equations[0].terms[1] = s.equations[0].terms[0]), SystemError::Term { equation: 0 });
    assert_eq!(refused(&|s| s.numbers[4].value = Some(-1.0)), SystemError::NotACount { number: 4 });
    assert_eq!(refused(&|s| s.numbers[4].value = Some(f64::NAN)), SystemError::NotACount { number: 4 });
    assert_eq!(refused(&|s| s.numbers[0].published = (5.0, 6.0)), SystemError::Untrue { number: 0 });
    assert_eq!(refused(&|s| s.numbers[0].published = (6.0, 5.0)), SystemError::Meaningless { number: 0 });
    assert_eq!(refused(&|s| s.numbers[0].cost = f64::INFINITY), SystemError::Meaningless { number: 0 });
    assert_eq!(
        refused(&|s| s.numbers[4].protection = ProtectionInterval::BothSides { lower: 4.0, upper: 1.0 }),
        SystemError::Meaningless { number: 4 }
    );
}

#[test]
fn a_published_table_that_contradicts_itself_is_refused() {
    let mut system = two_way(&[&[30, 20], &[30, 40]], EXACT);
    for n in &mut system.numbers {
        n.value = None;
    }
    system.numbers[0].published = (500.0, 500.0);
    assert!(matches!(attack(&system, &Effort::default()), Err(SystemError::Contradiction { .. })));
}

#[test]
fn a_nested_table_of_thousands_goes_through_every_stage() {
    let mut chance = Chance(3);
    let (mut system, _) = tables(&[nested(8, 12), flat(36)], &[&[0, 1]], EXACT, || chance.count(70, 6));
    assert!(system.numbers.len() > Effort::default().greedy_from);
    let done = protect(&mut system, &Effort::default()).unwrap();
    assert!(done.unprotected.is_empty() && !done.hidden.is_empty());
}
