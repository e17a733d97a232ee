#![no_main]

apkvouch_fuzz::target!("container");
