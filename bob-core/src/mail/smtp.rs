//! Mail that leaves by SMTP, over TLS unless the server is on this machine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use url::{Host, Url};

use super::{Mail, MailError, MailErrorKind, Mailer, message};
use crate::account::Email;
use crate::clock::Clock;

/// How long a mail may take from connecting on.
const PATIENCE: Duration = Duration::from_secs(15);

/// Hands mail to a server by SMTP; a connection a mail.
///
/// What the address of the server holds is never printed.
#[derive(Clone)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Email,
    clock: Arc<dyn Clock>,
}

/// The text is not the address of a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the address of a mail server such as smtps://user:password@mail.example or smtp://mail.example:587"
)]
pub struct SmtpUrlError;

impl SmtpMailer {
    /// Takes the server's address: `smtps://` is TLS from the first byte on (port 465), `smtp://` begins it with
    /// STARTTLS (port 587) and sends nothing without. Only a server on this machine is spoken to in the open (port 25).
    /// User and password stand in it, percent-encoded.
    ///
    /// # Errors
    ///
    /// [`SmtpUrlError`], which does not quote what was given.
    pub fn new(url: &str, from: Email, clock: Arc<dyn Clock>) -> Result<Self, SmtpUrlError> {
        let mut server = Url::parse(url).map_err(|_| SmtpUrlError)?;
        let plain = server.query().is_none() && server.fragment().is_none() && server.path().len() <= 1;
        if !plain || !matches!(server.scheme(), "smtp" | "smtps") {
            return Err(SmtpUrlError);
        }
        if server.scheme() == "smtp" && !is_here(&server) {
            server.set_query(Some("tls=required"));
        }
        let built = AsyncSmtpTransport::<Tokio1Executor>::from_url(server.as_str());
        let transport = built.map_err(|_| SmtpUrlError)?.timeout(Some(PATIENCE)).build();
        Ok(Self { transport, from, clock })
    }
}

/// Whether a server is on this machine.
fn is_here(server: &Url) -> bool {
    // A scheme that is not special in the URL standard keeps hosts as text.
    match server.host() {
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let text = message::write(mail, &self.from, self.clock.now())?;
        let address = |email: &Email| {
            email.as_str().parse::<Address>().map_err(|_| MailError::new(MailErrorKind::Refused))
        };
        let envelope = Envelope::new(Some(address(&self.from)?), vec![address(mail.to())?])
            .map_err(|_| MailError::new(MailErrorKind::Refused))?;
        let sent = tokio::time::timeout(PATIENCE, self.transport.send_raw(&envelope, text.as_bytes())).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                let kind =
                    if error.is_permanent() { MailErrorKind::Refused } else { MailErrorKind::Unavailable };
                // What the server said may repeat an address.
                Err(MailError::because(
                    kind,
                    format!(
                        "SMTP: {}",
                        error.status().map_or_else(|| "no answer".to_owned(), |code| code.to_string())
                    ),
                ))
            }
            Err(_) => Err(MailError::because(MailErrorKind::Unavailable, "SMTP: no answer in time")),
        }
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpMailer(…)")
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::testing::fixture;

    fn mailer(url: &str) -> Result<SmtpMailer, SmtpUrlError> {
        SmtpMailer::new(url, "bob@shop.example".parse().unwrap(), fixture::clock())
    }

    /// A server that takes one mail, or answers `refusal` to whom it is for; what it was told.
    async fn take_one(listener: TcpListener, refusal: Option<&str>) -> String {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut told = String::new();
        stream.write_all(b"220 here\r\n").await.unwrap();
        let mut in_data = false;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap() == 0 {
                return told;
            }
            told.push_str(&line);
            let answer = match line.split([' ', '\r']).next().unwrap_or_default() {
                _ if in_data && line != ".\r\n" => continue,
                "." => {
                    in_data = false;
                    "250 taken\r\n".to_owned()
                }
                "EHLO" => "250-here\r\n250 8BITMIME\r\n".to_owned(),
                "DATA" => {
                    in_data = true;
                    "354 go on\r\n".to_owned()
                }
                "RCPT" => format!("{}\r\n", refusal.unwrap_or("250 ok")),
                "QUIT" => return told,
                _ => "250 ok\r\n".to_owned(),
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_server_on_this_machine_gets_the_mail() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mail = Mail::new("anna@shop.example".parse().unwrap(), "Grüße", "Hallo, wie geht’s?\n.\nTschüs");
        let mailer = mailer(&url).unwrap();
        let (sent, told) = tokio::join!(mailer.send(&mail), take_one(listener, None));
        sent.unwrap();
        for line in
            ["MAIL FROM:<bob@shop.example>", "RCPT TO:<anna@shop.example>", "Hallo, wie geht’s?", "..\r\n"]
        {
            assert!(told.contains(line), "{line}: {told}");
        }
    }

    #[tokio::test]
    async fn what_a_server_says_is_told_by_kind_and_not_quoted() {
        for (refusal, kind) in [
            ("550 no anna@shop.example here", MailErrorKind::Refused),
            ("451 not now", MailErrorKind::Unavailable),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mailer = mailer(&format!("smtp://{}", listener.local_addr().unwrap())).unwrap();
            let mail = Mail::new("anna@shop.example".parse().unwrap(), "Hi", "text");
            let (sent, _) = tokio::join!(mailer.send(&mail), take_one(listener, Some(refusal)));
            let error = sent.unwrap_err();
            assert_eq!(error.kind(), kind, "{refusal}");
            assert!(!format!("{error:?}").contains("anna"), "{error:?}");
        }
    }

    #[test]
    fn only_addresses_of_mail_servers_are_taken_and_none_is_printed() {
        for good in [
            "smtps://user:p%40ss@mail.example",
            "smtp://mail.example",
            "smtp://mail.example:2525",
            "smtp://localhost",
            "smtp://127.0.0.1:1025",
            "smtp://[::1]:1025",
        ] {
            let mailer = mailer(good).unwrap();
            assert_eq!(format!("{mailer:?}"), "SmtpMailer(…)");
        }
        for bad in [
            "",
            "mail.example",
            "https://mail.example",
            "smtp://",
            "smtp://mail.example?tls=none",
            "smtp://a/b",
        ] {
            assert_eq!(mailer(bad).map(|_| ()), Err(SmtpUrlError), "{bad}");
        }
    }
}
