//! The first start: who and what an empty database begins with.

use std::error::Error;

use bob_core::Bob;
use bob_core::account::{Account, Email, PasswordHash, PlatformRole};
use bob_core::id::AccountId;
use bob_core::keyring::random_bytes;
use bob_core::origin::{Origin, OriginPattern};
use bob_core::secret::Secret;
use bob_core::storage::StorageErrorKind;
use bob_core::tenant::TenantRef;
use bob_tower::Mount;
use data_encoding::BASE32_NOPAD;

use crate::demo;
use crate::options::ServeOptions;

/// The platform person of a demo.
const ADMIN: &str = "admin@office16852.com";

/// What to tell the operator.
#[derive(Debug, Default)]
pub struct Greeting {
    /// Whether the demo shop is here.
    pub demo: bool,
    /// Who was made: address, what they are, password.
    pub people: Vec<(String, &'static str, String)>,
}

/// Makes what is missing, and gives the mount with the demo's tenant, if there is one.
pub async fn prepare(
    bob: &Bob,
    options: &ServeOptions,
    mount: Mount,
) -> Result<(Mount, Greeting), Box<dyn Error>> {
    let mut greeting = Greeting::default();
    let storage = bob.storage();
    let is_new = !storage.has_platform_people().await?;
    let wants_demo = options.demo || mount.is_loopback();
    if is_new && !wants_demo && (options.admin_email.is_none() || options.admin_password.is_none()) {
        return Err("the first start needs BOB_ADMIN_EMAIL and BOB_ADMIN_PASSWORD".into());
    }
    let admin: Email = options.admin_email.as_deref().unwrap_or(ADMIN).parse()?;
    let named = TenantRef::Slug(demo::SLUG.parse()?);
    if is_new && wants_demo && storage.find_tenant(&named).await?.is_none() {
        let (password, told) = given_or_made(options.customer_password.as_deref())?;
        let book = bob.pricebooks().current().await?;
        let onboarding = demo::onboarding(mount.canonical(), hash(bob, &password).await?, &book)?;
        match storage.onboard(&bob.system_act("first start"), onboarding).await {
            Ok(()) => greeting.people.extend(told.map(|told| (demo::OWNER.to_owned(), "Shop owner", told))),
            Err(error) if error.kind() == StorageErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Last, because a database with an admin counts as begun: whoever finds one finds the shop too, however many nodes start
    // at once and wherever one of them dies.
    if is_new {
        let (password, told) = given_or_made(options.admin_password.as_deref())?;
        let account = Account {
            id: AccountId::new(),
            email: admin.clone(),
            name: "Administrator".to_owned(),
            password: Some(hash(bob, &password).await?),
            platform_role: Some(PlatformRole::Owner),
            disabled_at: None,
        };
        match storage.create_account(&bob.system_act("first start"), account).await {
            Ok(()) => greeting.people.extend(told.map(|told| (admin.to_string(), "Admin", told))),
            // Another node was faster.
            Err(error) if error.kind() == StorageErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    let Some(tenant) = storage.find_tenant(&named).await? else { return Ok((mount, greeting)) };
    greeting.demo = true;
    let snapshot = storage.tenant_snapshot(&tenant).await?;
    if let Some(key) =
        snapshot.widget_keys.iter().find(|key| key.settings.embed && key.is_live(bob.clock().now()))
    {
        // What is on the list stays: an operator added it, or another process on this database needs it.
        let own = mount.own_origins().map(|origin: &Origin| OriginPattern::from(origin.clone()));
        let missing: Vec<OriginPattern> = own.filter(|own| !key.settings.origins.contains(own)).collect();
        if !missing.is_empty() {
            storage.add_key_origins(&bob.system_act("start"), &tenant, &key.id, missing).await?;
        }
    }
    Ok((mount.default_tenant(tenant), greeting))
}

async fn hash(bob: &Bob, password: &Secret) -> Result<PasswordHash, Box<dyn Error>> {
    Ok(bob.passwords().hash(password.clone()).await?)
}

/// A given password, which is not told again, or a made one, which is told once.
fn given_or_made(given: Option<&str>) -> Result<(Secret, Option<String>), Box<dyn Error>> {
    if let Some(given) = given {
        return Ok((Secret::new(given), None));
    }
    let random: [u8; 15] = random_bytes()?;
    let made = BASE32_NOPAD.encode(&random).to_ascii_lowercase();
    Ok((Secret::new(made.clone()), Some(made)))
}
