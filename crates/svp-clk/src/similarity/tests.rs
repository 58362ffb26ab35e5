//! The search against comparing every pair; the boundaries and the solutions against anonlink 0.15.3.

use super::bounds::dice;
use super::*;

/// A small generator (Marsaglia's xorshift), so that these tests depend on nothing.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Rows of random density; some empty, some full, some near an earlier one.
    fn rows(&mut self, n: usize, bits: usize) -> Vec<Vec<u8>> {
        let mut rows: Vec<Vec<u8>> = Vec::new();
        for row in 0..n {
            let mut bytes = vec![0u8; bits.div_ceil(8)];
            let kind = self.next() % 16;
            if kind < 5 && row > 0 {
                bytes.clone_from(&rows[self.next() as usize % row]);
                for _ in 0..self.next() % 9 {
                    let bit = self.next() as usize % bits;
                    bytes[bit / 8] ^= 1 << (bit % 8);
                }
            } else if kind > 5 {
                let density = if kind == 6 { 256 } else { self.next() % 200 };
                for bit in 0..bits {
                    bytes[bit / 8] |= u8::from(self.next() % 256 < density) << (bit % 8);
                }
            }
            rows.push(bytes);
        }
        rows
    }
}

fn filters(rows: &[Vec<u8>], bits: usize) -> Filters {
    Filters::new(&rows.concat(), rows.len(), bits).unwrap()
}

/// Every pair counted; anonlink's test of the popcounts as its source has it.
fn brute(left: &[Vec<u8>], right: &[Vec<u8>], threshold: f64, within: bool) -> Vec<Pair> {
    let count = |row: &[u8]| row.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let mut found = Vec::new();
    for (i, a) in left.iter().enumerate() {
        for (j, b) in right.iter().enumerate().skip(if within { i + 1 } else { 0 }) {
            let both = a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum::<u32>();
            let (a, b) = (count(a), count(b));
            let score = if a + b == 0 { 0.0 } else { f64::from(2 * both) / f64::from(a + b) };
            let near = threshold <= 0.0 || a.abs_diff(b) <= (f64::from(2 * a) * (1.0 / threshold - 1.0)) as u32;
            if score >= threshold && near {
                found.push((i as u32, j as u32, score));
            }
        }
    }
    found.sort_by(|one, other| other.2.total_cmp(&one.2).then((one.0, one.1).cmp(&(other.0, other.1))));
    found
}

const THRESHOLDS: [f64; 10] = [-1.0, 0.0, 0.1, 0.3, 0.5, 2.0 / 3.0, 0.75, 0.8, 0.9, 1.0];

#[test]
fn finds_what_comparing_every_pair_finds() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for (n, m, bits) in
        [(1, 1, 8), (3, 300, 64), (70, 40, 100), (40, 257, 128), (270, 9, 1024), (9, 100, 1000), (9, 9, 3000)]
    {
        let (left, right) = (chance.rows(n, bits), chance.rows(m, bits));
        let right: Vec<_> =
            right.into_iter().enumerate().map(|(i, r)| if i % 3 == 0 { left[i % n].clone() } else { r }).collect();
        let (a, b) = (filters(&left, bits), filters(&right, bits));
        for threshold in THRESHOLDS {
            let wanted = brute(&left, &right, threshold, false);
            assert_eq!(pairs_at_least(&a, &b, threshold).unwrap(), wanted, "{n} {m} {bits} {threshold}");
            assert_eq!(pairs_on(&a, &b, threshold, 3).unwrap(), wanted);
            if m > 257 {
                continue;
            }
            let wanted = brute(&right, &right, threshold, true);
            assert_eq!(pairs_within(&b, threshold, 2).unwrap(), wanted, "{m} {bits} {threshold}");
        }
        assert_eq!(pairs_at_least(&a, &b, 1.01).unwrap(), []);
        assert_eq!(pairs_at_least(&a, &b, f64::INFINITY).unwrap(), []);
    }
}

#[test]
fn machines_without_vector_instructions_find_the_same() {
    let mut chance = Chance(3);
    let (left, right) = (chance.rows(60, 512), chance.rows(300, 512));
    let (a, b) = (filters(&left, 512), filters(&right, 512));
    for threshold in [0.0, 0.5, 0.8] {
        let bounds = Bounds::new(512, threshold).unwrap();
        let found = sliced::search_with(pulp::Arch::Scalar, &a, &b, &bounds, false, 1);
        assert_eq!(found, brute(&left, &right, threshold, false));
    }
}

#[test]
fn rows_of_many_hundred_bits_lack_many() {
    // More misses allowed than the planes of the usual instances can count.
    let mut chance = Chance(7);
    let (left, right) = (chance.rows(9, 20_000), chance.rows(40, 20_000));
    let (a, b) = (filters(&left, 20_000), filters(&right, 20_000));
    for threshold in [0.2, 0.8] {
        assert_eq!(pairs_at_least(&a, &b, threshold).unwrap(), brute(&left, &right, threshold, false));
    }
}

/// Rows of 128 bits of which the first `count` are set.
fn run(count: u32) -> Filters {
    Filters::new(&(u128::MAX.checked_shr(128 - count).unwrap_or(0)).to_le_bytes(), 1, 128).unwrap()
}

#[test]
fn stands_on_the_threshold_as_anonlink_does() {
    // All (|a|, |b|) up to 128, the shorter within the longer, with a coefficient of exactly the threshold, that
    // dice_coefficient_accelerated drops; it admits every other.
    let dropped = |threshold: f64, a: u32, b: u32| {
        (threshold == 0.95 && a.is_multiple_of(19) && b == a / 19 * 21)
            || (threshold == 0.75 && a.is_multiple_of(3) && b == a / 3 * 5)
            || (threshold == 0.55 && (a, b) == (33, 87))
    };
    let mut on = 0;
    let mut lost = 0;
    for threshold in [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 2.0 / 3.0, 0.6, 0.55, 0.3, 0.1] {
        for a in 1..=128 {
            for b in 1..=128 {
                if dice(a.min(b), a + b) == threshold {
                    let found = pairs_at_least(&run(a), &run(b), threshold).unwrap();
                    assert_eq!(found.is_empty(), dropped(threshold, a, b), "{threshold} {a} {b}");
                    on += 1;
                    lost += u32::from(found.is_empty());
                }
            }
        }
    }
    assert!(on > 300, "{on}");
    assert_eq!(lost, 32);
}

const LEFT: [u16; 6] = [0x65c3, 0x99c6, 0x3387, 0xea94, 0xcb4a, 0x275c];
const RIGHT: [u16; 7] = [0xbb21, 0x06cf, 0xad62, 0x58e5, 0x456e, 0xea23, 0xc64e];

#[test]
fn solves_as_anonlink_does() {
    let rows = |rows: &[u16]| rows.iter().map(|row| row.to_be_bytes().to_vec()).collect::<Vec<_>>();
    let (left, right) = (rows(&LEFT), rows(&RIGHT));
    let found = pairs_at_least(&filters(&left, 16), &filters(&right, 16), 0.5).unwrap();
    assert_eq!(found.len(), 30);
    assert_eq!(found[..4], [(4, 6, 0.75), (0, 1, 0.625), (0, 2, 0.625), (0, 4, 0.625)]);
    let names = |pairs: Vec<Pair>| pairs.into_iter().map(|(a, b, _)| (a, b)).collect::<Vec<_>>();
    // find_candidate_pairs(..., 0.5, k=2)
    assert_eq!(
        names(best_per_row(&found, 2)),
        [(4, 6), (0, 1), (0, 2), (1, 2), (1, 3), (2, 0), (2, 1), (3, 5), (5, 4), (3, 0)]
    );
    let mut solved = names(one_to_one(&found));
    solved.sort_unstable();
    assert_eq!(solved, [(0, 1), (1, 2), (2, 0), (3, 5), (4, 6), (5, 4)]);
}

#[test]
fn refuses_what_cannot_be_compared() {
    assert!(matches!(Filters::new(&[0; 16], 3, 64), Err(ClkError::Shape { rows: 3, bits: 64 })));
    assert!(matches!(Filters::new(&[], 0, 0), Err(ClkError::Bits { bits: 0, .. })));
    assert!(matches!(Filters::new(&[], 0, MOST_BITS + 1), Err(ClkError::Bits { bits, .. }) if bits == MOST_BITS + 1));
    let (a, b) = (Filters::new(&[1; 8], 1, 64).unwrap(), Filters::new(&[1; 16], 1, 128).unwrap());
    assert!(matches!(pairs_at_least(&a, &b, 0.5), Err(ClkError::Widths { left: 64, right: 128 })));
    assert!(matches!(pairs_at_least(&a, &a, f64::NAN), Err(ClkError::Threshold)));
    assert_eq!(pairs_at_least(&a, &Filters::new(&[], 0, 64).unwrap(), 0.0).unwrap(), []);
    let longest = Filters::new(&vec![1; MOST_BITS / 8], 1, MOST_BITS).unwrap();
    assert_eq!(pairs_at_least(&longest, &longest, 1.0).unwrap(), [(0, 0, 1.0)]);
}
