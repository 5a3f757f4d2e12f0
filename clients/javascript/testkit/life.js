/**
 * Lives of chats for tests: what a feed delivers of a chat to which anything may happen.
 *
 * A life is played from a list of wishes. A wish that has no place at its moment is passed over, so
 * any list is a life, and each life obeys the laws: what starts ends once, text stands where it says
 * it stands, one turn at a time.
 *
 * @module
 */

import fc from "fast-check";

/** @typedef {import("../src/fold.js").ChatNotice} Notice */
/** @typedef {{ what: string, text: string, n: number }} Wish */

const WHAT = [
  ...["send", "send", "send", "steer", "interrupt", "edit", "withdraw", "revise", "cancel", "crash"],
  ...["write", "write", "write", "write", "think", "checkpoint", "end", "end", "call", "call"],
  ...["ask", "decide", "start", "start", "output", "output", "progress", "progress", "result", "result", "fail"],
  ...["hand", "rename", "archive", "close", "reopen", "hold", "go", "go"],
];

/** @type {fc.Arbitrary<Wish>} */
const wish = fc.record({
  what: fc.constantFrom(...WHAT),
  text: fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 }),
  n: fc.nat(7),
});

/** Any list of wishes. */
export const wishes = fc.array(wish, { maxLength: 80, size: "max" });

/** @param {string} text */
const bytes = (text) => Buffer.byteLength(text);

/** What happens in a chat, one wish after the other. */
export class Life {
  /** @type {any[]} */
  notices = [];
  #chatId;
  #seq = 0;
  #live = 0;
  #epoch = 1;
  #prompts = 0;
  /** @type {{ id: string, seq: number, mode: string }[]} */
  #queue = [];
  /** User messages of ended turns. @type {number[]} */
  #said = [];
  /** @type {any} */
  #turn = null;
  #closed = false;
  /** The world has no place for another turn. */
  #held = false;

  /** @param {string} chatId */
  constructor(chatId) {
    this.#chatId = chatId;
    this.record("chat.created", { title: `chat ${chatId}`, provenance: "manual" });
  }

  /** @param {string} type @param {Record<string, unknown>} fields @returns {number} */
  record(type, fields = {}) {
    this.#seq += 1;
    this.#live = 0;
    const event = { chatId: this.#chatId, seq: this.#seq, at: 1000 + this.#seq, type, ...fields };
    this.notices.push({ cursor: `${this.#seq}-${this.#epoch}-0-0`, event });
    return this.#seq;
  }

  /** @param {string} type @param {Record<string, unknown>} fields */
  show(type, fields) {
    this.#live += 1;
    const event = { chatId: this.#chatId, turnId: this.#turn.id, type, ...fields };
    this.notices.push({ cursor: `${this.#seq}-${this.#epoch}-${this.#live}-0`, event });
  }

  /** @param {Wish[]} list */
  play(list) {
    for (const { what, text, n } of list) this.#wish(what, `${this.#chatId}:${text}`, n);
    return this;
  }

  /** Lets the turn come to its end, and the queue with it. */
  settle() {
    this.#held = false;
    while (this.#turn || this.#queue.length > 0) {
      if (this.#turn) this.#endTurn("completed");
      else this.#next();
    }
    return this;
  }

  /** @param {string} what @param {string} text @param {number} n */
  #wish(what, text, n) {
    const own = /** @type {Record<string, () => void>} */ ({
      send: () => this.#send("queue", text),
      steer: () => this.#send("steer", text),
      interrupt: () => this.#send("interrupt", text),
      edit: () => this.#edit(text, n),
      withdraw: () => this.#withdraw(n),
      revise: () => this.#revise(text, n),
      cancel: () => this.#turn && (this.#endTurn("cancelled"), this.#next()),
      crash: () => this.#crash(),
      hold: () => (this.#held = true),
      go: () => ((this.#held = false), this.#turn || this.#next()),
      rename: () => this.record("chat.updated", { title: text, provenance: "auto" }),
      archive: () => this.record("chat.updated", { archived: n % 2 === 0, metadata: { n } }),
      close: () => this.#close(),
      reopen: () => this.#closed && ((this.#closed = false), this.record("chat.reopened")),
    })[what];
    if (own) own();
    else if (this.#turn?.message) this.#inMessage(what, text, n);
    else if (this.#turn) this.#inCalls(what, text, n);
  }

  /** @param {string} mode @param {string} text */
  #send(mode, text) {
    if (this.#closed) return;
    if (mode === "interrupt" && this.#turn) this.#endTurn("cancelled");
    this.#accept(mode, text);
    if (!this.#turn) this.#next();
  }

  /** @param {string} mode @param {string} text */
  #accept(mode, text) {
    const id = `p${(this.#prompts += 1)}`;
    const fields = { promptId: id, mode, parts: [{ type: "text", text }], metadata: { id } };
    const seq = this.record("prompt.accepted", fields);
    this.#place({ id, seq, mode });
  }

  /** @param {{ id: string, seq: number, mode: string }} prompt */
  #place(prompt) {
    const rank = (/** @type {string} */ mode) => (mode === "interrupt" ? 0 : mode === "steer" ? 1 : 2);
    const newest = prompt.mode === "interrupt" ? -1 : 0;
    const before = this.#queue.filter(({ mode }) => rank(mode) - rank(prompt.mode) <= newest);
    this.#queue.splice(before.length, 0, prompt);
  }

  #next() {
    if (this.#held) return;
    const [first] = this.#queue.splice(0, 1);
    if (!first) return;
    const id = this.record("turn.started", { promptIds: [first.id], agent: "guide" });
    this.#turn = { id, step: 0, users: [first.seq], message: null, calls: [] };
    this.#step();
  }

  #step() {
    const steering = this.#queue.filter(({ mode }) => mode === "steer");
    if (this.#turn.step > 0) {
      this.#queue = this.#queue.filter(({ mode }) => mode !== "steer");
      for (const { id, seq } of steering) {
        this.record("prompt.joined", { promptId: id, turnId: this.#turn.id });
        this.#turn.users.push(seq);
      }
    }
    this.#turn.step += 1;
    const agent = { name: "guide", model: "demo", system: "", params: {}, tools: { kind: "all" } };
    const fields = { turnId: this.#turn.id, step: this.#turn.step, agent };
    const id = this.record("message.start", fields);
    this.#turn.message = { id, text: "", reasoning: "", savedText: 0, savedReasoning: 0 };
    this.#turn.calls = [];
  }

  /** @param {string} what @param {string} text @param {number} n */
  #inMessage(what, text, n) {
    const { message } = this.#turn;
    if (what === "write" || what === "think") {
      const field = what === "write" ? "text" : "reasoning";
      const type = what === "write" ? "message.chunk" : "reasoning.chunk";
      this.show(type, { messageId: message.id, offset: bytes(message[field]), text });
      message[field] += text;
    } else if (what === "checkpoint") {
      const [newText, newReasoning] = [
        message.text.slice(message.savedText),
        message.reasoning.slice(message.savedReasoning),
      ];
      [message.savedText, message.savedReasoning] = [message.text.length, message.reasoning.length];
      const fields = { messageId: message.id, text: newText, reasoning: newReasoning };
      this.record("message.checkpoint", fields);
    } else if (what === "call") {
      this.#endMessage(1 + (n % 3));
    } else if (what === "end") {
      this.#endMessage(0);
      this.#endTurn("completed");
      this.#next();
    } else if (what === "hand") {
      this.#endMessage(0);
      this.record("turn.handed_off", { turnId: this.#turn.id, from: "guide", to: "critic" });
      this.#step();
    }
  }

  /** @param {number} calls */
  #endMessage(calls) {
    const { id, text, reasoning } = this.#turn.message;
    const toolCalls = Array.from({ length: calls }, (_, at) => ({ name: `tool${at}`, arguments: { id } }));
    const usage = { inputTokens: id, outputTokens: 1 };
    const finish = calls > 0 ? "toolCalls" : "stop";
    this.record("message.end", { messageId: id, text, reasoning, toolCalls, finish, usage });
    this.#turn.message = null;
    this.#turn.calls = toolCalls.map(({ name }, at) => ({
      toolCallId: `${id}.${at}`, name, state: "ready", output: "",
    }));
  }

  /** @param {string} what @param {string} text @param {number} n */
  #inCalls(what, text, n) {
    const call = this.#turn.calls[n % this.#turn.calls.length];
    const { toolCallId, name, state } = call;
    if (what === "ask" && state === "ready") {
      this.record("approval.requested", { toolCallId, kind: "permission", name, arguments: {} });
      call.state = "asked";
    } else if (what === "decide" && state === "asked") {
      this.record("approval.resolved", { toolCallId, decision: { kind: "allowOnce" } });
      call.state = "ready";
    } else if (what === "start" && state === "ready") {
      this.record("tool.start", { toolCallId, name });
      call.state = "running";
    } else if (what === "output" && state === "running") {
      this.show("tool.output", { toolCallId, offset: bytes(call.output), text });
      call.output += text;
    } else if (what === "progress" && state === "running") {
      this.show("tool.progress", { toolCallId, progress: { done: n } });
    } else if (what === "result" && state === "running") {
      this.record("tool.result", { toolCallId, parts: [{ type: "text", text }] });
      call.state = "ended";
    } else if (what === "fail" && (state === "ready" || state === "running")) {
      this.record("tool.error", { toolCallId, failure: failure("tool_failed") });
      call.state = "ended";
    }
    if (this.#turn.calls.every((/** @type {any} */ { state }) => state === "ended")) this.#step();
  }

  /** @param {string} kind @param {"shown" | "saved"} [kept] */
  #endTurn(kind, kept = "shown") {
    const { id, message, calls, users } = this.#turn;
    if (message) {
      const text = kept === "shown" ? message.text : message.text.slice(0, message.savedText);
      const reasoning =
        kept === "shown" ? message.reasoning : message.reasoning.slice(0, message.savedReasoning);
      const fields = { messageId: message.id, text, reasoning, failure: failure("cancelled") };
      this.record("message.error", fields);
    }
    for (const { toolCallId, state } of calls) {
      if (state === "asked") this.record("approval.resolved", { toolCallId });
      if (state !== "ended") this.record("tool.error", { toolCallId, failure: failure("cancelled") });
    }
    this.record("turn.ended", { turnId: id, outcome: { kind } });
    this.#said.push(...users);
    this.#turn = null;
  }

  /** The process is lost: what was shown beyond the last checkpoint is superseded. */
  #crash() {
    this.#epoch += 1;
    if (!this.#turn) return;
    this.#endTurn("interrupted", "saved");
    this.#next();
  }

  /** @param {string} text @param {number} n */
  #edit(text, n) {
    const prompt = this.#queue[n % Math.max(this.#queue.length, 1)];
    if (!prompt) return;
    const parts = [{ type: "text", text }];
    const mode = [undefined, "steer", "queue"][n % 3];
    this.record("prompt.edited", { promptId: prompt.id, parts, ...(mode && { mode }) });
    if (mode === undefined) return;
    this.#queue = this.#queue.filter((waiting) => waiting !== prompt);
    this.#place({ ...prompt, mode });
  }

  /** @param {number} n */
  #withdraw(n) {
    const [prompt] = this.#queue.splice(n, 1);
    if (prompt) this.record("prompt.withdrawn", { promptId: prompt.id, reason: "requested" });
  }

  /** @param {string} text @param {number} n */
  #revise(text, n) {
    if (this.#closed || this.#said.length === 0) return;
    if (this.#turn) this.#endTurn("cancelled");
    const at = n % this.#said.length;
    // What was said stands in the order in which turns took it, not in which it was sent.
    this.record("history.truncated", { from: this.#said[at] });
    this.#said.length = at;
    this.#accept("interrupt", text);
    this.#next();
  }

  #close() {
    if (this.#closed) return;
    if (this.#turn) this.#endTurn("cancelled");
    for (const { id } of this.#queue.splice(0)) {
      this.record("prompt.withdrawn", { promptId: id, reason: "closed" });
    }
    this.#closed = true;
    this.record("chat.closed");
  }

  /** Names of the prompts that wait, in order. */
  get waiting() {
    return this.#queue.map(({ id }) => id);
  }
}

/** @param {string} kind */
function failure(kind) {
  return { kind, message: kind, retryable: false };
}

/**
 * The same feed for a reader that lags: neighbouring pieces of one text merge where `lags` says so.
 *
 * @param {Notice[]} notices
 * @param {boolean[]} lags
 * @returns {Notice[]}
 */
export function merged(notices, lags) {
  /** @type {any[]} */
  const out = [];
  for (const [at, notice] of /** @type {any[]} */ (notices).entries()) {
    const last = out.at(-1)?.event;
    const { event, cursor } = notice;
    const same = ["type", "messageId", "toolCallId", "turnId"].every((key) => last?.[key] === event[key]);
    if (same && "offset" in event && "offset" in last && lags[at % Math.max(lags.length, 1)]) {
      out[out.length - 1] = { cursor, event: { ...last, text: last.text + event.text } };
    } else {
      out.push(notice);
    }
  }
  return out;
}
