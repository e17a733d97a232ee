//! A policy or, where the first byte is odd, the profiles of marks.

use apkvouch::marks::Profiles;
use apkvouch::policy::PolicyFile;

pub fn run(bytes: &[u8]) {
    let Some((which, text)) = bytes.split_first() else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    if which % 2 == 1 {
        let _ = Profiles::parse(text, "profiles.toml").map(|profiles| profiles.iter().count());
        return;
    }
    let Ok(policy) = PolicyFile::parse(text, "policy.toml") else { return };
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    assert!(!policy.explained(now).is_empty());
    let _ = (policy.is_enforced(), policy.needs_marks(), policy.needs_file_digest());
}
