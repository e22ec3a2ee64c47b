//! The first start: who and what an empty database begins with.

use std::error::Error;

use bob_core::Bob;
use bob_core::account::{Account, Email, NewPassword, PasswordHash, PlatformRole, Role};
use bob_core::keyring::random_bytes;
use bob_core::origin::{Origin, OriginPattern};
use bob_core::people::{NewPerson, PeopleError, Realm};
use bob_core::secret::Secret;
use bob_core::storage::StorageErrorKind;
use bob_core::tenant::TenantRef;
use bob_tower::Mount;
use data_encoding::BASE32_NOPAD;

use crate::demo;
use crate::options::ServeOptions;

/// The platform person of a demo.
const ADMIN: &str = "admin@office16852.com";

/// What the first platform person is called.
const ADMIN_NAME: &str = "Administrator";

/// What to tell the operator.
#[derive(Debug, Default)]
pub struct Greeting {
    /// Whether the demo shop is here.
    pub demo: bool,
    /// Who was made: address, what they are, password.
    pub people: Vec<(String, &'static str, String)>,
    /// Who was made without a password, and where they choose one.
    pub link: Option<(String, Secret)>,
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
    if is_new && !wants_demo && options.admin_email.is_none() {
        return Err("the first start needs BOB_ADMIN_EMAIL, the address of whoever runs the platform".into());
    }
    let admin: Email = options.admin_email.as_deref().unwrap_or(ADMIN).parse()?;
    let named = TenantRef::Slug(demo::SLUG.parse()?);
    if is_new && wants_demo && storage.find_tenant(&named).await?.is_none() {
        let given = given(options.customer_password.as_deref(), "BOB_CUSTOMER_PASSWORD", [demo::OWNER])?;
        let (password, told) = given_or_made(given)?;
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
        let given = given(options.admin_password.as_deref(), "BOB_ADMIN_PASSWORD", [admin.as_str()])?;
        if given.is_none() && !wants_demo {
            greeting.link = invite(bob, &mount, &admin).await?.map(|link| (admin.to_string(), link));
        } else {
            let (password, told) = given_or_made(given)?;
            let account = Account {
                password: Some(hash(bob, &password).await?),
                platform_role: Some(PlatformRole::Owner),
                ..Account::new(admin.clone(), ADMIN_NAME)
            };
            match storage.create_account(&bob.system_act("first start"), account).await {
                Ok(()) => greeting.people.extend(told.map(|told| (admin.to_string(), "Admin", told))),
                // Another node was faster.
                Err(error) if error.kind() == StorageErrorKind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
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

/// Lets the first platform person in, without a password; where they choose one, unless another node was faster.
async fn invite(bob: &Bob, mount: &Mount, admin: &Email) -> Result<Option<Secret>, Box<dyn Error>> {
    let realm = Realm::platform(mount.canonical());
    let role = Role::Platform(PlatformRole::Owner);
    let person = NewPerson { email: admin.clone(), name: ADMIN_NAME.to_owned(), role };
    match bob.people().admit(&bob.system_act("first start"), &realm, person).await {
        Ok(admitted) => Ok(admitted.link),
        Err(PeopleError::AlreadyMember) => Ok(None),
        Err(PeopleError::Storage(error)) if error.kind() == StorageErrorKind::Conflict => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A password of the environment; a weak one stops the start.
fn given(
    password: Option<&str>,
    variable: &str,
    known: [&str; 1],
) -> Result<Option<NewPassword>, Box<dyn Error>> {
    let checked = password.map(|password| NewPassword::check(Secret::new(password), known)).transpose();
    checked.map_err(|weak| format!("{variable} is not good enough: {weak}").into())
}

/// A given password, which is not told again, or a made one, which is told once.
fn given_or_made(given: Option<NewPassword>) -> Result<(Secret, Option<String>), Box<dyn Error>> {
    if let Some(given) = given {
        return Ok((given.into_secret(), None));
    }
    let random: [u8; 15] = random_bytes()?;
    let made = BASE32_NOPAD.encode(&random).to_ascii_lowercase();
    Ok((Secret::new(made.clone()), Some(made)))
}
