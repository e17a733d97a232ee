#![no_main]

apkvouch_fuzz::target!("signing_block");
