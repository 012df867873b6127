//! Labels beside each other: none is over another, and each is as near as can be to what it is for.

/// Neighbours that have been pushed together: they move as one.
struct Block {
    /// Of the places that its labels want, as if they took no room.
    sum: f64,
    count: usize,
}

impl Block {
    fn place(&self) -> f64 {
        self.sum / self.count as f64
    }
}

/// Where labels go that want to be at these places: at least `gap` from each other, if there is room for that, between
/// `low` and `high`, with the least squares of distances from where they want to be.
///
/// Once each place is lessened by the room that the labels before it take, the order is all that is asked for: that is
/// isotonic regression, done by pooling neighbours that violate it (M. Ayer et al., The Annals of Mathematical Statistics
/// 26, 1955).
pub(super) fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let between = wanted.len().saturating_sub(1);
    let gap = gap.min((high - low) / between.max(1) as f64);
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut blocks: Vec<Block> = Vec::new();
    for (index, label) in order.iter().enumerate() {
        let mut block = Block {
            sum: wanted[*label] - index as f64 * gap,
            count: 1,
        };
        while let Some(above) = blocks.pop_if(|above| above.place() > block.place()) {
            block.sum += above.sum;
            block.count += above.count;
        }
        blocks.push(block);
    }
    let high = high - between as f64 * gap;
    let lessened = blocks.iter().flat_map(|block| {
        let place = block.place().min(high).max(low);
        std::iter::repeat_n(place, block.count)
    });
    let mut places = vec![0.0; wanted.len()];
    for (index, (label, place)) in order.iter().zip(lessened).enumerate() {
        places[*label] = place + index as f64 * gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_have_room_stay() {
        assert_eq!(spread(&[50.0, 10.0], 20.0, 0.0, 100.0), [50.0, 10.0]);
        assert!(spread(&[], 20.0, 0.0, 100.0).is_empty());
    }

    #[test]
    fn labels_make_room_for_each_other() {
        assert_eq!(spread(&[50.0, 50.0], 20.0, 0.0, 100.0), [40.0, 60.0]);
        assert_eq!(
            spread(&[96.0, 98.0, 99.0], 20.0, 0.0, 100.0),
            [60.0, 80.0, 100.0]
        );
        assert_eq!(spread(&[2.0, 1.0], 20.0, 0.0, 100.0), [20.0, 0.0]);
        // There is no room for all.
        assert_eq!(
            spread(&[5.0; 6], 20.0, 0.0, 50.0),
            [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
        );
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..200 {
            let wanted: Vec<f64> = (0..rng.usize(1..9)).map(|_| rng.f64() * 100.0).collect();
            let mut places = spread(&wanted, 10.0, 0.0, 100.0);
            places.sort_by(f64::total_cmp);
            assert!(
                places
                    .iter()
                    .all(|place| (-1e-9..=100.0 + 1e-9).contains(place))
            );
            assert!(places.windows(2).all(|two| two[1] - two[0] > 10.0 - 1e-9));
        }
    }
}
