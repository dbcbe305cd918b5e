//! pass@k: of how many items one of k completions is right.

use serde::{Deserialize, Serialize};

/// Context of the key derivation: a change of what is drawn takes a new one.
const PURPOSE: &str = "case2code eval 2026-11 resamples of the items";

/// pass@k of one kind of verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Expected share of items of which one of k completions, drawn at random, is right (Chen et al. 2021, arXiv
    /// 2107.03374); null without items.
    pub unbiased: Option<f64>,
    /// 95% confidence interval of it, from resamples of the items.
    pub ci95: Option<[f64; 2]>,
    /// Items of which one of the first k completions, in the order of the file, is right: the published count.
    pub passed: usize,
    /// Items.
    pub items: usize,
}

/// The score of items, each given as its completions' being right or not, in order.
pub fn score(items: &[Vec<bool>], k: usize, resamples: u32, seed: u64) -> Score {
    let each: Vec<f64> =
        items.iter().map(|right| unbiased(right.len(), right.iter().filter(|r| **r).count(), k)).collect();
    let passed = items.iter().filter(|right| right.iter().take(k).any(|right| *right)).count();
    let mean = (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64);
    Score { unbiased: mean, ci95: interval(&each, resamples, seed), passed, items: items.len() }
}

/// 1 - C(n-c, k) / C(n, k).
fn unbiased(n: usize, c: usize, k: usize) -> f64 {
    if n.saturating_sub(c) < k {
        return if c > 0 { 1.0 } else { 0.0 };
    }
    1.0 - (n - c + 1..=n).map(|i| 1.0 - k as f64 / i as f64).product::<f64>()
}

/// The middle 95% of the means of resamples.
fn interval(each: &[f64], resamples: u32, seed: u64) -> Option<[f64; 2]> {
    if each.is_empty() {
        return None;
    }
    let mut stream = blake3::Hasher::new_derive_key(PURPOSE).update(&seed.to_le_bytes()).finalize_xof();
    let mut drawn = vec![0; each.len() * 8];
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| {
            stream.fill(&mut drawn);
            let (draws, _) = drawn.as_chunks::<8>();
            // The high half of a 64×64 product is below the number of items.
            let chosen = |draw: &[u8; 8]| ((u128::from(u64::from_le_bytes(*draw)) * each.len() as u128) >> 64) as usize;
            draws.iter().map(|draw| each[chosen(draw)]).sum::<f64>() / each.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((means.len() - 1) as f64 * share).round() as usize];
    Some([at(0.025), at(0.975)])
}

#[cfg(test)]
mod tests {
    use super::{score, unbiased};

    #[test]
    fn the_estimator_is_that_of_the_paper() {
        // From all ways to draw k of n.
        for n in 1..=7usize {
            for c in 0..=n {
                for k in 1..=n {
                    let draws: Vec<u32> = (0..1u32 << n).filter(|set| set.count_ones() as usize == k).collect();
                    let passed = draws.iter().filter(|set| *set & ((1 << c) - 1) != 0).count();
                    let wanted = passed as f64 / draws.len() as f64;
                    assert!((unbiased(n, c, k) - wanted).abs() < 1e-12, "n {n} c {c} k {k}");
                }
            }
        }
    }

    #[test]
    fn scores_come_with_the_published_count() {
        let items = [vec![false, true], vec![true, true], vec![false, false], vec![true, false]];
        let one = score(&items, 1, 500, 0);
        assert_eq!((one.unbiased, one.passed, one.items), (Some(0.5), 2, 4));
        let two = score(&items, 2, 500, 0);
        assert_eq!((two.unbiased, two.passed), (Some(0.75), 3));
        let [low, high] = two.ci95.expect("there are items");
        assert!(low < 0.75 && 0.75 < high && high <= 1.0, "{low} {high}");
        assert_eq!(score(&items, 2, 500, 0), two);
        assert_eq!(score(&[], 1, 500, 0).ci95, None);
    }
}
