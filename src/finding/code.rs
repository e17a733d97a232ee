//! The table of all finding codes: one row a code.
//!
//! A code is public and permanent. Its page, with cause and remedy, stands in `docs/findings.md` under a heading of
//! the same name; a test fails while one is missing.

use super::Severity;

macro_rules! codes {
    ($($variant:ident, $code:literal, $severity:ident, $apksig:expr, $en:literal, $zh:literal;)*) => {
        /// What was found, as a stable name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum FindingCode {
            $(#[doc = $en] $variant,)*
        }

        impl FindingCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable kebab-case name: `v2-digest-mismatch`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The severity that the code has unless a policy says otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// The name of the matching constant of apksig's `ApkVerifier.Issue`, where one exists.
            pub fn apksig_issue(self) -> Option<&'static str> {
                match self { $(Self::$variant => $apksig,)* }
            }

            /// One sentence, lower case and without a full stop, in English.
            pub fn summary_en(self) -> &'static str {
                match self { $(Self::$variant => $en,)* }
            }

            /// The same sentence in Chinese.
            pub fn summary_zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)* }
            }
        }
    };
}

impl FindingCode {
    /// Whether Android refuses to open a file of which this is found, although its signature may hold.
    ///
    /// Source: AOSP `libziparchive`, `MapCentralDirectory0` and `ParseZipArchive`.
    pub fn is_refused_by_installer(self) -> bool {
        matches!(self, Self::ZipAmbiguousEocd | Self::ZipDuplicateEntry | Self::ZipLeadingBytes)
    }
}

codes! {
    // The file as a ZIP archive and as an APK.
    ZipNoEocd, "zip-no-eocd", Error, None, "not a ZIP archive: no end-of-central-directory record", "不是 ZIP 文件：缺少中央目录结束记录";
    ZipBadSections, "zip-bad-sections", Error, None, "ZIP sections overlap or lie outside the file", "ZIP 各区段重叠或超出文件";
    ZipBadDirectory, "zip-bad-directory", Error, None, "malformed ZIP central directory", "ZIP 中央目录格式错误";
    ZipBadEntry, "zip-bad-entry", Error, None, "a ZIP entry cannot be read as its directory record describes it", "ZIP 条目与目录记录不符，无法读取";
    ZipAmbiguousEocd, "zip-ambiguous-eocd", Warning, None, "the installer may find another end-of-central-directory record than the signature verifier", "安装程序与签名校验器可能找到不同的中央目录结束记录";
    ZipDuplicateEntry, "zip-duplicate-entry", Warning, None, "an entry name occurs more than once; Android refuses to open such a file", "条目名称重复；Android 会拒绝打开此类文件";
    ZipLeadingBytes, "zip-leading-bytes", Warning, None, "the file does not start with a ZIP entry", "文件开头不是 ZIP 条目";
    Janus, "janus", Error, None, "the file does not start with a ZIP entry and only v1 protects it: the bytes in front could run as code", "文件开头不是 ZIP 条目且仅有 v1 签名：前置字节可能被当作代码执行";
    ZipGap, "zip-gap", Warning, None, "bytes stand before or between the entries that belong to none", "条目之前或之间存在不属于任何条目的字节";
    ZipSectionGap, "zip-section-gap", Warning, None, "bytes stand between the central directory and its end record", "中央目录与其结束记录之间存在多余字节";
    ZipDirectorySlack, "zip-directory-slack", Warning, None, "the central directory has bytes behind its last record", "中央目录在最后一条记录之后还有字节";
    ZipHiddenEntry, "zip-hidden-entry", Warning, None, "an entry stands in the file that the central directory does not list", "文件中存在中央目录未列出的条目";
    ZipOverlap, "zip-overlap", Warning, None, "entries lie on top of each other, or on the sections behind them", "条目相互重叠，或与其后的区段重叠";
    ZipNoLocalHeader, "zip-no-local-header", Warning, None, "no local header stands where the central directory says", "中央目录所指位置没有本地文件头";
    ZipLocalNameDiffers, "zip-local-name-differs", Warning, None, "an entry has another name in its local header than in the central directory", "条目在本地文件头与中央目录中的名称不一致";
    ZipHeadersDisagree, "zip-headers-disagree", Warning, None, "sizes, checksum or flags of an entry contradict each other", "条目的大小、校验和或标志相互矛盾";
    ZipMethod, "zip-method", Warning, None, "a compression method is neither stored nor deflate, or differs between the headers", "压缩方法既非存储也非 deflate，或两处文件头不一致";
    ZipEncryptedFlag, "zip-encrypted-flag", Warning, None, "an entry is marked as encrypted, which Android ignores", "条目被标记为加密，Android 会忽略该标记";
    ZipLongField, "zip-long-field", Warning, None, "a length in a header is 0x8000 or more, which some readers take for a negative number", "文件头中的长度达到 0x8000，部分解析器会视为负数";
    Zip64, "zip64", Warning, None, "parts of ZIP64 are in use, which Android does not take in a signed APK", "使用了 ZIP64 结构，Android 不接受此类已签名 APK";
    Zip64EndRecord, "zip64-end-record", Error, None, "the end record points to ZIP64: the installer reads another directory than the signature verifier", "中央目录结束记录指向 ZIP64：安装程序与签名校验器读取的目录不同";
    ZipNameNotAllowed, "zip-name-not-allowed", Error, None, "an entry name holds NUL or is not UTF-8: Android refuses to open the file", "条目名称含 NUL 或不是 UTF-8：Android 拒绝打开此文件";
    ZipNameNotUtf8, "zip-name-not-utf8", Warning, None, "an entry name is not UTF-8, though Android takes it", "条目名称不是 UTF-8，但 Android 可接受";
    ZipNameControlCharacter, "zip-name-control-character", Warning, None, "an entry name holds a control character, such as a line break", "条目名称含控制字符（如换行符）";
    ZipNameTrailingSpace, "zip-name-trailing-space", Warning, None, "an entry name ends in a space", "条目名称以空格结尾";
    ZipNameTraversal, "zip-name-traversal", Warning, None, "an entry name is absolute, or holds .. or a backslash: unpacked, it lands elsewhere than it seems", "条目名称为绝对路径，或含 .. 或反斜杠：解压后位置与表面不符";
    ZipNameLeavesMetaInf, "zip-name-leaves-meta-inf", Warning, None, "an entry name starts in META-INF/ and leads out of it: v1 does not protect the entry", "条目名称以 META-INF/ 开头却指向其外：v1 不保护该条目";
    ZipNameCase, "zip-name-case", Warning, None, "an entry name differs from one that Android reads in upper and lower case alone", "条目名称与 Android 读取的名称仅大小写不同";
    ZipSymbolicLink, "zip-symbolic-link", Warning, None, "an entry says that it is a symbolic link", "条目声明自身为符号链接";
    LimitExceeded, "limit-exceeded", Error, None, "something is larger than the limit that keeps verification cheap", "超出校验资源上限";
    ManifestMissing, "manifest-missing", Error, None, "not an APK: no AndroidManifest.xml", "不是 APK：缺少 AndroidManifest.xml";
    ManifestMalformed, "manifest-malformed", Error, None, "AndroidManifest.xml is not well-formed binary XML", "AndroidManifest.xml 不是有效的二进制 XML";
    ManifestAmbiguous, "manifest-ambiguous", Error, None, "AndroidManifest.xml can be read in two ways, so it is unclear which app Android would install", "AndroidManifest.xml 存在歧义，无法确定 Android 会安装哪个应用";
    MinSdkUndetermined, "min-sdk-undetermined", Error, None, "the minimum SDK level cannot be read from AndroidManifest.xml", "无法从 AndroidManifest.xml 读取最低 SDK 级别";
    SdkRangeEmpty, "sdk-range-empty", Error, None, "the app's minimum SDK level is above the highest level that was asked for", "应用的最低 SDK 级别高于所要求的最高级别";
    VersionsWithoutSignature, "versions-without-signature", Warning, None, "some Android versions find no signature that they read", "部分 Android 版本找不到其可读取的签名";
    TargetSdkSchemeNotMet, "target-sdk-scheme-not-met", Error, Some("MIN_SIG_SCHEME_FOR_TARGET_SDK_NOT_MET"), "the target SDK level requires a newer signature scheme", "目标 SDK 级别要求更新的签名方案";
    TargetSandboxSchemeNotMet, "target-sandbox-scheme-not-met", Error, Some("NO_SIG_FOR_TARGET_SANDBOX_VERSION"), "the target sandbox version requires APK Signature Scheme v2 or newer", "目标沙箱版本要求 v2 或更新的签名方案";
    ResourcesMalformed, "resources-malformed", Warning, None, "the manifest refers to a resource table that the platform cannot read", "清单引用的资源表无法被平台读取";
    ResourceUnresolved, "resource-unresolved", Note, None, "something that the manifest says leads to no value in the resource table", "清单中的某项内容在资源表中找不到对应的值";

    // The APK Signing Block.
    SigningBlockMalformed, "signing-block-malformed", Warning, None, "an APK Signing Block is there, but Android cannot read it and treats it as absent", "存在 APK 签名分块，但 Android 无法读取，视为不存在";
    SigningBlockDetached, "signing-block-detached", Warning, None, "an APK Signing Block is there, but not directly before the central directory: Android treats it as absent", "存在 APK 签名分块，但未紧邻中央目录：Android 视为不存在";
    SigningBlockTailMalformed, "signing-block-tail-malformed", Warning, None, "the APK Signing Block is malformed behind the pairs that Android reads", "APK 签名分块在 Android 读取的部分之后格式错误";
    SigningBlockDuplicateId, "signing-block-duplicate-id", Warning, None, "an id occurs more than once in the APK Signing Block; Android reads the first", "APK 签名分块中 ID 重复；Android 读取第一个";
    NewerSchemePresent, "newer-scheme-present", Warning, None, "a block of a signature scheme is present that this version does not verify", "存在本版本无法校验的签名方案分块";
    SigningBlockLarge, "signing-block-large", Warning, None, "the APK Signing Block is larger than signatures need", "APK 签名分块超出签名所需大小";
    SigningBlockLargePair, "signing-block-large-pair", Warning, None, "a pair of unknown id in the APK Signing Block is large; nothing signs it", "APK 签名分块中有较大的未知 ID 数据，且不受签名保护";
    SigningBlockPaddingNotZero, "signing-block-padding-not-zero", Warning, None, "the padding of the APK Signing Block is not all zeros; nothing signs it", "APK 签名分块的填充并非全零，且不受签名保护";
    SignerTrailingBytes, "signer-trailing-bytes", Warning, None, "bytes stand behind the fields of a signer that Android does not read", "签名者字段之后存在 Android 不读取的字节";

    // v1 (JAR signing).
    V1NoSignatures, "v1-no-signatures", Error, Some("JAR_SIG_NO_SIGNATURES"), "no JAR signature", "没有 JAR 签名";
    V1TooManySigners, "v1-too-many-signers", Error, Some("JAR_SIG_MAX_SIGNATURES_EXCEEDED"), "more JAR signers than Android accepts", "JAR 签名者数量超过 Android 上限";
    V1NoSignedEntries, "v1-no-signed-entries", Error, Some("JAR_SIG_NO_SIGNED_ZIP_ENTRIES"), "no entry is covered by the JAR signature", "JAR 签名未覆盖任何条目";
    V1DuplicateEntry, "v1-duplicate-entry", Error, Some("JAR_SIG_DUPLICATE_ZIP_ENTRY"), "an entry name occurs more than once", "条目名称重复";
    V1DuplicateManifestSection, "v1-duplicate-manifest-section", Error, Some("JAR_SIG_DUPLICATE_MANIFEST_SECTION"), "META-INF/MANIFEST.MF names an entry twice", "MANIFEST.MF 重复声明同一条目";
    V1UnnamedManifestSection, "v1-unnamed-manifest-section", Error, Some("JAR_SIG_UNNNAMED_MANIFEST_SECTION"), "a section of META-INF/MANIFEST.MF does not begin with a name", "MANIFEST.MF 中有未命名的区段";
    V1UnnamedSfSection, "v1-unnamed-sf-section", Error, Some("JAR_SIG_UNNNAMED_SIG_FILE_SECTION"), "a section of the signature file does not begin with a name", "签名文件中有未命名的区段";
    V1MalformedManifest, "v1-malformed-manifest", Error, None, "Android cannot read META-INF/MANIFEST.MF or a signature file", "Android 无法读取 MANIFEST.MF 或签名文件";
    V1AmbiguousAttribute, "v1-ambiguous-attribute", Error, None, "Android takes another value from META-INF/MANIFEST.MF or a signature file than the signer meant", "Android 从 MANIFEST.MF 或签名文件中读取的值与签名者所指不同";
    V1AmbiguousNames, "v1-ambiguous-names", Error, None, "names in META-INF/ differ in upper and lower case only, and older Android versions see another signature", "META-INF/ 下的名称仅大小写不同，旧版 Android 会看到另一个签名";
    V1NoManifest, "v1-no-manifest", Error, Some("JAR_SIG_NO_MANIFEST"), "no META-INF/MANIFEST.MF", "缺少 META-INF/MANIFEST.MF";
    V1MissingEntry, "v1-missing-entry", Error, Some("JAR_SIG_MISSING_ZIP_ENTRY_REFERENCED_IN_MANIFEST"), "META-INF/MANIFEST.MF names an entry that the archive does not have", "MANIFEST.MF 声明的条目不存在";
    V1NoDigestInManifest, "v1-no-digest-in-manifest", Error, Some("JAR_SIG_NO_ZIP_ENTRY_DIGEST_IN_MANIFEST"), "META-INF/MANIFEST.MF has no usable digest for an entry", "MANIFEST.MF 缺少条目的可用摘要";
    V1NoDigestInSf, "v1-no-digest-in-sf", Error, Some("JAR_SIG_NO_ZIP_ENTRY_DIGEST_IN_SIG_FILE"), "the signature file has no usable digest for an entry", "签名文件缺少条目的可用摘要";
    V1EntryNotSigned, "v1-entry-not-signed", Error, Some("JAR_SIG_ZIP_ENTRY_NOT_SIGNED"), "an entry is not signed by anyone", "条目未被任何签名者签名";
    V1SignersMismatch, "v1-signers-mismatch", Error, Some("JAR_SIG_ZIP_ENTRY_SIGNERS_MISMATCH"), "entries are signed by different signers", "各条目的签名者不一致";
    V1EntryDigestMismatch, "v1-entry-digest-mismatch", Error, Some("JAR_SIG_ZIP_ENTRY_DIGEST_DID_NOT_VERIFY"), "an entry is not the one that was signed", "条目内容与签名时不一致";
    V1ManifestDigestMismatch, "v1-manifest-digest-mismatch", Warning, Some("JAR_SIG_ZIP_ENTRY_DIGEST_DID_NOT_VERIFY"), "META-INF/MANIFEST.MF as a whole is not the one that was signed", "MANIFEST.MF 整体摘要与签名文件不一致";
    V1ManifestMainDigestMismatch, "v1-manifest-main-digest-mismatch", Error, Some("JAR_SIG_MANIFEST_MAIN_SECTION_DIGEST_DID_NOT_VERIFY"), "the main section of META-INF/MANIFEST.MF is not the one that was signed", "MANIFEST.MF 主区段与签名时不一致";
    V1ManifestSectionDigestMismatch, "v1-manifest-section-digest-mismatch", Error, Some("JAR_SIG_MANIFEST_SECTION_DIGEST_DID_NOT_VERIFY"), "a section of META-INF/MANIFEST.MF is not the one that was signed", "MANIFEST.MF 区段与签名时不一致";
    V1NoManifestDigest, "v1-no-manifest-digest", Warning, Some("JAR_SIG_NO_MANIFEST_DIGEST_IN_SIG_FILE"), "the signature file has no digest of the whole manifest", "签名文件缺少清单整体摘要";
    V1NoStrippingProtection, "v1-no-stripping-protection", Warning, Some("JAR_SIG_NO_APK_SIG_STRIP_PROTECTION"), "newer signatures could be stripped unnoticed: the signature file does not mention them", "签名文件未声明新方案，剥离新签名将无法察觉";
    V1MissingFile, "v1-missing-file", Warning, Some("JAR_SIG_MISSING_FILE"), "a signature block file has no signature file beside it", "签名块文件缺少对应的 .SF 文件";
    V1VerifyException, "v1-verify-exception", Error, Some("JAR_SIG_VERIFY_EXCEPTION"), "the signature block cannot be checked", "签名块无法校验";
    V1UnsupportedAlgorithm, "v1-unsupported-algorithm", Error, Some("JAR_SIG_UNSUPPORTED_SIG_ALG"), "an algorithm is not supported on every Android version in range", "部分 Android 版本不支持所用算法";
    V1ParseException, "v1-parse-exception", Error, Some("JAR_SIG_PARSE_EXCEPTION"), "the signature block is not well-formed PKCS#7", "签名块不是有效的 PKCS#7";
    V1MalformedCertificate, "v1-malformed-certificate", Error, Some("JAR_SIG_MALFORMED_CERTIFICATE"), "a certificate in the signature block is malformed", "签名块中的证书格式错误";
    V1SignatureMismatch, "v1-signature-mismatch", Error, Some("JAR_SIG_DID_NOT_VERIFY"), "the signature over the signature file does not verify", "对签名文件的签名校验失败";
    V1NoSigners, "v1-no-signers", Error, Some("JAR_SIG_NO_SIGNERS"), "the signature block has no signer", "签名块中没有签名者";
    V1DuplicateSfSection, "v1-duplicate-sf-section", Error, Some("JAR_SIG_DUPLICATE_SIG_FILE_SECTION"), "the signature file names an entry twice", "签名文件重复声明同一条目";
    V1MissingVersion, "v1-missing-version", Error, Some("JAR_SIG_MISSING_VERSION_ATTR_IN_SIG_FILE"), "the signature file lacks Signature-Version", "签名文件缺少 Signature-Version";
    V1UnknownSchemeId, "v1-unknown-scheme-id", Warning, Some("JAR_SIG_UNKNOWN_APK_SIG_SCHEME_ID"), "the signature file mentions an unknown signature scheme", "签名文件提及未知的签名方案";
    V1SchemeStripped, "v1-scheme-stripped", Error, Some("JAR_SIG_MISSING_APK_SIG_REFERENCED"), "the signature file mentions a signature scheme that is not there: it was stripped", "签名文件声明的签名方案缺失：已被剥离";
    V1UnprotectedEntry, "v1-unprotected-entry", Warning, Some("JAR_SIG_UNPROTECTED_ZIP_ENTRY"), "an entry under META-INF/ is not protected by the JAR signature", "META-INF/ 下的条目不受 JAR 签名保护";
    V1UnknownMethod, "v1-unknown-method", Error, None, "an entry that v1 covers has an unknown compression method: Android checks one content and runs another", "v1 覆盖的条目使用未知压缩方法：Android 校验的内容与实际运行的内容不同";
    V1SignerMissing, "v1-signer-missing", Error, Some("JAR_SIG_MISSING"), "a v2 signer has not signed with v1", "v2 签名者未使用 v1 签名";

    // v2.
    V2SignerMissing, "v2-signer-missing", Error, Some("V2_SIG_MISSING"), "a v1 signer has not signed with v2", "v1 签名者未使用 v2 签名";
    V2MalformedSigners, "v2-malformed-signers", Error, Some("V2_SIG_MALFORMED_SIGNERS"), "the list of v2 signers is malformed", "v2 签名者列表格式错误";
    V2MalformedSigner, "v2-malformed-signer", Error, Some("V2_SIG_MALFORMED_SIGNER"), "a v2 signer is malformed", "v2 签名者格式错误";
    V2MalformedPublicKey, "v2-malformed-public-key", Error, Some("V2_SIG_MALFORMED_PUBLIC_KEY"), "the public key cannot be used", "公钥无法使用";
    V2MalformedCertificate, "v2-malformed-certificate", Error, Some("V2_SIG_MALFORMED_CERTIFICATE"), "a certificate is malformed", "证书格式错误";
    V2MalformedSignature, "v2-malformed-signature", Error, Some("V2_SIG_MALFORMED_SIGNATURE"), "a signature record is malformed", "签名记录格式错误";
    V2MalformedDigest, "v2-malformed-digest", Error, Some("V2_SIG_MALFORMED_DIGEST"), "a digest record is malformed", "摘要记录格式错误";
    V2MalformedAttribute, "v2-malformed-attribute", Error, Some("V2_SIG_MALFORMED_ADDITIONAL_ATTRIBUTE"), "an additional attribute is malformed", "附加属性格式错误";
    V2UnknownSchemeId, "v2-unknown-scheme-id", Warning, Some("V2_SIG_UNKNOWN_APK_SIG_SCHEME_ID"), "the stripping protection names an unknown signature scheme", "防剥离属性提及未知的签名方案";
    V2SchemeStripped, "v2-scheme-stripped", Error, Some("V2_SIG_MISSING_APK_SIG_REFERENCED"), "the v2 signer mentions a signature scheme that is not there: it was stripped", "v2 签名者声明的签名方案缺失：已被剥离";
    V2TooManySigners, "v2-too-many-signers", Error, Some("V2_SIG_MAX_SIGNATURES_EXCEEDED"), "more v2 signers than Android accepts", "v2 签名者数量超过 Android 上限";
    V2NoSigners, "v2-no-signers", Error, Some("V2_SIG_NO_SIGNERS"), "the v2 block has no signers", "v2 分块没有签名者";
    V2UnknownAlgorithm, "v2-unknown-algorithm", Warning, Some("V2_SIG_UNKNOWN_SIG_ALGORITHM"), "a signature algorithm is unknown and was not checked", "未知的签名算法，未校验";
    V2UnknownAttribute, "v2-unknown-attribute", Warning, Some("V2_SIG_UNKNOWN_ADDITIONAL_ATTRIBUTE"), "an additional attribute is unknown", "未知的附加属性";
    V2VerifyException, "v2-verify-exception", Error, Some("V2_SIG_VERIFY_EXCEPTION"), "the signature cannot be checked", "签名无法校验";
    V2SignatureMismatch, "v2-signature-mismatch", Error, Some("V2_SIG_DID_NOT_VERIFY"), "the signature over the signed data does not verify", "对签名数据的签名校验失败";
    V2NoSignatures, "v2-no-signatures", Error, Some("V2_SIG_NO_SIGNATURES"), "the signer has no signatures", "签名者没有签名";
    V2NoSupportedSignatures, "v2-no-supported-signatures", Error, Some("V2_SIG_NO_SUPPORTED_SIGNATURES"), "no signature is supported on every Android version in range", "没有范围内所有 Android 版本均支持的签名";
    V2NoCertificates, "v2-no-certificates", Error, Some("V2_SIG_NO_CERTIFICATES"), "the signer has no certificates", "签名者没有证书";
    V2PublicKeyMismatch, "v2-public-key-mismatch", Error, Some("V2_SIG_PUBLIC_KEY_MISMATCH_BETWEEN_CERTIFICATE_AND_SIGNATURES_RECORD"), "the signing key is not the key of the certificate", "签名密钥与证书公钥不一致";
    V2AlgorithmsMismatch, "v2-algorithms-mismatch", Error, Some("V2_SIG_SIG_ALG_MISMATCH_BETWEEN_SIGNATURES_AND_DIGESTS_RECORDS"), "signatures and digests name different algorithms", "签名与摘要的算法列表不一致";
    V2DigestMismatch, "v2-digest-mismatch", Error, Some("V2_SIG_APK_DIGEST_DID_NOT_VERIFY"), "the content is not the one that was signed", "内容与签名时不一致";

    // v3, v3.1.
    V3MalformedSigners, "v3-malformed-signers", Error, Some("V3_SIG_MALFORMED_SIGNERS"), "the list of v3 signers is malformed", "v3 签名者列表格式错误";
    V3MalformedSigner, "v3-malformed-signer", Error, Some("V3_SIG_MALFORMED_SIGNER"), "a v3 signer is malformed", "v3 签名者格式错误";
    V3MalformedPublicKey, "v3-malformed-public-key", Error, Some("V3_SIG_MALFORMED_PUBLIC_KEY"), "the public key cannot be used", "公钥无法使用";
    V3MalformedCertificate, "v3-malformed-certificate", Error, Some("V3_SIG_MALFORMED_CERTIFICATE"), "a certificate is malformed", "证书格式错误";
    V3MalformedSignature, "v3-malformed-signature", Error, Some("V3_SIG_MALFORMED_SIGNATURE"), "a signature record is malformed", "签名记录格式错误";
    V3MalformedDigest, "v3-malformed-digest", Error, Some("V3_SIG_MALFORMED_DIGEST"), "a digest record is malformed", "摘要记录格式错误";
    V3MalformedAttribute, "v3-malformed-attribute", Error, Some("V3_SIG_MALFORMED_ADDITIONAL_ATTRIBUTE"), "an additional attribute is malformed", "附加属性格式错误";
    V3NoSigners, "v3-no-signers", Error, Some("V3_SIG_NO_SIGNERS"), "the block has no signers", "分块没有签名者";
    V3NoSignatures, "v3-no-signatures", Error, Some("V3_SIG_NO_SIGNATURES"), "the signer has no signatures", "签名者没有签名";
    V3NoSupportedSignatures, "v3-no-supported-signatures", Error, Some("V3_SIG_NO_SUPPORTED_SIGNATURES"), "no signature is supported on every Android version in range", "没有范围内所有 Android 版本均支持的签名";
    V3NoCertificates, "v3-no-certificates", Error, Some("V3_SIG_NO_CERTIFICATES"), "the signer has no certificates", "签名者没有证书";
    V3VerifyException, "v3-verify-exception", Error, Some("V3_SIG_VERIFY_EXCEPTION"), "the signature cannot be checked", "签名无法校验";
    V3SignatureMismatch, "v3-signature-mismatch", Error, Some("V3_SIG_DID_NOT_VERIFY"), "the signature over the signed data does not verify", "对签名数据的签名校验失败";
    V3PublicKeyMismatch, "v3-public-key-mismatch", Error, Some("V3_SIG_PUBLIC_KEY_MISMATCH_BETWEEN_CERTIFICATE_AND_SIGNATURES_RECORD"), "the signing key is not the key of the certificate", "签名密钥与证书公钥不一致";
    V3AlgorithmsMismatch, "v3-algorithms-mismatch", Error, Some("V3_SIG_SIG_ALG_MISMATCH_BETWEEN_SIGNATURES_AND_DIGESTS_RECORDS"), "signatures and digests name different algorithms", "签名与摘要的算法列表不一致";
    V3DigestMismatch, "v3-digest-mismatch", Error, Some("V3_SIG_APK_DIGEST_DID_NOT_VERIFY"), "the content is not the one that was signed", "内容与签名时不一致";
    V3UnknownAlgorithm, "v3-unknown-algorithm", Warning, Some("V3_SIG_UNKNOWN_SIG_ALGORITHM"), "a signature algorithm is unknown and was not checked", "未知的签名算法，未校验";
    V3UnknownAttribute, "v3-unknown-attribute", Warning, Some("V3_SIG_UNKNOWN_ADDITIONAL_ATTRIBUTE"), "an additional attribute is unknown", "未知的附加属性";
    V3MultipleSigners, "v3-multiple-signers", Error, Some("V3_SIG_MULTIPLE_SIGNERS"), "several v3 signers but no lineage that connects them", "多个 v3 签名者但缺少关联的密钥谱系";
    V3MultiplePastSigners, "v3-multiple-past-signers", Error, Some("V3_SIG_MULTIPLE_PAST_SIGNERS"), "v3 allows one signer, the older scheme has several", "v3 仅允许单一签名者，而旧方案有多个";
    V3PastSignersMismatch, "v3-past-signers-mismatch", Error, Some("V3_SIG_PAST_SIGNERS_MISMATCH"), "the signer of the older scheme is not the oldest v3 signer", "旧方案的签名者不是 v3 谱系的最早签名者";
    V3InvalidSdkVersions, "v3-invalid-sdk-versions", Error, Some("V3_SIG_INVALID_SDK_VERSIONS"), "the signer's range of SDK levels is invalid", "签名者的 SDK 范围无效";
    V3MinSdkMismatch, "v3-min-sdk-mismatch", Error, Some("V3_MIN_SDK_VERSION_MISMATCH_BETWEEN_SIGNER_AND_SIGNED_DATA_RECORD"), "the signer's minimum SDK level is not the signed one", "签名者的最低 SDK 与签名数据不一致";
    V3MaxSdkMismatch, "v3-max-sdk-mismatch", Error, Some("V3_MAX_SDK_VERSION_MISMATCH_BETWEEN_SIGNER_AND_SIGNED_DATA_RECORD"), "the signer's maximum SDK level is not the signed one", "签名者的最高 SDK 与签名数据不一致";
    V3LineageSignatureMismatch, "v3-lineage-signature-mismatch", Error, Some("V3_SIG_POR_DID_NOT_VERIFY"), "the proof of rotation does not verify", "密钥轮换证明校验失败";
    V3MalformedLineage, "v3-malformed-lineage", Error, Some("V3_SIG_MALFORMED_LINEAGE"), "the proof of rotation is malformed", "密钥轮换证明格式错误";
    V3LineageCertificateMismatch, "v3-lineage-certificate-mismatch", Error, Some("V3_SIG_POR_CERT_MISMATCH"), "the signer is not the last certificate of its proof of rotation", "签名者不是其轮换证明中的最后一个证书";
    V3DuplicateLineage, "v3-duplicate-lineage", Error, None, "the signer has more than one proof of rotation; Android refuses it", "签名者有多个轮换证明；Android 会拒绝";
    V3InconsistentSdkVersions, "v3-inconsistent-sdk-versions", Error, Some("V3_INCONSISTENT_SDK_VERSIONS"), "the signers' ranges of SDK levels overlap or leave a gap", "各签名者的 SDK 范围重叠或有空缺";
    V3MissingSdkVersions, "v3-missing-sdk-versions", Error, Some("V3_MISSING_SDK_VERSIONS"), "the signers do not cover every SDK level in range", "签名者未覆盖全部 SDK 级别";
    V3InconsistentLineages, "v3-inconsistent-lineages", Error, Some("V3_INCONSISTENT_LINEAGES"), "the signers' proofs of rotation are not one history", "各签名者的轮换证明不属于同一历史";
    V31BlockMissing, "v31-block-missing", Error, Some("V31_BLOCK_MISSING"), "the v3.0 signer mentions a v3.1 block that is not there: it was stripped", "v3.0 签名者声明的 v3.1 分块缺失：已被剥离";
    V31RotationMinSdkMismatch, "v31-rotation-min-sdk-mismatch", Error, Some("V31_ROTATION_MIN_SDK_MISMATCH"), "the v3.1 block does not start at the SDK level that the v3.0 signer promises", "v3.1 分块的起始 SDK 与 v3.0 签名者声明不一致";
    V31RotationMinSdkMissing, "v31-rotation-min-sdk-missing", Warning, Some("V31_ROTATION_MIN_SDK_ATTR_MISSING"), "the v3.1 block could be stripped unnoticed: the v3.0 signer does not mention it", "v3.0 签名者未声明 v3.1 分块，剥离将无法察觉";
    V31UnexpectedAttribute, "v31-unexpected-attribute", Error, Some("V31_BLOCK_MISSING"), "a v3.1 signer mentions a v3.1 block, which belongs into v3.0; Android refuses it", "v3.1 签名者带有仅 v3.0 使用的防剥离属性；Android 会拒绝";
    V31DevReleaseMismatch, "v31-dev-release-mismatch", Error, None, "a released Android version reads another first level of v3.1 than the v3.0 signer promises, because a signer targets a development release", "v3.1 签名者针对开发版，正式版 Android 读到的起始 SDK 与 v3.0 签名者声明不一致";
    V31WithoutV3, "v31-without-v3", Error, Some("V31_BLOCK_FOUND_WITHOUT_V3_BLOCK"), "a v3.1 block without a v3.0 block", "有 v3.1 分块但缺少 v3.0 分块";
    V31DevReleaseOnV3, "v31-dev-release-on-v3", Warning, Some("V31_ROTATION_TARGETS_DEV_RELEASE_ATTR_ON_V3_SIGNER"), "a v3.0 signer targets a development release, which only v3.1 can", "v3.0 签名者针对开发版，仅 v3.1 支持";

    // v3.2.
    V32Announced, "v32-announced", Note, None, "a signer says for which Android versions there is a v3.2 block", "签名者声明了 v3.2 分块适用的 Android 版本";
    V32BlockStripped, "v32-block-stripped", Error, None, "a v3.0 or v3.1 signer mentions a v3.2 block that is not there: it was stripped", "v3.0 或 v3.1 签名者声明的 v3.2 分块缺失：已被剥离";
    V32SdkAttributeMismatch, "v32-sdk-attribute-mismatch", Error, None, "the v3.2 block is not for the Android versions that a v3.0 or v3.1 signer promises", "v3.2 分块的 SDK 范围与 v3.0 或 v3.1 签名者声明不一致";
    V32MaxAttributeWithoutMin, "v32-max-attribute-without-min", Error, None, "a signer says where the v3.2 block ends, but not where it begins; Android refuses it", "签名者声明了 v3.2 分块的最高 SDK 而未声明最低 SDK；Android 会拒绝";
    V32SdkAttributeMissing, "v32-sdk-attribute-missing", Warning, None, "the v3.2 block could be stripped unnoticed: the older signer does not mention it", "旧签名者未声明 v3.2 分块，剥离将无法察觉";
    V32UnexpectedAttribute, "v32-unexpected-attribute", Error, None, "a v3.2 signer carries stripping protection, which belongs to older signers; Android refuses it", "v3.2 签名者带有仅旧方案使用的防剥离属性；Android 会拒绝";
    V32DevReleaseUnprotected, "v32-dev-release-unprotected", Warning, None, "a released Android version takes the v3.2 block for stripped, because its signers target a development release", "v3.2 签名者针对开发版，正式版 Android 会误认为该分块已被剥离";
    V32TooManySigners, "v32-too-many-signers", Error, None, "more than two v3.2 signers are for the same Android version", "同一 Android 版本有超过两个 v3.2 签名者";
    V32SignerCount, "v32-signer-count", Error, None, "v3.2 needs two signers for an Android version, and there is one", "v3.2 要求每个 Android 版本有两个签名者，而仅有一个";
    V32AlgorithmTypeCollision, "v32-algorithm-type-collision", Error, None, "v3.2 needs a classical and a post-quantum signer, and both are of one kind", "v3.2 要求一个传统签名者和一个后量子签名者，而两者同类";
    V32SdkRangeMismatch, "v32-sdk-range-mismatch", Error, None, "the v3.2 signers are not for the same Android versions", "v3.2 签名者的 SDK 范围不一致";
    V32LineageMissing, "v32-lineage-missing", Error, None, "one of the two v3.2 signers has a proof of rotation, the other has none", "两个 v3.2 签名者中仅一个有轮换证明";
    V32LineageMismatch, "v32-lineage-mismatch", Error, None, "the two v3.2 signers do not have the same history", "两个 v3.2 签名者的轮换历史不一致";
    V32CapabilityMismatch, "v32-capability-mismatch", Error, None, "the two v3.2 signers grant their history different capabilities", "两个 v3.2 签名者授予历史证书的权限不一致";
    V32InconsistentDigests, "v32-inconsistent-digests", Error, None, "the two v3.2 signers have signed different content", "两个 v3.2 签名者签署的内容摘要不一致";
    V32PqcSingleSigner, "v32-pqc-single-signer", Error, None, "a post-quantum key signs alone; Android takes it in a v3.2 block only, beside a classical one", "后量子密钥单独签名；Android 仅在 v3.2 分块中与传统密钥一起接受";
    // v4: the signature file beside the APK.
    V4NoSignatures, "v4-no-signatures", Error, Some("V4_SIG_NO_SIGNATURES"), "the v4 signature file is empty", "v4 签名文件为空";
    V4UnsupportedVersion, "v4-unsupported-version", Error, Some("V4_SIG_VERSION_NOT_CURRENT"), "the v4 signature file has a version that Android does not read", "v4 签名文件的版本 Android 不支持";
    V4Malformed, "v4-malformed", Error, None, "the v4 signature file is malformed", "v4 签名文件格式错误";
    V4TooLarge, "v4-too-large", Error, None, "the v4 signature is larger than Android accepts", "v4 签名超出 Android 允许的大小";
    V4UnsupportedHash, "v4-unsupported-hash", Error, None, "the v4 hash tree is not of SHA-256", "v4 哈希树未使用 SHA-256";
    V4UnsupportedBlockSize, "v4-unsupported-block-size", Error, None, "the v4 hash tree is not of blocks of 4096 bytes", "v4 哈希树的块大小不是 4096 字节";
    V4SaltTooLong, "v4-salt-too-long", Error, None, "the salt of the v4 hash tree is longer than fs-verity allows", "v4 哈希树的盐值超出 fs-verity 允许的长度";
    V4Salted, "v4-salted", Warning, None, "the v4 hash tree has a salt, which incremental installation refuses", "v4 哈希树带有盐值，增量安装会拒绝";
    V4TrailingBytes, "v4-trailing-bytes", Warning, None, "the v4 signature file has bytes that nothing signs and nothing reads", "v4 签名文件中有未签名且不被读取的字节";
    V4UnknownAlgorithm, "v4-unknown-algorithm", Error, Some("V4_SIG_UNKNOWN_SIG_ALGORITHM"), "the v4 signature algorithm is unknown", "未知的 v4 签名算法";
    V4MalformedPublicKey, "v4-malformed-public-key", Error, Some("V4_SIG_MALFORMED_PUBLIC_KEY"), "the public key cannot be used", "公钥无法使用";
    V4SignatureMismatch, "v4-signature-mismatch", Error, Some("V4_SIG_DID_NOT_VERIFY"), "the v4 signature does not verify for this file", "v4 签名对此文件校验失败";
    V4VerifyException, "v4-verify-exception", Error, Some("V4_SIG_VERIFY_EXCEPTION"), "the v4 signature cannot be checked", "v4 签名无法校验";
    V4NoCertificate, "v4-no-certificate", Error, Some("V4_SIG_NO_CERTIFICATE"), "the v4 signer has no certificate", "v4 签名者没有证书";
    V4MalformedCertificate, "v4-malformed-certificate", Error, Some("V4_SIG_MALFORMED_CERTIFICATE"), "the v4 signer's certificate is malformed", "v4 签名者的证书格式错误";
    V4PublicKeyMismatch, "v4-public-key-mismatch", Error, Some("V4_SIG_PUBLIC_KEY_MISMATCH_BETWEEN_CERTIFICATE_AND_SIGNATURES_RECORD"), "the signing key is not the key of the certificate", "签名密钥与证书公钥不一致";
    V4RootMismatch, "v4-root-mismatch", Error, Some("V4_SIG_APK_ROOT_DID_NOT_VERIFY"), "the root of the v4 hash tree is not that of this file", "v4 哈希树的根与此文件不一致";
    V4TreeMismatch, "v4-tree-mismatch", Error, Some("V4_SIG_APK_TREE_DID_NOT_VERIFY"), "the stored v4 hash tree is not that of this file", "存储的 v4 哈希树与此文件不一致";
    V4TreeTruncated, "v4-tree-truncated", Error, None, "the stored v4 hash tree ends early", "存储的 v4 哈希树不完整";
    V4MultipleSigners, "v4-multiple-signers", Error, Some("V4_SIG_MULTIPLE_SIGNERS"), "the v4 signers and those of the APK are not one for one", "v4 签名者与 APK 的签名者不是一一对应";
    V4SignerMissing, "v4-signer-missing", Error, Some("V41_SIG_NEEDS_TWO_SIGNERS"), "a signer of the APK has no entry in the v4 signature file", "v4 签名文件缺少 APK 某签名者的条目";
    V4SignersMismatch, "v4-signers-mismatch", Error, Some("V4_SIG_V2_V3_SIGNERS_MISMATCH"), "the v4 signer is not the signer of the APK", "v4 签名者不是 APK 的签名者";
    V4DigestMismatch, "v4-digest-mismatch", Error, Some("V4_SIG_V2_V3_DIGESTS_MISMATCH"), "the v4 signature stands beside another v2 or v3 signature than this APK's", "v4 签名所依附的 v2/v3 签名不是此 APK 的";
    V4WithoutV2OrV3, "v4-without-v2-or-v3", Error, None, "a v4 signature needs a v2 or v3 signature, and the APK has none", "v4 签名需要 v2 或 v3 签名，而此 APK 没有";
    // The source stamp. What only a check of the stamp alone makes an error stands first.
    StampMissing, "stamp-missing", Error, Some("SOURCE_STAMP_CERT_DIGEST_AND_SIG_BLOCK_MISSING"), "there is no source stamp", "没有来源戳";
    StampDigestEntryMissing, "stamp-digest-entry-missing", Error, Some("SOURCE_STAMP_SIGNATURE_BLOCK_WITHOUT_CERT_DIGEST"), "a source stamp is in the signing block, but the archive has no stamp-cert-sha256", "签名分块中有来源戳，但缺少 stamp-cert-sha256 条目";
    StampExpectedDigestMismatch, "stamp-expected-digest-mismatch", Error, Some("SOURCE_STAMP_EXPECTED_DIGEST_MISMATCH"), "the source stamp is not by the certificate that was asked for", "来源戳的证书不是所要求的证书";
    StampObsoleteForm, "stamp-obsolete-form", Warning, Some("SOURCE_STAMP_SIG_MISSING"), "the source stamp has only the first form, which Android and apksig no longer read", "仅有第一版来源戳，Android 与 apksig 已不再读取";
    StampSignatureMissing, "stamp-signature-missing", Warning, Some("SOURCE_STAMP_SIG_MISSING"), "stamp-cert-sha256 is there, but the signing block has no source stamp", "存在 stamp-cert-sha256 条目，但签名分块中没有来源戳";
    StampMalformedCertificate, "stamp-malformed-certificate", Warning, Some("SOURCE_STAMP_MALFORMED_CERTIFICATE"), "the certificate of the source stamp is malformed", "来源戳证书格式错误";
    StampCertificateMismatch, "stamp-certificate-mismatch", Warning, Some("SOURCE_STAMP_CERTIFICATE_MISMATCH_BETWEEN_SIGNATURE_BLOCK_AND_APK"), "the certificate of the source stamp is not the one that stamp-cert-sha256 names", "来源戳证书与 stamp-cert-sha256 条目不一致";
    StampMalformedSignature, "stamp-malformed-signature", Warning, Some("SOURCE_STAMP_MALFORMED_SIGNATURE"), "the source stamp or one of its signatures is malformed", "来源戳或其签名记录格式错误";
    StampUnknownAlgorithm, "stamp-unknown-algorithm", Note, Some("SOURCE_STAMP_UNKNOWN_SIG_ALGORITHM"), "a signature algorithm of the source stamp is unknown and was not checked", "来源戳含未知的签名算法，未校验";
    StampVerifyException, "stamp-verify-exception", Warning, Some("SOURCE_STAMP_VERIFY_EXCEPTION"), "a signature of the source stamp cannot be checked", "来源戳签名无法校验";
    StampSignatureMismatch, "stamp-signature-mismatch", Warning, Some("SOURCE_STAMP_DID_NOT_VERIFY"), "a signature of the source stamp does not verify", "来源戳签名校验失败";
    StampNoSignature, "stamp-no-signature", Warning, Some("SOURCE_STAMP_NO_SIGNATURE"), "the source stamp does not sign everything that it must", "来源戳未对必需内容签名";
    StampNoSupportedSignature, "stamp-no-supported-signature", Warning, Some("SOURCE_STAMP_NO_SUPPORTED_SIGNATURE"), "no signature of the source stamp is supported on every Android version in range", "没有范围内所有 Android 版本均支持的来源戳签名";
    StampMalformedAttribute, "stamp-malformed-attribute", Warning, Some("SOURCE_STAMP_MALFORMED_ATTRIBUTE"), "an attribute of the source stamp is malformed", "来源戳属性格式错误";
    StampUnknownAttribute, "stamp-unknown-attribute", Note, Some("SOURCE_STAMP_UNKNOWN_ATTRIBUTE"), "an attribute of the source stamp is unknown", "来源戳含未知属性";
    StampMalformedLineage, "stamp-malformed-lineage", Warning, Some("SOURCE_STAMP_MALFORMED_LINEAGE"), "the proof of rotation of the source stamp is malformed", "来源戳的密钥轮换证明格式错误";
    StampLineageCertificateMismatch, "stamp-lineage-certificate-mismatch", Warning, Some("SOURCE_STAMP_POR_CERT_MISMATCH"), "the certificate of the source stamp is not the last of its proof of rotation", "来源戳证书不是其轮换证明中的最后一个证书";
    StampLineageSignatureMismatch, "stamp-lineage-signature-mismatch", Warning, Some("SOURCE_STAMP_POR_DID_NOT_VERIFY"), "the proof of rotation of the source stamp does not verify", "来源戳的密钥轮换证明校验失败";
    StampInvalidTimestamp, "stamp-invalid-timestamp", Warning, Some("SOURCE_STAMP_INVALID_TIMESTAMP"), "the time of the source stamp is not after 1970", "来源戳时间无效";
    StampSchemeNotAvailable, "stamp-scheme-not-available", Note, Some("SOURCE_STAMP_SIGNATURE_SCHEME_NOT_AVAILABLE"), "a signature scheme of the app is one that source stamps do not cover", "应用的某个签名方案不在来源戳覆盖范围内";
    StampTrailingBytes, "stamp-trailing-bytes", Note, None, "bytes stand behind the source stamp that nothing signs", "来源戳之后有未签名的字节";

    // What else the file carries.
    MarkMalformed, "mark-malformed", Warning, None, "a mark does not have the form of its kind", "标记不符合其格式";
    MarkSignatureMismatch, "mark-signature-mismatch", Warning, None, "the signature in a mark does not verify over its own content", "标记中的签名与其自身内容不符";
    FrostingMalformed, "frosting-malformed", Warning, None, "the Play frosting is malformed", "Play frosting 格式错误";
    FrostingSignatureMismatch, "frosting-signature-mismatch", Warning, None, "the signature of the Play frosting does not verify", "Play frosting 签名校验失败";
    FrostingDigestMismatch, "frosting-digest-mismatch", Warning, None, "the file is not the one that the Play frosting was made for", "文件与 Play frosting 所针对的文件不一致";
    CodeTransparencyMalformed, "code-transparency-malformed", Warning, None, "the code transparency file is malformed", "代码透明度文件格式错误";
    CodeTransparencySignatureMismatch, "code-transparency-signature-mismatch", Warning, None, "the signature of the code transparency file does not verify", "代码透明度文件签名校验失败";
    CodeTransparencyFileMismatch, "code-transparency-file-mismatch", Warning, None, "a code file is not the one that the developer listed", "代码文件与开发者声明的不一致";
    CodeTransparencyFileUnlisted, "code-transparency-file-unlisted", Warning, None, "a code file is not among those that the developer listed", "代码文件未在开发者声明的清单中";
    AdiRegistrationToken, "adi-registration-token", Warning, None, "the file is one that proves ownership to Google, not one to hand out", "此文件用于向 Google 证明所有权，不应分发";

    // Files that hold APKs.
    AppBundle, "app-bundle", Error, None, "an Android App Bundle: signed for upload to a store, not an app that can be installed", "这是 Android App Bundle：仅为上传商店而签名，不是可安装的应用";
    ContainerMember, "container-member", Error, None, "a member of the container did not pass", "容器中的某个成员未通过";
    ContainerSignature, "container-signature", Error, None, "the container's own signature does not verify", "容器自身的签名校验失败";

    // Parts of an app.
    SplitApk, "split-apk", Note, None, "the file is a part of an app, which is installed together with its base", "该文件是应用的一个分包，须与基础包一起安装";
    SplitBaseMissing, "split-base-missing", Error, None, "a part of an app comes without the base", "分包缺少对应的基础包";
    SplitForeign, "split-foreign", Error, None, "a part belongs to another app than the one that it comes with", "分包属于另一个应用";
    SplitVersion, "split-version", Error, None, "a part belongs to another version of the app than its base", "分包与基础包的版本不一致";
    SplitSigner, "split-signer", Error, None, "a part has other signers than the base of the app", "分包与基础包的签名者不一致";
    SplitDuplicate, "split-duplicate", Error, None, "a part of the app is there twice", "应用的同一分包重复出现";
    SplitMissing, "split-missing", Error, None, "the app cannot be installed without parts that are not there", "缺少安装该应用所必需的分包";

    // Keys and certificates of verified signers.
    FakeId, "fake-id", Warning, None, "a certificate names an issuer that did not sign it; Android before 4.4.4 took its word", "证书声称的签发者并未签署该证书；Android 4.4.4 之前会轻信";
    TestKey, "test-key", Warning, None, "the signing key is a public test key: anybody can sign with it", "签名密钥为公开的测试密钥：任何人都可用其签名";
    DebugCertificate, "debug-certificate", Warning, None, "signed with a debug certificate, which is made for development alone", "使用仅供开发的调试证书签名";
    WeakKey, "weak-key", Note, None, "the signing key is weaker than what is made today", "签名密钥强度低于当前标准";
    WeakDigest, "weak-digest", Note, None, "the v1 signature goes by a digest algorithm that is broken", "v1 签名使用了已被攻破的摘要算法";

    // Who the signer is, against the registry.
    InstallerRefuses, "installer-refuses", Error, None, "the signature holds, but Android refuses to open such a file", "签名有效，但 Android 会拒绝打开此文件";
    SignerAuthenticated, "signer-authenticated", Note, None, "the signer is registered and authorised for this package", "签名者已登记并获授权";
    SignerUnknown, "signer-unknown", Warning, None, "the signer is not in the registry", "签名者未登记";
    SignerNotAllowed, "signer-not-allowed", Error, None, "the package is registered and this signer may not speak for it", "该包名已登记，此签名者无权代表";
    PackageUnknown, "package-unknown", Warning, None, "the signer is registered, but not for this package", "签名者已登记，但未授权此包名";
    SignerRole, "signer-role", Warning, None, "the signer is registered, but not as a developer", "签名者已登记，但不是开发者角色";
    RegistryPublicKeyMismatch, "registry-public-key-mismatch", Error, None, "the registry gives another public key for this certificate than it has", "登记库记录的公钥与该证书的公钥不一致";
    KeyRevoked, "key-revoked", Error, None, "the signer's authentication is revoked", "签名者认证已吊销";
    KeySuspended, "key-suspended", Error, None, "the signer's authentication is suspended", "签名者认证已暂停";
    KeyDenied, "key-denied", Error, None, "the key is on the denied list", "密钥在禁用名单上";
    KeyExpired, "key-expired", Error, None, "the signer's authentication has expired", "签名者认证已过期";
    KeyNotYetValid, "key-not-yet-valid", Error, None, "the signer's authentication is not valid yet", "签名者认证尚未生效";
    KeyRotated, "key-rotated", Note, None, "the signer is not authorised itself, but proves rotation from an authorised key", "签名者本身未获授权，但可证明由已授权密钥轮换而来";
    OldKeyInUse, "old-key-in-use", Error, None, "the registry has this key as rotated away, and its successor is not in use here", "登记显示此密钥已轮换，且未使用其后继密钥";
    PredecessorUnregistered, "predecessor-unregistered", Warning, None, "older Android versions see a predecessor of the authorised signer that the registry does not have as such", "旧版 Android 看到的是已授权签名者的前任密钥，但登记中没有该关系";
    HybridHalfUnregistered, "hybrid-half-unregistered", Warning, None, "one half of the v3.2 signature is authorised, and nothing that is proved or registered ties the other half to it", "v3.2 混合签名的一半已获授权，但另一半既无证明也未登记与其关联";
    SignersDifferByVersion, "signers-differ-by-version", Warning, None, "Android versions see different signers", "不同 Android 版本看到的签名者不同";
    PackageMissing, "package-missing", Error, None, "no package name, so no authorisation can be looked up", "缺少包名，无法查询授权";

    // What the policy asks for.
    PolicyVerdict, "policy-verdict", Error, None, "the policy does not accept the verdict", "策略不接受该结论";
    PolicyMinScheme, "policy-min-scheme", Error, None, "some Android versions go by an older signature scheme than the policy wants", "部分 Android 版本所依据的签名方案低于策略要求";
    PolicyMinDigest, "policy-min-digest", Error, None, "a signature rests on a weaker digest algorithm than the policy wants", "签名所用摘要算法弱于策略要求";
    PolicyKeyStrength, "policy-key-strength", Error, None, "a key is shorter than the policy wants", "密钥长度低于策略要求";
    PolicyTestKey, "policy-test-key", Error, None, "the policy refuses keys that anybody has", "策略拒绝公开的测试密钥";
    PolicyDebugCertificate, "policy-debug-certificate", Error, None, "the policy refuses certificates of debug builds", "策略拒绝调试证书";
    PolicyDebuggable, "policy-debuggable", Error, None, "the policy refuses debuggable apps", "策略拒绝可调试的应用";
    PolicySdkRange, "policy-sdk-range", Error, None, "the app is for other Android versions than the policy wants", "应用面向的 Android 版本不符合策略要求";
    PolicyFileSize, "policy-file-size", Error, None, "the file is larger than the policy allows", "文件大小超出策略限制";
    PolicySigningBlock, "policy-signing-block", Error, None, "the signing block has pairs that the policy does not allow", "签名分块中含有策略不允许的数据";
    PolicyDeveloper, "policy-developer", Error, None, "the developer is not known as the policy wants", "开发者身份不符合策略要求";
    PolicyDistributor, "policy-distributor", Error, None, "the distributor is not known as the policy wants", "分发者身份不符合策略要求";
    PolicySeverity, "policy-severity", Error, None, "there is a finding that the policy makes an error", "存在被策略提升为错误的发现";

    // What the caller asked for.
    SignedByMismatch, "signed-by-mismatch", Error, None, "the signers are not exactly those that were asked for", "签名者与指定的不完全一致";
}

impl FindingCode {
    /// The code of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_kebab_case_and_unique() {
        let mut seen = HashSet::new();
        for code in FindingCode::ALL {
            let name = code.as_str();
            assert!(seen.insert(name), "{name} stands twice");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
            assert_eq!(FindingCode::parse(name), Some(*code));
        }
    }

    #[test]
    fn summaries_are_there_in_both_languages_and_without_a_full_stop() {
        for code in FindingCode::ALL {
            for text in [code.summary_en(), code.summary_zh()] {
                assert!(!text.is_empty() && !text.ends_with(['.', '。']), "{}", code.as_str());
            }
            assert!(code.summary_zh().chars().any(|c| c > '\u{2e80}'), "{}", code.as_str());
        }
    }
}
