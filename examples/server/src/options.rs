//! What an operator may set, by flag or environment variable.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use bob_core::account::Email;
use bob_tower::Network;
use clap::Args;

/// The database and its keys.
#[derive(Clone, Args)]
pub struct DatabaseOptions {
    /// The database: sqlite:// and a path, made when it is not there, or postgres://user@host/name.
    #[arg(long, env = "BOB_DATABASE_URL", default_value = "sqlite://bob.db", hide_env_values = true)]
    pub database_url: String,
    /// The file with the keys that everything is sealed by; made beside a new SQLite database. By default bob.key in the
    /// database's folder, with PostgreSQL in the current one.
    #[arg(long, env = "BOB_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// The keys themselves instead of a file: 64 hexadecimal digits each, separated by commas, the current one first.
    #[arg(long, env = "BOB_KEYS", hide = true, hide_env_values = true)]
    pub keys: Option<String>,
}

impl fmt::Debug for DatabaseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseOptions").field("key_file", &self.key_file).finish_non_exhaustive()
    }
}

/// A backup, and the database that it is made of or restored to.
#[derive(Debug, Clone, Args)]
pub struct CopyOptions {
    /// The backup.
    pub file: PathBuf,
    #[command(flatten)]
    pub database: DatabaseOptions,
}

/// Settings of the server.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// Where to listen.
    #[arg(long, env = "BOB_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// The addresses under which browsers reach this server, the canonical one first.
    ///
    /// By default this machine's own: 127.0.0.1, localhost and ::1.
    #[arg(long, env = "BOB_PUBLIC_URL", value_delimiter = ',')]
    pub public_url: Vec<String>,
    /// Networks of proxies whose Forwarded and X-Forwarded-For are believed, such as 10.0.0.0/8.
    #[arg(long, env = "BOB_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// Makes the demo shop on an empty database even if the public URLs are not this machine's.
    #[arg(long)]
    pub demo: bool,
    /// The address of the first platform person.
    #[arg(long, env = "BOB_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    /// Their password; by default the demo's is made up and shown once, and anybody else gets a one-time link.
    #[arg(long, env = "BOB_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// The password of the demo shop's owner; by default one is made up and shown once.
    #[arg(long, env = "BOB_CUSTOMER_PASSWORD", hide_env_values = true)]
    pub customer_password: Option<String>,
    #[command(flatten)]
    pub mail: MailOptions,
}

/// How mail leaves.
#[derive(Clone, Args)]
pub struct MailOptions {
    /// The mail server: smtps://user:password@host, or smtp://host:587 for STARTTLS.
    #[arg(long, env = "BOB_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// A folder that every mail is written into instead, one file each.
    #[arg(long, env = "BOB_MAIL_DIR", conflicts_with = "smtp_url")]
    pub mail_dir: Option<PathBuf>,
    /// The address that mail comes from.
    #[arg(long, env = "BOB_MAIL_FROM")]
    pub mail_from: Option<Email>,
}

impl fmt::Debug for MailOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailOptions").field("mail_dir", &self.mail_dir).finish_non_exhaustive()
    }
}

/// Whose password is to be chosen anew.
#[derive(Debug, Clone, Args)]
pub struct ResetOptions {
    /// Their address.
    pub email: Email,
    /// The canonical address under which browsers reach the server; by default this machine's port 8080.
    #[arg(long, env = "BOB_PUBLIC_URL", value_delimiter = ',', default_value = "http://127.0.0.1:8080")]
    pub public_url: Vec<String>,
    #[command(flatten)]
    pub database: DatabaseOptions,
}

impl ServeOptions {
    /// The public URLs, for a server that listens on `port`.
    ///
    /// # Errors
    ///
    /// When none is given and others than this machine could connect.
    pub fn public_urls(&self, port: u16) -> Result<Vec<String>, &'static str> {
        if !self.public_url.is_empty() {
            return Ok(self.public_url.iter().map(|url| url.trim().to_owned()).collect());
        }
        if !self.listen.ip().is_loopback() {
            return Err(
                "listening beyond this machine needs BOB_PUBLIC_URL, the https address browsers will use",
            );
        }
        Ok(["127.0.0.1", "localhost", "[::1]"].iter().map(|host| format!("http://{host}:{port}")).collect())
    }
}
