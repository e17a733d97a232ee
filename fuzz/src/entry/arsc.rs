//! A table of resources, in an APK whose manifest refers to it.

use std::sync::LazyLock;

use apkvouch::Limits;
use apkvouch::apk::Apk;
use apkvouch::crypto;
use apkvouch::format::arsc::Resolver;
use apkvouch::format::arsc::ResourceValue;
use apkvouch::format::arsc::Table;
use apkvouch::format::resource_configuration::Configuration;

use super::archive::Skeleton;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(|| Skeleton::of("identity/icons"));

pub fn run(bytes: &[u8]) {
    let limits = Limits::default();
    if let Ok(table) = Table::parse(bytes, &limits) {
        let _ = table.text(0).map(|text| text.shown());
        let mut resolver = Resolver::new(&table, &limits);
        for id in [0x7f01_0000, 0x7f01_0001, 0x7f02_0000, 0x0101_0000] {
            let value = ResourceValue { kind: ResourceValue::REFERENCE, data: id };
            for configuration in resolver.configurations(value).iter().take(16) {
                let _ = configuration.qualifiers();
                let device = Configuration::phone(30).with(configuration);
                let _ = resolver.resolve(value, &device);
            }
        }
    }
    let file = SKELETON.with_entries(&[("resources.arsc", bytes)]);
    let apk = Apk::open(&file, &limits).unwrap();
    let _ = apk.identity().unwrap();
    let _ = apk.appearance(crypto::sha256).unwrap();
}
