//! Evidence as bytes.

use super::ApiView;
use super::Status;
use super::Verification;
use crate::apk::ManifestFacts;
use crate::apk::SplitFacts;
use crate::kept::kept_enum;
use crate::kept::kept_struct;

kept_enum!(Status { Verified = 0, Rejected = 1, Unsigned = 2, Malformed = 3 });
kept_struct!(ApiView { min_sdk, max_sdk, scheme, signers });
kept_struct!(ManifestFacts {
    package,
    version_code,
    version_name,
    min_sdk,
    target_sdk,
    target_sandbox_version,
    debuggable,
    split,
});
kept_struct!(SplitFacts { name, config_for, required, required_types, types });
kept_struct!(Verification {
    file_size,
    status,
    min_sdk,
    max_sdk,
    claimed_manifest,
    schemes,
    stamp_timestamp,
    views,
    findings,
});
