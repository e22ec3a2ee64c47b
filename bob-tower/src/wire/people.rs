//! People on the wire: those of a business and those of the platform look alike.

use bob_core::account::{Email, Member, MemberChange, PlatformRole, Role, TenantRole};
use bob_core::people::{MailSent, NewPerson};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::openapi::{one_of, uuid};
use crate::problem::Problem;

/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 200;

/// Who is invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InviteRequest {
    email: String,
    name: String,
    /// In a business `owner`, `manager`, `agent` or `viewer`; on the platform `owner`, `operator` or `auditor`.
    role: String,
}

impl InviteRequest {
    /// The person, with a role that `read` knows.
    pub(crate) fn person(self, read: ReadRole) -> Result<NewPerson, Problem> {
        let email: Email =
            self.email.parse().map_err(|_| Problem::field("email", "This is not an e-mail address."))?;
        Ok(NewPerson { email, name: name(&self.name)?, role: read(&self.role)? })
    }
}

/// What is to change about somebody; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberRequest {
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    disabled: Option<bool>,
}

impl MemberRequest {
    /// The change, with a role that `read` knows, to somebody of version `expected`.
    pub(crate) fn change(self, read: ReadRole, expected: Option<u64>) -> Result<MemberChange, Problem> {
        Ok(MemberChange {
            role: self.role.as_deref().map(read).transpose()?,
            name: self.name.as_deref().map(name).transpose()?,
            disabled: self.disabled,
            expected,
        })
    }
}

/// Whether a whole account is shut out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountRequest {
    pub(crate) disabled: bool,
}

/// Reads the name of a role.
pub(crate) type ReadRole = fn(&str) -> Result<Role, Problem>;

/// A role in a business.
pub(crate) fn tenant_role(name: &str) -> Result<Role, Problem> {
    let role = TenantRole::from_name(name).map(Role::Tenant);
    role.ok_or_else(|| Problem::field("role", "The roles are owner, manager, agent and viewer."))
}

/// A role on the platform.
pub(crate) fn platform_role(name: &str) -> Result<Role, Problem> {
    let role = PlatformRole::from_name(name).map(Role::Platform);
    role.ok_or_else(|| Problem::field("role", "The roles are owner, operator and auditor."))
}

/// A person's name.
pub(crate) fn name(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let fits = (1..=LONGEST_NAME).contains(&text.chars().count()) && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or_else(|| Problem::field("name", "A name has 1 to 200 characters, on one line."))
}

/// One of the people of a business or of the platform.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberView {
    #[schema(schema_with = uuid)]
    id: String,
    email: String,
    name: String,
    role: &'static str,
    #[schema(schema_with = state)]
    state: &'static str,
    /// What `If-Match` names.
    version: u64,
}

/// Somebody who was invited, and whether the mail left.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitedView {
    #[serde(flatten)]
    pub(crate) member: MemberView,
    #[schema(schema_with = mail)]
    pub(crate) mail: &'static str,
}

fn state() -> utoipa::openapi::schema::Object {
    one_of(&["active", "invited", "disabled"])
}

fn mail() -> utoipa::openapi::schema::Object {
    one_of(&["sent", "failed", "none"])
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            id: member.account.to_string(),
            email: member.email.as_str().to_owned(),
            name: member.name,
            role: member.role.as_str(),
            state: member.state.as_str(),
            version: member.version,
        }
    }
}

impl From<(Member, MailSent)> for InvitedView {
    fn from((member, mail): (Member, MailSent)) -> Self {
        Self { member: member.into(), mail: mail.as_str() }
    }
}
