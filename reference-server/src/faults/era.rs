//! Faults in what belongs to one era: the handshake, or the dress of modern results; and in
//! notifications.

use serde_json::{Value, json};

use super::results::remove;
use super::{F, Faults};
use crate::jsonrpc::{ErrorObject, Meta, Object};
use crate::revision::Revision;

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

impl Faults {
    /// Handshakes that are wrongly refused.
    pub fn refuse_handshake(
        &self,
        requested: &str,
        capabilities: &Object,
    ) -> Result<(), ErrorObject> {
        if self.has(F::VersionRefused) && Revision::parse(requested).is_none() {
            return Err(ErrorObject::invalid_request("Unsupported protocol version"));
        }
        self.refuse_capabilities(capabilities)
    }

    /// Capabilities of the client that are wrongly refused.
    pub fn refuse_capabilities(&self, capabilities: &Object) -> Result<(), ErrorObject> {
        let known = ["roots", "sampling", "elicitation", "tasks", "extensions"];
        let unknown = |name: &String| !known.contains(&name.as_str());
        if self.has(F::UnknownCapabilityRefused) && capabilities.keys().any(unknown) {
            return Err(ErrorObject::invalid_params("Unknown capability"));
        }
        Ok(())
    }

    /// What is declared of prompts.
    pub fn prompt_capability(&self, details: Value) -> Value {
        match self.has(F::PromptsChangeUndeclared) {
            true => json!({}),
            false => details,
        }
    }

    /// Metadata that is wrongly refused.
    pub fn refuse_meta(&self, meta: &Meta) -> Result<(), ErrorObject> {
        if !self.any {
            return Ok(());
        }
        let token = meta.others.contains_key("progressToken");
        if token && self.has(F::ProgressTokenRefused) {
            return Err(ErrorObject::invalid_params("progress is not reported here"));
        }
        let known =
            |name: &String| name == "progressToken" || name.starts_with("io.modelcontextprotocol/");
        if self.has(F::UnknownMetaRefused) && !meta.others.keys().all(known) {
            return Err(ErrorObject::invalid_params("Unknown key in _meta"));
        }
        Ok(())
    }

    /// The result of `initialize`.
    pub fn spoil_initialize(&self, requested: &str, result: &mut Object) {
        if !self.any {
            return;
        }
        let known = Revision::parse(requested).is_some();
        let version = match known {
            false if self.has(F::VersionEchoed) => Some(requested),
            false if self.has(F::VersionNotLatest) => Some("2025-03-26"),
            true if self.has(F::VersionNotEchoed) && self.count() > 0 => match requested {
                "2025-06-18" => Some("2025-11-25"),
                _ => Some("2025-06-18"),
            },
            _ => None,
        };
        if let Some(version) = version {
            result.insert("protocolVersion".into(), version.into());
        }
        for (fault, member) in [
            (F::InitializeWithoutVersion, "protocolVersion"),
            (F::InitializeWithoutCapabilities, "capabilities"),
            (F::InitializeWithoutServerInfo, "serverInfo"),
        ] {
            if self.has(fault) {
                result.shift_remove(member);
            }
        }
    }

    /// What all results of the modern era carry.
    pub(super) fn spoil_dress(&self, params: &Object, result: &mut Object) {
        if self.has(F::ResultTypeUnknown) {
            result.insert("resultType".into(), "done".into());
        }
        if self.has(F::ResultTypeMissing) {
            result.shift_remove("resultType");
        }
        if !result.contains_key("ttlMs") {
            return;
        }
        if self.has(F::TtlNegative) {
            result.insert("ttlMs".into(), (-1).into());
        }
        if self.has(F::TtlFraction) {
            result.insert("ttlMs".into(), 0.5.into());
        }
        if self.has(F::CacheScopeUnknown) {
            result.insert("cacheScope".into(), "shared".into());
        }
        if self.has(F::CacheScopeVaries) && params.contains_key("cursor") {
            result.insert("cacheScope".into(), "private".into());
        }
        if self.has(F::CacheHintsMissing) {
            result.shift_remove("ttlMs");
            result.shift_remove("cacheScope");
        }
    }

    /// A result that asks for input.
    pub fn spoil_input_required(&self, result: &mut Object) {
        if !self.any {
            return;
        }
        if self.has(F::InputRequiredEmpty) {
            result.shift_remove("inputRequests");
            result.shift_remove("requestState");
        }
        if self.has(F::InputRequiredUnknownKind)
            && let Some(Value::Object(requests)) = result.get_mut("inputRequests")
        {
            for (_, request) in requests {
                request["method"] = "ping".into();
            }
        }
        if self.has(F::InputRequiredCached) {
            result.insert("ttlMs".into(), 1000.into());
            result.insert("cacheScope".into(), "public".into());
        }
    }

    /// The parameters of a progress notification.
    pub fn spoil_progress(&self, params: &mut Value) {
        if self.has(F::ProgressStalls) {
            params["progress"] = 1.into();
        }
        if self.has(F::ProgressOtherToken) {
            params["progressToken"] = "nobody-sent-this".into();
        }
    }

    /// The parameters of a log message.
    pub fn spoil_log(&self, params: &mut Value) {
        if self.has(F::LogLevelUnknown) {
            params["level"] = "verbose".into();
        }
        if self.has(F::LogWithoutData) {
            remove(params, "data");
        }
    }

    /// The parameters of an acknowledgement.
    pub fn spoil_acknowledged(&self, params: &mut Value) {
        if self.has(F::AcknowledgedTooMuch) {
            params["notifications"] = json!({
                "toolsListChanged": true,
                "promptsListChanged": true,
                "resourcesListChanged": true,
            });
        }
        if self.has(F::AcknowledgedNothing) {
            params["notifications"] = json!({});
        }
        self.spoil_change(params);
    }

    /// The parameters of a notification to a subscription.
    pub fn spoil_change(&self, params: &mut Value) {
        if self.has(F::SubscriptionIdMissing) {
            remove(params, "_meta");
        }
        if self.has(F::SubscriptionIdWrong) {
            params["_meta"][SUBSCRIPTION_ID] = "another".into();
        }
    }
}
