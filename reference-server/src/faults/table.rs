//! The table of faults: one line per fault, and nothing else that one could forget.

use super::{Fault, Proof};

/// Declares the enum [`F`] and the table [`FAULTS`] in the same order.
macro_rules! faults {
    ($($fault:ident $name:literal $requirement:literal $explanation:literal $($proof:ident)?;)*) => {
        /// A fault, for the code that commits it; [`FAULTS`] explains each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum F { $(#[doc = $explanation] $fault),* }

        /// What each fault is called and violates, in the order of [`F`].
        pub const FAULTS: &[Fault] = &[$(
            Fault {
                name: $name,
                requirement: $requirement,
                explanation: $explanation,
                proof: faults!(@proof $($proof)?),
            }
        ),*];
    };
    (@proof) => { Proof::Conversation };
    (@proof measured) => { Proof::Measurement };
}

faults! {
    // Envelopes
    WrongId "wrong-id" "messages/same-id" "answers carry an id that nobody sent";
    IdStringified "id-stringified" "messages/same-id" "integer ids come back as strings";
    IdMissing "id-missing" "messages/same-id" "answers have no id";
    JsonrpcMissing "jsonrpc-missing" "messages/json-rpc" "answers lack the jsonrpc member";
    JsonrpcWrong "jsonrpc-wrong" "messages/json-rpc" "answers say jsonrpc 1.0";
    ResultAndError "result-and-error" "messages/result-or-error" "answers have a result and an error";
    ResultNeither "result-neither" "messages/result-or-error" "answers have neither result nor error";
    ErrorCodeString "error-code-string" "messages/error-code-integer" "error codes are strings";
    ErrorCodeFraction "error-code-fraction" "messages/error-code-integer" "error codes have a fraction";
    ErrorMessageMissing "error-message-missing" "messages/error-object" "errors have no message";
    ErrorAsResult "error-as-result" "messages/error-not-result" "errors are sent inside a result";
    AnswerTwice "answer-twice" "messages/request-answered" "requests are answered twice (stdio)";
    AnswerNever "answer-never" "robust/answers-in-time" "tools/call is never answered";
    UnknownMethodCode "unknown-method-code" "messages/unknown-method-code" "an unknown method is an internal error";
    UnknownMethodSucceeds "unknown-method-succeeds" "messages/unknown-method-code" "an unknown method succeeds";
    MethodAnyCase "method-any-case" "messages/method-case" "methods are matched without regard to case";
    ParseErrorCode "parse-error-code" "messages/parse-error-code" "what is not JSON is an internal error";
    ParseErrorId "parse-error-id" "messages/unreadable-id" "what is not JSON is answered with id 1";
    InvalidRequestCode "invalid-request-code" "messages/invalid-request-code" "an invalid envelope is an internal error";
    NotificationAnswered "notification-answered" "messages/notification-unanswered" "notifications are answered";
    UnknownNotificationAnswered "unknown-notification-answered" "messages/notification-unanswered" "unknown notifications are answered with an error";
    BatchRefused "batch-refused" "messages/batch" "2025-03-26: batches are refused";
    BatchNotificationsAnswered "batch-notifications-answered" "messages/batch-of-notifications" "2025-03-26: a batch of notifications is answered with an empty array";
    BatchStopsAtInvalid "batch-stops-at-invalid" "messages/batch-invalid-member" "2025-03-26: an invalid member makes the whole batch fail";
    BatchEmptyAccepted "batch-empty-accepted" "messages/batch-empty" "an empty batch is answered with an empty array";
    ReservedCode "reserved-code" "messages/reserved-codes" "modern: an unknown tool is error -32050";
    RetiredCode "retired-code" "messages/retired-codes" "modern: an unknown tool is error -32042";
    ResultTypeMissing "result-type-missing" "messages/result-type" "modern: results have no resultType";
    ResultTypeUnknown "result-type-unknown" "messages/result-type-known" "modern: results have the resultType \"done\"";
    ServerRequests "server-requests" "messages/no-server-requests" "modern: tools that ask send a request of their own";

    InvalidParamsCode "invalid-params-code" "messages/invalid-params-code" "parameters of a wrong form are an internal error";
    OwnCodeInside "own-code-inside" "messages/own-codes-outside" "modern: an unknown tool is error -32500";
    NotificationWithId "notification-with-id" "messages/notification-no-id" "notifications of the server have an id";
    AnswersInArrays "answers-in-arrays" "initialization/negotiated-version" "legacy: answers come in batches where the revision has none";

    JsonByText "json-by-text" "robust/answers-in-time" "ignores messages that spell \"jsonrpc\":\"2.0\" in any other way";
    CarriageReturnKept "carriage-return-kept" "robust/answers-in-time" "ignores messages that end with a carriage return";
    NestingIgnored "nesting-ignored" "robust/answers-in-time" "ignores messages nested more than 32 levels deep";
    ReservedMethodIgnored "reserved-method-ignored" "robust/answers-in-time" "ignores requests whose method begins with rpc.";
    NotificationByMethod "notification-by-method" "messages/request-answered" "takes a request for a notification if its method says so";

    // Robustness
    DiesOnBadJson "dies-on-bad-json" "robust/survives-bad-line" "ends the process when a line or body is not JSON";
    DeafAfterBadJson "deaf-after-bad-json" "robust/survives-bad-line" "takes no notice of anything after a line or body that is not JSON";
    DiesOnInvalidUtf8 "dies-on-invalid-utf8" "robust/survives-bad-line" "ends the process when a line or body is not UTF-8";
    DiesOnEmptyLine "dies-on-empty-line" "robust/survives-bad-line" "ends the process at an empty line (stdio)";
    DiesOnByteOrderMark "dies-on-byte-order-mark" "robust/survives-bad-line" "ends the process at a byte-order mark";
    DiesOnBatch "dies-on-batch" "robust/survives-bad-message" "ends the process when a message is an array";
    DiesOnNullId "dies-on-null-id" "robust/survives-bad-message" "ends the process when an id is null";
    DiesOnBadEnvelope "dies-on-bad-envelope" "robust/survives-bad-message" "ends the process at an invalid envelope";
    DeafAfterBadEnvelope "deaf-after-bad-envelope" "robust/survives-bad-message" "takes no notice of anything after an invalid envelope";
    DiesOnStrayResponse "dies-on-stray-response" "robust/survives-bad-message" "ends the process at a response to nothing";
    DiesOnLoneSurrogate "dies-on-lone-surrogate" "robust/survives-bad-message" "ends the process at half of a surrogate pair";
    DiesOnNul "dies-on-nul" "robust/survives-bad-message" "ends the process at an escaped NUL";
    DiesOnPrototype "dies-on-prototype" "robust/survives-bad-message" "ends the process at a member named __proto__";
    DiesOnHugeNumber "dies-on-huge-number" "robust/survives-bad-message" "ends the process at a number with an exponent of three digits";
    DiesOnBadMeta "dies-on-bad-meta" "robust/survives-bad-message" "ends the process when _meta is no object";
    DiesOnDeepNesting "dies-on-deep-nesting" "robust/survives-large-input" "ends the process when a message is nested too deeply";
    HangsOnHuge "hangs-on-huge" "robust/survives-large-input" "takes no notice of anything after a message of over one mebibyte";
    RefusesLarge "refuses-large" "robust/large-request" "refuses messages over 64 KiB";
    SlowOnLarge "slow-on-large" "robust/large-request" "takes time that grows with the square of a message's length";
    DiesOnUnknownMethod "dies-on-unknown-method" "robust/stays-alive" "ends the process when asked for an unknown method";
    DiesEarly "dies-early" "robust/no-early-exit" "ends the process after 20 requests (stdio)";
    DiesOnEarlyRequest "dies-on-early-request" "robust/survives-early-request" "ends the process at a request before the handshake (stdio)";
    NewestOnly "newest-only" "robust/concurrent-requests" "of several requests at once, answers only the last";
    Slow "slow" "robust/answers-in-time" "answers every tools/call a minute late";
    Leaks "leaks" "robust/bounded-memory" "keeps a mebibyte of memory for every tools/call" measured;
    DiesOnBadTraceContext "dies-on-bad-trace-context" "robust/stays-alive" "ends the process when traceparent is malformed";
    DiesOnUnknownRoute "dies-on-unknown-route" "robust/stays-alive" "ends the process at an unknown path or HTTP method";
    DiesOnEmptyBody "dies-on-empty-body" "robust/stays-alive" "ends the process when a POST has no body";
    DiesOnWrongContentType "dies-on-wrong-content-type" "robust/stays-alive" "ends the process when a body is not declared as JSON";
    DiesOnUnknownEvent "dies-on-unknown-event" "robust/stays-alive" "ends the process when Last-Event-ID names no event";

    // stdio
    LogOnStdout "log-on-stdout" "stdio/only-messages" "writes a log line to stdout";
    PrettyPrinted "pretty-printed" "stdio/one-line" "writes messages over several lines";
    NoNewline "no-newline" "stdio/one-line" "writes two messages on one line";
    InvalidUtf8Sent "invalid-utf8-sent" "messages/utf-8" "writes text that is not UTF-8 (stdio)";
    EndIgnored "end-ignored" "stdio/exit-at-end-of-input" "keeps running after the end of its input";

    RestJoined "rest-joined" "stdio/newline-ends-message" "what follows an unknown notification is taken for part of its line";
    SeparatorEndsLine "separator-ends-line" "stdio/newline-ends-message" "a line ends where Unicode would end one, too";
    ChunkIsLine "chunk-is-line" "stdio/newline-ends-message" "takes what one read returns for a whole line";

    // Handshake
    VersionEchoed "version-echoed" "versioning/alternative" "legacy: agrees to versions that nobody knows";
    VersionNotEchoed "version-not-echoed" "versioning/echo" "legacy: from the second handshake on, answers a version it speaks with another one";
    VersionNotLatest "version-not-latest" "versioning/alternative-latest" "legacy: offers its oldest version instead of an unknown one";
    VersionRefused "version-refused" "versioning/alternative" "legacy: refuses unknown versions with an error";
    InitializeWithoutVersion "initialize-without-version" "initialization/result" "legacy: the handshake names no version";
    InitializeWithoutCapabilities "initialize-without-capabilities" "initialization/result" "legacy: the handshake has no capabilities";
    InitializeWithoutServerInfo "initialize-without-server-info" "initialization/result" "legacy: the handshake does not say who the server is";
    ServerInfoWithoutVersion "server-info-without-version" "initialization/result" "the server does not tell its own version";
    InitializeUnchecked "initialize-unchecked" "initialization/invalid-params" "legacy: a handshake without parameters succeeds";
    TalksTooEarly "talks-too-early" "initialization/quiet-before-initialized" "legacy: sends a request before it was told to begin (stdio)";
    PingRefusedEarly "ping-refused-early" "initialization/ping-before-initialized" "legacy: refuses ping before notifications/initialized";
    UnknownCapabilityRefused "unknown-capability-refused" "initialization/open-capabilities" "refuses clients that declare an unknown capability";
    PingUnknown "ping-unknown" "ping/empty-result" "legacy: ping is an unknown method";
    PingNotEmpty "ping-not-empty" "ping/empty-result" "legacy: ping has a result with content";

    // Versions and metadata, modern
    InitializeUnnamed "initialize-unnamed" "versioning/initialize-names-versions" "modern only: the refusal of initialize names no version";
    UnsupportedVersionRequested "unsupported-version-requested" "versioning/unsupported-version-requested" "modern: the unsupported-version error does not repeat the version";
    UnsupportedVersionSticks "unsupported-version-sticks" "versioning/independent-requests" "modern: after an unsupported version nothing is served any more";
    ExtensionIdBare "extension-id-bare" "versioning/extension-id" "modern: an extension's identifier has no prefix";
    ExtensionSettings "extension-settings" "versioning/extension-settings" "modern: an extension's settings are no object";
    MetaTypesUnchecked "meta-types-unchecked" "meta/field-types" "modern: required metadata may have any type";
    IconUnsafe "icon-unsafe" "meta/icon-source" "icons are file: URLs";
    ProgressTokenRefused "progress-token-refused" "progress/optional" "refuses requests with a progressToken";
    VersionUnchecked "version-unchecked" "versioning/unsupported-version" "modern: serves any protocol version";
    UnsupportedVersionCode "unsupported-version-code" "versioning/unsupported-version" "modern: an unsupported version is error -32602";
    UnsupportedVersionData "unsupported-version-data" "versioning/unsupported-version-data" "modern: the unsupported-version error does not list what is supported";
    UnsupportedVersionStatus "unsupported-version-status" "versioning/unsupported-version-status" "modern: an unsupported version has HTTP status 200";
    MetaUnchecked "meta-unchecked" "meta/required-fields" "modern: serves requests that lack required metadata";
    ClientCapabilitiesUnchecked "client-capabilities-unchecked" "meta/required-fields" "modern: serves requests without clientCapabilities";
    MetaStatus "meta-status" "meta/required-fields-status" "modern: missing metadata has HTTP status 200";
    ClientInfoRequired "client-info-required" "meta/client-info-optional" "modern: refuses requests without clientInfo";
    UnknownMetaRefused "unknown-meta-refused" "meta/open" "refuses requests with unknown _meta keys";
    CapabilitiesRemembered "capabilities-remembered" "meta/capabilities-per-request" "modern: remembers capabilities of earlier requests";
    MissingCapabilityCode "missing-capability-code" "meta/missing-capability" "modern: a missing client capability is error -32603";
    MissingCapabilityData "missing-capability-data" "meta/missing-capability" "modern: the missing-capability error does not say which";
    MissingCapabilityStatus "missing-capability-status" "meta/missing-capability-status" "modern: a missing client capability has HTTP status 200";
    ServerInfoMissing "server-info-missing" "meta/server-info" "modern: results do not say who the server is";
    MetaKeyMalformed "meta-key-malformed" "meta/key-form" "results carry a malformed _meta key";
    DiscoverWithoutVersions "discover-without-versions" "discover/supported-versions" "modern: server/discover lists no versions";
    DiscoverWithoutCapabilities "discover-without-capabilities" "discover/capabilities" "modern: server/discover has no capabilities";
    DiscoverFirst "discover-first" "discover/optional" "modern: nothing works before server/discover (stdio)";
    RemovedMethods "removed-methods" "messages/unknown-method-code" "modern: ping, initialize and logging/setLevel still succeed";

    // Tools
    ToolsUndeclared "tools-undeclared" "tools/declare-capability" "does not declare the tools it has";
    ToolsListMissing "tools-list-missing" "tools/list-answered" "tools/list has no tools member";
    ToolSchemaMissing "tool-schema-missing" "tools/input-schema-object" "a tool has no inputSchema";
    ToolSchemaNull "tool-schema-null" "tools/input-schema-object" "a tool's inputSchema is null";
    ToolSchemaInvalid "tool-schema-invalid" "meta/schema-valid" "a tool's inputSchema is not valid JSON Schema";
    ToolSchemaNotObject "tool-schema-not-object" "tools/input-schema-object" "a tool's inputSchema describes a string";
    OutputSchemaInvalid "output-schema-invalid" "meta/schema-valid" "a tool's outputSchema is not valid JSON Schema";
    SchemaKeywordsLost "schema-keywords-lost" "meta/schema-2020-12" "schemas come without $schema and $defs";
    ToolNameMissing "tool-name-missing" "tools/list-answered" "a tool has no name";
    ToolNameRepeated "tool-name-repeated" "tools/name-unique" "two tools have the same name";
    ToolNameSpaces "tool-name-spaces" "tools/name-characters" "a tool's name contains spaces";
    ToolNameLong "tool-name-long" "tools/name-length" "a tool's name has 200 characters";
    ToolNameAnyCase "tool-name-any-case" "tools/name-case-sensitive" "tools are found without regard to case";
    ToolsShuffled "tools-shuffled" "tools/deterministic-order" "every tools/list has another order";
    ToolsVary "tools-vary" "tools/list-not-per-connection" "a tool is there only every other time";
    ToolsChangeUntold "tools-change-untold" "tools/list-changed-notified" "nobody is told when the tools change";
    HeaderAnnotationInvalid "header-annotation-invalid" "tools/x-mcp-header-valid" "a tool mirrors a number argument in a header";
    HeaderAnnotationRepeated "header-annotation-repeated" "tools/x-mcp-header-valid" "a tool mirrors two arguments in the same header";
    UnknownToolSucceeds "unknown-tool-succeeds" "tools/validate-inputs" "calling an unknown tool succeeds";
    UnknownToolCode "unknown-tool-code" "tools/unknown-tool" "an unknown tool is an internal error";
    ToolCallUnchecked "tool-call-unchecked" "tools/validate-inputs" "a tools/call without a name succeeds";
    ToolArgumentsUnchecked "tool-arguments-unchecked" "tools/validate-inputs" "tools run with arguments that do not fit their schema";
    ToolArgumentsError "tool-arguments-error" "tools/argument-error-in-result" "from 2025-11-25: wrong arguments are a protocol error";
    ToolErrorProtocol "tool-error-protocol" "tools/execution-error-in-result" "a tool that fails gives a protocol error";
    ToolContentMissing "tool-content-missing" "tools/call-result" "tool results have no content";
    ToolContentUntyped "tool-content-untyped" "tools/call-result" "content blocks have no type";
    ToolContentUnknown "tool-content-unknown" "tools/call-result" "content blocks have a type that does not exist";
    IsErrorString "is-error-string" "tools/call-result" "isError is a string";
    ContentNotBase64 "content-not-base64" "tools/content-encoding" "images and audio are not base64";
    ContentWithoutMimeType "content-without-mime-type" "tools/content-encoding" "images and audio have no MIME type";
    EmbeddedResourceWithoutUri "embedded-resource-without-uri" "tools/embedded-resource-content" "embedded resources have no URI";
    EmbedsWithoutResources "embeds-without-resources" "tools/embedded-resource-capability" "has no resources, but embeds them in tool results";
    StructuredInvalid "structured-invalid" "tools/structured-conforms" "structured content does not satisfy its schema";
    StructuredMissing "structured-missing" "tools/structured-conforms" "a tool with an outputSchema returns no structured content";
    StructuredWithoutText "structured-without-text" "tools/structured-text-copy" "structured content is not repeated as text";

    // Resources
    ResourcesUndeclared "resources-undeclared" "resources/declare-capability" "does not declare the resources it has";
    ResourcesListMissing "resources-list-missing" "resources/list-answered" "resources/list has no resources member";
    ResourceUriInvalid "resource-uri-invalid" "resources/custom-uri-rfc3986" "a resource's URI contains spaces";
    ResourceUriRelative "resource-uri-relative" "resources/uri-is-uri" "a resource's URI has no scheme";
    ResourceUriRepeated "resource-uri-repeated" "resources/uri-unique" "two resources have the same URI";
    ResourceNameMissing "resource-name-missing" "resources/list-answered" "a resource has no name";
    ResourceMimeInvalid "resource-mime-invalid" "resources/mime-type" "the mimeType of resources and templates is no MIME type";
    ResourceDateInvalid "resource-date-invalid" "resources/last-modified" "a resource's lastModified is no timestamp";
    ResourcesVary "resources-vary" "resources/list-not-per-connection" "a resource is there only every other time";
    ResourcesChangeUntold "resources-change-untold" "resources/list-changed-notified" "nobody is told when the resources change";
    TemplatesListMissing "templates-list-missing" "resources/templates-list" "resources/templates/list has no resourceTemplates member";
    TemplateInvalid "template-invalid" "resources/template-form" "a URI template has an unclosed brace";
    TemplateUnreadable "template-unreadable" "resources/template-read" "what a template stands for cannot be read";
    ContentsMissing "contents-missing" "resources/read-contents" "resources/read has no contents member";
    ContentsWithoutUri "contents-without-uri" "resources/read-contents" "resource contents have no URI";
    ContentsWithoutData "contents-without-data" "resources/read-contents" "resource contents have neither text nor blob";
    BlobNotBase64 "blob-not-base64" "resources/binary-encoded" "binary resources are not base64";
    MissingResourceCode "missing-resource-code" "resources/not-found" "a missing resource has the other era's code";
    MissingResourceFound "missing-resource-found" "resources/not-found" "any URI can be read";
    MissingResourceEmpty "missing-resource-empty" "resources/no-empty-contents" "a missing resource has empty contents";
    UriUnchecked "uri-unchecked" "resources/validate-uris" "resources/read and resources/subscribe accept what is no URI";
    SubscribeRefused "subscribe-refused" "resources/subscribe" "legacy: resources/subscribe is an unknown method";
    UpdatesUnasked "updates-unasked" "resources/updated-only-if-subscribed" "legacy: tells of changes to resources nobody subscribed to";
    UpdatesUntold "updates-untold" "resources/updated-notified" "nobody is told when a resource changes";
    UnsubscribeIgnored "unsubscribe-ignored" "resources/updated-only-if-subscribed" "legacy: goes on telling after resources/unsubscribe";

    // Prompts
    PromptsUndeclared "prompts-undeclared" "prompts/declare-capability" "does not declare the prompts it has";
    PromptsListMissing "prompts-list-missing" "prompts/list-answered" "prompts/list has no prompts member";
    PromptNameRepeated "prompt-name-repeated" "prompts/name-unique" "two prompts have the same name";
    PromptsVary "prompts-vary" "prompts/list-not-per-connection" "a prompt is there only every other time";
    PromptsChangeUntold "prompts-change-untold" "prompts/list-changed-notified" "nobody is told when the prompts change";
    PromptMessagesMissing "prompt-messages-missing" "prompts/get-messages" "prompts/get has no messages member";
    PromptRoleUnknown "prompt-role-unknown" "prompts/get-messages" "prompt messages have the role system";
    PromptContentList "prompt-content-list" "prompts/get-messages" "the content of a prompt message is a list";
    PromptArgumentsIgnored "prompt-arguments-ignored" "prompts/arguments-applied" "prompts ignore their arguments";
    PromptArgumentTypes "prompt-argument-types" "prompts/validate-arguments" "arguments of prompts may be anything";
    PromptArgumentsUnchecked "prompt-arguments-unchecked" "prompts/missing-arguments" "prompts do without their required arguments";
    PromptImageNotBase64 "prompt-image-not-base64" "prompts/image-content" "images in prompts are not base64";
    PromptResourceWithoutMimeType "prompt-resource-without-mime-type" "prompts/embedded-resource" "resources in prompts have no MIME type";
    UnknownPromptCode "unknown-prompt-code" "prompts/unknown-prompt" "an unknown prompt is an internal error";
    UnknownPromptFound "unknown-prompt-found" "prompts/validate-inputs" "an unknown prompt, or none, has a result without messages";

    // Completion
    CompletionsUndeclared "completions-undeclared" "completion/declare-capability" "does not declare completion";
    CompletionUnsupportedCode "completion-unsupported-code" "completion/unsupported" "has no completion, and says so with an internal error";
    CompletionReferenceUnchecked "completion-reference-unchecked" "completion/validate-inputs" "completes whatever is asked for";
    CompletionTooMany "completion-too-many" "completion/at-most-100" "returns more than 100 completions";
    CompletionValuesMissing "completion-values-missing" "completion/result" "completions have no values";
    CompletionNumbers "completion-numbers" "completion/result" "completions are numbers";
    CompletionUnknownFound "completion-unknown-found" "completion/unknown-prompt" "completes for prompts that do not exist";
    CompletionArgumentsUnchecked "completion-arguments-unchecked" "completion/validate-inputs" "completes without knowing the argument";
    CompletionTypesUnchecked "completion-types-unchecked" "completion/validate-inputs" "completes values that are no strings";
    CompletionContextRefused "completion-context-refused" "completion/context" "refuses requests with a context";

    // Logging, progress, cancellation, pagination
    LoggingUndeclared "logging-undeclared" "logging/declare-capability" "does not declare logging";
    LogLevelUnchecked "log-level-unchecked" "logging/invalid-level" "accepts any log level";
    LogLevelIgnored "log-level-ignored" "logging/at-or-above-level" "sends log messages below the level asked for";
    LogLevelUnknown "log-level-unknown" "logging/levels" "log messages have the level \"verbose\"";
    LogWithoutData "log-without-data" "logging/message-form" "log messages have no data";
    LogUnasked "log-unasked" "logging/only-on-request" "modern: logs without having been asked to";
    SetLevelUnknown "set-level-unknown" "logging/set-level" "legacy: logging/setLevel is an unknown method";
    ProgressStalls "progress-stalls" "progress/increases" "progress does not increase";
    ProgressOtherToken "progress-other-token" "progress/original-token" "progress names a token that nobody sent";
    ProgressUnasked "progress-unasked" "progress/known-token" "progress is reported to those who did not ask";
    ProgressAfterAnswer "progress-after-answer" "progress/stops" "progress goes on after the answer (stdio)";
    CancelAnswered "cancel-answered" "cancellation/no-response" "cancelled requests are answered with an error (stdio)";
    CancelUnknownAnswered "cancel-unknown-answered" "cancellation/unknown-ignored" "a cancellation of nothing is answered (stdio)";
    CancelLateDies "cancel-late-dies" "robust/stays-alive" "ends the process when what was answered is cancelled";
    ClosedStreamDeaf "closed-stream-deaf" "robust/stays-alive" "modern: takes no notice of anything while a stream is open, or was closed early";
    CancelsClientRequests "cancels-client-requests" "cancellation/server-own-requests" "legacy: tells the client that its own tools/call is cancelled";
    CancelsAnything "cancels-anything" "cancellation/server-only-subscriptions" "modern: sends notifications/cancelled for a tools/call";
    CancelMalformedDies "cancel-malformed-dies" "robust/stays-alive" "ends the process at a malformed cancellation";
    BadCursorAccepted "bad-cursor-accepted" "pagination/invalid-cursor" "an invalid cursor gives the first page";
    BadCursorCode "bad-cursor-code" "pagination/invalid-cursor" "an invalid cursor is an internal error";
    DiesOnBadCursor "dies-on-bad-cursor" "robust/stays-alive" "ends the process at an invalid cursor";
    PagesEndless "pages-endless" "pagination/ends" "the last page points to the first";
    CursorOnce "cursor-once" "pagination/stable-cursors" "a cursor works only once";

    // Multi round-trip requests
    AskUndeclared "ask-undeclared" "mrtr/declared-only" "asks for what the client cannot do";
    InputRequiredEmpty "input-required-empty" "mrtr/not-empty" "modern: input is required, but neither requests nor state are given";
    InputRequiredOnList "input-required-on-list" "mrtr/allowed-methods" "modern: tools/list requires input";
    InputRequiredUnknownKind "input-required-unknown-kind" "mrtr/request-kinds" "modern: asks with a method that does not exist";
    InputRequiredForever "input-required-forever" "mrtr/completes" "modern: asks again whatever the answer";
    InputRequiredCached "input-required-cached" "caching/no-hints-on-interim" "modern: input_required results have caching hints";
    StateForged "state-forged" "mrtr/reject-tampered-state" "modern: accepts any requestState";
    StateElsewhere "state-elsewhere" "mrtr/state-request-bound" "modern: accepts the requestState of another request";
    InputsUnchecked "inputs-unchecked" "mrtr/validate-responses" "modern: accepts answers of the wrong shape";
    InputsMalformedAccepted "inputs-malformed-accepted" "mrtr/protocol-error" "modern: inputResponses may be anything";
    ExtraInputsRefused "extra-inputs-refused" "mrtr/ignore-extra" "modern: refuses answers to questions it did not ask";
    RetryAwaited "retry-awaited" "mrtr/no-retry-assumed" "modern: asks only once, and then waits for the retry";
    MissingInputsRefused "missing-inputs-refused" "mrtr/ask-again" "modern: missing answers are an error";

    // Asking the client, in both eras
    ElicitUndeclared "elicit-undeclared" "elicitation/declared-only" "elicits from clients that cannot";
    SampleUndeclared "sample-undeclared" "sampling/declared-only" "samples through clients that cannot";
    RootsUndeclared "roots-undeclared" "roots/declared-only" "asks for the roots of clients that have none";
    FormModeUndeclared "form-mode-undeclared" "elicitation/mode-declared" "sends forms to clients that declare only the URL mode";
    FormWithLink "form-with-link" "elicitation/form-no-links" "the message of a form has a link to click";
    FormWithoutMessage "form-without-message" "elicitation/message" "forms have no message";
    FormWithoutSchema "form-without-schema" "elicitation/form" "forms have no requestedSchema";
    FormNested "form-nested" "elicitation/flat-schema" "forms have a field that is an object";
    FormDefaultMistyped "form-default-mistyped" "elicitation/defaults" "a form's default does not fit its field";
    FormEnumMalformed "form-enum-malformed" "elicitation/enums" "the choices of a form are objects";
    FormAnswerIgnored "form-answer-ignored" "elicitation/answer-used" "what the user submitted is ignored";
    FormAnswerUnchecked "form-answer-unchecked" "elicitation/validate-answer" "what the user submitted need not fit the form";
    FormRefusalSulked "form-refusal-sulked" "robust/answers-in-time" "a request whose form was refused is never answered";
    SamplingWithoutLimit "sampling-without-limit" "sampling/max-tokens" "sampling has no maxTokens";
    SamplingRoleUnknown "sampling-role-unknown" "sampling/request-form" "sampling messages have the role system";
    SamplingToolsUndeclared "sampling-tools-undeclared" "sampling/tools-declared-only" "sampling comes with tools that the client cannot use";
    SamplingContextUndeclared "sampling-context-undeclared" "sampling/include-context-declared" "sampling asks for context that the client cannot include";
    SamplingAnswerIgnored "sampling-answer-ignored" "sampling/answer-used" "what the model said is ignored";
    SamplingRefusalSulked "sampling-refusal-sulked" "robust/answers-in-time" "legacy: a request whose sampling was refused is never answered";
    RootsIgnored "roots-ignored" "roots/answer-used" "the roots of the client are ignored";
    NoRootsFail "no-roots-fail" "roots/unavailable-handled" "a client without roots gets an internal error";
    RootsRefusalSulked "roots-refusal-sulked" "robust/answers-in-time" "legacy: a request whose roots were refused is never answered";
    ServerIdNull "server-id-null" "messages/request-id" "legacy: requests of the server have the id null";
    ServerIdRepeated "server-id-repeated" "messages/request-id-unique" "legacy: requests of the server all have the same id";

    // Subscriptions and caching, modern
    ListenUnknown "listen-unknown" "subscriptions/listen" "modern: subscriptions/listen is an unknown method";
    ListenLogs "listen-logs" "logging/only-on-request" "modern: log messages come on subscriptions";
    ListenUnacknowledged "listen-unacknowledged" "subscriptions/ack-first" "modern: subscriptions are not acknowledged";
    AcknowledgedLate "acknowledged-late" "subscriptions/nothing-before-ack" "modern: a notification comes before the acknowledgement";
    SubscriptionIdMissing "subscription-id-missing" "subscriptions/id-on-every-message" "modern: notifications do not name their subscription";
    SubscriptionIdWrong "subscription-id-wrong" "subscriptions/id-on-every-message" "modern: notifications name another subscription";
    ListenUnfiltered "listen-unfiltered" "subscriptions/only-requested" "modern: subscriptions are told everything";
    AcknowledgedTooMuch "acknowledged-too-much" "subscriptions/ack-subset" "modern: acknowledges what was not asked for";
    AcknowledgedNothing "acknowledged-nothing" "subscriptions/supported-honoured" "modern: acknowledges none of what it supports";
    FilterUnchecked "filter-unchecked" "subscriptions/filter-required" "modern: subscribes without a filter";
    ListenOnce "listen-once" "subscriptions/concurrent" "modern: refuses a second subscription";
    ListenReplaces "listen-replaces" "subscriptions/concurrent" "modern: a new subscription silences the one before";
    UnsupportedAcknowledged "unsupported-acknowledged" "subscriptions/unsupported-omitted" "modern: acknowledges what it does not support (--static)";
    ChangesUnasked "changes-unasked" "subscriptions/only-requested" "modern: tells who caused a change of it, subscribed or not";
    ListenForever "listen-forever" "cancellation/stdio-silence" "modern: goes on telling after a subscription was cancelled (stdio)";
    CacheHintsMissing "cache-hints-missing" "caching/hints" "modern: results have no caching hints";
    TtlNegative "ttl-negative" "caching/ttl-not-negative" "modern: ttlMs is negative";
    TtlFraction "ttl-fraction" "caching/ttl-integer" "modern: ttlMs has a fraction";
    CacheScopeUnknown "cache-scope-unknown" "caching/scope-values" "modern: cacheScope is \"shared\"";
    CacheScopeVaries "cache-scope-varies" "caching/scope-same-on-pages" "modern: later pages have another cacheScope";

    // Tasks
    TaskUnknownCode "task-unknown-code" "tasks/get-unknown" "an unknown task is an internal error";
    TaskResultUnknown "task-result-unknown" "tasks/result-unknown" "2025-11-25: an unknown task has an empty result";
    TaskCancelUnknown "task-cancel-unknown" "tasks/cancel-unknown" "unknown tasks can be cancelled";
    TaskUpdateUnknown "task-update-unknown" "tasks/update-unknown" "modern: unknown tasks take answers";
    TaskCreatedPlain "task-created-plain" "tasks/create-result" "a task is created in the form of the other era";
    TaskBeginsCompleted "task-begins-completed" "tasks/begins-working" "2025-11-25: a task is completed when it is created";
    TaskWithoutTimes "task-without-times" "tasks/timestamps" "tasks do not say when they were created";
    TaskIdsRepeat "task-ids-repeat" "tasks/id-unique" "every task has the same id";
    TaskIdsGuessable "task-ids-guessable" "tasks/id-unguessable" "the ids of tasks count up";
    TaskIdFromMeta "task-id-from-meta" "tasks/id-parameter" "2025-11-25: the task that _meta names is meant";
    TaskResultEarly "task-result-early" "tasks/result-blocks" "2025-11-25: the result of a task that works is empty";
    TaskResultUnrelated "task-result-unrelated" "tasks/result-related" "2025-11-25: a task's result does not name the task";
    TaskErrorAsResult "task-error-as-result" "tasks/same-outcome" "2025-11-25: a protocol error of a task is a result";
    TaskResultOnce "task-result-once" "tasks/result-stays" "2025-11-25: a task's result is empty the second time";
    TaskResultMissing "task-result-missing" "tasks/completed-result" "modern: a completed task has no result";
    TaskGetRelated "task-get-related" "tasks/get-not-related" "2025-11-25: tasks/get names the task in _meta as well";
    TaskToolErrorStatus "task-tool-error-status" "tasks/tool-error-status" "a task whose tool fails has the status of the other era";
    TaskErrorCompleted "task-error-completed" "tasks/error-status" "modern: a task that ends with a protocol error is completed";
    TaskCancelIgnored "task-cancel-ignored" "tasks/cancelled" "2025-11-25: a cancelled task goes on working";
    TaskCancelTwice "task-cancel-twice" "tasks/cancel-terminal" "2025-11-25: tasks that have ended can be cancelled";
    TaskCancelNotEmpty "task-cancel-not-empty" "tasks/cancel-acknowledged" "modern: tasks/cancel answers with a status";
    TaskUpdateNotEmpty "task-update-not-empty" "tasks/update-acknowledged" "modern: tasks/update answers with a status";
    TaskGetType "task-get-type" "tasks/get-result-type" "modern: tasks/get has the resultType of a new task";
    TaskCreatedEarly "task-created-early" "tasks/created-durably" "modern: a new task is not found at first";
    TaskUnlisted "task-unlisted" "tasks/list-complete" "2025-11-25: the list of tasks is empty";
    TaskCursorUnchecked "task-cursor-unchecked" "tasks/list-cursor" "2025-11-25: any cursor begins the list of tasks anew";
    TaskRequiredPlain "task-required-plain" "tasks/tool-required" "2025-11-25: tools that require tasks do without";
    TaskForbiddenMade "task-forbidden-made" "tasks/tool-forbidden" "2025-11-25: any tool can be called as a task";
    TasksUndeclared "tasks-undeclared" "tasks/undeclared-ignored" "2025-11-25: tasks are made, but not declared";
    TaskQuestionUnrelated "task-question-unrelated" "tasks/question-related" "2025-11-25: a task's questions do not name it";
    TaskUnasked "task-unasked" "tasks/only-for-declaring" "modern: clients that know no tasks get them";
    TaskMethodsOpen "task-methods-open" "tasks/methods-need-extension" "modern: clients that do not declare the extension are served";
    TaskListenOpen "task-listen-open" "tasks/listen-needs-extension" "modern: clients that do not declare the extension can listen for tasks";
    TaskExtensionCode "task-extension-code" "tasks/required-extension" "modern: a tool that requires tasks is an internal error for others";
    TaskQuestionsMissing "task-questions-missing" "tasks/input-requests" "modern: a task that needs input does not say which";

    // HTTP
    NotificationBody "notification-body" "http/notification-202" "notifications are answered 200 with a body";
    ResponseContentType "response-content-type" "http/request-content-type" "answers are text/plain";
    MediaTypeParameters "media-type-parameters" "http/request-content-type" "refuses media types with parameters";
    RefusedStatus "refused-status" "http/notification-refused-status" "legacy: notifications that are refused have status 200";
    AnswerOnGet "answer-on-get" "http/get-stream-no-response" "legacy: answers come on the GET stream, too";
    VersionHeaderDemanded "version-header-demanded" "http/version-header-default" "legacy: refuses requests without MCP-Protocol-Version";
    EventsMalformed "events-malformed" "sse/well-formed" "the data of events is cut off";
    EventsSplit "events-split" "messages/request-answered" "answers come as events, and are lost because these end at every U+2028";
    RetryMissing "retry-missing" "sse/retry-before-close" "2025-11-25: connections are dropped without a retry field";
    ResumeIgnored "resume-ignored" "messages/request-answered" "2025-11-25: Last-Event-ID resumes nothing";
    OriginUnchecked "origin-unchecked" "http/origin-validated" "any Origin and Host is welcome";
    OriginStatus "origin-status" "http/origin-invalid-403" "a wrong Origin has status 400";
    GetJson "get-json" "http/get-stream-or-405" "GET is answered with JSON";
    GetJsonSessionless "get-json-sessionless" "http/get-stream-or-405" "legacy: issues no session ids, and answers GET with JSON";
    GetDeleteServed "get-delete-served" "http/no-get-delete" "modern only: GET and DELETE succeed";
    LastEventIdRefused "last-event-id-refused" "sse/last-event-id-ignored" "modern: refuses requests with Last-Event-ID";
    ModernSession "modern-session" "http/session-id-ignored" "modern: answers come with a session id";
    SessionUnchecked "session-unchecked" "http/session-missing-400" "legacy: requests without a session are served";
    SessionMissingStatus "session-missing-status" "http/session-missing-400" "legacy: requests without a session have status 403";
    SessionUnknownServed "session-unknown-served" "http/session-unknown-404" "legacy: unknown sessions are served";
    SessionSurvives "session-survives" "http/session-terminated-404" "legacy: sessions go on after DELETE";
    SessionIdInvisible "session-id-invisible" "http/session-id-visible-ascii" "legacy: session ids contain a space";
    SessionIdGuessable "session-id-guessable" "http/session-id-unguessable" "legacy: session ids count up";
    VersionHeaderIgnored "version-header-ignored" "http/version-header-invalid-400" "legacy: MCP-Protocol-Version may be anything";
    EventIdsRepeated "event-ids-repeated" "sse/event-id-unique" "legacy: every stream counts its events from one";
    StreamUnprimed "stream-unprimed" "sse/priming-event" "2025-11-25: streams do not begin with an event id";
    ReplayElsewhere "replay-elsewhere" "sse/replay-same-stream" "legacy: replays the messages of other streams";
    Broadcast "broadcast" "http/one-stream-per-message" "legacy: sends its requests on the GET stream, too";
    StreamWithoutAnswer "stream-without-answer" "http/stream-delivers-response" "streams end before the answer";
    StreamStaysOpen "stream-stays-open" "http/stream-ends-after-response" "streams stay open after the answer";
    Buffered "buffered" "http/x-accel-buffering" "modern: streams do not forbid buffering";
    HeaderVersionUnchecked "header-version-unchecked" "headers/version-matches" "modern: MCP-Protocol-Version may differ from the body";
    HeaderVersionOptional "header-version-optional" "headers/version-required" "modern: MCP-Protocol-Version may be missing";
    HeaderMethodUnchecked "header-method-unchecked" "headers/match-body" "modern: Mcp-Method may differ from the body";
    HeaderMethodOptional "header-method-optional" "headers/required-present" "modern: Mcp-Method may be missing";
    HeaderNameUnchecked "header-name-unchecked" "headers/match-body" "modern: Mcp-Name may differ from the body";
    HeaderNameOptional "header-name-optional" "headers/required-present" "modern: Mcp-Name may be missing";
    HeaderAnyCase "header-any-case" "headers/values-case-sensitive" "modern: header values are compared without regard to case";
    HeaderUndecoded "header-undecoded" "headers/base64-decoded" "modern: Base64 header values are compared undecoded";
    HeaderParamUnchecked "header-param-unchecked" "headers/param-matches" "modern: Mcp-Param headers may differ from the body";
    HeaderParamOptional "header-param-optional" "headers/param-required" "modern: Mcp-Param headers may be missing";
    HeaderParamDemanded "header-param-demanded" "headers/param-absent" "modern: Mcp-Param headers are demanded even without a value";
    HeaderParamNullDemanded "header-param-null-demanded" "headers/param-null" "modern: Mcp-Param headers are demanded for null";
    HeaderParamInvalid "header-param-invalid" "headers/param-invalid-characters" "modern: Mcp-Param headers may be invalid Base64";
    HeaderInvalid "header-invalid" "headers/invalid-characters" "modern: header values with invalid characters match anything";
    HeaderMarkersAnyCase "header-markers-any-case" "headers/base64-markers" "modern: Base64 markers count in upper case, too";
    HeaderParamTextual "header-param-textual" "headers/param-numeric" "modern: integers in headers are compared as text";
    HeaderMismatchCode "header-mismatch-code" "headers/failure-code" "modern: header errors have code -32600";
    HeaderMismatchStatus "header-mismatch-status" "headers/failure-400" "modern: header errors have status 200";
    SseEndpointMissing "sse-endpoint-missing" "sse/endpoint-event" "2024-11-05: the event stream does not say where to post (HTTP+SSE)";
    SseEndpointLate "sse-endpoint-late" "sse/endpoint-first" "2024-11-05: a ping comes before the endpoint event (HTTP+SSE)";
    SseContentType "sse-content-type" "sse/event-stream" "2024-11-05: the event stream is text/plain (HTTP+SSE)";
    SsePostRefused "sse-post-refused" "sse/post-endpoint" "2024-11-05: what is posted is refused with 405 (HTTP+SSE)";
    SseEventType "sse-event-type" "sse/message-events" "2024-11-05: messages come as events of the type \"response\" (HTTP+SSE)";
    SseLatestClient "sse-latest-client" "sse/several-clients" "2024-11-05: only the client that came last is served (HTTP+SSE)";
    SseDiesOnUnknown "sse-dies-on-unknown" "robust/stays-alive" "2024-11-05: ends the process when what is posted belongs to no stream (HTTP+SSE)";
    UnknownMethodStatus "unknown-method-status" "http/unknown-method-404" "modern: an unknown method has status 200";
    // Authorization, where --auth demands it
    SessionAuthenticates "session-authenticates" "authorization/token-required" "legacy: who names an open session needs no token";
    InvalidTokenServed "invalid-token-served" "authorization/invalid-token-401" "any bearer token will do";
    TokenMissingStatus "token-missing-status" "authorization/token-required" "without a token the status is 403";
    SchemeStatus "scheme-status" "authorization/statuses" "credentials of another scheme have status 403";
    ChallengeMissing "challenge-missing" "authorization/challenge" "a 401 comes without WWW-Authenticate";
    ChallengeWithoutMetadata "challenge-without-metadata" "authorization/challenge-metadata" "the challenge does not name the metadata";
    ChallengeWithoutScope "challenge-without-scope" "authorization/challenge-scope" "the challenge names no scope";
    ChallengeOfflineAccess "challenge-offline-access" "authorization/no-offline-access" "the challenge asks for offline_access";
    MetadataWithoutServers "metadata-without-servers" "authorization/metadata-servers" "the metadata names no authorization server";
}
