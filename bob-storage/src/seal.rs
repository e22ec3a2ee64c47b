//! Sealing what visitors and people say and are, each value for the place where it stands.

use std::net::IpAddr;
use std::sync::Arc;

use bob_core::account::{Email, PLATFORM_REALM};
use bob_core::conversation::SessionId;
use bob_core::id::{AccountId, ConversationId, MessageId, TenantId, TurnId, VisitorId};
use bob_core::keyring::KeyringErrorKind;
use bob_core::storage::StorageErrorKind;
use bob_core::vault::{DataKey, Place, VaultError, VisitorKey};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Opens and makes the keys of one tenant's visitors.
#[derive(Debug, Clone)]
pub(crate) struct TenantSeal {
    pub(crate) tenant: TenantId,
    pub(crate) key: Arc<DataKey>,
}

impl TenantSeal {
    /// The seal of a visitor whose key is stored.
    pub(crate) fn visitor(&self, visitor: VisitorId, wrapped: &[u8]) -> Result<VisitorSeal, VaultError> {
        let key = VisitorKey::open(&self.key, &self.tenant, &visitor, wrapped)?;
        Ok(VisitorSeal { tenant: self.tenant, visitor, key })
    }

    /// The seal of a visitor without a key, with a new one that is still to be stored.
    pub(crate) fn new_visitor(&self, visitor: VisitorId) -> Result<VisitorSeal, VaultError> {
        let key = VisitorKey::make(&self.key, &self.tenant, &visitor)?;
        Ok(VisitorSeal { tenant: self.tenant, visitor, key })
    }
}

impl TenantSeal {
    /// Seals what a business decided about the identities of its visitors.
    pub(crate) fn identity_settings(&self, settings: &str) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&self.place_of_identity_settings(), settings.as_bytes())
    }

    pub(crate) fn open_identity_settings(&self, sealed: &[u8]) -> Result<String, VaultError> {
        self.key.open_text(&self.place_of_identity_settings(), sealed)
    }

    fn place_of_identity_settings(&self) -> Place {
        Place::new(&self.tenant, self.tenant.as_uuid(), "identity settings")
    }
}

/// Seals and opens the addresses in the audit of a tenant, or under the platform's key in the platform's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AuditSeal<'k> {
    pub(crate) key: &'k DataKey,
    pub(crate) realm: TenantId,
}

impl AuditSeal<'_> {
    pub(crate) fn address(&self, row: Uuid, address: IpAddr) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&self.place(row), address.to_string().as_bytes())
    }

    pub(crate) fn open_address(&self, row: Uuid, sealed: &[u8]) -> Result<IpAddr, VaultError> {
        let address = self.key.open_text(&self.place(row), sealed)?;
        address.parse().map_err(|_| VaultError::Unreadable)
    }

    fn place(&self, row: Uuid) -> Place {
        Place::new(&self.realm, row, "address")
    }
}

/// Seals and opens what is one visitor's own.
#[derive(Debug, Clone)]
pub(crate) struct VisitorSeal {
    pub(crate) tenant: TenantId,
    pub(crate) visitor: VisitorId,
    pub(crate) key: Arc<VisitorKey>,
}

impl VisitorSeal {
    /// Seals what was said: a visitor's text, or Bob's answer in JSON.
    pub(crate) fn message(&self, id: &MessageId, said: &str) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&self.place_of_message(id), said.as_bytes())
    }

    pub(crate) fn open_message(&self, id: &MessageId, sealed: &[u8]) -> Result<String, VaultError> {
        self.key.open_text(&self.place_of_message(id), sealed)
    }

    /// Seals an answer that came too late.
    pub(crate) fn superseded(&self, turn: &TurnId, answer: &str) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&self.place_of_superseded(turn), answer.as_bytes())
    }

    pub(crate) fn open_superseded(&self, turn: &TurnId, sealed: &[u8]) -> Result<String, VaultError> {
        self.key.open_text(&self.place_of_superseded(turn), sealed)
    }

    /// Seals the visitor's name for a conversation.
    pub(crate) fn session(&self, id: &ConversationId, session: &SessionId) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&self.place_of_session(id), session.as_str().as_bytes())
    }

    pub(crate) fn open_session(&self, id: &ConversationId, sealed: &[u8]) -> Result<SessionId, VaultError> {
        let session = self.key.open_text(&self.place_of_session(id), sealed)?;
        session.parse().map_err(|_| VaultError::Unreadable)
    }

    /// Seals who the visitor is said to be.
    pub(crate) fn profile(&self, profile: &str) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&self.place_of_profile(), profile.as_bytes())
    }

    pub(crate) fn open_profile(&self, sealed: &[u8]) -> Result<String, VaultError> {
        self.key.open_text(&self.place_of_profile(), sealed)
    }

    /// Seals a message anew that was another visitor's.
    pub(crate) fn message_of(
        &self,
        other: &Self,
        id: &MessageId,
        sealed: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.message(id, &other.open_message(id, sealed)?)
    }

    /// Seals an answer anew that came too late and was another visitor's.
    pub(crate) fn superseded_of(
        &self,
        other: &Self,
        turn: &TurnId,
        sealed: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.superseded(turn, &other.open_superseded(turn, sealed)?)
    }

    fn place_of_profile(&self) -> Place {
        Place::new(&self.tenant, self.visitor.as_uuid(), "profile")
    }

    fn place_of_message(&self, id: &MessageId) -> Place {
        Place::new(&self.tenant, id.as_uuid(), "message")
    }

    fn place_of_superseded(&self, turn: &TurnId) -> Place {
        Place::new(&self.tenant, turn.as_uuid(), "superseded")
    }

    fn place_of_session(&self, id: &ConversationId) -> Place {
        Place::new(&self.tenant, id.as_uuid(), "session")
    }
}

/// Seals and opens what is a person's own, under the platform's key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PersonSeal<'k> {
    pub(crate) key: &'k DataKey,
    pub(crate) account: AccountId,
}

impl PersonSeal<'_> {
    pub(crate) fn email(&self, email: &Email) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&self.place("email"), email.as_str().as_bytes())
    }

    pub(crate) fn open_email(&self, sealed: &[u8]) -> Result<Email, VaultError> {
        let email = self.key.open_text(&self.place("email"), sealed)?;
        email.parse().map_err(|_| VaultError::Unreadable)
    }

    pub(crate) fn name(&self, name: &str) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&self.place("name"), name.as_bytes())
    }

    pub(crate) fn open_name(&self, sealed: &[u8]) -> Result<String, VaultError> {
        self.key.open_text(&self.place("name"), sealed)
    }

    /// Seals what a business calls the person.
    pub(crate) fn member_name(&self, tenant: &TenantId, name: &str) -> Result<Vec<u8>, VaultError> {
        self.key.seal(&self.place_in(tenant), name.as_bytes())
    }

    pub(crate) fn open_member_name(&self, tenant: &TenantId, sealed: &[u8]) -> Result<String, VaultError> {
        self.key.open_text(&self.place_in(tenant), sealed)
    }

    fn place_in(&self, tenant: &TenantId) -> Place {
        Place::new(tenant, self.account.as_uuid(), "member_name")
    }

    fn place(&self, column: &'static str) -> Place {
        Place::new(&PLATFORM_REALM, self.account.as_uuid(), column)
    }
}

/// Seals the seed of a signing key, under the platform's key.
pub(crate) fn signing_seed(key: &DataKey, number: u32, seed: &[u8; 32]) -> Result<Vec<u8>, VaultError> {
    key.seal(&place_of_seed(number), seed)
}

pub(crate) fn open_signing_seed(
    key: &DataKey,
    number: u32,
    sealed: &[u8],
) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let seed = Zeroizing::new(key.open(&place_of_seed(number), sealed)?);
    seed.as_slice().try_into().map(Zeroizing::new).map_err(|_| VaultError::Unreadable)
}

fn place_of_seed(number: u32) -> Place {
    Place::new(&PLATFORM_REALM, Uuid::from_u128(number.into()), "signing key")
}

/// What a caller of a port can do about a key that cannot be had.
pub(crate) fn kind_of_keyring(kind: KeyringErrorKind) -> StorageErrorKind {
    match kind {
        // The operator may still hand in the key that is missing.
        KeyringErrorKind::Unavailable | KeyringErrorKind::WrongKey => StorageErrorKind::Unavailable,
        _ => StorageErrorKind::Corrupt,
    }
}
