//! What somebody may have meant.

/// The name nearest to `name`, if it is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let nearest = known.min_by_key(|known| distance(known, name))?;
    (distance(nearest, name) <= name.len().div_ceil(2)).then_some(nearest)
}

/// How many letters to change, add or remove to make `b` of `a` (Levenshtein).
pub(in crate::sql) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        let expected = [
            ("", "abc", 3),
            ("limit", "limti", 2),
            ("side", "side", 0),
            ("kitten", "sitting", 3),
        ];
        for (a, b, want) in expected {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }
}
