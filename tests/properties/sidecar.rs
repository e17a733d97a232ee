//! The v4 signature file beside the APK.

use super::bases::Base;
use super::block::Cause;
use super::mutant::Expected;
use super::mutant::Mutant;
use super::mutant::mutant;
use super::random::Random;

/// Bytes of the file changed, cut or added; a length field at its extremes; the file of another APK.
pub(super) fn idsig_changed(base: &Base, random: &mut Random) -> Option<Mutant> {
    let honest = base.idsig.as_ref()?;
    let mut idsig = honest.clone();
    let (what, expected) = match random.below(6) {
        0 | 1 => {
            random.scramble(&mut idsig);
            ("scrambled", Expected::Rejected(Cause::V4))
        }
        2 => {
            // The fields in front, where the lengths are.
            let place = random.below(64);
            let value = u64::from(u32::from_le_bytes(idsig[place..place + 4].try_into().unwrap()));
            let new = random.extreme(value, 4) as u32;
            idsig[place..place + 4].copy_from_slice(&new.to_le_bytes());
            ("a number of another size", Expected::Rejected(Cause::V4))
        }
        3 => {
            idsig.truncate(random.below(idsig.len()));
            ("cut off", Expected::ByContent)
        }
        4 => {
            idsig.clone_from(base.twin_idsig.as_ref()?);
            ("of another app of the signer", Expected::Rejected(Cause::V4))
        }
        _ => {
            idsig.clone_from(base.foreign_idsig.as_ref()?);
            ("of another signer", Expected::Rejected(Cause::V4))
        }
    };
    if idsig == *honest {
        return None;
    }
    // More behind the tree changes nothing.
    let expected = if idsig.starts_with(honest) { Expected::ByContent } else { expected };
    Some(Mutant {
        idsig: Some(idsig),
        ..mutant(format!("v4 signature file {what}"), base.file.clone(), expected)
    })
}
