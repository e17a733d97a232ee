#![no_main]

apkvouch_fuzz::target!("idsig");
