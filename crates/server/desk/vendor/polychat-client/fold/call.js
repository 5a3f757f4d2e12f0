/**
 * A tool call: asked for by a message, perhaps decided by a person, run, and ended.
 *
 * @module
 */

import { changeMessage, refuseUnbegun } from "./change.js";
import { grow } from "./text.js";

/** @import { Call, ChatState } from "./state.js" */
/** @import { ApprovalRequested, ApprovalResolved, ToolCall, ToolError, ToolOutputPiece, ToolProgress, ToolResult, ToolStart } from "./wire.js" */

/**
 * A call that was asked for and nothing more.
 *
 * @param {string} id
 * @param {ToolCall} asked
 * @returns {Call}
 */
export function newCall(id, asked) {
  return {
    id,
    name: asked.name,
    arguments: asked.arguments,
    asked,
    state: "asked",
    approval: null,
    decision: null,
    output: "",
    outputBytes: 0,
    progress: null,
    result: [],
    cutBytes: 0,
    unshownBytes: 0,
    failure: null,
    startedAt: null,
    endedAt: null,
    endedSeq: null,
  };
}

/**
 * What was recorded of a call: it waits, was decided, runs, or ended.
 *
 * @param {ChatState} state
 * @param {ApprovalRequested | ApprovalResolved | ToolStart | ToolResult | ToolError} event
 * @returns {ChatState}
 */
export function moveCall(state, event) {
  return changeCall(state, event.toolCallId, (call) => moved(call, event));
}

/**
 * @param {Call} call
 * @param {ApprovalRequested | ApprovalResolved | ToolStart | ToolResult | ToolError} event
 * @returns {Call}
 */
function moved(call, event) {
  switch (event.type) {
    case "approval.requested":
      return { ...call, state: "awaiting", approval: event.kind };
    case "approval.resolved":
      return { ...call, state: "decided", decision: event.decision ?? null };
    case "tool.start":
      return { ...call, state: "running", startedAt: event.at };
    case "tool.result": {
      const { parts, cutBytes = 0, unshownBytes = 0 } = event;
      return { ...over(call, event), state: "answered", result: parts, cutBytes, unshownBytes };
    }
    case "tool.error":
      return { ...over(call, event), state: "failed", failure: event.failure };
  }
}

/**
 * A call that ended: what it said while it ran is superseded.
 *
 * @param {Call} call
 * @param {{ at: number, seq: number }} event
 * @returns {Call}
 */
function over(call, { at, seq }) {
  return { ...call, output: "", outputBytes: 0, progress: null, endedAt: at, endedSeq: seq };
}

/**
 * @param {ChatState} state
 * @param {ToolOutputPiece} event
 * @returns {ChatState}
 */
export function addOutput(state, event) {
  const next = changeCall(state, event.toolCallId, (call) => {
    if (call.state !== "running") return call;
    const grown = grow(call.output, call.outputBytes, event.offset, event.text);
    if (grown.bytes === call.outputBytes) return call;
    return { ...call, output: grown.text, outputBytes: grown.bytes };
  });
  if (next === state) refuseUnbegun(state, messageOfCall(event.toolCallId));
  return next;
}

/**
 * @param {ChatState} state
 * @param {ToolProgress} event
 * @returns {ChatState}
 */
export function setProgress(state, event) {
  const next = changeCall(state, event.toolCallId, (call) =>
    call.state === "running" ? { ...call, progress: event.progress } : call,
  );
  if (next === state) refuseUnbegun(state, messageOfCall(event.toolCallId));
  return next;
}

/**
 * Changes a call of the running turn that has not ended.
 *
 * @param {ChatState} state
 * @param {string} callId
 * @param {(call: Call) => Call} change
 * @returns {ChatState}
 */
function changeCall(state, callId, change) {
  const owner = messageOfCall(callId);
  return changeMessage(state, owner, (message) => {
    const at = message.calls.findIndex((call) => call.id === callId);
    const call = message.calls[at];
    if (!call || call.state === "answered" || call.state === "failed") return message;
    const changed = change(call);
    return changed === call ? message : { ...message, calls: message.calls.with(at, changed) };
  });
}

/**
 * @param {string} callId
 * @returns {number}
 */
function messageOfCall(callId) {
  return Number.parseInt(callId, 10);
}
