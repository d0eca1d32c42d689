//! Faults in what results and notifications say.

use serde_json::{Value, json};

use super::{F, Faults};
use crate::jsonrpc::Object;
use crate::revision::Revision;

impl Faults {
    /// The result of `initialize`.
    pub fn spoil_initialize(&self, requested: &str, result: &mut Object) {
        if !self.any {
            return;
        }
        if self.has(F::VersionEchoed) {
            result.insert("protocolVersion".into(), requested.into());
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

    /// The result of any other request.
    pub fn spoil_result(
        &self,
        method: &str,
        revision: Revision,
        params: &Object,
        result: &mut Object,
    ) {
        if !self.any {
            return;
        }
        let _ = (method, revision, params, result);
    }

    /// A result that asks for input.
    pub fn spoil_input_required(&self, result: &mut Object) {
        let _ = result;
    }

    /// The data of an unsupported-version error.
    pub fn spoil_unsupported(&self, data: &mut Value) {
        let _ = data;
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
        if self.has(F::LogWithoutData)
            && let Some(params) = params.as_object_mut()
        {
            params.shift_remove("data");
        }
    }

    /// The parameters of an acknowledgement.
    pub fn spoil_acknowledged(&self, params: &mut Value) {
        if self.has(F::AcknowledgedTooMuch) {
            params["notifications"]["toolsListChanged"] = json!(true);
        }
    }

    /// The parameters of a notification to a subscription.
    pub fn spoil_change(&self, params: &mut Value) {
        let _ = params;
    }
}
