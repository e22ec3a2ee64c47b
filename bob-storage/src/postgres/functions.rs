//! The functions of this version, which do each transaction of a turn in one call.
//!
//! They stand in the database under names that end in a hash of their text, so that nodes of different versions work
//! side by side. They are made when a database is opened, under the migrations' lock; those of earlier versions stay
//! where they are and harm nobody.

use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, SqlSafeStr as _, SqlStr};

/// Each function with its text; those that are called by others come first.
const TEXTS: [(&str, &str); 7] = [
    ("bob_unspent", include_str!("turn/unspent.sql")),
    ("bob_spend", include_str!("turn/spend.sql")),
    ("bob_give_up_turn", include_str!("turn/give_up.sql")),
    ("bob_begin_turn", include_str!("turn/begin.sql")),
    ("bob_finish_turn", include_str!("turn/finish.sql")),
    ("bob_renew_turn", include_str!("turn/renew.sql")),
    ("bob_extend_turn", include_str!("turn/extend.sql")),
];

/// The names of the functions of this version.
#[derive(Debug, Clone)]
pub(super) struct Functions {
    suffix: String,
}

impl Functions {
    pub(super) fn of_this_version() -> Self {
        let mut hash = Sha256::new();
        for (_, text) in TEXTS {
            hash.update(text);
        }
        let hash = hash.finalize();
        Self { suffix: format!("_{}", data_encoding::HEXLOWER.encode(&hash[..4])) }
    }

    /// A statement in which each function goes by its full name.
    pub(super) fn named(&self, sql: &str) -> SqlStr {
        let name = |sql: String, (name, _): &(&str, &str)| {
            sql.replace(&format!("{name}("), &format!("{name}{}(", self.suffix))
        };
        // Our own text, and a suffix of eight hexadecimal digits.
        AssertSqlSafe(TEXTS.iter().fold(sql.to_owned(), name)).into_sql_str()
    }

    /// Makes those that are not there yet.
    pub(super) async fn create(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        for (name, text) in TEXTS {
            let known: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM pg_proc
                                WHERE proname = $1 AND pronamespace = current_schema()::regnamespace)",
            )
            .bind(format!("{name}{}", self.suffix))
            .fetch_one(&mut *connection)
            .await?;
            if !known {
                connection.execute(self.named(text)).await?;
            }
        }
        Ok(())
    }
}
