//! Signature schemes that are newer than this program: pairs of unknown id that hold signers all the same.
//!
//! Every scheme so far begins its signers alike: signed data first, in it digests and then certificates. A pair that nobody
//! has named and that looks like this could decide on some Android version, so it is never passed over in silence.

use std::collections::HashSet;

use crate::apk::Apk;
use crate::apk::SigningBlock;
use crate::apk::Stop;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::signer;
use crate::format::signing_block::Pair;
use crate::format::x509;

/// A warning for each unknown id whose first pair holds a signer with a certificate.
pub(crate) fn unknown_schemes(apk: &Apk<'_>, block: &SigningBlock) -> Result<Vec<Finding>, Stop> {
    let mut findings = Vec::new();
    let mut seen = HashSet::new();
    for pair in block.pairs.iter().filter(|pair| !block.unusable && pair.id.meaning().is_none()) {
        if seen.insert(pair.id) && holds_signers(apk, block, *pair)? {
            let finding = Finding::new(FindingCode::NewerSchemePresent).offset(block.value_offset(*pair));
            findings.push(finding.detail(format!("the pair {} holds signers", pair.id)));
        }
    }
    Ok(findings)
}

/// So many signers of a pair that no scheme has are looked at for a certificate.
const LOOKED_AT: usize = 64;

fn holds_signers(apk: &Apk<'_>, block: &SigningBlock, pair: Pair) -> Result<bool, Stop> {
    // The lengths of the list, of its first signer and of the signed data in it lie in one another, in a row.
    const FRAME: u64 = 12;
    let limits = apk.limits();
    if pair.len < FRAME || pair.len > limits.signing_block_pair {
        return Ok(false);
    }
    let frame = apk.source().read_vec_at(block.value_offset(pair), FRAME)?;
    let mut room = pair.len;
    for length in frame.as_chunks::<4>().0 {
        room = room.saturating_sub(4);
        let length = u64::from(u32::from_le_bytes(*length));
        if length == 0 || length > room {
            return Ok(false);
        }
        room = length;
    }
    let value = block.value(pair, apk.source(), limits)?;
    let Ok((mut signers, _)) = signer::signer_list(&value) else { return Ok(false) };
    for _ in 0..LOOKED_AT {
        let Ok(certificate) = signer::first_certificate(&mut signers) else { break };
        if certificate.is_some_and(|der| x509::Certificate::parse(der, limits).is_ok()) {
            return Ok(true);
        }
    }
    Ok(false)
}
