//! The little algebra that the attacks need: assignments of least cost, ridge regression.

/// For each row the column that it is given, so that the sum of costs is least and no column is given twice (Hungarian method, as
/// shortest augmenting paths). There are as many columns as rows, or more.
pub fn assign(cost: &[Vec<f64>]) -> Vec<usize> {
    let (n, m) = (cost.len(), cost.first().map_or(0, Vec::len));
    assert!(n <= m, "{n} rows and {m} columns");
    // Row and column 0 stand for none.
    let (mut u, mut v, mut of) = (vec![0.0; n + 1], vec![0.0; m + 1], vec![0; m + 1]);
    for row in 1..=n {
        of[0] = row;
        let (mut least, mut from, mut used) = (vec![f64::INFINITY; m + 1], vec![0; m + 1], vec![false; m + 1]);
        let mut at = 0;
        while of[at] != 0 {
            used[at] = true;
            let (mut delta, mut next) = (f64::INFINITY, 0);
            for column in 1..=m {
                if used[column] {
                    continue;
                }
                let reduced = cost[of[at] - 1][column - 1] - u[of[at]] - v[column];
                if reduced < least[column] {
                    (least[column], from[column]) = (reduced, at);
                }
                if least[column] < delta {
                    (delta, next) = (least[column], column);
                }
            }
            for column in 0..=m {
                if used[column] {
                    u[of[column]] += delta;
                    v[column] -= delta;
                } else {
                    least[column] -= delta;
                }
            }
            at = next;
        }
        while at != 0 {
            of[at] = of[from[at]];
            at = from[at];
        }
    }
    let mut out = vec![0; n];
    (1..=m).filter(|column| of[*column] > 0).for_each(|column| out[of[column] - 1] = column - 1);
    out
}

/// Solves `(a + ridge · 1) x = b` for many right sides at once, `a` being symmetric and positive (Cholesky).
pub fn solve(mut a: Vec<Vec<f64>>, ridge: f64, mut b: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    for i in 0..n {
        let (above, rest) = a.split_at_mut(i);
        let row = &mut rest[0];
        row[i] += ridge;
        for (j, other) in above.iter().enumerate() {
            let dot: f64 = row[..j].iter().zip(&other[..j]).map(|(x, y)| x * y).sum();
            row[j] = (row[j] - dot) / other[j];
        }
        row[i] = (row[i] - row[..i].iter().map(|x| x * x).sum::<f64>()).sqrt();
    }
    for (i, factors) in a.iter().enumerate() {
        let (done, rest) = b.split_at_mut(i);
        for (row, times) in done.iter().zip(factors) {
            take(&mut rest[0], row, *times);
        }
        rest[0].iter_mut().for_each(|x| *x /= factors[i]);
    }
    for i in (0..n).rev() {
        let (rest, done) = b.split_at_mut(i + 1);
        for (k, row) in done.iter().enumerate() {
            take(&mut rest[i], row, a[i + 1 + k][i]);
        }
        rest[i].iter_mut().for_each(|x| *x /= a[i][i]);
    }
    b
}

fn take(from: &mut [f64], row: &[f64], times: f64) {
    if times != 0.0 {
        from.iter_mut().zip(row).for_each(|(x, y)| *x -= times * y);
    }
}

/// Adds `times · row`.
pub fn add(to: &mut [f64], row: &[f64], times: f64) {
    to.iter_mut().zip(row).for_each(|(x, y)| *x += times * y);
}

/// The sum of squared differences.
pub fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// The bits of a filter as numbers.
pub fn bits(filter: &[u8]) -> Vec<f64> {
    filter.iter().flat_map(|byte| (0..8).map(move |i| f64::from((byte >> i) & 1))).collect()
}

/// Random numbers that a seed decides (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
