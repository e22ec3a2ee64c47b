//! How the widget looks on a business's pages, and what it says first.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::language::Language;

/// The longest greeting, in characters.
pub const MAX_GREETING: usize = 500;
/// The longest label of the launcher, in characters.
pub const MAX_LAUNCHER: usize = 40;
/// How many languages a greeting or label may be written in.
pub const MOST_LANGUAGES: usize = 20;

/// Which lower corner of a page the launcher stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Corner {
    /// The left one.
    Left,
    /// The right one.
    #[default]
    Right,
}

impl Corner {
    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Left, Self::Right].into_iter().find(|corner| corner.as_str() == name)
    }
}

/// A colour of the sRGB space, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// The text is not a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour is # and six hexadecimal digits, such as #3f4bd8")]
pub struct ParseColourError;

impl Colour {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Black or white, whichever is easier to read on this colour; their contrast is at least 4.5 to 1 (WCAG 2.2, 1.4.3).
    #[must_use]
    pub fn readable(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// The contrast between two colours, 1 to 21 (WCAG 2.2, contrast ratio).
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Relative luminance, 0 to 1 (WCAG 2.2).
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let part = f64::from(channel) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl FromStr for Colour {
    type Err = ParseColourError;

    fn from_str(text: &str) -> Result<Self, ParseColourError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(ParseColourError)?;
        let digits = digits.to_ascii_lowercase();
        let bytes = data_encoding::HEXLOWER.decode(digits.as_bytes()).map_err(|_| ParseColourError)?;
        bytes.try_into().map(Self).map_err(|_| ParseColourError)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// How the widget looks and what it says first, where that is not as usual.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WidgetSettings {
    /// How often they were set; 0 when never.
    pub version: u64,
    /// Where the launcher stands.
    pub corner: Corner,
    /// The colour of the launcher and of the visitor's messages.
    pub colour: Option<Colour>,
    /// What Bob says first, by language.
    pub greeting: BTreeMap<Language, String>,
    /// What stands beside the launcher's sign, by language.
    pub launcher: BTreeMap<Language, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits_behind_a_number_sign() {
        for (text, read) in [("#3f4bd8", "#3f4bd8"), ("#FFFFFF", "#ffffff"), ("#000000", "#000000")] {
            assert_eq!(text.parse::<Colour>().unwrap().to_string(), read);
        }
        for text in ["", "#", "#fff", "3f4bd8", "#3f4bd8ff", "#3f4bdg", "#3f4bé", "red", "#3f4bd8;", "url(x)"]
        {
            assert_eq!(text.parse::<Colour>(), Err(ParseColourError), "{text}");
        }
    }

    #[test]
    fn text_on_any_colour_can_be_read() {
        for step in 0..=u8::MAX {
            for colour in [[step; 3], [step, 0, 255], [255, step, 0], [0, 255, step], [step, 128, 90]] {
                let colour = Colour(colour);
                assert!(colour.contrast(colour.readable()) >= 4.5, "{colour}");
            }
        }
        assert_eq!(Colour::WHITE.readable(), Colour::BLACK);
        assert_eq!(Colour::BLACK.readable(), Colour::WHITE);
        assert!((Colour::WHITE.contrast(Colour::BLACK) - 21.0).abs() < 1e-9);
    }
}
