#![no_main]

apkvouch_fuzz::target!("pkcs7");
