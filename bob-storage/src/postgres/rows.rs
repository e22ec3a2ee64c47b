//! Rows to values and values to parameters.

use std::str::FromStr;

use bob_core::account::{Account, PasswordHash, PlatformRole};
use bob_core::conversation::{Message, Role, TextPart};
use bob_core::id::{AccountId, KnowledgeId, MessageId, TurnId};
use bob_core::knowledge::{Audience, KnowledgeStatus, KnowledgeText, KnowledgeVersion};
use bob_core::storage::{Result, StorageError};
use bob_core::vault::DataKey;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row as _, Type};
use uuid::Uuid;

use super::error::{corrupt, failed};
use crate::record;
use crate::seal::{PersonSeal, VisitorSeal};

/// A moment, as it is stored.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A counter, as it is stored; no counter of Bob's grows past `i64::MAX`.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads the columns of a row from left to right.
pub(super) struct Cells<'r> {
    row: &'r PgRow,
    operation: &'static str,
    at: usize,
}

impl<'r> Cells<'r> {
    pub(super) fn of(row: &'r PgRow, operation: &'static str) -> Self {
        Self { row, operation, at: 0 }
    }

    /// Goes on behind the first `columns`.
    pub(super) fn skip(self, columns: usize) -> Self {
        Self { at: columns, ..self }
    }

    /// The next column as it is.
    pub(super) fn take<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self) -> Result<T> {
        let value = self.row.try_get(self.at).map_err(failed(self.operation))?;
        self.at += 1;
        Ok(value)
    }

    pub(super) fn id<T>(&mut self, from: impl FnOnce(Uuid) -> T) -> Result<T> {
        self.take().map(from)
    }

    pub(super) fn optional_id<T>(&mut self, from: impl FnOnce(Uuid) -> T) -> Result<Option<T>> {
        Ok(self.take::<Option<Uuid>>()?.map(from))
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes: &[u8] = self.take()?;
        bytes.try_into().map_err(|error| corrupt(self.operation, error))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp> {
        let micros = self.take()?;
        Timestamp::from_microsecond(micros).map_err(|error| corrupt(self.operation, error))
    }

    pub(super) fn optional_time(&mut self) -> Result<Option<Timestamp>> {
        let micros: Option<i64> = self.take()?;
        let time = micros.map(Timestamp::from_microsecond).transpose();
        time.map_err(|error| corrupt(self.operation, error))
    }

    /// A number that never is negative, nor too large for its type.
    pub(super) fn number<T: TryFrom<i64, Error = std::num::TryFromIntError>>(&mut self) -> Result<T> {
        let number: i64 = self.take()?;
        T::try_from(number).map_err(|error| corrupt(self.operation, error))
    }

    pub(super) fn optional_number<T: TryFrom<i64, Error = std::num::TryFromIntError>>(
        &mut self,
    ) -> Result<Option<T>> {
        let number: Option<i64> = self.take()?;
        number.map(T::try_from).transpose().map_err(|error| corrupt(self.operation, error))
    }

    pub(super) fn parsed<T>(&mut self) -> Result<T>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let text: &str = self.take()?;
        text.parse().map_err(|error: T::Err| corrupt(self.operation, error))
    }

    pub(super) fn optional_parsed<T>(&mut self) -> Result<Option<T>>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let text: Option<&str> = self.take()?;
        text.map(str::parse).transpose().map_err(|error: T::Err| corrupt(self.operation, error))
    }

    /// A name of one of the closed lists of bob-core.
    pub(super) fn named<T>(&mut self, from_name: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let name: &str = self.take()?;
        from_name(name).ok_or_else(|| self.nonsense("a name that is not on its list"))
    }

    pub(super) fn optional_named<T>(
        &mut self,
        from_name: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.take::<Option<&str>>()? {
            Some(name) => {
                from_name(name).map(Some).ok_or_else(|| self.nonsense("a name that is not on its list"))
            }
            None => Ok(None),
        }
    }

    /// JSON that [`record`] wrote.
    pub(super) fn json<T: serde::de::Deserialize<'r>>(&mut self) -> Result<T> {
        record::read(self.take()?).map_err(|error| corrupt(self.operation, error))
    }

    pub(super) fn nonsense(&self, why: &'static str) -> StorageError {
        corrupt(self.operation, why)
    }
}

/// `number, message_id, turn_id, role, at, content, author`
pub(super) fn message(row: &PgRow, seal: &VisitorSeal, operation: &'static str) -> Result<Message> {
    let mut cells = Cells::of(row, operation);
    let number = cells.number()?;
    let id = cells.id(MessageId::from_uuid)?;
    let turn = cells.id(turn_of)?;
    let role = cells.named(Role::from_name)?;
    let (at, content) = (cells.time()?, cells.take()?);
    let author = cells.optional_id(AccountId::from_uuid)?;
    said(operation, seal, Stored { number, id, turn, role, at, content, author })
}

/// The turn of a message; a person's message has the nil one, which is none.
pub(super) fn turn_of(id: Uuid) -> Option<TurnId> {
    (!id.is_nil()).then(|| TurnId::from_uuid(id))
}

/// A message as it is stored.
#[derive(Clone, Copy)]
pub(super) struct Stored<'r> {
    pub(super) number: u64,
    pub(super) id: MessageId,
    pub(super) turn: Option<TurnId>,
    pub(super) role: Role,
    pub(super) at: Timestamp,
    pub(super) content: &'r [u8],
    pub(super) author: Option<AccountId>,
}

/// Opens a message.
pub(super) fn said(operation: &'static str, seal: &VisitorSeal, stored: Stored<'_>) -> Result<Message> {
    let Stored { number, id, turn, role, at, content, author } = stored;
    let content = seal.open_message(&id, content).map_err(|error| corrupt(operation, error))?;
    let (text, citations, outcome) = if let Role::Bot = role {
        let answer = record::answer(&content).map_err(|error| corrupt(operation, error))?;
        (answer.text(), answer.citations, Some(answer.outcome))
    } else {
        (content, Vec::new(), None)
    };
    Ok(Message { id, turn, number, said: TextPart { role, text }, author, at, citations, outcome })
}

/// `item_id, number, status, language, audience, title, body, questions, url, changed_at, expires_at`
pub(super) fn knowledge_version(row: &PgRow, operation: &'static str) -> Result<KnowledgeVersion> {
    let mut cells = Cells::of(row, operation);
    let item = cells.id(KnowledgeId::from_uuid)?;
    let number = cells.number()?;
    let status = cells.named(KnowledgeStatus::from_name)?;
    let readers = (cells.parsed()?, cells.named(Audience::from_name)?);
    let (title, body) = (cells.take()?, cells.take()?);
    let questions: Vec<String> = cells.json()?;
    let (url, changed_at) = (cells.take()?, cells.time()?);
    let text = KnowledgeText::from_stored(readers, (title, body), questions, url, cells.optional_time()?);
    Ok(KnowledgeVersion { item, number, status, text, changed_at })
}

/// `account_id, email, name, password, platform_role, disabled_at, generation, version`
pub(super) fn account(row: &PgRow, platform: &DataKey, operation: &'static str) -> Result<Account> {
    let mut cells = Cells::of(row, operation);
    let id = cells.id(AccountId::from_uuid)?;
    let seal = PersonSeal { key: platform, account: id };
    let (email, name): (&[u8], &[u8]) = (cells.take()?, cells.take()?);
    Ok(Account {
        id,
        email: seal.open_email(email).map_err(|error| corrupt(operation, error))?,
        name: seal.open_name(name).map_err(|error| corrupt(operation, error))?,
        password: cells.take::<Option<String>>()?.map(PasswordHash::from_stored),
        platform_role: cells.optional_named(PlatformRole::from_name)?,
        disabled_at: cells.optional_time()?,
        generation: cells.number()?,
        version: cells.number()?,
    })
}
