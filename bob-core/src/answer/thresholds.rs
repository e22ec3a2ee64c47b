//! The lines between answering, asking back and refusing.

/// How sure the grounded answerer must be; each business may draw its own lines.
///
/// All are shares between 0 and 1 of the question's meaning. The defaults were found on shop, hotel and software questions in
/// English, German and Japanese: they answer no question that the texts say nothing about, and ask back rather than guess.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    answer: f32,
    clarify: f32,
    near: f32,
    rival: f32,
}

/// A line is drawn where none can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdsError {
    /// A line is not between 0.05 and 1.
    #[error("a threshold is a share between 0.05 and 1")]
    OutOfBounds,
    /// Asking back would need more than answering.
    #[error("asking back cannot need more than answering")]
    Crossed,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { answer: 0.6, clarify: 0.3, near: 0.7, rival: 0.88 }
    }
}

impl Thresholds {
    /// Answers from `answer` on and asks back from `clarify` on (defaults 0.6 and 0.3).
    ///
    /// # Errors
    ///
    /// When a line is not between 0.05 and 1, or `clarify` lies above `answer`.
    pub fn new(answer: f32, clarify: f32) -> Result<Self, ThresholdsError> {
        let lines = Self { answer: line(answer)?, clarify: line(clarify)?, ..Self::default() };
        if clarify > answer { Err(ThresholdsError::Crossed) } else { Ok(lines) }
    }

    /// Answers from this closeness to a title or question variant on, however much else is asked (default 0.7).
    ///
    /// # Errors
    ///
    /// When it is not between 0.05 and 1.
    pub fn with_near(self, near: f32) -> Result<Self, ThresholdsError> {
        Ok(Self { near: line(near)?, ..self })
    }

    /// Asks back when another text scores at least this share of the best one (default 0.88).
    ///
    /// # Errors
    ///
    /// When it is not between 0.05 and 1.
    pub fn with_rival(self, rival: f32) -> Result<Self, ThresholdsError> {
        Ok(Self { rival: line(rival)?, ..self })
    }

    /// The coverage from which a passage answers.
    #[must_use]
    pub fn answer(&self) -> f32 {
        self.answer
    }

    /// The coverage from which a passage is offered.
    #[must_use]
    pub fn clarify(&self) -> f32 {
        self.clarify
    }

    /// The closeness to a title or question variant from which a passage answers.
    #[must_use]
    pub fn near(&self) -> f32 {
        self.near
    }

    /// The share of the best score from which another text is as good.
    #[must_use]
    pub fn rival(&self) -> f32 {
        self.rival
    }
}

fn line(share: f32) -> Result<f32, ThresholdsError> {
    // Written so that NaN is refused, too.
    if (0.05..=1.0).contains(&share) { Ok(share) } else { Err(ThresholdsError::OutOfBounds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_make_no_sense_are_refused() {
        assert_eq!(Thresholds::new(1.5, 0.3), Err(ThresholdsError::OutOfBounds));
        assert_eq!(Thresholds::new(0.6, 0.0), Err(ThresholdsError::OutOfBounds));
        assert_eq!(Thresholds::new(f32::NAN, 0.3), Err(ThresholdsError::OutOfBounds));
        assert_eq!(Thresholds::new(0.3, 0.6), Err(ThresholdsError::Crossed));
        assert_eq!(Thresholds::default().with_near(0.0), Err(ThresholdsError::OutOfBounds));
        assert_eq!(Thresholds::default().with_rival(2.0), Err(ThresholdsError::OutOfBounds));
        assert_eq!(Thresholds::new(0.6, 0.3), Ok(Thresholds::default()));
    }
}
