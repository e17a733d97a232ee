//! A registry that is signed, renewed and handed on.

use std::fs;

use super::apkvouch;
use super::dir_with;

#[test]
fn several_keepers_sign_one_after_the_other() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    fs::write(dir.path().join("password"), "correct horse\nnot this line\n").unwrap();
    for arguments in [
        "registry init r.toml --id x",
        "registry new-key a.key --no-password",
        "registry new-key b.key --password-file password",
        "registry sign r.toml --key a.key",
    ] {
        assert_eq!(run(arguments).code, Some(0), "{arguments}");
    }
    let check = "registry check r.toml --registry-key a.pub --registry-key b.pub --registry-threshold 2";
    assert!(run(check).err.contains("expected signatures by 2 of 2 trusted keys, found 1"));
    assert!(run("registry sign r.toml --key b.key").err.contains("give it in a file: --password-file FILE"));
    fs::write(dir.path().join("wrong"), "incorrect horse\n").unwrap();
    assert!(
        run("registry sign r.toml --key b.key --password-file wrong").err.contains("the password is wrong")
    );
    let signed = run("registry sign r.toml --key b.key --password-file password");
    assert!(signed.out.contains("stays"), "{}{}", signed.out, signed.err);
    assert_eq!(run(check).code, Some(0), "{}", run(check).err);
    // The next edition begins without signatures.
    assert_eq!(run("registry add-subject r.toml a --name A").code, Some(0));
    let signed = run("registry sign r.toml --key a.key");
    assert!(signed.out.contains("of another edition, is removed"), "{}", signed.out);
    assert!(run(check).err.contains("found 1"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(dir.path().join("a.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "nobody else reads a secret key");
    }
}

#[test]
fn what_is_out_of_force_is_not_signed() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry new-key a.key --no-password");
    run("registry init r.toml --id x --at 2026-01-01 --expires 2026-06-30");
    assert!(run("registry sign r.toml --key a.key --at 2026-07-01").err.contains("the registry expired"));
    assert!(run("registry sign r.toml --key a.key --at 2025-12-31").err.contains("not issued yet"));
    fs::write(dir.path().join("r.toml"), "schema = 1\nid = \"x\"\n").unwrap();
    assert!(run("registry sign r.toml --key a.key").err.contains("expected \"serial\" in a signed registry"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "no signature");
}

/// The keeper's own change since the signature is told apart from what somebody has altered.
#[test]
fn a_signature_that_does_not_fit_says_for_which_edition_it_was_made() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry new-key a.key --no-password");
    run("registry init r.toml --id x.serial:77");
    run("registry convert r.toml r.db");
    for file in ["r.toml", "r.db"] {
        let check = || run(&format!("registry check {file} --registry-key a.pub"));
        run(&format!("registry sign {file} --key a.key"));
        assert_eq!(check().code, Some(0), "{file}: {}", check().err);
        assert_eq!(run(&format!("registry add-subject {file} acme --name Acme")).code, Some(0));
        let changed = check();
        assert_eq!(changed.code, Some(2));
        let known = match file {
            "r.db" => "made for serial 1; when the registry has been changed since, have it signed again",
            _ => "made for serial 1, and the registry is at serial 2; have this edition signed",
        };
        assert!(changed.err.contains(known), "{}", changed.err);
        run(&format!("registry sign {file} --key a.key"));
        assert_eq!(check().code, Some(0), "{file}: {}", check().err);
    }
    // The same serial; and a comment that the key has not signed.
    let (text, signature) = (dir.path().join("r.toml"), dir.path().join("r.toml.minisig"));
    let good = fs::read_to_string(&text).unwrap();
    fs::write(&text, good.clone() + "# altered\n").unwrap();
    let altered = run("registry check r.toml --registry-key a.pub").err;
    assert!(altered.contains("was altered, or they are of different editions"), "{altered}");
    fs::write(&text, good).unwrap();
    let signed = fs::read_to_string(&signature).unwrap();
    fs::write(&signature, signed.replace(" serial:2 ", " serial:1 ")).unwrap();
    let altered = run("registry check r.toml --registry-key a.pub").err;
    assert!(altered.contains("was altered, or they are of different editions"), "{altered}");
}

/// Whatever a signed registry must say is set by renewing it, in a text and in SQLite, where nobody writes it by hand.
#[test]
fn a_registry_that_is_renewed_can_be_signed() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry new-key a.key --no-password");
    fs::write(dir.path().join("r.toml"), "# kept\nschema = 1\nid = \"x\"\n").unwrap();
    let converted = run("registry convert r.toml r.db");
    assert_eq!(converted.code, Some(0), "{}", converted.err);
    for file in ["r.toml", "r.db"] {
        let sign = format!("registry sign {file} --key a.key --at 2026-03-01");
        assert_eq!(run(&sign).code, Some(2), "{file}");
        let early = run(&format!("registry renew {file} --at 2026-03-01 --expires 2026-02-28"));
        let said = "apkvouch: --expires 2026-02-28 is over already, at 2026-03-01T00:00:00Z: ";
        assert!(early.code == Some(2) && early.err.starts_with(said), "{file}: {}", early.err);
        let renewed = run(&format!("registry renew {file} --at 2026-03-01 --expires 2026-04-30"));
        assert_eq!(renewed.code, Some(0), "{file}: {}", renewed.err);
        assert_eq!(run(&sign).code, Some(0), "{file}");
        // Once it has expired, another edition can be used again, for a year.
        let over = run(&format!("registry check {file} --at 2026-05-01"));
        assert!(over.code == Some(2) && over.err.contains("apkvouch registry renew"), "{file}: {}", over.err);
        assert!(
            run(&format!("registry renew {file} --at 2026-05-01")).out.contains("sign it again"),
            "{file}"
        );
        for (day, code) in [("2027-05-01", 0), ("2027-05-02", 2)] {
            assert_eq!(run(&format!("registry check {file} --at {day}")).code, Some(code), "{file} {day}");
        }
        let check = run(&format!("registry check {file} --at 2026-06-01")).out;
        assert!(check.contains("serial     2\n"), "{file}: {check}");
    }
    assert!(fs::read_to_string(dir.path().join("r.toml")).unwrap().starts_with("# kept\n"));
}

/// Nobody loses a day by renewing, and whoever asks for that is told.
#[test]
fn a_renewal_takes_no_time_away_unsaid() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x --at 2026-01-01 --expires 2030-06-30");
    run("registry convert r.toml r.db");
    for file in ["r.toml", "r.db"] {
        let expires = || {
            let check = run(&format!("registry check {file} --at 2027-07-01")).out;
            check
                .lines()
                .find(|line| line.contains("expires"))
                .unwrap()
                .split_whitespace()
                .last()
                .unwrap()
                .to_owned()
        };
        let renewed = run(&format!("registry renew {file} --at 2026-03-01"));
        assert_eq!((renewed.code, renewed.err.as_str()), (Some(0), ""), "{file}");
        assert!(renewed.out.contains("serial               1 -> 2"), "{file}: {}", renewed.out);
        assert_eq!(expires(), "2030-06-30", "{file}");
        assert!(!renewed.out.contains("earlier"), "{file}: {}", renewed.out);
        let shortened = run(&format!("registry renew {file} --at 2026-03-02 --expires 2028-01-01"));
        assert_eq!(shortened.code, Some(0), "{file}: {}", shortened.err);
        let told = format!("{file}: to be used until 2028-01-01, which is earlier than before: 2030-06-30\n");
        assert!(shortened.out.ends_with(&told), "{file}: {}", shortened.out);
        assert_eq!(expires(), "2028-01-01", "{file}");
        // A year is more than is left.
        run(&format!("registry renew {file} --at 2027-06-01"));
        assert_eq!(expires(), "2028-05-31", "{file}");
    }
}

#[test]
fn a_date_of_expiry_that_is_over_is_refused_by_its_name() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    let at = "--at 2026-03-01T12:00:00Z";
    let over = run(&format!("registry init r.toml --id x --expires 2026-02-28 {at}"));
    let why = "apkvouch: --expires 2026-02-28 is over already, at 2026-03-01T12:00:00Z: nobody could use the registry; \
               give a later date\n";
    assert_eq!((over.code, over.err.as_str()), (Some(2), why));
    assert!(!dir.path().join("r.toml").exists());
    // A day is included whole.
    assert_eq!(run(&format!("registry init r.toml --id x --expires 2026-03-01 {at}")).code, Some(0));
    assert_eq!(run(&format!("registry renew r.toml --expires 2026-02-28 {at}")).err, why);
}

/// Whoever checks or signs a registry hears of its end while there is time, and on standard error alone.
#[test]
fn a_registry_that_ends_soon_is_told_to_be_renewed() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x --at 2026-01-01 --expires 2026-12-31");
    run("registry new-key k.key --no-password");
    let warned = "apkvouch: r.toml: nothing is judged by it any more after 2026-12-31; `apkvouch registry renew r.toml` makes an \
                  edition that lasts longer, to be signed anew\n";
    // Thirty days before the end of its last day, and a day earlier.
    for (day, err) in [("2026-12-02", warned), ("2026-12-01", ""), ("2026-12-31", warned)] {
        let check = run(&format!("registry check r.toml --at {day}"));
        assert_eq!((check.code, check.err.as_str()), (Some(0), err), "{day}");
        assert!(check.out.contains("expires    2026-12-31"), "{}", check.out);
        let sign = run(&format!("registry sign r.toml --key k.key --at {day}"));
        assert_eq!((sign.code, sign.err.as_str()), (Some(0), err), "{day}");
    }
    assert!(!run("registry check r.toml --at 2027-01-01").err.contains("any more"));
}

/// What is renewed is what its keepers have signed, when it is said who they are; that it has expired is why it is renewed.
#[test]
fn a_registry_is_renewed_as_it_was_signed() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry new-key a.key --no-password");
    run("registry new-key b.key --no-password");
    run("registry init r.toml --id x --at 2026-01-01 --expires 2099-12-31");
    run("registry convert r.toml r.db");
    for file in ["r.toml", "r.db"] {
        run(&format!("registry renew {file} --at 2026-01-01 --expires 2026-02-01"));
        let renew = |key: &str| run(&format!("registry renew {file} --at 2026-03-01 --registry-key {key}"));
        assert!(renew("a.pub").err.contains("the registry is not signed"), "{}", renew("a.pub").err);
        run(&format!("registry sign {file} --key a.key --at 2026-01-02"));
        let before = fs::read(dir.path().join(file)).unwrap();
        assert!(renew("b.pub").err.contains("expected signatures by 1 of 1 trusted keys"), "{file}");
        let mut altered = before.clone();
        let place = altered.windows(10).rposition(|window| window == b"2026-02-01").unwrap();
        altered[place + 3] ^= 1;
        fs::write(dir.path().join(file), &altered).unwrap();
        let refused = renew("a.pub");
        assert!(refused.code == Some(2) && refused.err.contains("does not fit"), "{file}: {}", refused.err);
        assert!(fs::read(dir.path().join(file)).unwrap() == altered, "{file}");
        fs::write(dir.path().join(file), &before).unwrap();
        let renewed = renew("a.pub");
        assert!(renewed.code == Some(0) && renewed.out.contains("sign it again"), "{file}: {}", renewed.err);
    }
}

#[test]
fn a_secret_key_in_the_place_of_the_public_one_is_told() {
    let dir = dir_with(&[]);
    fs::write(dir.path().join("password"), "correct horse\n").unwrap();
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry new-key open.key --no-password");
    run("registry new-key closed.key --password-file password");
    for key in ["open", "closed"] {
        let check = run(&format!("registry check r.toml --registry-key {key}.key"));
        assert_eq!(check.code, Some(2));
        let said = format!("apkvouch: {key}.key: expected a public key, found a secret one, ");
        assert!(
            check.err.starts_with(&said) && check.err.ends_with(&format!("such as {key}.pub\n")),
            "{}",
            check.err
        );
    }
    fs::write(dir.path().join("text"), "just some text\n").unwrap();
    let check = run("registry check r.toml --registry-key text");
    assert!(check.err.contains("expected a public key of minisign"), "{}", check.err);
}
