//! What one hash costs.

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The cost is below what argon2 can do (RFC 9106: 8 KiB a lane, one pass, one lane) or above what Bob accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password costs 8 KiB a lane to 1 GiB, 1 to 64 passes and 1 to 64 lanes")]
pub struct PasswordCostError;

impl PasswordCost {
    /// 19 MiB, 2 passes, 1 lane: what OWASP's Password Storage Cheat Sheet asks of argon2id; the default.
    pub const OWASP: Self = Self { memory_kib: 19 * 1_024, passes: 2, lanes: 1 };

    /// The least argon2 can do. For tests; it protects nobody.
    pub const FOR_TESTS: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };

    const MOST: Self = Self { memory_kib: 1_024 * 1_024, passes: 64, lanes: 64 };

    /// A cost of `memory_kib` KiB, filled `passes` times, in `lanes` lanes.
    ///
    /// # Errors
    ///
    /// [`PasswordCostError`] below 8 KiB a lane, one pass or one lane, and above 1 GiB, 64 passes or 64 lanes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, PasswordCostError> {
        let fits =
            memory_kib <= Self::MOST.memory_kib && passes <= Self::MOST.passes && lanes <= Self::MOST.lanes;
        let possible = Params::new(memory_kib, passes, lanes, None).is_ok();
        (fits && possible).then_some(Self { memory_kib, passes, lanes }).ok_or(PasswordCostError)
    }

    pub(super) fn argon2(self) -> Argon2<'static> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.expect("checked when the cost was made"))
    }

    /// A hash of this cost that no password has.
    pub(super) fn dummy(self) -> String {
        let Self { memory_kib, passes, lanes } = self;
        let (salt, output) = (BASE64_NOPAD.encode(&[0; 16]), BASE64_NOPAD.encode(&[0; 32]));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${output}")
    }
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self::OWASP
    }
}
