//! Words that differ from a known one by a slip of the finger.

/// Known words by their length, to be compared with an unknown one.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    /// At `n` the words of `n` characters, in order.
    by_length: Vec<Vec<Box<[char]>>>,
}

/// The shortest word that may be mistyped, in characters; below, one letter makes another word too often.
const SHORTEST: usize = 6;
/// From this length on any slip is forgiven; in a shorter word only two letters swapped or one wrongly doubled, *because*
/// `Wetter` is not `weiter`.
const LONG: usize = 8;
/// The longest word that is compared.
const LONGEST: usize = 30;

impl Spelling {
    /// Learns known words.
    pub(super) fn learn(&mut self, words: impl IntoIterator<Item = String>) {
        for word in words {
            let letters: Box<[char]> = word.chars().collect();
            if !(SHORTEST - 1..=LONGEST + 1).contains(&letters.len()) {
                continue;
            }
            if self.by_length.len() <= letters.len() {
                self.by_length.resize_with(letters.len() + 1, Vec::new);
            }
            let length = letters.len();
            self.by_length[length].push(letters);
        }
        for words in &mut self.by_length {
            words.sort();
            words.dedup();
        }
    }

    /// The known word one slip away: a letter more, less, another, or two swapped. The first letter is never wrong,
    /// *because* slips are rare there and `weather` is not `leather`.
    pub(super) fn nearest(&self, word: &str) -> Option<String> {
        let letters: Vec<char> = word.chars().take(LONGEST + 1).collect();
        if !(SHORTEST..=LONGEST).contains(&letters.len()) {
            return None;
        }
        // The same length first: swapped and wrong letters are commoner than missing ones.
        [letters.len(), letters.len() + 1, letters.len() - 1]
            .into_iter()
            .filter_map(|length| self.by_length.get(length))
            .flatten()
            .find(|known| known[0] == letters[0] && is_one_slip(&letters, known))
            .map(|known| known.iter().collect())
    }

    /// Roughly how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        self.by_length.iter().flatten().map(|word| 24 + 4 * word.len()).sum()
    }
}

/// Whether one edit makes `one` into `other`.
fn is_one_slip(one: &[char], other: &[char]) -> bool {
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let end = one[start..].iter().rev().zip(other[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (left, right) = (&one[start..one.len() - end], &other[start..other.len() - end]);
    let is_long = one.len().min(other.len()) >= LONG;
    match (left, right) {
        ([_], [_]) => is_long,
        // What is left of `shipping` and `shiping` is one letter beside its twin.
        ([extra], []) => is_long || start > 0 && one[start - 1] == *extra,
        ([], [extra]) => is_long || start > 0 && other[start - 1] == *extra,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Option<&str>) {
        let known = ["refund", "shipping", "delivery", "leather", "return"];
        let mut spelling = Spelling::default();
        spelling.learn(known.map(str::to_owned));
        assert_eq!(spelling.nearest(typed).as_deref(), expected, "{typed}");
    }

    #[test]
    fn one_slip_is_forgiven() {
        check("refnud", Some("refund"));
        check("shiping", Some("shipping"));
        check("delivvery", Some("delivery"));
        check("delevery", Some("delivery"));
    }

    #[test]
    fn another_word_is_no_slip() {
        check("weather", None);
        check("turn", None);
        check("relevant", None);
        check("retunr", Some("return"));
        check("refind", None);
        check("reefund", Some("refund"));
        check("refuned", None);
    }
}
