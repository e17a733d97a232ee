//! `apkvouch report --whole`.

use std::fmt::Write as _;
use std::io::Write as _;

use apkvouch::Error;
use apkvouch::ledger::AlikeApp;
use apkvouch::ledger::Whole;
use apkvouch::report::escape;
use apkvouch::report::escape::brief;
use apkvouch::report::escape::brief_path;
use serde::Serialize;

use super::args::Form;
use super::counted;
use super::output::unwritten;

/// So many of a kind are told to people.
const MOST: usize = 10;

pub(super) fn run(whole: &Whole, form: &Form) -> anyhow::Result<u8> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: u32,
        #[serde(flatten)]
        whole: &'a Whole,
    }
    let text = match form.format.name {
        "text" => text(whole)?,
        "json" => {
            let json = serde_json::to_string_pretty(&Document { schema: 1, whole })?;
            escape::json(&json).into_owned() + "\n"
        }
        other => {
            let message = format!("--whole is told as text or json, not as {other}; give --format json");
            return Err(Error::Usage(message).into());
        }
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritten)?;
    Ok(0)
}

fn text(whole: &Whole) -> anyhow::Result<String> {
    let mut text = String::new();
    let Whole { scan, files, packages, signers, .. } = whole;
    writeln!(
        text,
        "scan {scan}: {} of {} by {}",
        counted(*files, "file"),
        counted(*packages, "package"),
        counted(*signers, "signer")
    )?;

    heading(
        &mut text,
        whole.packages_with_several_signers,
        "packages signed by different signers",
        "ask the owner which is his, and register it",
    )?;
    for package in whole.several_signers.iter().take(MOST) {
        line(&mut text, 2, &brief(&package.package))?;
        for by in package.signed_by.iter().take(MOST) {
            line(
                &mut text,
                4,
                &format!("{}  {}, {}", short(&by.signers), counted(by.files, "file"), brief_path(&by.path)),
            )?;
        }
    }
    more(&mut text, whole.packages_with_several_signers, whole.several_signers.len())?;

    if let Some(count) = whole.labels_of_several_signers {
        heading(
            &mut text,
            count,
            "names of apps of several packages by different signers",
            "look which of them is the one that people mean",
        )?;
        for shared in whole.shared_labels.iter().take(MOST) {
            alike(&mut text, &brief(&shared.label), (shared.packages, shared.signers), &shared.apps)?;
        }
        more(&mut text, count, whole.shared_labels.len())?;
    }
    if let Some(count) = whole.icons_of_several_signers {
        heading(
            &mut text,
            count,
            "icons of apps of several packages by different signers",
            "look whose picture it is",
        )?;
        for shared in whole.shared_icons.iter().take(MOST) {
            let icon = shared.icon.get(..16).unwrap_or(&shared.icon);
            alike(&mut text, icon, (shared.packages, shared.signers), &shared.apps)?;
        }
        more(&mut text, count, whole.shared_icons.len())?;
    }

    heading(&mut text, whole.duplicated, "files that stand there more than once", "keep one of each")?;
    for duplicate in whole.most_duplicated.iter().take(MOST) {
        let [first, last] = duplicate.paths.each_ref().map(|path| brief_path(path));
        line(&mut text, 2, &format!("{} times: {first}, {last}", duplicate.files))?;
    }
    more(&mut text, whole.duplicated, whole.most_duplicated.len())?;

    if let Some(earlier) = whole.earlier_scan {
        let what = format!("packages with a lower version than in scan {earlier}");
        heading(&mut text, whole.packages_gone_back, &what, "see who put it back")?;
        for back in whole.gone_back.iter().take(MOST) {
            line(&mut text, 2, &format!("{}  {} -> {}", brief(&back.package), back.before, back.after))?;
        }
        more(&mut text, whole.packages_gone_back, whole.gone_back.len())?;
    }

    writeln!(text, "\nwho signs the most packages")?;
    for signer in whole.largest_signers.iter().take(MOST) {
        line(
            &mut text,
            2,
            &format!(
                "{}  {}, {}",
                short(&signer.signers),
                counted(signer.packages, "package"),
                counted(signer.files, "file")
            ),
        )?;
    }
    more(&mut text, *signers, whole.largest_signers.len())?;
    Ok(text)
}

/// What apps share, and some of these.
fn alike(
    text: &mut String,
    what: &str,
    (packages, signers): (u64, u64),
    apps: &[AlikeApp],
) -> std::fmt::Result {
    line(text, 2, &format!("{what}: {} by {}", counted(packages, "package"), counted(signers, "signer")))?;
    for app in apps.iter().take(MOST) {
        let label = app.label.as_deref().map(|label| format!(" \"{}\"", brief(label))).unwrap_or_default();
        let (package, path) = (brief(&app.package), brief_path(&app.path));
        let signers = short(&app.signers);
        line(text, 4, &format!("{package}{label}  {signers}  {}, {path}", counted(app.files, "file")))?;
    }
    Ok(())
}

/// What there is of a kind, and what to do when there is any.
fn heading(text: &mut String, count: u64, what: &str, advice: &str) -> std::fmt::Result {
    if count == 0 { writeln!(text, "\n{what}: 0") } else { writeln!(text, "\n{what}: {count}; {advice}") }
}

fn line(text: &mut String, indent: usize, line: &str) -> std::fmt::Result {
    writeln!(text, "{:indent$}{}", "", escape::visible(line))
}

fn more(text: &mut String, count: u64, listed: usize) -> std::fmt::Result {
    let shown = u64::try_from(listed.min(MOST)).unwrap_or(u64::MAX);
    match count.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(text, "  and {more} more: --format json"),
    }
}

/// The first digits of each certificate, as tables have them.
fn short(signers: &[String]) -> String {
    let signers: Vec<&str> = signers.iter().map(|signer| signer.get(..16).unwrap_or(signer)).collect();
    signers.join(" + ")
}
