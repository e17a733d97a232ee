//! Play frosting: whether Google Play has handed out this very file.
//!
//! Source: avast `apkverifier`, `signingblock/frosting.go`.

use data_encoding::BASE64;
use data_encoding::HEXLOWER;

use super::Content;
use super::Coverage;
use super::Mark;
use super::Reading;
use crate::apk::SigningBlock;
use crate::apk::Stop;
use crate::crypto;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;
use crate::crypto::PublicKey;
use crate::crypto::SignatureScheme;
use crate::finding::FindingCode;
use crate::format::frosting::Frosting;
use crate::format::frosting::FrostingEntry;
use crate::format::signing_block::BlockId;
use crate::format::zip::EOCD_CD_OFFSET_FIELD;

/// `finsky.peer_app_sharing_api.frosting_public_keys` of the Play Store app 11.2.14, in its order.
const KEYS: [&str; 1] = [
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZH2+1+E07dnErAD3L6BbTnaohU0bbXriNlJI7VxJU+LjdSwPyXR5pomARAMoyPkMksLz/gitUPtFuJoPL2ziEw==",
];

/// The keys of Play frosting that are known, by their index: X.509 `SubjectPublicKeyInfo`, DER. Keys with a higher index
/// than 0 are not published.
pub fn built_in_frosting_keys() -> Vec<Vec<u8>> {
    KEYS.iter().map(|key| BASE64.decode(key.as_bytes()).unwrap_or_default()).collect()
}

impl Reading<'_> {
    /// The frosting in a pair of `block`.
    pub(super) fn frosting(
        &self,
        mark: &mut Mark,
        block: &SigningBlock,
        content: Content<'_>,
    ) -> Result<(), Stop> {
        let Some(value) = self.whole_signed(mark, content)? else { return Ok(()) };
        let frosting = match Frosting::parse(&value) {
            Ok(frosting) => frosting,
            Err(error) => {
                mark.malformed(FindingCode::FrostingMalformed, error.to_string());
                return Ok(());
            }
        };
        mark.push("info-bytes", frosting.info.len().to_string());
        if !frosting.trailing.is_empty() {
            mark.push("trailing-bytes", frosting.trailing.len().to_string());
        }
        let Some(entry) = frosting.entry else {
            mark.present(format!("every signature in it is disabled, {} of them", frosting.disabled));
            return Ok(());
        };
        mark.push("key-index", entry.key_index.to_string());
        mark.push("covered-sha256", HEXLOWER.encode(entry.file_sha256));
        self.check_frosting(mark, block, &entry)
    }

    /// Signature first, then what it covers.
    fn check_frosting(
        &self,
        mark: &mut Mark,
        block: &SigningBlock,
        entry: &FrostingEntry<'_>,
    ) -> Result<(), Stop> {
        let index = usize::try_from(entry.key_index).unwrap_or(usize::MAX);
        let Some(key) = self.options.frosting_keys.get(index) else {
            mark.present(format!("signed with key {index} of Google Play, which is not known here"));
            return Ok(());
        };
        let key = match PublicKey::from_spki(key, self.limits()) {
            Ok(key) => key,
            Err(error) => {
                mark.present(format!("key {index} cannot be used: {error}"));
                return Ok(());
            }
        };
        if !self.checks.take() {
            mark.present("more signatures in marks than are checked in one file");
            return Ok(());
        }
        let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
        let detail = match crypto::verify(&key, scheme, entry.signed, entry.signature) {
            Ok(true) => None,
            Ok(false) => Some(format!("key {index}")),
            Err(error) => Some(format!("key {index}: {error}")),
        };
        if let Some(detail) = detail {
            mark.malformed(FindingCode::FrostingSignatureMismatch, detail);
            return Ok(());
        }
        if self.frosted.get().is_none() {
            let digest = self.frosted_digest(block)?;
            self.frosted.get_or_init(|| digest);
        }
        let actual = self.frosted.get().map_or(&[][..], Vec::as_slice);
        if actual == entry.file_sha256 {
            mark.verified(Coverage::File, Vec::new());
        } else {
            let finding = mark.finding(FindingCode::FrostingDigestMismatch);
            mark.broken(finding.values(HEXLOWER.encode(entry.file_sha256), HEXLOWER.encode(actual)));
        }
        Ok(())
    }

    /// SHA-256 of: all before the signing block; id and value of the v2 pair, if there is one; the Central Directory; the
    /// end record, its directory offset set to the start of the signing block.
    fn frosted_digest(&self, block: &SigningBlock) -> Result<Vec<u8>, Stop> {
        let sections = self.apk.sections();
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        self.digest_range(&mut hasher, 0, block.offset)?;
        if let Some(v2) = block.first(BlockId::V2).filter(|v2| v2.len > 0) {
            hasher.update(&v2.id.0.to_le_bytes());
            self.digest_range(&mut hasher, block.value_offset(v2), v2.len)?;
        }
        self.digest_range(&mut hasher, sections.cd_offset, sections.cd_size)?;
        let mut eocd = sections.eocd.clone();
        let start = u32::try_from(block.offset).unwrap_or(u32::MAX).to_le_bytes();
        if let Some(field) = eocd.get_mut(EOCD_CD_OFFSET_FIELD..EOCD_CD_OFFSET_FIELD + start.len()) {
            field.copy_from_slice(&start);
        }
        hasher.update(&eocd);
        Ok(hasher.finish())
    }

    /// Reads in pieces: memory does not grow with the file.
    fn digest_range(&self, hasher: &mut Hasher, offset: u64, len: u64) -> Result<(), Stop> {
        const PIECE: usize = 1 << 20;
        let mut buffer = vec![0; PIECE.min(usize::try_from(len).unwrap_or(PIECE))];
        let mut done = 0;
        while done < len {
            let piece = usize::try_from(len - done).unwrap_or(PIECE).min(PIECE);
            let Some(piece) = buffer.get_mut(..piece) else { break };
            self.apk.source().read_exact_at(piece, offset + done)?;
            hasher.update(piece);
            done += piece.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::crypto::Curve;
    use crate::crypto::KeyKind;

    #[test]
    fn built_in_keys_can_be_used() {
        let keys = built_in_frosting_keys();
        assert_eq!(keys.len(), 1);
        for key in keys {
            let key = PublicKey::from_spki(&key, &Limits::default()).unwrap();
            assert_eq!(key.kind(), KeyKind::Ec { curve: Curve::P256 });
        }
    }
}
