#![no_main]

apkvouch_fuzz::target!("source_stamp");
