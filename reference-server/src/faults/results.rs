//! Faults in what results say.

use serde_json::{Value, json};

use super::{F, Faults};
use crate::context::Answer;
use crate::jsonrpc::{ErrorObject, Object};
use crate::revision::Revision;

/// Takes a member out of an object.
pub fn remove(value: &mut Value, member: &str) {
    if let Some(members) = value.as_object_mut() {
        members.shift_remove(member);
    }
}

/// The elements of an array member, none if there is no such array.
fn items<'a>(result: &'a mut Object, name: &str) -> &'a mut [Value] {
    match result.get_mut(name) {
        Some(Value::Array(items)) => items,
        _ => &mut [],
    }
}

impl Faults {
    /// The result of a request other than `initialize`.
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
        match method {
            "tools/list" => self.spoil_tools(params, result),
            "tools/call" => {
                self.spoil_tool_result(result);
                self.spoil_task_id(params, result);
            }
            "resources/list" => self.spoil_resources(params, result),
            "resources/templates/list" => self.spoil_templates(result),
            "resources/read" => self.spoil_contents(result),
            "prompts/list" => self.spoil_prompts(params, result),
            "prompts/get" => self.spoil_messages(result),
            "completion/complete" => self.spoil_completion(result),
            _ if method.starts_with("tasks/") => self.spoil_task(method, revision, result),
            "ping" if self.has(F::PingNotEmpty) => {
                result.insert("pong".into(), true.into());
            }
            "server/discover" => {
                for (fault, member) in [
                    (F::DiscoverWithoutVersions, "supportedVersions"),
                    (F::DiscoverWithoutCapabilities, "capabilities"),
                ] {
                    if self.has(fault) {
                        result.shift_remove(member);
                    }
                }
            }
            _ => {}
        }
        if self.has(F::MetaKeyMalformed) {
            let meta = result.entry("_meta").or_insert_with(|| json!({}));
            meta["-not a/key-"] = true.into();
        }
        if self.has(F::TraceContextMalformed) && revision.is_modern() {
            let meta = result.entry("_meta").or_insert_with(|| json!({}));
            meta["traceparent"] = "here".into();
        }
        if revision.is_modern() {
            self.spoil_dress(params, result);
        }
    }

    fn spoil_tools(&self, params: &Object, result: &mut Object) {
        if self.has(F::SchemaKeywordsLost) {
            for tool in items(result, "tools") {
                remove(&mut tool["inputSchema"], "$schema");
                remove(&mut tool["inputSchema"], "$defs");
            }
        }
        let [first, second, ..] = items(result, "tools") else {
            return;
        };
        for (fault, change) in TOOL_CHANGES {
            if self.has(*fault) {
                change(first);
            }
        }
        if self.has(F::ToolNameRepeated) {
            second["name"] = first["name"].clone();
        }
        if self.has(F::ToolsShuffled) && !params.contains_key("cursor") && self.count() % 2 == 1 {
            items(result, "tools").reverse();
        }
        let extra = json!({
            "name": "appears_later",
            "description": "Was not there before",
            "inputSchema": {"type": "object"},
        });
        self.vary(F::ToolsVary, "tools", extra, params, result);
        if self.has(F::ToolsListMissing) {
            result.shift_remove("tools");
        }
    }

    /// Puts another item on the first page every other time.
    fn vary(&self, fault: F, list: &str, extra: Value, params: &Object, result: &mut Object) {
        if self.has(fault)
            && !params.contains_key("cursor")
            && self.count() % 2 == 1
            && let Some(Value::Array(items)) = result.get_mut(list)
        {
            items.push(extra);
        }
    }

    fn spoil_tool_result(&self, result: &mut Object) {
        for block in items(result, "content") {
            self.spoil_block(block);
        }
        if self.has(F::IsErrorString) {
            result.insert("isError".into(), "false".into());
        }
        if result.contains_key("structuredContent") {
            if self.has(F::StructuredInvalid) {
                result.insert("structuredContent".into(), json!({"sum": "many"}));
            }
            if self.has(F::StructuredMissing) {
                result.shift_remove("structuredContent");
            }
            if self.has(F::StructuredWithoutText) {
                result.insert("content".into(), json!([]));
            }
        }
        if self.has(F::ToolContentMissing) {
            result.shift_remove("content");
        }
    }

    fn spoil_block(&self, block: &mut Value) {
        if block["type"] == "image" || block["type"] == "audio" {
            if self.has(F::ContentNotBase64) {
                block["data"] = "not base64!".into();
            }
            if self.has(F::ContentWithoutMimeType) {
                remove(block, "mimeType");
            }
        }
        if block["type"] == "resource_link" && self.has(F::ResourceLinkDead) {
            block["uri"] = "test://nowhere".into();
        }
        if block["type"] == "resource" && self.has(F::EmbeddedResourceWithoutUri) {
            remove(&mut block["resource"], "uri");
        }
        if self.has(F::ToolContentUnknown) {
            block["type"] = "hologram".into();
        }
        if self.has(F::ToolContentUntyped) {
            remove(block, "type");
        }
    }

    fn spoil_resources(&self, params: &Object, result: &mut Object) {
        let [first, second, ..] = items(result, "resources") else {
            return;
        };
        if self.has(F::ResourceUriInvalid) {
            first["uri"] = "test://with spaces".into();
        }
        if self.has(F::ResourceUriRelative) {
            first["uri"] = "static-text".into();
        }
        if self.has(F::ResourceUriRepeated) {
            second["uri"] = first["uri"].clone();
        }
        if self.has(F::ResourceMimeInvalid) {
            first["mimeType"] = "text".into();
        }
        if self.has(F::ResourceDateInvalid) {
            first["annotations"] = json!({"lastModified": "yesterday"});
        }
        if self.has(F::ResourceNameMissing) {
            remove(first, "name");
        }
        let extra = json!({"uri": "test://appears-later", "name": "appears-later"});
        self.vary(F::ResourcesVary, "resources", extra, params, result);
        if self.has(F::ResourcesListMissing) {
            result.shift_remove("resources");
        }
    }

    fn spoil_templates(&self, result: &mut Object) {
        for template in items(result, "resourceTemplates") {
            if self.has(F::ResourceMimeInvalid) {
                template["mimeType"] = "text".into();
            }
            if self.has(F::TemplateInvalid) {
                template["uriTemplate"] = "test://template/{id".into();
            }
        }
        if self.has(F::TemplatesListMissing) {
            result.shift_remove("resourceTemplates");
        }
    }

    fn spoil_contents(&self, result: &mut Object) {
        for contents in items(result, "contents") {
            if self.has(F::BlobNotBase64) && contents.get("blob").is_some() {
                contents["blob"] = "not base64!".into();
            }
            if self.has(F::ContentsWithoutUri) {
                remove(contents, "uri");
            }
            if self.has(F::ContentsWithoutData) {
                remove(contents, "text");
                remove(contents, "blob");
            }
        }
        if self.has(F::ContentsMissing) {
            result.shift_remove("contents");
        }
    }

    fn spoil_prompts(&self, params: &Object, result: &mut Object) {
        if let [first, second, ..] = items(result, "prompts")
            && self.has(F::PromptNameRepeated)
        {
            second["name"] = first["name"].clone();
        }
        let extra = json!({"name": "appears_later"});
        self.vary(F::PromptsVary, "prompts", extra, params, result);
        if self.has(F::PromptsListMissing) {
            result.shift_remove("prompts");
        }
    }

    fn spoil_messages(&self, result: &mut Object) {
        for message in items(result, "messages") {
            if self.has(F::PromptRoleUnknown) {
                message["role"] = "system".into();
            }
            if self.has(F::PromptImageNotBase64) && message["content"]["type"] == "image" {
                message["content"]["data"] = "not base64!".into();
            }
            if self.has(F::PromptAudioNotBase64) && message["content"]["type"] == "audio" {
                message["content"]["data"] = "not base64!".into();
            }
            if self.has(F::PromptResourceWithoutMimeType)
                && message["content"]["type"] == "resource"
            {
                remove(&mut message["content"]["resource"], "mimeType");
            }
            if self.has(F::PromptContentList) {
                message["content"] = json!([message["content"]]);
            }
        }
        if self.has(F::PromptMessagesMissing) {
            result.shift_remove("messages");
        }
    }

    fn spoil_completion(&self, result: &mut Object) {
        let Some(completion) = result.get_mut("completion") else {
            return;
        };
        if self.has(F::CompletionNumbers) {
            completion["values"] = json!([1, 2]);
        }
        if self.has(F::CompletionTotalShort) {
            completion["total"] = 0.into();
        }
    }

    /// The answer to a completion request that is not even looked at.
    pub fn make_up_completion(&self, params: &Object) -> Option<Answer> {
        if !self.any {
            return None;
        }
        if self.has(F::CompletionUnsupportedCode) {
            return Some(Err(ErrorObject::internal("no completion here").into()));
        }
        let known = params.get("ref").is_some_and(|of| {
            let name = of["name"].as_str().or_else(|| of["uri"].as_str());
            name.is_some_and(|name| !name.contains("mcp-conform"))
        });
        let argument = params.contains_key("argument");
        let completion = if self.has(F::CompletionValuesMissing) {
            json!({})
        } else if !known && self.has(F::CompletionReferenceUnchecked) {
            json!({"values": ["anything"]})
        } else if !argument && self.has(F::CompletionArgumentsUnchecked) {
            json!({"values": []})
        } else {
            return None;
        };
        Some(Ok(Object::from_iter([("completion".into(), completion)])))
    }
}

/// What a fault does to the first tool of the list.
type ToolChange = (F, fn(&mut Value));

const TOOL_CHANGES: &[ToolChange] = &[
    (F::ToolSchemaMissing, |tool| remove(tool, "inputSchema")),
    (F::ToolSchemaNull, |tool| tool["inputSchema"] = Value::Null),
    (F::ToolSchemaInvalid, |tool| {
        tool["inputSchema"] = json!({"type": "object", "properties": {"a": {"type": "text"}}});
    }),
    (F::ToolSchemaNotObject, |tool| {
        tool["inputSchema"] = json!({"type": "string"});
    }),
    (F::OutputSchemaInvalid, |tool| {
        tool["outputSchema"] = json!({"type": "object", "required": "everything"});
    }),
    (F::ToolNameMissing, |tool| remove(tool, "name")),
    (F::ToolNameSpaces, |tool| {
        tool["name"] = "simple text, please".into()
    }),
    (F::ToolNameLong, |tool| {
        tool["name"] = "x".repeat(200).into()
    }),
    (F::HeaderAnnotationInvalid, |tool| {
        let mirrored = json!({"type": "number", "x-mcp-header": "Amount"});
        tool["inputSchema"] = json!({"type": "object", "properties": {"amount": mirrored}});
    }),
    (F::HeaderAnnotationRepeated, |tool| {
        let one = json!({"type": "string", "x-mcp-header": "Place"});
        let two = json!({"type": "string", "x-mcp-header": "place"});
        tool["inputSchema"] = json!({"type": "object", "properties": {"from": one, "to": two}});
    }),
];
