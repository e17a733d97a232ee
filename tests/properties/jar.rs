//! Entries and signature files of an APK that v1 alone has signed: laid out anew, without a new signature.

use super::android;
use super::bases::Base;
use super::block::Cause;
use super::mutant::Expected;
use super::mutant::Mutant;
use super::mutant::mutant;
use super::random::Random;
use crate::builder::Entry;
use crate::builder::Parts;
use crate::builder::der;

/// The entries of an honest file, in the order of their names.
fn entries(file: &[u8]) -> Vec<Entry> {
    let read = android::open(file).unwrap();
    let entry = |(name, content): (&Vec<u8>, &Option<Vec<u8>>)| {
        Entry::deflated(std::str::from_utf8(name).unwrap(), content.as_deref().unwrap())
    };
    read.iter().map(entry).collect()
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    Parts::of(entries).to_bytes()
}

fn is_meta(entry: &Entry) -> bool {
    entry.name.starts_with("META-INF/")
}

fn is_block(entry: &Entry) -> bool {
    [".RSA", ".DSA", ".EC"].iter().any(|suffix| entry.name.ends_with(suffix))
}

/// One of the entries for which `wanted` holds.
fn choose(entries: &[Entry], random: &mut Random, wanted: impl Fn(&Entry) -> bool) -> usize {
    let found: Vec<usize> = (0..entries.len()).filter(|place| wanted(&entries[*place])).collect();
    *random.pick(&found)
}

/// An entry that v1 protects: changed, renamed, removed, added, doubled, exchanged.
pub(super) fn entry_changed(base: &Base, random: &mut Random) -> Option<Mutant> {
    if !base.only_v1 {
        return None;
    }
    let mut entries = entries(&base.file);
    let place = choose(&entries, random, |entry| !is_meta(entry));
    let name = entries[place].name.clone();
    let what = match random.below(7) {
        0 => {
            random.scramble(&mut entries[place].data);
            "changed"
        }
        1 => {
            entries[place].name = odd_name(&name, random);
            "renamed"
        }
        2 => {
            entries.remove(place);
            "removed"
        }
        3 => {
            let at = random.below(entries.len() + 1);
            let new = odd_name(&name, random);
            entries.insert(at, Entry::stored(&new, b"dex\n035\0 not signed"));
            "joined by another"
        }
        4 => {
            let at = random.below(entries.len() + 1);
            let mut copy = entries[place].clone();
            if random.one_in(2) {
                copy.data = b"dex\n035\0 not signed".to_vec();
            }
            entries.insert(at, copy);
            "doubled"
        }
        5 => {
            let other = choose(&entries, random, |entry| !is_meta(entry));
            let data = entries[other].data.clone();
            entries[other].data = std::mem::replace(&mut entries[place].data, data);
            "exchanged"
        }
        _ => {
            let twin = self::entries(&base.twin);
            entries[place].data = twin.into_iter().find(|entry| entry.name == name)?.data;
            "from another app of the signer"
        }
    };
    let file = archive(&entries);
    if android::content(&file) == android::content(&base.file) {
        return None;
    }
    Some(mutant(format!("{name} {what}"), file, Expected::Rejected(Cause::JAR)))
}

/// A name that resembles another one.
fn odd_name(name: &str, random: &mut Random) -> String {
    let ends = ["\0", "\n", "\r\n", " ", "/", "\u{301}", "\u{200b}", ".", "\\"];
    let starts = ["/", "./", "../", "META-INF/../", "\\", "C:", "meta-inf/", "\u{feff}", "lib/../"];
    match random.below(5) {
        0 => format!("{name}{}", random.pick(&ends)),
        1 => format!("{}{name}", random.pick(&starts)),
        2 => name.to_uppercase(),
        3 => name.replace('a', "\u{430}"),
        _ => format!("classes{}.dex", random.below(20) + 3),
    }
}

/// What v1 does not cover: order, compression, descriptors, gaps, comments, entries of `META-INF/`.
pub(super) fn laid_out_anew(base: &Base, random: &mut Random) -> Option<Mutant> {
    if !base.only_v1 {
        return None;
    }
    let mut entries = entries(&base.file);
    let what = match random.below(5) {
        0 => {
            for place in (1..entries.len()).rev() {
                entries.swap(place, random.below(place + 1));
            }
            "entries in another order"
        }
        1 => {
            for entry in &mut entries {
                entry.deflate = random.one_in(2);
                entry.data_descriptor = random.one_in(3);
                entry.alignment = *random.pick(&[1, 4, 4096]);
            }
            "entries compressed otherwise"
        }
        2 => {
            let name = *random.pick(&[
                "META-INF/services/x.Y",
                "META-INF/com/android/metadata",
                "META-INF/a.version",
                "META-INF/channel_x",
                "META-INF/MANIFEST.MF.bak",
                "META-INF/CERT.rsa.txt",
            ]);
            let at = random.below(entries.len() + 1);
            let len = random.below(300);
            let bytes = random.bytes(len);
            entries.insert(at, Entry::stored(name, &bytes));
            "an entry under META-INF added"
        }
        3 => {
            // Behind an entry, so that the file still begins with one.
            let place = 1 + random.below(entries.len() - 1);
            let len = 1 + random.below(300);
            let gap = random.bytes(len);
            entries[place] = entries[place].clone().raw(move |raw| raw.gap.clone_from(&gap));
            "a gap before an entry"
        }
        _ => {
            let place = random.below(entries.len());
            let len = random.below(100);
            let comment = random.bytes(len);
            entries[place] = entries[place].clone().raw(move |raw| {
                raw.central[0].comment.clone_from(&comment);
                raw.central[0].extra.extend([0x99, 0x99, 4, 0, 1, 2, 3, 4]);
            });
            "comment and extra field of a directory record"
        }
    };
    let mut parts = Parts::of(&entries);
    if random.one_in(4) {
        let len = random.below(200);
        parts.eocd.comment = random.bytes(len);
    }
    let file = parts.to_bytes();
    Some(mutant(what.to_owned(), file, Expected::Accepted))
}

/// Text of MANIFEST.MF or a signature file.
pub(super) fn text_changed(base: &Base, random: &mut Random) -> Option<Mutant> {
    if !base.only_v1 {
        return None;
    }
    let mut entries = entries(&base.file);
    let place = choose(&entries, random, |entry| is_meta(entry) && !is_block(entry));
    let name = entries[place].name.clone();
    let before = entries[place].data.clone();
    let text = String::from_utf8(before.clone()).ok()?;
    let mut lines: Vec<String> = text.split_inclusive("\r\n").map(str::to_owned).collect();
    let line = random.below(lines.len());
    let what = match random.below(11) {
        0 => {
            random.scramble(&mut entries[place].data);
            lines.clear();
            "scrambled"
        }
        1 => {
            lines.remove(line);
            "with a line missing"
        }
        2 => {
            lines.insert(line, lines[line].clone());
            "with a line twice"
        }
        3 => {
            let other = random.below(lines.len());
            lines.swap(line, other);
            "with lines exchanged"
        }
        4 => {
            lines[line] = lines[line]
                .replace("\r\n", random.pick::<&str>(&["\n", "\r", "\n\n", "\r\n\r\n", "", "\0\r\n"]));
            "with another line end"
        }
        5 => {
            let at = random.below(lines[line].len().max(1));
            if lines[line].is_char_boundary(at) {
                lines[line].insert_str(at, random.pick::<&str>(&["\r\n ", "\n ", " ", ": ", "\t", "\0"]));
            }
            "with a line broken"
        }
        6 => {
            lines[line] = lines[line].to_uppercase();
            "with a line in upper case"
        }
        7 => {
            let mut sections: Vec<String> = text.split_inclusive("\r\n\r\n").map(str::to_owned).collect();
            let (one, other) = (random.below(sections.len()), random.below(sections.len()));
            match random.below(3) {
                0 => sections.swap(one, other),
                1 => drop(sections.remove(one)),
                _ => sections.insert(other, sections[one].clone()),
            }
            lines = sections;
            "with sections in other places"
        }
        8 => {
            let digests: Vec<usize> =
                (0..lines.len()).filter(|line| lines[*line].contains("-Digest: ")).collect();
            let (one, other) = (*random.pick(&digests), *random.pick(&digests));
            lines.swap(one, other);
            "with digests exchanged"
        }
        9 => {
            lines.insert(line, "SHA-256-Digest: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n".to_owned());
            "with another digest"
        }
        _ => {
            let twin = self::entries(&base.twin);
            lines = vec![String::from_utf8(twin.into_iter().find(|entry| entry.name == name)?.data).ok()?];
            "from another app of the signer"
        }
    };
    if !lines.is_empty() {
        entries[place].data = lines.concat().into_bytes();
    }
    if entries[place].data == before {
        return None;
    }
    // The signature covers every byte of a signature file.
    let expected =
        if name == "META-INF/MANIFEST.MF" { Expected::ByContent } else { Expected::Rejected(Cause::JAR) };
    Some(mutant(format!("{name} {what}"), archive(&entries), expected))
}

/// The signature block: a DER element changed, or the whole of another app.
pub(super) fn block_changed(base: &Base, random: &mut Random) -> Option<Mutant> {
    if !base.only_v1 {
        return None;
    }
    let mut entries = entries(&base.file);
    let place = choose(&entries, random, is_block);
    let name = entries[place].name.clone();
    let before = entries[place].data.clone();
    let (what, expected) = match random.below(6) {
        0 => {
            random.scramble(&mut entries[place].data);
            ("scrambled", Expected::ByContent)
        }
        1 => {
            let twin = self::entries(&base.twin);
            entries[place].data = twin.into_iter().find(|entry| entry.name == name)?.data;
            ("from another app of the signer", Expected::Rejected(Cause::JAR))
        }
        2 => {
            let foreign = self::entries(&base.foreign);
            entries[place].data = foreign.into_iter().find(|entry| entry.name == name)?.data;
            ("by another signer, of the same content", Expected::ByContent)
        }
        _ => {
            entries[place].data = element_changed(&before, random);
            ("with an element changed", Expected::ByContent)
        }
    };
    if entries[place].data == before {
        return None;
    }
    Some(mutant(format!("{name} {what}"), archive(&entries), expected))
}

/// All signature files of another app of the signer, or of an app of another one.
pub(super) fn signature_exchanged(base: &Base, random: &mut Random) -> Option<Mutant> {
    if !base.only_v1 {
        return None;
    }
    let own = entries(&base.file);
    let twin = random.one_in(2);
    let donor = entries(if twin { &base.twin } else { &base.foreign });
    let mut entries: Vec<Entry> = own.iter().filter(|entry| !is_meta(entry)).cloned().collect();
    let added = random.one_in(2);
    if added {
        entries.extend(own.into_iter().filter(is_meta));
    }
    for mut entry in donor.into_iter().filter(is_meta) {
        if added && entry.name.ends_with("MANIFEST.MF") {
            continue;
        }
        if added {
            entry.name = entry.name.replace("META-INF/", "META-INF/A");
        }
        entries.push(entry);
    }
    let expected = if twin { Expected::Rejected(Cause::JAR) } else { Expected::ByContent };
    let what = format!(
        "signature files of {} {}",
        if twin { "another app of the signer" } else { "another signer" },
        if added { "beside its own" } else { "instead of its own" }
    );
    Some(mutant(what, archive(&entries), expected))
}

/// Changes one element of DER: its tag, its length, its content, its place, or how often it stands there.
pub(super) fn element_changed(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut paths = Vec::new();
    walk(bytes, &mut Vec::new(), &mut paths);
    let path = random.pick(&paths).clone();
    let choice = random.below(12);
    let noise = random.next();
    rewrite(bytes, &path, &|element| odd_element(element, choice, noise))
}

/// Element, content, and what follows, if the bytes are of that form.
fn element(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let len = match *bytes.get(1)? {
        len @ 0..0x80 => 2 + usize::from(len),
        long => {
            let count = usize::from(long & 0x7f);
            let len = bytes.get(2..2 + count)?.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
            2 + count + len
        }
    };
    (len <= bytes.len()).then(|| der::split(bytes))
}

fn walk(bytes: &[u8], path: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    let (mut rest, mut index) = (bytes, 0);
    while let Some((whole, content, behind)) = element(rest) {
        path.push(index);
        out.push(path.clone());
        if whole[0] & 0x20 != 0 {
            walk(content, path, out);
        }
        path.pop();
        (rest, index) = (behind, index + 1);
    }
}

/// Replaces the element at `path`; the lengths around it are set right.
fn rewrite(bytes: &[u8], path: &[usize], change: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (mut rest, mut index, mut out) = (bytes, 0, Vec::new());
    while let Some((whole, content, behind)) = element(rest) {
        if index == path[0] {
            out.extend(match path {
                [_] => change(whole),
                _ => der::element(whole[0], &rewrite(content, &path[1..], change)),
            });
        } else {
            out.extend_from_slice(whole);
        }
        (rest, index) = (behind, index + 1);
    }
    out.extend_from_slice(rest);
    out
}

fn odd_element(whole: &[u8], choice: usize, noise: u64) -> Vec<u8> {
    let (_, content, _) = der::split(whole);
    let tag = whole[0];
    let long = |bytes: &[u8]| [&[tag, 0x84], &(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    match choice {
        0 => Vec::new(),
        1 => [whole, whole].concat(),
        2 => long(content),
        // Indefinite length, as BER has it.
        3 => [&[tag | 0x20, 0x80], content, &[0, 0]].concat(),
        4 => [&[tag, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], content].concat(),
        5 => der::element(tag, &[]),
        6 => der::element(tag ^ (1 << (noise % 8)), content),
        7 => der::element(tag, &[content, &[0]].concat()),
        8 => der::element(tag, &[&[0xff], content].concat()),
        9 => der::element(tag, &[&[0], content].concat()),
        10 => (0..=noise % 300).fold(whole.to_vec(), |inner, _| der::element(0x30, &inner)),
        _ => {
            let mut changed = content.to_vec();
            if let Some(byte) = changed.get_mut(noise as usize % content.len().max(1)) {
                *byte ^= 1 << (noise >> 40 & 7);
            }
            der::element(tag, &changed)
        }
    }
}
