//! What people may do: permissions, roles, and the one table that joins them.

use std::fmt;

macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// One thing somebody may do; the names are those of the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Permission { $($(#[$doc])* $variant,)* }

        impl Permission {
            /// All of them, in the order of the wire's documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

permissions! {
    /// Talk through the signed-in door.
    ChatManage = "chat.manage",
    /// Read visitors' conversations.
    ConversationRead = "conversation.read",
    /// Answer visitors.
    ConversationReply = "conversation.reply",
    /// Write personas.
    PersonaManage = "persona.manage",
    /// Write knowledge.
    KnowledgeManage = "knowledge.manage",
    /// Approve and publish knowledge.
    KnowledgePublish = "knowledge.publish",
    /// Make widget keys and set their origins.
    WidgetManage = "widget.manage",
    /// Set webhooks.
    WebhookManage = "webhook.manage",
    /// Enable plugins.
    PluginManage = "plugin.manage",
    /// Invite and remove people.
    UserManage = "user.manage",
    /// See figures.
    AnalyticsRead = "analytics.read",
    /// Read the audit.
    AuditRead = "audit.read",
    /// Export and erase visitors' data.
    PrivacyManage = "privacy.manage",
    /// Change the business itself.
    TenantManage = "tenant.manage",
    /// Draft pricebooks.
    PricebookManage = "pricebook.manage",
    /// Publish pricebooks.
    PricebookPublish = "pricebook.publish",
}

impl Permission {
    /// Whether no tenant role ever holds it.
    #[must_use]
    pub const fn is_platform_only(self) -> bool {
        matches!(self, Self::PricebookManage | Self::PricebookPublish)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u32);

impl PermissionSet {
    /// Whether `permission` is in it.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    /// What of it a business's people may hold.
    #[must_use]
    pub fn of_business(self) -> Self {
        self.iter().filter(|permission| !permission.is_platform_only()).collect()
    }

    /// What is in it.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |&permission| self.contains(permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | 1 << permission as u32))
    }
}

/// What a person is in a business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TenantRole {
    /// All a tenant may.
    Owner,
    /// All but people, the business itself and privacy.
    Manager,
    /// Talks with visitors.
    Agent,
    /// Looks on.
    Viewer,
}

impl TenantRole {
    const ALL: [Self; 4] = [Self::Owner, Self::Manager, Self::Agent, Self::Viewer];

    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Agent => "agent",
            Self::Viewer => "viewer",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What the role may do.
    #[must_use]
    pub fn permissions(self) -> PermissionSet {
        use Permission::{
            AnalyticsRead, ChatManage, ConversationRead, ConversationReply, PrivacyManage, TenantManage,
            UserManage,
        };
        let all = Permission::ALL.iter().copied().filter(|p| !p.is_platform_only());
        match self {
            Self::Owner => all.collect(),
            Self::Manager => {
                all.filter(|p| !matches!(p, UserManage | TenantManage | PrivacyManage)).collect()
            }
            Self::Agent => [ChatManage, ConversationRead, ConversationReply].into_iter().collect(),
            Self::Viewer => [ConversationRead, AnalyticsRead].into_iter().collect(),
        }
    }
}

/// What a person is on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlatformRole {
    /// Everything.
    Owner,
    /// Everything but people and publishing prices.
    Operator,
    /// Looks on.
    Auditor,
}

impl PlatformRole {
    const ALL: [Self; 3] = [Self::Owner, Self::Operator, Self::Auditor];

    /// The name used on the wire and in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    /// Reads a name that [`as_str`](Self::as_str) gave.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What the role may do.
    #[must_use]
    pub fn permissions(self) -> PermissionSet {
        use Permission::{AnalyticsRead, AuditRead, ConversationRead, PricebookPublish, UserManage};
        let all = Permission::ALL.iter().copied();
        match self {
            Self::Owner => all.collect(),
            Self::Operator => all.filter(|p| !matches!(p, UserManage | PricebookPublish)).collect(),
            Self::Auditor => [ConversationRead, AnalyticsRead, AuditRead].into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(set: PermissionSet) -> Vec<&'static str> {
        set.iter().map(Permission::as_str).collect()
    }

    #[test]
    fn no_tenant_role_touches_the_pricebook() {
        for role in TenantRole::ALL {
            assert!(names(role.permissions()).iter().all(|name| !name.starts_with("pricebook.")), "{role:?}");
        }
    }

    #[test]
    fn each_role_holds_what_the_contract_says() {
        assert_eq!(TenantRole::Owner.permissions().iter().count(), 14);
        assert_eq!(TenantRole::Manager.permissions().iter().count(), 11);
        assert_eq!(
            names(TenantRole::Agent.permissions()),
            ["chat.manage", "conversation.read", "conversation.reply"]
        );
        assert_eq!(names(TenantRole::Viewer.permissions()), ["conversation.read", "analytics.read"]);
        assert_eq!(PlatformRole::Owner.permissions().iter().count(), 16);
        assert_eq!(PlatformRole::Operator.permissions().iter().count(), 14);
        assert_eq!(
            names(PlatformRole::Auditor.permissions()),
            ["conversation.read", "analytics.read", "audit.read"]
        );
    }
}
