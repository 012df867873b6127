//! Medians and quartiles.

/// What many figures come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many they are.
    pub count: usize,
    /// A quarter of them is below.
    pub p25: f64,
    /// Half of them.
    pub median: f64,
    /// Three quarters.
    pub p75: f64,
}

impl Summary {
    /// None of no figures.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Summary> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |part| quantile(&figures, part);
        (!figures.is_empty()).then(|| Summary {
            count: figures.len(),
            p25: at(0.25),
            median: at(0.5),
            p75: at(0.75),
        })
    }
}

/// The quantile of figures in order, at least one, with straight lines between them: type 7 of R. J. Hyndman and Y. Fan,
/// "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996), which R and NumPy take by default.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

/// The geometric mean, the one that fits ratios: twice as much and half as much come to the same. None of no figures.
pub fn geometric_mean(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    let logarithms: Vec<f64> = figures.into_iter().map(f64::ln).collect();
    let count = logarithms.len() as f64;
    (!logarithms.is_empty()).then(|| (logarithms.iter().sum::<f64>() / count).exp())
}

/// How likely it is that chance alone divides figures as unevenly as that, or more so, to either side: the two-sided sign
/// test (J. Arbuthnot, 1710), which supposes nothing of how figures are distributed.
pub fn sign_test(one_side: usize, other_side: usize) -> f64 {
    let (all, fewer) = (one_side + other_side, one_side.min(other_side));
    let mut ways = 1.0;
    let mut sum = 0.0;
    for count in 0..=fewer {
        sum += ways;
        ways *= (all - count) as f64 / (count + 1) as f64;
    }
    (2.0 * sum / 2_f64.powi(all as i32)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_those_of_r() {
        // R: quantile(c(7, 1, 3, 10), c(.25, .5, .75))
        let summary = Summary::of([7.0, 1.0, 3.0, 10.0]).unwrap();
        assert_eq!((summary.p25, summary.median, summary.p75), (2.5, 5.0, 7.75));
        let one = Summary::of([4.0]).unwrap();
        assert_eq!(
            (one.count, one.p25, one.median, one.p75),
            (1, 4.0, 4.0, 4.0)
        );
        assert_eq!(Summary::of([]), None);
    }

    #[test]
    fn chance_seldom_agrees_with_itself() {
        // R: binom.test(1, 10)$p.value and so on
        for (one, other, expected) in [
            (0, 5, 0.0625),
            (6, 0, 0.031_25),
            (1, 9, 0.021_484_375),
            (3, 3, 1.0),
            (0, 0, 1.0),
        ] {
            assert!(
                (sign_test(one, other) - expected).abs() < 1e-12,
                "{one} {other}"
            );
        }
    }

    #[test]
    fn ratios_have_a_mean_of_their_own() {
        assert!((geometric_mean([0.5, 2.0]).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(geometric_mean([]), None);
    }
}
