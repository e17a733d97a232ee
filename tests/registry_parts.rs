//! The part of a registry that a file needs judges it as the whole does, to the last word.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use apkvouch::Limits;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::SchemeId;
use apkvouch::identity::Certificate;
use apkvouch::identity::CertificateDigest;
use apkvouch::identity::Lineage;
use apkvouch::marks;
use apkvouch::marks::MarkOptions;
use apkvouch::marks::Marks;
use apkvouch::policy::PolicyFile;
use apkvouch::policy::rules::Evidence;
use apkvouch::policy::rules::Judge;
use apkvouch::policy::rules::judge;
use apkvouch::policy::rules::needs;
use apkvouch::registry::App;
use apkvouch::registry::DeniedKey;
use apkvouch::registry::Key;
use apkvouch::registry::KeyStatus;
use apkvouch::registry::PublicKeyDigest;
use apkvouch::registry::Role;
use apkvouch::registry::SignerSet;
use apkvouch::registry::SqliteWriter;
use apkvouch::registry::Subject;
use apkvouch::registry::trust;
use apkvouch::registry::trust::TrustOptions;
use apkvouch::scheme::SchemeResult;
use apkvouch::scheme::VerifiedSigner;
use apkvouch::source::FileSource;
use apkvouch::verify;
use apkvouch::verify::verify_container;
use proptest::prelude::*;

const NOW: &str = "2026-06-01T12:00:00Z";
const SUBJECTS: usize = 4;

/// A verified file of the test data, and every certificate that stands in it.
struct File {
    path: PathBuf,
    evidence: Verification,
    marks: Marks,
    certificates: Vec<(CertificateDigest, PublicKeyDigest)>,
}

/// Files of every kind of identity: lineages, several signers, two halves, stamps, code transparency.
fn files() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    FILES.get_or_init(|| {
        let folders = ["demo/store", "lineage", "marks", "stamp", "v2", "v3", "v31", "v32"];
        let mut folders: Vec<PathBuf> =
            folders.iter().map(|folder| PathBuf::from("testdata").join(folder)).collect();
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "apk") {
                    files.extend(file(path));
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    })
}

fn file(path: PathBuf) -> Option<File> {
    let source = FileSource::open(&path).unwrap();
    let evidence = verify(&source, &VerifyOptions::default()).unwrap();
    if !evidence.is_verified() {
        return None;
    }
    let marks = marks::read(&source, &MarkOptions::default()).unwrap();
    let mut found: BTreeMap<CertificateDigest, PublicKeyDigest> = BTreeMap::new();
    let mut add = |certificate: &Certificate| {
        found.insert(certificate.digest(), PublicKeyDigest(certificate.key().spki_sha256));
    };
    for signer in evidence.schemes.iter().flat_map(SchemeResult::signers) {
        add(signer.certificate());
        signer.classical_partner().into_iter().for_each(&mut add);
        signer.lineage().into_iter().flat_map(Lineage::nodes).for_each(|node| add(&node.certificate));
    }
    marks.marks.iter().flat_map(|mark| &mark.certificates).for_each(&mut add);
    Some(File { path, evidence, marks, certificates: found.into_iter().collect() })
}

/// What a registry says of the certificate at that place of a file, or of one that stands in none.
#[derive(Debug, Clone)]
struct Says {
    subject: usize,
    status: KeyStatus,
    public_key: u8,
    successor: usize,
    from: bool,
    dated: bool,
    denied: bool,
    registered: bool,
}

fn says() -> impl Strategy<Value = Says> {
    let status = prop_oneof![
        6 => Just(KeyStatus::Active),
        4 => Just(KeyStatus::Rotated),
        1 => Just(KeyStatus::Suspended),
        1 => Just(KeyStatus::Revoked)
    ];
    let often = |odds| proptest::bool::weighted(odds);
    (0..SUBJECTS, status, 0_u8..3, 1_usize..4, often(0.1), often(0.5), often(0.05), often(0.8)).prop_map(
        |(subject, status, public_key, successor, from, dated, denied, registered)| Says {
            subject,
            status,
            public_key,
            successor,
            from,
            dated,
            denied,
            registered,
        },
    )
}

/// Certificates that no file has: the last of them is never rotated away.
const STRANGERS: usize = 5;

/// A container that a distributor has signed: any file may have come in it.
fn container() -> &'static Verification {
    static CONTAINER: OnceLock<Verification> = OnceLock::new();
    CONTAINER.get_or_init(|| {
        let source = FileSource::open(Path::new("testdata/containers/signed-v2/app.apks")).unwrap();
        let container = verify_container(&source, &Limits::default()).unwrap();
        assert!(container.is_verified());
        container
    })
}

/// A registry about `file`, whoever signed the `container` that it came in, and about much else.
fn registry(
    file: &File,
    container: Option<&Verification>,
    says: &[Says],
    roles: &[Vec<Role>],
    sets: &[(BTreeSet<usize>, Role)],
    owner: usize,
) -> Registry {
    let signers = container.map(Verification::signer_certificates).unwrap_or_default();
    let mut certificates: Vec<(CertificateDigest, PublicKeyDigest)> = signers
        .into_iter()
        .map(|certificate| (certificate.digest(), PublicKeyDigest(certificate.key().spki_sha256)))
        .filter(|of_container| !file.certificates.contains(of_container))
        .chain(file.certificates.iter().copied())
        .collect();
    certificates.truncate(says.len() - STRANGERS);
    // Another certificate for a public key of the file, and keys that stand in no file.
    let own = certificates.first().map_or(PublicKeyDigest([9; 32]), |(_, public_key)| *public_key);
    certificates.push((CertificateDigest([0xf0; 32]), own));
    certificates.extend((1..STRANGERS).map(|number| {
        let byte = 0xf0 + u8::try_from(number).unwrap();
        (CertificateDigest([byte; 32]), PublicKeyDigest([byte; 32]))
    }));
    let mut text = Vec::new();
    for (number, roles) in roles.iter().enumerate() {
        let roles = roles.iter().copied().collect();
        text.push(part("subject", &Subject::new(format!("s{number}"), format!("Name {number}"), roles)));
    }
    let registered: Vec<usize> = (0..certificates.len())
        .filter(|place| says[*place].registered || *place + 1 == certificates.len())
        .collect();
    for place in &registered {
        let (certificate, public_key) = certificates[*place];
        let said = &says[*place];
        let mut key = Key::new(certificate, format!("s{}", said.subject));
        key.public_key = match said.public_key {
            0 => None,
            1 => Some(public_key),
            _ => certificates.first().map(|(_, first)| *first),
        };
        key.valid_from = said.from.then(|| "2026-08-01".parse().unwrap());
        // Successors come later in the list, so that none leads back.
        let later: Vec<usize> = registered.iter().copied().filter(|other| other > place).collect();
        let successor = later.get(said.successor - 1).or(later.first());
        key.status = match said.status {
            KeyStatus::Rotated if successor.is_none() => KeyStatus::Active,
            status => status,
        };
        if let (KeyStatus::Rotated, Some(successor)) = (key.status, successor) {
            key.replaced_by = Some(certificates[*successor].0);
        }
        // After the day of the past that is asked about.
        key.status_date = said.dated.then(|| "2026-04-01".parse().unwrap());
        text.push(part("key", &key));
    }
    for (said, (certificate, _)) in says.iter().zip(&certificates) {
        if said.denied {
            text.push(part("denied", &DeniedKey::new(*certificate, "leaked", "a test")));
        }
    }
    let sets: BTreeSet<(BTreeSet<CertificateDigest>, Role)> = sets
        .iter()
        .map(|(places, role)| {
            (places.iter().map(|place| certificates[registered[place % registered.len()]].0).collect(), *role)
        })
        .collect();
    let sets: Vec<SignerSet> =
        sets.into_iter().map(|(certificates, role)| SignerSet::new(certificates, role)).collect();
    for package in [file.evidence.package().unwrap_or("org.example.none"), "org.example.other"] {
        text.push(part("app", &App::new(package, format!("s{owner}"), sets.clone())));
    }
    Registry::parse(&format!("schema = 1\nid = \"x\"\n{}", text.concat()), "r.toml").unwrap()
}

fn part(name: &str, item: &impl serde::Serialize) -> String {
    toml::to_string(&BTreeMap::from([(name, [item])])).unwrap()
}

/// Places of certificates, those of the file before others, and one before several.
fn places() -> impl Strategy<Value = BTreeSet<usize>> {
    let place = || prop_oneof![3 => 0_usize..3, 1 => 0_usize..12];
    prop_oneof![
        3 => place().prop_map(|place| BTreeSet::from([place])),
        1 => proptest::collection::btree_set(place(), 1..4)
    ]
}

fn roles() -> impl Strategy<Value = Vec<Role>> {
    proptest::sample::subsequence(Role::ALL.to_vec(), 1..=3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn a_part_judges_as_the_whole_does(
        kind in 0_usize..5,
        file in 0_usize..10_000,
        says in proptest::collection::vec(says(), 12),
        roles in proptest::collection::vec(roles(), SUBJECTS),
        sets in proptest::collection::vec(
            (places(), proptest::sample::select(&[Role::Developer, Role::Distributor][..])),
            1..4,
        ),
        owner in 0..SUBJECTS,
        past in any::<bool>(),
        contained in proptest::bool::weighted(0.3),
    ) {
        let container = contained.then(container);
        let files = &kinds()[kind];
        let file = files[file % files.len()];
        let registry = registry(file, container, &says, &roles, &sets, owner);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.db");
        let mut writer = SqliteWriter::create(&path, registry.header()).unwrap();
        writer.all(&registry).unwrap();
        writer.finish().unwrap();
        let now = NOW.parse().unwrap();
        let mut store = trust::open(&path, &TrustOptions::new(now)).unwrap();
        let mut whole = registry;
        if past {
            let then = "2026-02-01T00:00:00Z".parse().unwrap();
            (store, whole) = (store.as_of(then), whole.as_of(then));
        }
        let policy = PolicyFile::default();
        let evidence = Evidence::new(&file.evidence).with_marks(Some(&file.marks)).with_container(container);
        let judged = |registry: &Registry| judge(evidence, &Judge::new(Some(registry), &policy, now));
        let part = store.part(&needs(evidence)).unwrap();
        prop_assert_eq!(judged(&part), judged(&whole), "{}", file.path.display());
        prop_assert!(part.app("org.example.other").is_none(), "more than is needed");
    }
}

/// The files that say something of identities in one way, and the others.
fn kinds() -> &'static [Vec<&'static File>] {
    static KINDS: OnceLock<Vec<Vec<&'static File>>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let of = |is: &dyn Fn(&&VerifiedSigner) -> bool| -> Vec<&'static File> {
            let has = |file: &&File| {
                file.evidence.schemes.iter().flat_map(SchemeResult::signers).any(|signer| is(&signer))
            };
            files().iter().filter(has).collect()
        };
        let stamped = |file: &&File| {
            file.evidence.scheme(SchemeId::SourceStamp).is_some_and(|stamp| !stamp.signers().is_empty())
        };
        let marked = |file: &&File| file.marks.marks.iter().any(|mark| !mark.certificates.is_empty());
        let kinds = vec![
            of(&|signer| signer.lineage().is_some()),
            of(&|signer| signer.classical_partner().is_some()),
            files().iter().filter(stamped).collect(),
            files().iter().filter(marked).collect(),
            files().iter().collect(),
        ];
        assert!(
            kinds.iter().all(|files| files.len() >= 5),
            "{:?}",
            kinds.iter().map(Vec::len).collect::<Vec<_>>()
        );
        kinds
    })
}
