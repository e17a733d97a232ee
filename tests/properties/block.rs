//! The APK Signing Block as a tree of records, of which one is changed.

use super::bases::Base;
use super::mutant::Expected;
use super::mutant::Mutant;
use super::mutant::mutant;
use super::random::Random;
use super::sections::Sections;
use crate::builder::id;

/// A record: bytes, or records behind their length.
#[derive(Clone, PartialEq)]
enum Node {
    Bytes(&'static str, Vec<u8>),
    List(&'static str, List),
}

#[derive(Clone, PartialEq)]
struct List {
    nodes: Vec<Node>,
    /// Whether the length has eight bytes and not four.
    wide: bool,
    /// The length, when it is not to be the true one.
    len: Option<u64>,
}

impl Node {
    fn name(&self) -> &'static str {
        match self {
            Self::Bytes(name, _) | Self::List(name, _) => name,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bytes(_, bytes) => out.extend_from_slice(bytes),
            Self::List(_, list) => {
                let mut inner = Vec::new();
                for node in &list.nodes {
                    node.encode(&mut inner);
                }
                let len = list.len.unwrap_or(inner.len() as u64);
                out.extend_from_slice(&len.to_le_bytes()[..if list.wide { 8 } else { 4 }]);
                out.extend(inner);
            }
        }
    }

    fn at(&self, path: &[usize]) -> &Self {
        match (self, path) {
            (Self::List(_, list), [first, rest @ ..]) => list.nodes[*first].at(rest),
            _ => self,
        }
    }

    fn at_mut(&mut self, path: &[usize]) -> &mut Self {
        match (self, path) {
            (Self::List(_, list), [first, rest @ ..]) => list.nodes[*first].at_mut(rest),
            (node, _) => node,
        }
    }

    /// Every place below, with the names that lead there.
    fn places(&self, path: &[usize], names: &[&'static str], out: &mut Vec<(Vec<usize>, Vec<&'static str>)>) {
        if let Self::List(_, list) = self {
            for (index, node) in list.nodes.iter().enumerate() {
                let path = [path, &[index]].concat();
                let names = [names, &[node.name()]].concat();
                node.places(&path, &names, out);
                out.push((path, names));
            }
        }
    }
}

fn list(name: &'static str, nodes: Vec<Node>) -> Node {
    Node::List(name, List { nodes, wide: false, len: None })
}

/// Takes `count` bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

fn prefixed<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let len = u32::from_le_bytes(take(bytes, 4).try_into().unwrap());
    take(bytes, len as usize)
}

fn items(name: &'static str, mut bytes: &[u8], item: impl Fn(&[u8]) -> Node) -> Node {
    let mut nodes = Vec::new();
    while !bytes.is_empty() {
        nodes.push(item(prefixed(&mut bytes)));
    }
    list(name, nodes)
}

fn leaf(name: &'static str, bytes: &[u8]) -> Node {
    Node::Bytes(name, bytes.to_vec())
}

/// An algorithm and a length-prefixed value.
fn record(name: &'static str, mut bytes: &[u8]) -> Node {
    let algorithm = leaf("algorithm", take(&mut bytes, 4));
    list(name, vec![algorithm, list("value", vec![leaf("bytes", prefixed(&mut bytes))])])
}

fn signer(mut bytes: &[u8], with_sdk: bool) -> Node {
    let mut data = prefixed(&mut bytes);
    let mut signed = vec![
        items("digests", prefixed(&mut data), |bytes| record("digest", bytes)),
        items("certificates", prefixed(&mut data), |bytes| list("certificate", vec![leaf("bytes", bytes)])),
    ];
    if with_sdk {
        signed.push(leaf("min", take(&mut data, 4)));
        signed.push(leaf("max", take(&mut data, 4)));
    }
    signed.push(items("attributes", prefixed(&mut data), |mut bytes| {
        let id = leaf("id", take(&mut bytes, 4));
        list("attribute", vec![id, leaf("value", bytes)])
    }));
    signed.push(leaf("tail", data));
    let mut nodes = vec![list("signed-data", signed)];
    if with_sdk {
        nodes.push(leaf("min", take(&mut bytes, 4)));
        nodes.push(leaf("max", take(&mut bytes, 4)));
    }
    nodes.push(items("signatures", prefixed(&mut bytes), |bytes| record("signature", bytes)));
    nodes.push(list("public-key", vec![leaf("bytes", prefixed(&mut bytes))]));
    nodes.push(leaf("tail", bytes));
    list("signer", nodes)
}

/// The pairs of a block, by name of their scheme.
fn pairs(mut bytes: &[u8]) -> Node {
    let mut nodes = Vec::new();
    while !bytes.is_empty() {
        let len = u64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap());
        let mut pair = take(&mut bytes, len as usize);
        let id = take(&mut pair, 4);
        let (name, with_sdk) = match u32::from_le_bytes(id.try_into().unwrap()) {
            id::V2 => ("v2", Some(false)),
            id::V3 => ("v3", Some(true)),
            id::V31 => ("v3.1", Some(true)),
            id::V32 => ("v3.2", Some(true)),
            id::SOURCE_STAMP_V2 => ("stamp", None),
            _ => ("other", None),
        };
        let mut inner = vec![leaf("id", id)];
        match with_sdk {
            Some(with_sdk) => {
                let signers = prefixed(&mut pair);
                inner.push(items("signers", signers, |bytes| signer(bytes, with_sdk)));
                inner.push(leaf("tail", pair));
            }
            None => inner.push(leaf("value", pair)),
        }
        nodes.push(Node::List(name, List { nodes: inner, wide: true, len: None }));
    }
    list("block", nodes)
}

/// The pairs of the block of a file.
fn tree(sections: &Sections) -> Node {
    let block = &sections.block;
    pairs(&block[8..block.len() - 24])
}

/// The bytes of a block with these pairs.
fn framed(tree: &Node) -> Vec<u8> {
    let mut pairs = Vec::new();
    tree.encode(&mut pairs);
    let pairs = &pairs[4..];
    let size = (pairs.len() as u64 + 24).to_le_bytes();
    [&size[..], pairs, &size, b"APK Sig Block 42"].concat()
}

#[derive(Clone, Copy, PartialEq)]
enum Change {
    Scramble,
    Length,
    Delete,
    Repeat,
    Reorder,
    Empty,
    GraftTwin,
    GraftForeign,
}

/// Changes one record of the block; lengths around it are set right.
pub(super) fn record_changed(base: &Base, random: &mut Random) -> Option<Mutant> {
    const CHANGES: [Change; 10] = [
        Change::Scramble,
        Change::Scramble,
        Change::Length,
        Change::Length,
        Change::Delete,
        Change::Repeat,
        Change::Reorder,
        Change::Empty,
        Change::GraftTwin,
        Change::GraftForeign,
    ];
    if base.only_v1 {
        return None;
    }
    let sections = Sections::of(&base.file);
    let honest = tree(&sections);
    let mut places = Vec::new();
    honest.places(&[], &[], &mut places);
    let (path, names) = random.pick(&places).clone();
    let change = *random.pick(&CHANGES);
    let mut changed = honest.clone();
    let (last, parent) = path.split_last()?;
    let siblings = match honest.at(parent) {
        Node::List(_, list) => list.nodes.len(),
        Node::Bytes(..) => return None,
    };
    let in_parent = |changed: &mut Node, change: &dyn Fn(&mut Vec<Node>)| {
        if let Node::List(_, list) = changed.at_mut(parent) {
            change(&mut list.nodes);
        }
    };
    match change {
        Change::Scramble => match changed.at_mut(&path) {
            Node::Bytes(_, bytes) => random.scramble(bytes),
            Node::List(..) => return None,
        },
        Change::Length => {
            let mut inner = Vec::new();
            honest.at(&path).encode(&mut inner);
            match changed.at_mut(&path) {
                Node::List(_, list) => {
                    let (width, len) = if list.wide { (8, inner.len() - 8) } else { (4, inner.len() - 4) };
                    list.len = Some(random.extreme(len as u64, width));
                }
                Node::Bytes(..) => return None,
            }
        }
        Change::Delete => in_parent(&mut changed, &|nodes| drop(nodes.remove(*last))),
        Change::Repeat => in_parent(&mut changed, &|nodes| nodes.insert(*last, nodes[*last].clone())),
        Change::Reorder => {
            let other = random.below(siblings);
            in_parent(&mut changed, &|nodes| nodes.swap(*last, other));
        }
        Change::Empty => match changed.at_mut(&path) {
            Node::Bytes(_, bytes) => bytes.clear(),
            Node::List(_, list) => list.nodes.clear(),
        },
        Change::GraftTwin | Change::GraftForeign => {
            let donor = if change == Change::GraftTwin { &base.twin } else { &base.foreign };
            let donor = tree(&Sections::of(donor));
            let mut others = Vec::new();
            donor.places(&[], &[], &mut others);
            others.retain(|(_, other)| *other == names);
            if others.is_empty() {
                return None;
            }
            let graft = donor.at(&random.pick(&others).0).clone();
            *changed.at_mut(&path) = graft;
        }
    }
    let block = framed(&changed);
    if block == sections.block {
        return None;
    }
    let expected = expected(base, &honest, &changed, &names, change);
    let what = format!("{} {}", names.join("/"), describe(change));
    let file = Sections { block, ..sections }.to_bytes();
    Some(mutant(what, file, expected))
}

fn describe(change: Change) -> &'static str {
    match change {
        Change::Scramble => "scrambled",
        Change::Length => "of another length",
        Change::Delete => "taken out",
        Change::Repeat => "repeated",
        Change::Reorder => "in another place",
        Change::Empty => "emptied",
        Change::GraftTwin => "from another app of the signer",
        Change::GraftForeign => "from the app of another signer",
    }
}

/// What must come of it, from where the change lies: whether a signature covers it, or decides by it.
fn expected(base: &Base, honest: &Node, changed: &Node, names: &[&str], change: Change) -> Expected {
    let scheme = names[0];
    if base.idsig.is_some() {
        // The v4 signature file covers every byte.
        return Expected::Rejected(Cause::BLOCK_OR_V4);
    }
    if base.aligned {
        return if is_signed(names) { Expected::Rejected(Cause::BLOCK) } else { Expected::ByContent };
    }
    let of_no_signer = ["stamp", "other"].contains(&scheme);
    let (Node::List(_, honest), Node::List(_, changed)) = (honest, changed) else {
        return Expected::ByContent;
    };
    let ids_are_others = ids(honest) != ids(changed);
    let within = |name: &str| names.contains(&name);
    let is = |name: &str| names.last() == Some(&name);
    match (names, change) {
        // A pair may be read as another one, or hide those behind it.
        ([_], Change::Length) => Expected::ByContent,
        ([_], Change::Reorder | Change::Repeat) => Expected::Accepted,
        _ if of_no_signer && !ids_are_others => Expected::Accepted,
        _ if of_no_signer => Expected::ByContent,
        // Nothing is left of the scheme, and nothing tells.
        ([_] | [_, "id"], _) if !is_missed(base, honest, scheme) => Expected::ByContent,
        // The same content by another signer, some of the signers, or parts in another order.
        ([_] | [_, "signers"], Change::GraftForeign)
        | ([_, "signers"], Change::Length)
        | ([_, "signers", "signer"], Change::Length | Change::GraftForeign | Change::Delete)
        | (["v2", "signers", "signer"], Change::Repeat)
        | ([_, _] | [_, "signers", "signer", _], Change::Reorder) => Expected::ByContent,
        ([_, "tail"], _) | ([_, "signers"], Change::Repeat) | ([_, "signers", "signer"], Change::Reorder) => {
            Expected::Accepted
        }
        ([_, "signers", "signer", "tail"], _) => Expected::Accepted,
        _ if is_signed(names) => Expected::Rejected(Cause::BLOCK),
        ([_, "signers", "signer", _], Change::Repeat) => Expected::ByContent,
        _ if is("min") || is("max") || names.len() < 4 => Expected::Rejected(Cause::BLOCK),
        _ if within("signatures") && !base.single => Expected::ByContent,
        // Behind the value of a signature there may be more.
        _ if is("value") && change == Change::Repeat => Expected::Accepted,
        (_, Change::Reorder | Change::Length) => Expected::ByContent,
        _ => Expected::Rejected(Cause::BLOCK),
    }
}

/// Whether something tells that the scheme is gone: an older one that mentions it, or Android versions that are left without.
fn is_missed(base: &Base, honest: &List, scheme: &str) -> bool {
    let has = |name: &str| honest.nodes.iter().any(|pair| pair.name() == name);
    // As apksig: v2 alone is for Android 7 and 8, which then do not install the app, and that is a warning.
    let only_warned =
        scheme == "v2" && has("v3") && !base.file.windows(20).any(|window| window == b"META-INF/MANIFEST.MF");
    base.guarded && !only_warned
}

/// Whether the signature of the signer covers it. The length of the signed data counts as well: it says what is signed.
fn is_signed(names: &[&str]) -> bool {
    names.contains(&"signed-data")
}

fn ids(list: &List) -> Vec<Vec<u8>> {
    let id = |node: &Node| match node {
        Node::List(_, pair) => match pair.nodes.first() {
            Some(Node::Bytes(_, id)) => id.clone(),
            _ => Vec::new(),
        },
        Node::Bytes(..) => Vec::new(),
    };
    list.nodes.iter().map(id).collect()
}

/// Codes that name what was changed in the block.
pub(super) struct Cause;

impl Cause {
    pub(super) const BLOCK: &'static [&'static str] =
        &["v2-", "v3-", "v31-", "v32-", "v1-", "signing-block-"];
    pub(super) const BLOCK_OR_V4: &'static [&'static str] =
        &["v2-", "v3-", "v31-", "v1-", "signing-block-", "v4-"];
    pub(super) const V4: &'static [&'static str] = &["v4-"];
    /// What lies outside of the block, under v2 or newer.
    pub(super) const FILE: &'static [&'static str] = &[
        "v2-",
        "v3-",
        "v31-",
        "v32-",
        "v1-",
        "v4-",
        "signing-block-",
        "zip",
        "manifest-",
        "min-sdk-",
        "limit-exceeded",
    ];
    pub(super) const JAR: &'static [&'static str] = &["v1-", "zip", "manifest-", "janus", "min-sdk-"];
}

/// A pair that nobody knows, anywhere.
pub(super) fn pair_added(base: &Base, random: &mut Random) -> Option<Mutant> {
    if base.only_v1 {
        return None;
    }
    let sections = Sections::of(&base.file);
    let mut tree = tree(&sections);
    let Node::List(_, list) = &mut tree else { return None };
    let place = random.below(list.nodes.len() + 1);
    let len = *random.pick(&[0, 1, 4, 100, 5000]);
    let bytes = random.bytes(len);
    let id = [random.next() as u8, 0x10, 0x20, 0x05];
    let pair = vec![leaf("id", &id), leaf("value", &bytes)];
    list.nodes.insert(place, Node::List("other", List { nodes: pair, wide: true, len: None }));
    let file = Sections { block: framed(&tree), ..sections }.to_bytes();
    let expected = match (base.idsig.is_some(), base.aligned) {
        (true, _) => Expected::Rejected(Cause::V4),
        (false, true) => Expected::ByContent,
        (false, false) => Expected::Accepted,
    };
    Some(mutant(format!("a pair of {len} bytes at {place}"), file, expected))
}

/// A pair of the same id that is broken, before or behind the good one: Android takes the first.
pub(super) fn pair_doubled(base: &Base, random: &mut Random) -> Option<Mutant> {
    if base.only_v1 {
        return None;
    }
    let sections = Sections::of(&base.file);
    let mut tree = tree(&sections);
    let Node::List(_, list) = &mut tree else { return None };
    let place = random.below(list.nodes.len());
    let name = list.nodes[place].name();
    if ["stamp", "other"].contains(&name) {
        return None;
    }
    let mut broken = Vec::new();
    list.nodes[place].encode(&mut broken);
    let mut broken = broken[8..].to_vec();
    // Behind the id, length of signers, of the signer and of the signed data: what is signed.
    let spot = 16 + random.below(100);
    broken[spot] ^= 1 << random.below(8);
    let before = random.one_in(2);
    let pair = Node::List("broken", List { nodes: vec![leaf("pair", &broken)], wide: true, len: None });
    list.nodes.insert(if before { place } else { place + 1 }, pair);
    let file = Sections { block: framed(&tree), ..sections }.to_bytes();
    let expected = match (base.idsig.is_some(), before, base.aligned) {
        (true, ..) => Expected::Rejected(Cause::BLOCK_OR_V4),
        (_, true, _) => Expected::Rejected(Cause::BLOCK),
        (_, false, true) => Expected::ByContent,
        (_, false, false) => Expected::Accepted,
    };
    Some(mutant(format!("a broken {name} {}", if before { "before" } else { "behind" }), file, expected))
}

/// Sizes and magic around the pairs.
pub(super) fn frame_changed(base: &Base, random: &mut Random) -> Option<Mutant> {
    if base.only_v1 {
        return None;
    }
    let mut sections = Sections::of(&base.file);
    let len = sections.block.len();
    let what = match random.below(4) {
        0 => {
            let size = random.extreme((len - 8) as u64, 8).to_le_bytes();
            sections.block[..8].copy_from_slice(&size);
            "first size"
        }
        1 => {
            let size = random.extreme((len - 8) as u64, 8).to_le_bytes();
            sections.block[len - 24..len - 16].copy_from_slice(&size);
            "second size"
        }
        2 => {
            let size = random.extreme((len - 8) as u64, 8).to_le_bytes();
            sections.block[..8].copy_from_slice(&size);
            sections.block[len - 24..len - 16].copy_from_slice(&size);
            "both sizes"
        }
        _ => {
            let place = len - 16 + random.below(16);
            sections.block[place] ^= 1 << random.below(8);
            "magic"
        }
    };
    let file = sections.to_bytes();
    if file == base.file {
        return None;
    }
    let expected = if base.guarded { Expected::Rejected(Cause::FILE) } else { Expected::ByContent };
    Some(mutant(what.to_owned(), file, expected))
}

/// The block taken out, emptied, or from another file.
pub(super) fn block_exchanged(base: &Base, random: &mut Random) -> Option<Mutant> {
    if base.only_v1 {
        return None;
    }
    let sections = Sections::of(&base.file);
    let (what, block, foreign) = match random.below(4) {
        0 => ("no block", Vec::new(), false),
        1 => ("an empty block", framed(&list("block", Vec::new())), false),
        2 => ("the block of another app of the signer", Sections::of(&base.twin).block, false),
        _ => ("the block of another signer", Sections::of(&base.foreign).block, true),
    };
    let file = Sections { block, ..sections }.to_bytes();
    let expected = match (foreign, base.guarded, base.idsig.is_some()) {
        // The same content, by another signer.
        (true, _, false) | (false, false, _) => Expected::ByContent,
        (true, _, true) => Expected::Rejected(Cause::V4),
        (false, true, _) => Expected::Rejected(Cause::FILE),
    };
    Some(mutant(what.to_owned(), file, expected))
}
