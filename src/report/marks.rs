//! Marks as text for people: a few lines each, in the form of the text report.

use std::fmt::Write as _;

use super::escape::brief;
use super::escape::columns;
use super::escape::visible;
use super::model::CertificateRow;
use super::model::FindingRow;
use super::model::MarkPlace;
use super::model::MarkRow;
use crate::marks::Coverage;
use crate::marks::Field;
use crate::marks::MarkKind;
use crate::marks::MarkState;

/// So many characters of a value are shown; the whole of it is in the JSON forms.
const SHOWN: usize = 200;

/// The lines for `marks`, each mark in turn; empty when there are none.
///
/// Text of the file is on one line and escaped.
pub fn text(marks: &[MarkRow]) -> String {
    let mut text = String::new();
    for mark in marks {
        headline(&mut text, mark);
        if let Some(profile) = &mark.profile {
            let role = profile.role.map(|role| format!(", said to be a {role}'s")).unwrap_or_default();
            line(&mut text, "", &format!("by the profile \"{}\"{role}", short(&profile.name)));
        }
        if let Some(covers) = mark.covers {
            line(&mut text, "", coverage(covers));
        }
        if let Some(reason) = &mark.reason {
            line(&mut text, "", &visible(reason));
        }
        fields(&mut text, mark);
        for certificate in &mark.certificates {
            signer(&mut text, certificate);
        }
        for finding in &mark.findings {
            problem(&mut text, finding);
        }
    }
    text
}

fn headline(text: &mut String, mark: &MarkRow) {
    let looks = mark.looks_like.map(|shape| format!(", looks like {shape}")).unwrap_or_default();
    let what = format!("{}: {}, {} bytes{looks}", words(mark.kind), place(&mark.place), mark.size);
    line(text, state(mark.state), &what);
}

/// What it says, but for the signers that follow.
fn fields(text: &mut String, mark: &MarkRow) {
    let of_signer = |name: &str| matches!(name, "signer" | "signer-sha256");
    let shown: Vec<(String, &Field)> = mark
        .fields
        .iter()
        .filter(|field| mark.certificates.is_empty() || !of_signer(&field.name))
        .map(|field| (short(&field.name), field))
        .collect();
    let width = shown.iter().map(|(name, _)| columns(name)).filter(|width| *width <= 20).max().unwrap_or(0);
    for (name, field) in shown {
        let cut = if field.full_size.is_some() { " …" } else { "" };
        let gap = " ".repeat(width.max(9).saturating_sub(columns(&name)));
        line(text, "", &format!("{name}{gap} {}{cut}", short(&field.value)));
    }
}

fn line(text: &mut String, label: &str, what: &str) {
    let _ = writeln!(text, "  {label:<11} {what}");
}

fn state(state: MarkState) -> &'static str {
    match state {
        MarkState::Claim => "claims",
        MarkState::Present => "carries",
        MarkState::Verified => "verified",
        MarkState::Broken => "BROKEN",
    }
}

fn words(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::WalleChannel => "channel by Walle",
        MarkKind::VasdollyChannel | MarkKind::VasdollyComment => "channel by VasDolly",
        MarkKind::PackerNgChannel => "channel by packer-ng",
        MarkKind::MetaInfChannel => "channel in a name",
        MarkKind::DependencyInfo => "dependency info",
        MarkKind::VerityPadding => "padding",
        MarkKind::ZeroBlock => "\"zero block\"",
        MarkKind::PlayFrosting => "Play frosting",
        MarkKind::CodeTransparency => "code transparency",
        MarkKind::BundletoolName => "signature named by bundletool",
        MarkKind::AdiRegistration => "proof of ownership for Google",
        MarkKind::Profile => "known mark",
        MarkKind::UnknownBlock => "unknown pair",
        MarkKind::UnknownEntry => "unknown file",
        MarkKind::ArchiveComment => "unknown comment",
    }
}

fn coverage(covers: Coverage) -> &'static str {
    match covers {
        Coverage::File => "Google Play has handed out this very file",
        Coverage::Code => "whoever signs has listed the code files, not the rest of the app",
        Coverage::OwnContent => {
            "the signature is over its own content; whether that speaks of this app is not checked"
        }
    }
}

fn place(place: &MarkPlace) -> String {
    match (&place.id, &place.name, place.offset) {
        (Some(id), _, Some(offset)) => format!("signing block pair {id} at {offset:#x}"),
        (_, Some(name), _) => short(name),
        (_, _, Some(offset)) => format!("archive comment at {offset:#x}"),
        _ => place.within.to_owned(),
    }
}

fn signer(text: &mut String, certificate: &CertificateRow) {
    line(text, "", &format!("signed by {}", brief(&certificate.subject)));
    line(text, "", &format!("SHA-256   {}", certificate.sha256));
}

fn problem(text: &mut String, finding: &FindingRow) {
    let entry = finding.entry.as_ref().map(|entry| format!("{}: ", short(entry))).unwrap_or_default();
    let message = visible(&finding.message);
    line(text, "", &format!("{} {entry}{message} [{}]", finding.severity, finding.code));
    if let (Some(expected), Some(actual)) = (&finding.expected, &finding.actual) {
        line(text, "", &format!("  expected  {}", visible(expected)));
        line(text, "", &format!("  actual    {}", visible(actual)));
    }
}

/// On one line, and not too long for it.
fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    visible(&shown).into_owned()
}
