/**
 * One call of a tool or a model of this program, from the server's question to its answer.
 *
 * @module
 */
export type Session = import("./session.js").Session;
export type Part = import("./types.js").Part;
export type CallContext = import("./types.js").CallContext;
export type FinishReason = import("./types.js").FinishReason;
export type ModelStreamParams = import("./types.js").ModelStreamParams;
export type ToolCall = import("./types.js").ToolCall;
export type ToolSpec = import("./types.js").ToolSpec;
export type Usage = import("./types.js").Usage;
export type ToolRun = {
    /**
     * what the embedder attached; read-only
     */
    context: CallContext;
    /**
     * shows text while it runs; resolves once there is
     * room for more, and a call that does not wait for that fails at a bound
     */
    output: (text: string) => Promise<void>;
    /**
     * shows how far it is; a newer one supersedes one that waits
     */
    progress: (progress: unknown) => Promise<void>;
    /**
     * aborted when nobody waits for the result any more
     */
    signal: AbortSignal;
};
export type HostTool = Partial<Omit<ToolSpec, "name">> & {
    name: string;
    run: (args: any, call: ToolRun) => Promise<ToolAnswer> | ToolAnswer;
};
export type ToolAnswer = string | Part[] | {
    parts: Part[];
};
export type ModelDelta = string | {
    type: "text" | "reasoning";
    text: string;
} | {
    type: "toolCall";
    call: ToolCall;
} | {
    type: "opaque";
    part: Part;
} | {
    type: "usage";
    usage: Usage;
} | {
    type: "finish";
    finish: FinishReason;
};
export type ModelRequest = Omit<ModelStreamParams, "callId" | "context">;
export type HostModel = {
    /**
     * by which agents find it
     */
    name: string;
    stream: (request: ModelRequest, call: {
        context: CallContext;
        signal: AbortSignal;
    }) => AsyncIterable<ModelDelta>;
};
export type Call = {
    callId: string;
    context: CallContext;
    session: Session;
    abort: AbortController;
};
export type CallAnswer = {
    parts?: Part[];
    finish?: unknown;
    usage?: unknown;
};
/**
 * Runs a tool; resolves to the answer for the server.
 *
 * @param {HostTool} tool
 * @param {unknown} args
 * @param {Call} call
 * @returns {Promise<CallAnswer>}
 */
export declare function runTool(tool: HostTool, args: unknown, { callId, context, session, abort }: Call): Promise<CallAnswer>;
/**
 * Runs a model; resolves to the answer for the server once it has said all.
 *
 * @param {HostModel} model
 * @param {Record<string, unknown>} params
 * @param {Call} call
 * @returns {Promise<CallAnswer>}
 */
export declare function runModel(model: HostModel, params: Record<string, unknown>, { callId, context, session, abort }: Call): Promise<CallAnswer>;
