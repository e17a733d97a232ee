#![no_main]

apkvouch_fuzz::target!("certificate");
