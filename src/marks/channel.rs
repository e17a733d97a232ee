//! Channel marks: decoded, and never more than claims.

use data_encoding::HEXLOWER;

use super::Content;
use super::Mark;
use super::MarkKind;
use super::Reading;
use crate::apk::Stop;
use crate::finding::FindingCode;
use crate::format::ParseError;
use crate::format::channel;
use crate::format::shape::Shape;

impl Reading<'_> {
    /// A channel in a pair of the signing block.
    pub(super) fn channel(&self, mark: &mut Mark, content: Content<'_>) -> Result<(), Stop> {
        let limit = self.limits().mark_text;
        if mark.size > limit {
            let finding = mark.finding(FindingCode::MarkMalformed).detail(mark.kind.as_str());
            mark.broken(finding.values(format!("at most {limit} bytes"), format!("{} bytes", mark.size)));
            return Ok(());
        }
        let value = self.start(content, limit)?;
        let decoded = match mark.kind {
            MarkKind::WalleChannel => channel::walle(&value).map(|pairs| (pairs, &[][..])),
            MarkKind::PackerNgChannel => channel::packer_ng(&value),
            _ => channel::vasdolly(&value)
                .map(|channel| (vec![("channel".to_owned(), channel.to_owned())], &[][..])),
        };
        match decoded {
            Ok((pairs, behind)) => {
                for (name, value) in pairs {
                    mark.push(name, value);
                }
                if !behind.is_empty() {
                    mark.push("trailing-bytes", HEXLOWER.encode(behind));
                }
            }
            Err(error) => malformed(mark, &error, &value),
        }
        Ok(())
    }
}

/// A channel in the name of an empty entry.
pub(super) fn in_name(mark: &mut Mark, name: &[u8]) {
    if let Some(channel) = channel::meta_inf_channel(name) {
        mark.push("channel", channel);
    }
}

/// A channel at the end of the archive comment.
pub(super) fn in_comment(mark: &mut Mark, comment: &[u8]) {
    match channel::vasdolly_comment(comment) {
        Ok(Some(found)) => {
            mark.push("channel", found.channel);
            if !found.before.is_empty() {
                mark.push("before", String::from_utf8_lossy(found.before));
            }
        }
        Ok(None) => {}
        Err(error) => malformed(mark, &error, comment),
    }
}

fn malformed(mark: &mut Mark, error: &ParseError, value: &[u8]) {
    mark.looks_like = Some(Shape::of(value, value.len() as u64));
    mark.malformed(FindingCode::MarkMalformed, error.to_string());
}
