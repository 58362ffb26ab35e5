//! The inner loop: 256 right rows at once, bit by bit.
//!
//! Right rows stand in blocks of 256, transposed: column j of a block is 256 bits, bit i of it says that row i LACKS bit j.
//! For a left row the columns of its set bits are added up by carry-save adders (Harley and Seal; Muła, Kurz and Lemire
//! 2018), which gives for all 256 rows at once how many bits of the left row they miss: five logical instructions for each
//! column, not a popcount for each pair. A pair may miss at most |a| minus the least intersection. The counter starts so far
//! below its top that one miss more carries out of it, so that "missed too many" is one sticky bit, looked at after every 32
//! columns; once all rows but a few have it, those few are counted by themselves. Columns come in ascending order of how many
//! right rows have the bit, so that the misses come early.

use std::num::NonZeroUsize;
use std::ops::Range;

use pulp::{Arch, Scalar, Simd, WithSimd};

use super::bounds::{Bounds, dice};
use super::filters::{Filters, Pair};

/// Rows of a block, and its words in a column.
const BLOCK: usize = 256;
const LANES: usize = BLOCK / 64;
/// Columns that are added at once.
const GROUP: usize = 16;
/// Groups between two looks at who has missed too many.
const LOOK: usize = 2;
/// Left rows whose lists are kept at once: with a block they fit the second cache.
const TILE: usize = 256;
/// How many columns for a block are worth one pair counted by itself; measured, for the row of a pair must be fetched too.
const ALONE: usize = 96;

/// Right rows, transposed in blocks.
struct Slices {
    /// Columns of a block: one for each bit, and one in which nobody lacks anything.
    columns: usize,
    data: Vec<u64>,
    /// Columns in ascending order of how many rows have the bit, and the place of each in that order.
    ranked: Vec<u16>,
    rank: Vec<u16>,
}

impl Slices {
    fn new(set: &Filters) -> Self {
        let bits = set.words * 64;
        let columns = bits + 1;
        let mut data = vec![0u64; set.len().div_ceil(BLOCK) * columns * LANES];
        let mut having = vec![0u64; bits];
        let mut square = [0u64; 64];
        for (number, block) in data.chunks_exact_mut(columns * LANES).enumerate() {
            for lane in 0..LANES {
                let first = number * BLOCK + lane * 64;
                for word in 0..set.words {
                    for (row, line) in square.iter_mut().enumerate() {
                        *line = set.rows.get((first + row) * set.words + word).copied().unwrap_or(0);
                    }
                    transpose(&mut square);
                    for (bit, line) in square.iter().enumerate() {
                        having[word * 64 + bit] += u64::from(line.count_ones());
                        block[(word * 64 + bit) * LANES + lane] = !line;
                    }
                }
            }
        }
        let mut ranked: Vec<u16> = (0u16..).take(bits).collect();
        ranked.sort_by_key(|&column| having[usize::from(column)]);
        let mut rank = vec![0u16; bits];
        for (place, &column) in (0u16..).zip(&ranked) {
            rank[usize::from(column)] = place;
        }
        Self { columns, data, ranked, rank }
    }

    /// Appends the columns of a row's set bits, rare ones first, filled up to whole groups with the column of nobody.
    fn list(&self, row: &[u64], by_rank: &mut [u64], out: &mut Vec<u16>) {
        by_rank.fill(0);
        each_bit(row, |bit| {
            let place = usize::from(self.rank[bit]);
            by_rank[place / 64] |= 1 << (place % 64);
        });
        each_bit(by_rank, |place| out.push(self.ranked[place]));
        let nobody = u16::try_from(self.columns - 1).unwrap_or(u16::MAX);
        out.resize(out.len().next_multiple_of(GROUP), nobody);
    }
}

/// Calls with the number of every set bit, ascending.
#[inline(always)]
fn each_bit(words: &[u64], mut with: impl FnMut(usize)) {
    for (number, &word) in words.iter().enumerate() {
        let mut left = word;
        while left != 0 {
            with(number * 64 + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}

/// Transposes a square of 64 by 64 bits by halving (Warren, Hacker's Delight, 7-3).
fn transpose(square: &mut [u64; 64]) {
    let (mut width, mut mask) = (32, 0x0000_0000_ffff_ffffu64);
    while width != 0 {
        let mut row = 0;
        while row < 64 {
            let swap = ((square[row] >> width) ^ square[row + width]) & mask;
            square[row] ^= swap << width;
            square[row + width] ^= swap;
            row = (row + width + 1) & !width;
        }
        width >>= 1;
        mask ^= mask << width;
    }
}

/// All pairs, sorted; `within`: `left` and `right` are one set, whose pairs are looked for once.
pub(super) fn search(left: &Filters, right: &Filters, bounds: &Bounds, within: bool, threads: usize) -> Vec<Pair> {
    search_with(Arch::new(), left, right, bounds, within, threads)
}

/// [`search`] with the instructions of `arch`.
pub(super) fn search_with(
    arch: Arch,
    left: &Filters,
    right: &Filters,
    bounds: &Bounds,
    within: bool,
    threads: usize,
) -> Vec<Pair> {
    if left.is_empty() || right.is_empty() {
        return Vec::new();
    }
    let slices = Slices::new(right);
    let hunt = Hunt { arch, left, right, bounds, within, slices: &slices };
    let tiles = left.len().div_ceil(TILE);
    let threads = threads.clamp(1, tiles);
    let mut found = if threads == 1 {
        hunt.tiles(0..tiles, NonZeroUsize::MIN)
    } else {
        // Every thread takes each so-many-th tile: windows are wider where the popcounts are common.
        let step = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        std::thread::scope(|scope| {
            let work = |first: usize| {
                let hunt = &hunt;
                scope.spawn(move || hunt.tiles(first..tiles, step))
            };
            let all: Vec<_> = (0..threads).map(work).collect();
            all.into_iter().flat_map(|one| one.join().unwrap_or_else(|why| std::panic::resume_unwind(why))).collect()
        })
    };
    // The coefficient is never negative, so its bits sort as it does.
    found.sort_unstable_by_key(|&(left, right, score)| (!score.to_bits(), left, right));
    found
}

/// A search.
struct Hunt<'a> {
    arch: Arch,
    left: &'a Filters,
    right: &'a Filters,
    bounds: &'a Bounds,
    within: bool,
    slices: &'a Slices,
}

/// A left row of a tile: its place, its popcount, its columns in the tile's list, the right rows that it may pair with.
struct Query {
    place: usize,
    count: u32,
    list: Range<usize>,
    rows: Range<usize>,
}

impl Hunt<'_> {
    fn tiles(&self, tiles: Range<usize>, step: NonZeroUsize) -> Vec<Pair> {
        let (mut found, mut list, mut queries) = (Vec::new(), Vec::new(), Vec::new());
        for tile in tiles.step_by(step.get()) {
            list.clear();
            queries.clear();
            self.load(tile, &mut list, &mut queries);
            self.arch.dispatch(Tile { hunt: self, list: &list, queries: &queries, found: &mut found });
        }
        found
    }

    fn load(&self, tile: usize, list: &mut Vec<u16>, queries: &mut Vec<Query>) {
        let mut by_rank = vec![0; self.left.words];
        let mut known = None;
        for place in tile * TILE..self.left.len().min((tile + 1) * TILE) {
            let count = self.left.counts[place];
            let rows = match &known {
                Some((of, rows)) if *of == count => Range::clone(rows),
                _ => self.window(count),
            };
            known = Some((count, rows.clone()));
            let rows = if self.within { rows.start.max(place + 1)..rows.end } else { rows };
            if !rows.is_empty() {
                let start = list.len();
                self.slices.list(self.left.row(place), &mut by_rank, list);
                queries.push(Query { place, count, list: start..list.len(), rows });
            }
        }
    }

    /// Right rows whose popcounts allow a pair.
    fn window(&self, count: u32) -> Range<usize> {
        let Some((low, high)) = self.bounds.window(count) else { return 0..0 };
        let counts = &self.right.counts;
        counts.partition_point(|&other| other < low)..counts.partition_point(|&other| other <= high)
    }

    /// Counts one pair and keeps it if it is good enough.
    #[inline(always)]
    fn settle(&self, query: &Query, place: usize, found: &mut Vec<Pair>) {
        let (row, other) = (self.left.row(query.place), self.right.row(place));
        let both: u32 = row.iter().zip(other).map(|(a, b)| (a & b).count_ones()).sum();
        let count = self.right.counts[place];
        if both >= self.bounds.least(query.count + count) {
            self.keep(query, place, both, found);
        }
    }

    #[inline(never)]
    fn keep(&self, query: &Query, place: usize, both: u32, found: &mut Vec<Pair>) {
        let count = self.right.counts[place];
        let (left, right) = (self.left.order[query.place], self.right.order[place]);
        let score = dice(both, query.count + count);
        if self.within && right < left {
            if self.bounds.near(count, query.count) {
                found.push((right, left, score));
            }
        } else if self.bounds.near(query.count, count) {
            found.push((left, right, score));
        }
    }
}

/// The pairs of a tile's rows, compiled for the vector instructions that the machine has.
struct Tile<'a> {
    hunt: &'a Hunt<'a>,
    list: &'a [u16],
    queries: &'a [Query],
    found: &'a mut Vec<Pair>,
}

impl WithSimd for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::U64_LANES <= LANES { self.run(simd) } else { self.run(Scalar) }
    }
}

impl Tile<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let hunt = self.hunt;
        let (Some(start), Some(end)) =
            (self.queries.iter().map(|q| q.rows.start).min(), self.queries.iter().map(|q| q.rows.end).max())
        else {
            return;
        };
        for number in start / BLOCK..end.div_ceil(BLOCK) {
            let size = hunt.slices.columns * LANES;
            let (block, _) = S::as_simd_u64s(&hunt.slices.data[number * size..(number + 1) * size]);
            for query in self.queries {
                let rows = query.rows.start.max(number * BLOCK)..query.rows.end.min((number + 1) * BLOCK);
                if rows.is_empty() {
                    continue;
                }
                // The rows of a block are sorted: the first has the fewest bits and is asked for the least.
                let least = hunt.bounds.least(query.count + hunt.right.counts[rows.start]);
                let allowed = query.count.saturating_sub(least);
                let list = self.list[query.list.clone()].as_chunks().0;
                // As many planes above the fours as the counter of misses needs: one instance of the loop for each.
                let alive = match allowed {
                    0..=31 => survivors::<S, 1>(simd, block, list, allowed),
                    32..=63 => survivors::<S, 2>(simd, block, list, allowed),
                    64..=127 => survivors::<S, 3>(simd, block, list, allowed),
                    128..=255 => survivors::<S, 4>(simd, block, list, allowed),
                    256..=511 => survivors::<S, 5>(simd, block, list, allowed),
                    _ => survivors::<S, 12>(simd, block, list, allowed),
                };
                if alive == [0; LANES] {
                    continue;
                }
                each_bit(&alive, |row| {
                    let place = number * BLOCK + row;
                    if rows.contains(&place) {
                        hunt.settle(query, place, self.found);
                    }
                });
            }
        }
    }
}

/// Rows of the block that may lack no more than `allowed` of the listed columns; some that lack more may be among them.
#[inline(always)]
fn survivors<S: Simd, const PLANES: usize>(
    simd: S,
    block: &[S::u64s],
    list: &[[u16; GROUP]],
    allowed: u32,
) -> [u64; LANES] {
    let parts = LANES / S::U64_LANES;
    let mut alive = [!0u64; LANES];
    let (parts_of, _) = S::as_mut_simd_u64s(&mut alive);
    for (part, alive) in parts_of.iter_mut().enumerate() {
        *alive = lane::<S, PLANES>(simd, block, parts, part, list, allowed);
    }
    alive
}

/// [`survivors`] for the rows of one register.
#[inline(always)]
fn lane<S: Simd, const PLANES: usize>(
    simd: S,
    block: &[S::u64s],
    parts: usize,
    part: usize,
    list: &[[u16; GROUP]],
    allowed: u32,
) -> S::u64s {
    let zero = simd.splat_u64s(0);
    // Counts from here carry out of the top plane with the first miss beyond what is allowed.
    let bias = (16u32 << PLANES) - 1 - allowed;
    let plane = |bit: u32| simd.splat_u64s(0u64.wrapping_sub(u64::from(bias >> bit & 1)));
    let [mut ones, mut twos, mut fours, mut eights] = [plane(0), plane(1), plane(2), plane(3)];
    let mut upper = [zero; PLANES];
    for (bit, slot) in (4u32..).zip(&mut upper) {
        *slot = plane(bit);
    }
    let mut dead = zero;
    let add = |a, b, c| {
        let either = simd.xor_u64s(a, b);
        (simd.or_u64s(simd.and_u64s(a, b), simd.and_u64s(either, c)), simd.xor_u64s(either, c))
    };
    // Until this many columns nobody can have lacked too many.
    let mut quiet = allowed as usize / GROUP;
    let mut left = list.len();
    for group in list {
        let column = |i: usize| block[usize::from(group[i]) * parts + part];
        let (a, l) = add(ones, column(0), column(1));
        let (b, l) = add(l, column(2), column(3));
        let (c, m) = add(twos, a, b);
        let (a, l) = add(l, column(4), column(5));
        let (b, l) = add(l, column(6), column(7));
        let (d, m) = add(m, a, b);
        let (e, n) = add(fours, c, d);
        let (a, l) = add(l, column(8), column(9));
        let (b, l) = add(l, column(10), column(11));
        let (c, m) = add(m, a, b);
        let (a, l) = add(l, column(12), column(13));
        let (b, l) = add(l, column(14), column(15));
        let (d, m) = add(m, a, b);
        let (f, n) = add(n, c, d);
        let (mut carry, o) = add(eights, e, f);
        (ones, twos, fours, eights) = (l, m, n, o);
        for plane in &mut upper {
            (*plane, carry) = (simd.xor_u64s(*plane, carry), simd.and_u64s(*plane, carry));
        }
        dead = simd.or_u64s(dead, carry);
        left -= 1;
        if quiet > 0 {
            quiet -= 1;
            continue;
        }
        quiet = LOOK - 1;
        let words: &[u64] = pulp::bytemuck::cast_slice(std::slice::from_ref(&dead));
        let alive: u32 = words.iter().map(|word| word.count_zeros()).sum();
        if alive as usize * ALONE <= left * GROUP {
            break;
        }
    }
    simd.not_u64s(dead)
}
