//! Registries that are believed because enough have signed them, and those that are not.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use apkvouch::Registry;
use apkvouch::registry::trust;
use apkvouch::registry::trust::PublicKey;
use apkvouch::registry::trust::SecretKey;
use apkvouch::registry::trust::Signature;
use apkvouch::registry::trust::TrustOptions;
use apkvouch::registry::trust::signature_path;
use proptest::prelude::*;
use tempfile::TempDir;

const NOW: &str = "2026-06-01T00:00:00Z";

fn header(serial: u64) -> String {
    format!(
        "schema = 1\nid = \"store.example\"\nserial = {serial}\nissued_at = 2026-01-01\nexpires_at = 2026-12-31\n"
    )
}

/// A folder with a registry and what has signed it.
struct Signed {
    folder: TempDir,
    keys: Vec<SecretKey>,
}

impl Signed {
    /// A registry of serial 7 that `signers` of `keys` keys have signed.
    fn by(signers: usize, keys: usize) -> Self {
        let keys = (0..keys).map(|_| SecretKey::generate().unwrap()).collect();
        let signed = Self { folder: tempfile::tempdir().unwrap(), keys };
        signed.write(&header(7), signers);
        signed
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("registry.toml")
    }

    fn write(&self, text: &str, signers: usize) {
        fs::write(self.path(), text).unwrap();
        let signatures: String = self.keys[..signers].iter().map(|key| signature(key, text)).collect();
        fs::write(signature_path(&self.path()), signatures).unwrap();
    }

    fn options(&self, threshold: usize) -> TrustOptions {
        let mut options = TrustOptions::new(NOW.parse().unwrap());
        options.keys = self.keys.iter().map(SecretKey::public_key).collect();
        options.threshold = Some(threshold);
        options
    }

    fn load(&self, options: &TrustOptions) -> Result<Registry, String> {
        trust::load(self.path(), options).map_err(|error| {
            assert_eq!(error.exit_code(), 2, "{error}");
            let text = error.to_string();
            assert!(!text.contains('\n'), "one line: {text}");
            text.replace(&format!("{}/", self.folder.path().display()), "")
        })
    }
}

fn signature(key: &SecretKey, text: &str) -> String {
    key.sign(text.as_bytes(), "serial 7").unwrap().to_string()
}

#[track_caller]
fn refused(found: Result<Registry, String>, why: &str) {
    let found = found.map(|_| "no error").unwrap_err();
    assert!(found.contains(why), "expected {why:?} in\n{found}");
}

#[test]
fn as_many_as_are_asked_for_must_have_signed() {
    for (signers, keys, threshold) in [(1, 1, 1), (1, 3, 1), (2, 3, 2), (3, 3, 2), (3, 3, 3)] {
        let signed = Signed::by(signers, keys);
        let registry = signed.load(&signed.options(threshold)).unwrap();
        assert_eq!(registry.signed_by().len(), signers);
    }
    for (signers, keys, threshold) in [(1, 2, 2), (1, 3, 2), (2, 3, 3)] {
        let signed = Signed::by(signers, keys);
        let expected = format!("expected signatures by {threshold} of {keys} trusted keys, found {signers}");
        refused(signed.load(&signed.options(threshold)), &expected);
    }
}

#[test]
fn one_key_that_signs_twice_is_one_key() {
    let signed = Signed::by(1, 2);
    let twice = signature(&signed.keys[0], &header(7)).repeat(2);
    fs::write(signature_path(&signed.path()), twice).unwrap();
    refused(signed.load(&signed.options(2)), "found 1");
    // Nor does a key become two by another id: whoever configures it that way is told.
    let mut options = signed.options(2);
    options.keys[1] = options.keys[0].clone();
    let error = trust::load(signed.path(), &options).unwrap_err();
    assert_eq!(error.to_string(), "the same registry key is given twice; give each once");
    let mut renamed = data_encoding::BASE64.decode(options.keys[0].to_string().as_bytes()).unwrap();
    renamed[5] ^= 1;
    options.keys[1] = data_encoding::BASE64.encode(&renamed).parse().unwrap();
    assert_ne!(options.keys[0].id(), options.keys[1].id());
    assert!(trust::load(signed.path(), &options).unwrap_err().to_string().contains("given twice"));
}

#[test]
fn without_a_signature_that_is_trusted_it_is_refused() {
    let signed = Signed::by(1, 1);
    let strangers = Signed::by(1, 1);
    refused(signed.load(&strangers.options(1)), "found 0 (by nobody, and keys that are not trusted: ");
    fs::remove_file(signature_path(&signed.path())).unwrap();
    refused(
        signed.load(&signed.options(1)),
        "registry.toml: the registry is not signed: expected its signatures in registry.toml.minisig, found no such \
         file; get that file",
    );
    fs::write(signature_path(&signed.path()), "").unwrap();
    refused(
        signed.load(&signed.options(1)),
        "registry.toml.minisig:1:1: expected four lines a signature, found the end",
    );
}

#[test]
fn signatures_may_stand_in_files_of_their_own() {
    let signed = Signed::by(0, 2);
    let mut options = signed.options(2);
    for (index, key) in signed.keys.iter().enumerate() {
        let path = signed.folder.path().join(format!("{index}.minisig"));
        fs::write(&path, signature(key, &header(7))).unwrap();
        options.signatures.push(path);
    }
    assert!(signed.load(&options).is_ok());
    options.signatures.pop();
    refused(signed.load(&options), "found 1");
}

#[test]
fn how_many_must_have_signed_is_said_or_goes_without_saying() {
    let signed = Signed::by(1, 2);
    let mut options = signed.options(1);
    options.threshold = None;
    refused(signed.load(&options), "give --registry-threshold, from 1 to 2");
    for threshold in [0, 3] {
        refused(signed.load(&signed.options(threshold)), "expected a registry threshold from 1 to 2");
    }
    options.keys.pop();
    assert!(signed.load(&options).is_ok());
    // No key at all is no threshold of none.
    options.keys.pop();
    options.threshold = Some(1);
    refused(signed.load(&options), "needs the keys that may have signed");
    options.threshold = None;
    options.signatures = vec![signature_path(&signed.path())];
    refused(signed.load(&options), "needs the keys that may have signed");
}

#[test]
fn a_bad_signature_is_refused_though_others_would_do() {
    let signed = Signed::by(2, 2);
    let good = signature(&signed.keys[0], &header(7));
    let bad = signature(&signed.keys[1], &header(8));
    fs::write(signature_path(&signed.path()), good.clone() + &bad).unwrap();
    refused(signed.load(&signed.options(1)), "does not fit: the registry, or the signature");
    // One of another key is not looked at: nobody said what it is worth.
    let stranger = signature(&SecretKey::generate().unwrap(), &header(8));
    fs::write(signature_path(&signed.path()), good + &stranger).unwrap();
    assert!(signed.load(&signed.options(1)).is_ok());
}

#[test]
fn the_trusted_comment_is_signed_too() {
    let signed = Signed::by(1, 1);
    let path = signature_path(&signed.path());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("serial 7", "serial 8")).unwrap();
    refused(signed.load(&signed.options(1)), "the signature with its trusted comment, was altered");
    fs::write(&path, text.replace("untrusted comment: signature", "untrusted comment: anything")).unwrap();
    assert!(signed.load(&signed.options(1)).is_ok());
}

#[test]
fn an_edition_out_of_force_is_refused() {
    let signed = Signed::by(1, 1);
    let mut options = signed.options(1);
    options.now = "2027-01-01T00:00:00Z".parse().unwrap();
    refused(signed.load(&options), "the registry expired: expires_at is 2026-12-31");
    options.now = "2025-12-31T23:59:59Z".parse().unwrap();
    refused(signed.load(&options), "not issued yet");
    for name in ["serial", "issued_at", "expires_at"] {
        let kept: Vec<String> =
            header(7).lines().filter(|line| !line.starts_with(name)).map(str::to_owned).collect();
        let without = kept.join("\n");
        signed.write(&without, 1);
        let expected = format!(
            "expected \"{name}\" in a signed registry, found none; have its keeper set it with `apkvouch registry renew`"
        );
        refused(signed.load(&signed.options(1)), &expected);
        // Another edition can be made of it, if it is signed.
        let mut to_renew = signed.options(1);
        to_renew.out_of_force = true;
        assert!(signed.load(&to_renew).is_ok(), "{name}");
        fs::write(signed.path(), without + "\n# altered\n").unwrap();
        refused(signed.load(&to_renew), "does not fit");
    }
}

#[test]
fn an_unknown_field_is_refused_though_it_is_signed() {
    let signed = Signed::by(1, 1);
    signed.write(&(header(7) + "expires = 2027-12-31\n"), 1);
    refused(
        signed.load(&signed.options(1)),
        "registry.toml:6:1: expected a field of the registry, found \"expires\"",
    );
}

// What was seen before.

#[test]
fn an_older_edition_than_was_seen_is_refused() {
    let signed = Signed::by(1, 1);
    let mut options = signed.options(1);
    let state = signed.folder.path().join("state.json");
    options.state = Some(state.clone());
    assert!(signed.load(&options).is_ok() && signed.load(&options).is_ok());
    signed.write(&header(6), 1);
    refused(
        signed.load(&options),
        "its serial is 6, state.json knows serial 7 of \"store.example\"; get the newest",
    );
    signed.write(&(header(7) + "# changed\n"), 1);
    refused(signed.load(&options), "another than the one of serial 7");
    signed.write(&header(9), 1);
    assert!(signed.load(&options).is_ok());
    signed.write(&header(7), 1);
    refused(signed.load(&options), "its serial is 7, state.json knows serial 9");
    // What is refused for something else is not remembered.
    signed.write(&header(11), 0);
    assert!(signed.load(&options).is_err());
    signed.write(&header(10), 1);
    assert!(signed.load(&options).is_ok());
    // Another registry has a serial of its own.
    signed.write(&header(1).replace("store.example", "other.example"), 1);
    assert!(signed.load(&options).is_ok());
    let text = fs::read_to_string(state).unwrap();
    assert!(text.contains("other.example") && text.contains("store.example"), "{text}");
}

#[test]
fn a_state_that_cannot_be_read_is_not_taken_for_none() {
    let signed = Signed::by(1, 1);
    let mut options = signed.options(1);
    let state = signed.folder.path().join("state.json");
    options.state = Some(state.clone());
    for (text, why) in [
        ("", "state.json:1:1: expected the serials of registries that were accepted"),
        ("{\"schema\": 2, \"registries\": {}}", "found schema 2"),
        ("{\"schema\": 1, \"registries\": {}, \"more\": 1}", "something else"),
        ("{\"schema\": 1, \"registries\": {\"store.example\": {\"serial\": -1}}}", "something else"),
    ] {
        fs::write(&state, text).unwrap();
        refused(signed.load(&options), why);
        assert_eq!(fs::read_to_string(&state).unwrap(), text, "left as it was");
    }
    fs::remove_file(&state).unwrap();
    signed.write(&header(7).replace("serial = 7\n", ""), 1);
    options.keys.clear();
    options.threshold = None;
    refused(signed.load(&options), "expected \"serial\" in a registry whose editions are remembered");
}

#[test]
fn editions_that_are_seen_at_once_leave_the_newest() {
    let signed = Signed::by(0, 0);
    let folder = signed.folder.path();
    let state = folder.join("state.json");
    std::thread::scope(|scope| {
        for serial in 1..=8 {
            let state = state.clone();
            scope.spawn(move || {
                let path = folder.join(format!("{serial}.toml"));
                fs::write(&path, header(serial)).unwrap();
                let mut options = TrustOptions::new(NOW.parse().unwrap());
                options.state = Some(state);
                // Refused when a newer one was first.
                let _ = trust::load(path, &options);
            });
        }
    });
    assert!(fs::read_to_string(state).unwrap().contains("\"serial\": 8"));
}

// Altered in any one byte.

#[test]
fn altered_in_any_one_byte_it_is_refused() {
    let signed = Signed::by(1, 1);
    let text = fs::read("testdata/registry/good.toml").unwrap();
    let signature = signed.keys[0].sign(&text, "good").unwrap().to_string();
    fs::write(signature_path(&signed.path()), signature).unwrap();
    fs::write(signed.path(), &text).unwrap();
    assert!(signed.load(&signed.options(1)).is_ok());
    for at in 0..text.len() {
        let mut altered = text.clone();
        altered[at] ^= 1 << (at % 7);
        fs::write(signed.path(), &altered).unwrap();
        refused(signed.load(&signed.options(1)), "does not fit");
    }
    for altered in [&text[1..], &text[..text.len() - 1], &[&text[..], b"\n"].concat()] {
        fs::write(signed.path(), altered).unwrap();
        refused(signed.load(&signed.options(1)), "does not fit");
    }
}

proptest! {
    /// The signature, all of it but the comment that nobody trusts.
    #[test]
    fn an_altered_signature_verifies_nothing(at in 0_usize..1000, bit in 0_u32..7, legacy: bool) {
        let (key, content) = (SecretKey::generate().unwrap(), b"schema = 1\n");
        let text = key.sign(content, "serial 7").unwrap().to_string();
        let mut bytes = text.clone().into_bytes();
        let start = text.find('\n').unwrap() + 1;
        let at = start + at % (text.len() - start);
        bytes[at] ^= 1 << bit;
        if legacy {
            // The letters that name the algorithm: whole, not prehashed.
            bytes = text.clone().into_bytes();
            bytes[start + 1] = b'W';
        }
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(altered) = Signature::parse_all(&text)
        {
            let same = altered.len() == 1
                && altered[0].to_string().lines().skip(1).eq(key.sign(content, "serial 7").unwrap().to_string().lines().skip(1));
            prop_assert!(same || !altered.iter().any(|altered| altered.verifies(&key.public_key(), content)), "{text}");
        }
    }
}

#[test]
fn keys_come_as_a_file_or_as_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap().public_key();
    let path = folder.path().join("a.pub");
    for text in [
        format!("untrusted comment: x\n{key}\n"),
        format!("{key}"),
        format!("untrusted comment: x\r\n{key}\r\n\r\n"),
    ] {
        fs::write(&path, text).unwrap();
        assert_eq!(trust::read_public_key(&path).unwrap(), key);
    }
    for (text, why) in [
        (
            String::new(),
            ":1:1: expected a public key of minisign, 56 characters that begin with RW, found nothing",
        ),
        (format!("untrusted comment: x\n{}\n", &key.to_string()[1..]), ":2:1: expected a public key"),
        (format!("{key}\n{key}\n"), ":2:1: expected one public key, found more"),
        (format!("untrusted comment: x\nRX{}\n", &key.to_string()[2..]), "found a key of another kind"),
    ] {
        fs::write(&path, text).unwrap();
        let error = trust::read_public_key(&path).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!("".parse::<PublicKey>().is_err());
}

// The program of that name.

/// Whether minisign is installed; says so when not.
fn minisign_is_there() -> bool {
    let there = Command::new("minisign").arg("-v").output().is_ok();
    if !there {
        println!("minisign is not installed: nothing was compared with it");
    }
    there
}

fn minisign(folder: &Path, arguments: &str) -> bool {
    Command::new("minisign").current_dir(folder).args(arguments.split(' ')).output().unwrap().status.success()
}

#[test]
fn minisign_signs_what_we_read_in_both_forms() {
    if !minisign_is_there() {
        return;
    }
    let signed = Signed::by(0, 0);
    let folder = signed.folder.path();
    assert!(minisign(folder, "-G -W -p m.pub -s m.key"));
    let mut options = TrustOptions::new(NOW.parse().unwrap());
    options.keys = vec![trust::read_public_key(&folder.join("m.pub")).unwrap()];
    for form in ["-S -s m.key -m registry.toml -t serial:7", "-S -l -s m.key -m registry.toml -t serial:7"] {
        assert!(minisign(folder, form), "{form}");
        assert!(signed.load(&options).is_ok(), "{form}");
        fs::write(signed.path(), header(8)).unwrap();
        refused(signed.load(&options), "does not fit");
        fs::write(signed.path(), header(7)).unwrap();
    }
    // Its secret key signs here as it does there.
    let text = fs::read_to_string(folder.join("m.key")).unwrap();
    let key = SecretKey::parse_file(&text, None).unwrap();
    assert_eq!(key.public_key(), options.keys[0]);
}

#[test]
fn minisign_takes_what_we_sign_also_behind_another_signature() {
    if !minisign_is_there() {
        return;
    }
    let signed = Signed::by(2, 2);
    let folder = signed.folder.path();
    let key = signed.keys[0].public_key();
    assert!(minisign(folder, &format!("-V -P {key} -m registry.toml")));
    assert!(!minisign(folder, &format!("-V -P {} -m registry.toml", signed.keys[1].public_key())));
    fs::write(folder.join("m.key"), signed.keys[0].to_file(None).unwrap()).unwrap();
    assert!(minisign(folder, "-S -s m.key -m registry.toml -x m.minisig"));
    assert!(minisign(folder, &format!("-V -P {key} -m registry.toml -x m.minisig")));
}

/// `registry diff` may ask of the older registry that it is the one that was published.
#[test]
fn a_comparison_can_ask_for_trust_in_the_older_registry() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| {
        let output =
            Command::new(assert_cmd::cargo::cargo_bin!("apkvouch")).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (old, new, key) = (path("old.toml"), path("new.toml"), path("keeper.key"));
    assert_eq!(run(&["registry", "init", &old, "--id", "x"]).0, Some(0));
    assert_eq!(run(&["registry", "new-key", &key, "--no-password"]).0, Some(0));
    assert_eq!(run(&["registry", "sign", &old, "--key", &key]).0, Some(0));
    fs::copy(&old, &new).unwrap();
    assert_eq!(run(&["registry", "add-subject", &new, "a", "--name", "A"]).0, Some(0));
    let diff = ["registry", "diff", &old, &new, "--registry-key", &path("keeper.pub")].map(str::to_owned);
    let diff: Vec<&str> = diff.iter().map(String::as_str).collect();
    assert_eq!(run(&diff).0, Some(1), "{:?}", run(&diff));
    let text = fs::read_to_string(&old).unwrap();
    fs::write(&old, format!("{text}# altered\n")).unwrap();
    let (code, error) = run(&diff);
    assert_eq!(code, Some(2));
    assert!(error.contains("does not fit"), "{error}");
    assert_eq!(run(&["registry", "diff", &old, &new]).0, Some(1), "nobody asked");
}
