//! What a file carries, as bytes.

use super::Coverage;
use super::Decoder;
use super::Field;
use super::Mark;
use super::MarkKind;
use super::MarkState;
use super::Marks;
use super::Place;
use super::ProfileName;
use super::Role;
use super::Shape;
use crate::format::signing_block::BlockId;
use crate::kept::Kept;
use crate::kept::Reader;
use crate::kept::Writer;
use crate::kept::kept_enum;
use crate::kept::kept_struct;

kept_struct!(Marks { marks, findings, left_out });
kept_struct!(Mark {
    kind,
    place,
    size,
    state,
    covers,
    reason,
    looks_like,
    profile,
    fields,
    certificates,
    findings,
});
kept_enum!(MarkKind {
    WalleChannel = 0,
    VasdollyChannel = 1,
    VasdollyComment = 2,
    PackerNgChannel = 3,
    MetaInfChannel = 4,
    DependencyInfo = 5,
    VerityPadding = 6,
    ZeroBlock = 7,
    PlayFrosting = 8,
    CodeTransparency = 9,
    BundletoolName = 10,
    AdiRegistration = 11,
    Profile = 12,
    UnknownBlock = 13,
    UnknownEntry = 14,
    ArchiveComment = 15,
});
kept_enum!(MarkState { Claim = 0, Present = 1, Verified = 2, Broken = 3 });
kept_enum!(Coverage { File = 0, Code = 1, OwnContent = 2 });
kept_enum!(Place { SigningBlock { id, offset } = 0, Entry { name } = 1, ArchiveComment { offset } = 2 });
kept_struct!(ProfileName { name, role, decoder });
kept_struct!(Field { name, value, full_size });
kept_enum!(Role { Developer = 0, Distributor = 1, TestLab = 2 });
kept_enum!(Decoder { Text = 0, Json = 1, Cms = 2, Jws = 3, X509 = 4, Hex = 5 });
kept_enum!(Shape {
    Empty = 0,
    Zeros = 1,
    Cms = 2,
    GmCms = 3,
    X509 = 4,
    Jws = 5,
    Json = 6,
    Pem = 7,
    Text = 8,
    Zip = 9,
    Dex = 10,
    Elf = 11,
    Gzip = 12,
    HighEntropy = 13,
    Binary = 14,
});

impl Kept for BlockId {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        u32::take(from).map(Self)
    }
}
