//! What is found does not depend on how many threads look.

#![expect(clippy::unwrap_used, reason = "an APK that cannot be built is to stop the test")]

use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Hash;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::V1;
use crate::builder::V1Signer;
use apkvouch::VerifyOptions;
use apkvouch::report::FileResult;

/// What `verify` reports, as text, with a pool of that many threads.
fn report(apk: &[u8], threads: usize) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let verification = pool.install(|| apkvouch::verify(&apk, &VerifyOptions::default())).unwrap();
    let result = FileResult::judged("a.apk".as_ref(), &verification, None, verification.is_verified());
    serde_json::to_string_pretty(&result).unwrap()
}

/// An archive of 400 entries that is signed with v1 alone, small ones and large ones mixed: 4 MiB in all.
fn archive() -> Apk {
    let apk = Apk::new().manifest(Manifest::new("com.example.app").min_sdk(21));
    (0..400_u32).fold(apk, |apk, number| {
        let len = if number % 40 == 39 { 150_000 } else { 500 + 7 * number };
        let content: Vec<u8> = (0..len).map(|at| (at / 7 * number).to_le_bytes()[0]).collect();
        let name = format!("assets/{number:03}");
        apk.entry(if number % 2 == 0 {
            Entry::stored(&name, &content)
        } else {
            Entry::deflated(&name, &content)
        })
    })
}

#[test]
fn findings_of_v1_are_the_same_with_any_number_of_threads() {
    // Stored entries are digested side by side with SHA-256, and one by one with any other.
    for hash in [Hash::Sha256, Hash::Sha1] {
        findings_are_the_same(hash);
    }
}

fn findings_are_the_same(hash: Hash) {
    let altered = [3, 39, 40, 119, 200, 399];
    let signer = V1Signer::new(&Key::named("ec-p256")).jar_hash(hash);
    let apk = archive().v1(V1::default().signer(signer)).entries(move |entries| {
        for number in altered {
            let name = format!("assets/{number:03}");
            let entry = entries.iter_mut().find(|entry| entry.name == name).unwrap();
            *entry.data.first_mut().unwrap() ^= 1;
        }
    });
    let apk = apk.build();
    let alone = report(&apk, 1);
    let told: Vec<usize> =
        altered.iter().map(|number| alone.find(&format!("assets/{number:03}")).unwrap()).collect();
    assert!(told.is_sorted(), "in the order of the file: {told:?}");
    assert_eq!(alone.matches("v1-entry-digest-mismatch").count(), altered.len());
    for threads in [2, 3, 8] {
        assert_eq!(report(&apk, threads), alone, "{threads} threads");
    }
}

#[test]
fn of_several_unreadable_entries_the_first_is_told_with_any_number_of_threads() {
    // The large one behind is read first.
    let apk = archive().v1(V1::by(&Key::named("ec-p256"))).entries(|entries| {
        for name in ["assets/101", "assets/119", "assets/199"] {
            let entry = entries.iter_mut().find(|entry| entry.name == name).unwrap();
            *entry = entry.clone().raw(|raw| raw.body[0] = 0b111);
        }
    });
    let apk = apk.build();
    for threads in [1, 2, 3, 8] {
        let report = report(&apk, threads);
        assert!(report.contains("zip-bad-entry"), "{report}");
        assert!(report.contains("assets/101"), "{threads} threads: {report}");
        assert!(
            !report.contains("assets/119") && !report.contains("assets/199"),
            "{threads} threads: {report}"
        );
    }
}

#[test]
fn of_several_unreadable_stored_entries_the_first_is_told_with_any_number_of_threads() {
    // Those behind are larger, so they are begun before it.
    let apk = archive().v1(V1::by(&Key::named("ec-p256"))).entries(|entries| {
        for name in ["assets/102", "assets/240", "assets/398"] {
            let entry = entries.iter_mut().find(|entry| entry.name == name).unwrap();
            *entry = entry.clone().raw(|raw| raw.local.name[0] = b'X');
        }
    });
    let apk = apk.build();
    for threads in [1, 2, 3, 8] {
        let report = report(&apk, threads);
        // Another finding names all three, whose headers differ.
        let told = report.split_once("zip-bad-entry").unwrap().1;
        assert!(told.contains("assets/102"), "{threads} threads: {report}");
        assert!(!told.contains("assets/240") && !told.contains("assets/398"), "{threads} threads: {report}");
    }
}

#[test]
fn an_honest_archive_verifies_with_any_number_of_threads() {
    let apk = archive().v1(V1::by(&Key::named("ec-p256"))).build();
    let alone = report(&apk, 1);
    assert!(!alone.contains("\"error\""), "{alone}");
    for threads in [2, 3, 8] {
        assert_eq!(report(&apk, threads), alone, "{threads} threads");
    }
}
