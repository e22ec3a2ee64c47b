//! `docs/PERMISSIONS.md` is made from the route table and the roles, and says what holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bob_core::account::{Permission, PermissionSet, PlatformRole, TenantRole};

use crate::harness::{Rule, table};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PERMISSIONS.md");

fn mark(set: PermissionSet, permission: Permission) -> &'static str {
    if set.contains(permission) { "yes" } else { "" }
}

fn document() -> String {
    let mut text = String::from(
        "# Permissions\n\nWho may call what. Made from the route table (`bob-tower/src/route.rs`) and the roles\n\
         (`bob-core/src/account/permission.rs`); a test holds it.\n\n\
         A permission is decided before anything is looked up: without it the answer is 403 `permission_denied`, whatever the\n\
         call names. With it, another business's thing and a missing one are the same 404. Platform people name the business.\n\n\
         ## What roles hold\n\n\
         | permission | owner | manager | agent | viewer | platform owner | operator | auditor |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let tenant = [TenantRole::Owner, TenantRole::Manager, TenantRole::Agent, TenantRole::Viewer];
    let platform = [PlatformRole::Owner, PlatformRole::Operator, PlatformRole::Auditor];
    let sets: Vec<PermissionSet> = tenant
        .map(TenantRole::permissions)
        .into_iter()
        .chain(platform.map(PlatformRole::permissions))
        .collect();
    for permission in Permission::ALL {
        let marks: Vec<&str> = sets.iter().map(|set| mark(*set, *permission)).collect();
        writeln!(text, "| `{permission}` | {} |", marks.join(" | ")).unwrap();
    }
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for route in table() {
        let rule = match route.rule {
            Rule::Open => "1. Everybody".to_owned(),
            Rule::OwnOrigin => "2. No pages of other origins".to_owned(),
            Rule::WidgetKey => "3. Pages on the list of the widget key that they send".to_owned(),
            Rule::SignedIn => "4. Whoever signed in to Bob, about their own account".to_owned(),
            Rule::Holds(permission) => format!("5. People with `{permission}`"),
            Rule::HoldsOnPlatform(permission) => format!("6. Platform people with `{permission}`"),
        };
        let line = format!("| `{} {}` | {} |", route.method, route.path, route.summary);
        groups.entry(rule).or_default().push(line);
    }
    text.push_str("\n## Who may call what\n");
    for (rule, lines) in groups {
        let rule = rule.split_once(". ").unwrap().1;
        write!(text, "\n### {rule}\n\n| call | what it is for |\n|---|---|\n{}\n", lines.join("\n")).unwrap();
    }
    text
}

#[test]
fn the_permissions_are_written_down_as_they_are() {
    let (wanted, written) = (document(), std::fs::read_to_string(DOCUMENT).unwrap_or_default());
    if wanted != written {
        let made = concat!(env!("CARGO_TARGET_TMPDIR"), "/PERMISSIONS.md");
        std::fs::write(made, wanted).unwrap();
        panic!("docs/PERMISSIONS.md is not what holds; what holds is in {made}: copy it there");
    }
}
