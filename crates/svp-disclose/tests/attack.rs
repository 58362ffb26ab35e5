//! The attack and the protection on tables whose answer is known, and on a thousand random linked tables.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod linked;

use linked::{Random, TwoLevels, linked};
use svp_disclose::attack::{Effort, Proof, attack, attack_exact};
use svp_disclose::protect::protect;
use svp_disclose::raise_intervals;
use svp_disclose::relate::{Related, relate};
use svp_disclose::system::{Equation, Number, ProtectionInterval, State, System, SystemError};

/// The protection intervals as far as marks can keep them at all.
fn attainable(system: &System) -> Vec<ProtectionInterval> {
    let mut raised = system.clone();
    raise_intervals(&mut raised).unwrap();
    raised.numbers.into_iter().map(|n| n.protection).collect()
}

fn effort() -> Effort {
    Effort::default()
}

/// Rows a, b, c and their total; columns x, y, z and theirs: 16 numbers, row by row.
fn three_by_three(body: [[f64; 3]; 3], below: f64) -> System {
    let mut system = System::default();
    let cell = |v: f64| if v > 0.0 && v < below { Number::suppressed(v, below) } else { Number::shown(v) };
    for r in 0..4 {
        for c in 0..4 {
            let rows = if r < 3 { r..r + 1 } else { 0..3 };
            let value: f64 = rows.flat_map(|r| if c < 3 { body[r][c..=c].to_vec() } else { body[r].to_vec() }).sum();
            system.numbers.push(cell(value));
        }
    }
    for i in 0..4 {
        system.equations.push(Equation::sum(4 * i + 3, &[4 * i, 4 * i + 1, 4 * i + 2]));
        system.equations.push(Equation::sum(12 + i, &[i, 4 + i, 8 + i]));
    }
    system
}

#[test]
fn one_suppressed_cell_is_recovered_by_subtraction() {
    let mut system = three_by_three([[20.0, 3.0, 17.0], [30.0, 25.0, 19.0], [11.0, 40.0, 16.0]], 8.0);
    let found = attack(&system, &effort()).unwrap();
    let broken: Vec<_> = found.bounds.iter().filter(|b| b.broken).collect();
    assert_eq!((broken.len(), broken[0].number, broken[0].proof), (1, 1, Proof::Propagated));
    assert_eq!((broken[0].lo, broken[0].hi), (3.0, 3.0), "the reader knows it exactly");
    assert_eq!(attack_exact(&system, 1).unwrap(), (3.0, 3.0));

    // Three more cells are the least that hides it: a rectangle.
    let done = protect(&mut system, &effort()).unwrap();
    assert_eq!(done.hidden.len(), 3, "{:?}", done.hidden);
    assert!(done.unprotected.is_empty());
    assert_eq!(attack(&system, &effort()).unwrap().broken.len(), 0);
    let (lo, hi) = attack_exact(&system, 1).unwrap();
    assert!(lo <= 1.0 && hi >= 7.0, "{lo} to {hi}");
}

/// Two marked cells under a marked total: the total is two at the least, and no suppression can keep that.
#[test]
fn marks_tell_that_a_total_is_of_two_at_least() {
    let numbers = vec![Number::suppressed(1.0, 8.0), Number::suppressed(1.0, 8.0), Number::suppressed(2.0, 8.0)];
    let mut system = System { numbers, equations: Vec::new() };
    system.equations.push(Equation::sum(2, &[0, 1]));
    assert_eq!(attainable(&system)[2], ProtectionInterval::BothSides { lower: 2.0, upper: 7.0 });
    assert_eq!(attack(&system, &effort()).unwrap().broken.len(), 0);
    // An earlier release that printed the total makes nothing attainable out of it.
    system.numbers[2].state = State::Shown;
    system.numbers[2].published = (2.0, 2.0);
    assert_eq!(attack(&system, &effort()).unwrap().broken.len(), 2);
}

/// Every row and column has two hidden cells, and yet one of them follows from all equations together.
#[test]
fn counting_suppressed_cells_is_not_enough() {
    // Hidden: a rectangle of cells whose only freedom is one cycle, along which the smallest can move by one only.
    let mut system = three_by_three([[1.0, 12.0, 30.0], [15.0, 14.0, 20.0], [22.0, 28.0, 31.0]], 8.0);
    for hidden in [1, 4, 5] {
        system.numbers[hidden].state = State::Hidden;
    }
    // Enough room here: 1 can go up to 13.
    assert_eq!(attack(&system, &effort()).unwrap().broken.len(), 0);
    // With a partner of 2 it cannot: the reader knows 1 to 2 and the protection interval is 1 to 7.
    let mut tight = three_by_three([[1.0, 2.0, 30.0], [15.0, 14.0, 20.0], [22.0, 28.0, 31.0]], 8.0);
    for hidden in [4, 5] {
        tight.numbers[hidden].state = State::Hidden;
    }
    let found = attack(&tight, &effort()).unwrap();
    assert_eq!(found.broken.len(), 2);
    assert_eq!(attack_exact(&tight, 0).unwrap(), (1.0, 2.0));
    protect(&mut tight, &effort()).unwrap();
    assert_eq!(attack(&tight, &effort()).unwrap().broken.len(), 0);
}

#[test]
fn zeros_and_earlier_numbers_are_never_hidden() {
    let mut system = three_by_three([[20.0, 3.0, 0.0], [0.0, 25.0, 0.0], [0.0, 0.0, 16.0]], 8.0);
    for n in [3, 7, 11, 12, 13, 14, 15] {
        system.numbers[n].fixed = true;
    }
    let before = system.clone();
    let done = protect(&mut system, &effort()).unwrap();
    for n in &done.hidden {
        assert!(before.numbers[*n].value.unwrap() > 0.0 && !before.numbers[*n].fixed);
    }
    // Nothing that may be hidden saves cell 1: it is said, and not called safe.
    assert_eq!(done.unprotected, [1]);
    assert_eq!(attack(&system, &effort()).unwrap().broken.len(), 1);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let good = three_by_three([[20.0, 3.0, 17.0], [30.0, 25.0, 19.0], [11.0, 40.0, 16.0]], 8.0);
    let mut hole = good.clone();
    hole.numbers[3].value = Some(41.0);
    hole.numbers[3].published = (41.0, 41.0);
    assert_eq!(attack(&hole, &effort()).unwrap_err(), SystemError::DoesNotAddUp { equation: 0 });
    assert_eq!(protect(&mut hole, &effort()).unwrap_err(), SystemError::DoesNotAddUp { equation: 0 });
    let mut outside = good.clone();
    outside.numbers[0].published = (1.0, 2.0);
    assert_eq!(attack(&outside, &effort()).unwrap_err(), SystemError::Untrue { number: 0 });
    let mut negative = good.clone();
    negative.numbers[1].value = Some(-3.0);
    assert_eq!(attack(&negative, &effort()).unwrap_err(), SystemError::NotACount { number: 1 });
    let mut infinite = good.clone();
    infinite.numbers[0].value = Some(f64::NAN);
    assert!(attack(&infinite, &effort()).is_err());
    let mut malformed = good.clone();
    malformed.equations[0].terms[0].0 = 99;
    assert_eq!(attack(&malformed, &effort()).unwrap_err(), SystemError::Term { equation: 0 });
    // Without truths, a table that nothing fits.
    let mut unfit = good;
    for number in &mut unfit.numbers {
        number.value = None;
    }
    unfit.numbers[3].published = (400.0, 400.0);
    assert!(matches!(attack(&unfit, &effort()).unwrap_err(), SystemError::Contradiction { .. }));
}

/// What a stranger with only the printed tables finds is what the pipeline finds with the truth.
#[test]
fn the_attack_needs_no_truth() {
    for seed in 0..60 {
        let (tables, _) = linked(seed);
        let mut known = relate(&tables, &TwoLevels).system;
        if seed % 2 == 0 {
            protect(&mut known, &effort()).unwrap();
        }
        let mut blind = known.clone();
        for number in &mut blind.numbers {
            number.value = None;
            // A latent number is attacked whether it is small or not, where nobody knows; here only the same ones.
        }
        let broken = |system: &System| -> Vec<usize> { attack(system, &effort()).unwrap().broken };
        assert_eq!(broken(&known), broken(&blind), "seed {seed}");
    }
}

fn goals(system: &System) -> Vec<usize> {
    (0..system.numbers.len())
        .filter(|n| {
            system.numbers[*n].protection != ProtectionInterval::None && system.numbers[*n].state != State::Shown
        })
        .collect()
}

fn holds(protection: ProtectionInterval, (lo, hi): (f64, f64)) -> bool {
    match protection {
        ProtectionInterval::None => true,
        ProtectionInterval::BothSides { lower: a, upper: b } => lo <= a + 1e-4 && hi >= b - 1e-4,
        ProtectionInterval::EitherSide { lower: a, upper: b } => lo <= a - 1.0 + 1e-4 || hi >= b + 1.0 - 1e-4,
    }
}

/// A thousand random linked tables with margins and hierarchies: after protection the whole linear programme bounds
/// no suppressed cell inside its protection interval; without secondary suppression it recovers cells in most.
#[test]
fn a_thousand_random_linked_tables() {
    let (mut attacked, mut recovered, mut tables_recovered, mut secondary, mut cells) = (0, 0, 0, 0, 0);
    for seed in 0..1000 {
        let (tables, _) = linked(seed);
        let Related { mut system, .. } = relate(&tables, &TwoLevels);
        cells += tables.iter().map(|t| t.rows.len()).sum::<usize>();
        let primary = system.clone();
        let open = attack(&primary, &effort()).unwrap();
        let broken = open.broken.len();
        recovered += broken;
        tables_recovered += usize::from(broken > 0);
        assert!(!open.proofs.contains_key(&Proof::GaveUp));

        let done = protect(&mut system, &effort()).unwrap();
        secondary += done.hidden.len();
        assert!(done.unprotected.is_empty(), "seed {seed}: {:?}", done.unprotected);
        for (before, after) in primary.numbers.iter().zip(&system.numbers) {
            // Nothing is changed but what is hidden, and zeros are not.
            assert_eq!(
                (before.value, before.published, before.protection),
                (after.value, after.published, after.protection)
            );
            assert!(after.state == before.state || (before.state == State::Shown && after.state == State::Hidden));
            assert!(after.state == before.state || before.value.unwrap() >= 1.0);
        }
        let attainable = attainable(&system);
        for n in goals(&system) {
            attacked += 1;
            let bounds = attack_exact(&system, n).unwrap();
            assert!(holds(attainable[n], bounds), "seed {seed}, number {n}: {bounds:?} {:?}", system.numbers[n]);
        }
    }
    eprintln!(
        "1,000 random linked tables: {cells} cells, {attacked} suppressed or implied numbers attacked by the whole linear programme, 0 bounded; \
         {secondary} cells hidden for others; without them {recovered} numbers recovered, in {tables_recovered} of the tables"
    );
    assert!(tables_recovered > 400, "{tables_recovered}: the attack must be able to recover cells");
}

/// The order of rows, columns and equations changes nothing but ties.
#[test]
fn the_order_of_rows_does_not_matter() {
    let mut same = 0;
    for seed in 0..100 {
        let (tables, _) = linked(seed);
        let mut shuffled = tables.clone();
        let mut random = Random::new(seed);
        for table in &mut shuffled {
            for i in (1..table.rows.len()).rev() {
                table.rows.swap(i, random.below(i as u64 + 1) as usize);
            }
            // Disclosure sorts rows by their grain before anything else.
            table.rows.sort_by(|a, b| a.members.cmp(&b.members));
        }
        let mut sorted = tables;
        for table in &mut sorted {
            table.rows.sort_by(|a, b| a.members.cmp(&b.members));
        }
        let hidden = |tables: &[svp_disclose::relate::Table]| {
            let mut related = relate(tables, &TwoLevels);
            protect(&mut related.system, &effort()).unwrap().hidden
        };
        assert_eq!(hidden(&sorted), hidden(&shuffled), "seed {seed}");
        same += 1;
    }
    assert_eq!(same, 100);
}

/// Tables that have nothing to do with one another are seen to one by one, on any number of threads.
#[test]
fn parts_and_threads_change_nothing() {
    for first in (5_000..5_100).step_by(5) {
        let mut together = System::default();
        for seed in first..first + 5 {
            let (tables, _) = linked(seed);
            let one = relate(&tables, &TwoLevels).system;
            let from = together.numbers.len();
            together.numbers.extend(one.numbers.iter().cloned());
            together.equations.extend(
                one.equations.iter().map(|e| Equation { terms: e.terms.iter().map(|&(i, c)| (from + i, c)).collect() }),
            );
        }
        // Orders are those of each table: made one order over all of them.
        (0..).zip(&mut together.numbers).for_each(|(order, n)| n.order = order);
        let decided = |threads: usize| {
            let mut system = together.clone();
            let done = protect(&mut system, &Effort { threads, ..effort() }).unwrap();
            (done, system)
        };
        let (done, system) = decided(1);
        for threads in [2, 3, 64] {
            assert_eq!((&done, &system), (&decided(threads).0, &decided(threads).1), "{threads} threads");
        }
        let found = |threads| attack(&system, &Effort { threads, ..effort() }).unwrap();
        assert_eq!(found(1), found(2));
    }
}
