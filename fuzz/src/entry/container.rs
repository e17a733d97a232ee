//! A file that may hold APKs: what it is, and every member that can be read, two deep.

use apkvouch::Limits;
use apkvouch::VerifyOptions;
use apkvouch::container::Budget;
use apkvouch::container::Container;
use apkvouch::source::ByteSource;
use apkvouch::verify::verify_container;

use super::archive::whole_file_options;

pub fn run(bytes: &[u8]) {
    let mut limits = whole_file_options().limits;
    limits.container_content = 4 << 20;
    limits.container_members = 16;
    let mut budget = Budget::of(bytes.len() as u64, &limits);
    look(&bytes, &limits, &mut budget, 2);
    let _ = verify_container(&bytes, &limits).unwrap();
}

fn look(source: &dyn ByteSource, limits: &Limits, budget: &mut Budget, deep: usize) {
    let Some(container) = Container::open(source, limits, budget).unwrap() else { return };
    let _ = container.kind().as_str();
    for member in container.members() {
        if !budget.take_member() {
            return;
        }
        let Ok(opened) = member.open(budget) else { continue };
        assert!(opened.len() <= limits.container_content + source.len() * limits.content_ratio);
        if deep > 0 {
            look(&*opened, limits, budget, deep - 1);
        }
        let mut options = VerifyOptions::default();
        options.limits = limits.clone();
        let _ = apkvouch::verify(&*opened, &options);
    }
}
