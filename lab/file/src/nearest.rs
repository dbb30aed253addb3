//! The known word that an unknown one was probably meant to be.

/// The candidate that is a few slips of the keyboard away, if one is.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let slips_max = 1 + word.chars().count() / 4;
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= slips_max)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the
/// other (optimal string alignment). Very long words are as far away as they are long.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().flat_map(char::to_lowercase).collect();
    let to: Vec<char> = to.chars().flat_map(char::to_lowercase).collect();
    if from.len().abs_diff(to.len()) > 8 || from.len() > 64 {
        return from.len().max(to.len());
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, &have) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &want) in to.iter().enumerate() {
            let replaced = above[column] + usize::from(have != want);
            let mut cost = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && have == to[column - 1] && from[row - 1] == want;
            if swapped {
                cost = cost.min(before[column - 1] + 1);
            }
            current.push(cost);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_strange_word_finds_none() {
        let words = ["subnet", "role", "metric"];
        assert_eq!(nearest("subnat", words), Some("subnet"));
        assert_eq!(nearest("sbunet", words), Some("subnet"));
        assert_eq!(nearest("Metrics", words), Some("metric"));
        assert_eq!(nearest("gateway", words), None);
    }
}
