//! Axes: where figures are placed, and which round numbers stand beside them.

/// So many numbers have room beside a logarithmic axis, whatever its length. Of one more, two are powers of ten.
const MOST_FACTORS: usize = 5;

/// Places figures along a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    kind: Kind,
    /// The figures at both ends.
    figures: (f64, f64),
    /// The places of both ends.
    places: (f64, f64),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Linear,
    Logarithmic,
}

impl Scale {
    /// From one figure to another, placed from one place to another.
    pub(super) fn linear(figures: (f64, f64), places: (f64, f64)) -> Scale {
        Scale {
            kind: Kind::Linear,
            figures,
            places,
        }
    }

    /// The same for figures above zero, where each factor takes the same room.
    pub(super) fn logarithmic(figures: (f64, f64), places: (f64, f64)) -> Scale {
        Scale {
            kind: Kind::Logarithmic,
            figures,
            places,
        }
    }

    /// Where a figure is. All is in the middle of a scale that has but one figure.
    pub(super) fn place(&self, figure: f64) -> f64 {
        let along = |figure: f64| match self.kind {
            Kind::Linear => figure,
            Kind::Logarithmic => figure.ln(),
        };
        let (first, last) = (along(self.figures.0), along(self.figures.1));
        let (start, end) = self.places;
        let part = match first == last {
            true => 0.5,
            false => (along(figure) - first) / (last - first),
        };
        start + (end - start) * part
    }
}

/// Numbers from 0 to the first that is not below `most`, at most so many steps of 1, 2 or 5 and zeros, as small as can be.
pub(super) fn round_numbers(most: f64, most_steps: usize) -> Vec<f64> {
    if !(most > 0.0 && most.is_finite()) {
        return vec![0.0, 1.0];
    }
    let least_step = most / most_steps.max(1) as f64;
    let power = 10f64.powf(least_step.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|digit| digit * power);
    // One that is a rounding error too small still is large enough.
    let step = steps
        .into_iter()
        .find(|step| *step >= least_step * (1.0 - 1e-9));
    let step = step.unwrap_or(10.0 * power);
    let count = (most / step - 1e-9).ceil().max(1.0) as usize;
    (0..=count).map(|index| index as f64 * step).collect()
}

/// All numbers of one digit and zeros (1, 2, 5, 10, 20 …) from the last that is not above `least` to the first that is not
/// below `most`, both above zero: the first and the last are the ends of a logarithmic axis.
pub(super) fn round_factors(least: f64, most: f64) -> Vec<f64> {
    let powers = least.log10().floor() as i32..=most.log10().floor() as i32 + 1;
    let all: Vec<f64> = powers
        .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)))
        .collect();
    let first = all.iter().rposition(|number| *number <= least).unwrap_or(0);
    let last = all.iter().position(|number| *number >= most);
    let last = last.unwrap_or(all.len() - 1).max(first + 1);
    all[first..=last].to_vec()
}

/// Those of [`round_factors`] to write beside the axis: if they are many, powers of ten.
pub(super) fn written_factors(factors: &[f64]) -> Vec<f64> {
    let is_power = |number: f64| (number.log10() - number.log10().round()).abs() < 1e-9;
    let is_written = |number: &f64| factors.len() <= MOST_FACTORS || is_power(*number);
    factors.iter().copied().filter(is_written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_axes_have_round_numbers_that_cover_all() {
        assert_eq!(
            round_numbers(112_345.0, 6),
            [0.0, 20e3, 40e3, 60e3, 80e3, 100e3, 120e3]
        );
        assert_eq!(
            round_numbers(100.0, 5),
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        );
        for most in [0.013, 0.7, 1.0, 3.0, 49.0, 101.0, 1234.5, 9.99e6] {
            let numbers = round_numbers(most, 5);
            let (step, last) = (numbers[1], numbers[numbers.len() - 1]);
            assert!(
                last >= most * 0.999_999 && last - step < most,
                "{numbers:?}"
            );
            assert!((3..=8).contains(&numbers.len()), "{most}: {numbers:?}");
            let digits = format!("{step:e}");
            assert!(
                ["1", "2", "5"].contains(&&digits[..1]) && &digits[1..2] == "e",
                "{digits}"
            );
        }
        assert_eq!(round_numbers(0.0, 5), [0.0, 1.0]);
    }

    #[test]
    fn logarithmic_axes_enclose_all() {
        let few = round_factors(120.0, 800.0);
        assert_eq!(few, [100.0, 200.0, 500.0, 1000.0]);
        assert_eq!(written_factors(&few), few);
        let many = round_factors(60.0, 150_000.0);
        assert_eq!((many[0], many[many.len() - 1]), (50.0, 200_000.0));
        assert_eq!(written_factors(&many), [100.0, 1e3, 1e4, 1e5]);
        for (least, most) in [(1.0, 1.0), (7.0, 7.5), (100.0, 1e6), (3.0, 9e5)] {
            let all = round_factors(least, most);
            let (first, last) = (all[0], all[all.len() - 1]);
            assert!(first <= least && last >= most && first < last, "{all:?}");
            assert!(written_factors(&all).len() > 1, "{all:?}");
        }
    }

    #[test]
    fn places_are_between_the_ends() {
        let linear = Scale::linear((0.0, 10.0), (100.0, 0.0));
        assert_eq!(
            [0.0, 5.0, 10.0].map(|n| linear.place(n)),
            [100.0, 50.0, 0.0]
        );
        let logarithmic = Scale::logarithmic((1.0, 256.0), (0.0, 80.0));
        assert!((logarithmic.place(16.0) - 40.0).abs() < 1e-9);
        let one = Scale::logarithmic((64.0, 64.0), (0.0, 80.0));
        assert_eq!(one.place(64.0), 40.0);
    }
}
