/**
 * A program with a model and two tools of its own, to be killed: `node host-program.js SOCKET`.
 *
 * Its model knows two things. To `/tools WORD` it has its two tools work on the word, and says what they
 * answered. To anything else it begins to answer, and hangs.
 *
 * @module
 */

import { connectRetrying } from "./served.js";

/** @typedef {import("../src/types.js").Message} Message */

/** @param {Message | undefined} message */
function textOf(message) {
  return (message?.parts ?? []).map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** @param {Message[]} messages @returns {AsyncGenerator<import("../src/index.js").ModelDelta, void>} */
async function* answer(messages) {
  const said = messages.filter(({ role }) => role === "tool").map(textOf);
  const word = /^\/tools (.*)$/.exec(textOf(messages.findLast(({ role }) => role === "user")))?.[1];
  if (messages.at(-1)?.role === "tool") {
    yield `I heard ${said.slice(-2).join(" and ")}`;
  } else if (word !== undefined) {
    for (const name of ["shout", "count"]) {
      yield { type: "toolCall", call: { name, arguments: { word } } };
    }
    yield { type: "finish", finish: "toolCalls" };
  } else {
    for (const piece of ["one ", "two ", "three "]) yield piece;
    await new Promise(() => {});
  }
}

const schema = { type: "object", properties: { word: { type: "string" } }, required: ["word"] };
const connection = await connectRetrying({ socket: process.argv[2] ?? "", client: { name: "host-program" } });
await connection.world.host({
  models: [{ name: "own", stream: ({ messages }) => answer(messages) }],
  tools: [
    { name: "shout", description: "Shouts", schema, kind: "read", run: ({ word }) => `${word.toUpperCase()}!` },
    {
      name: "count",
      description: "Counts",
      schema,
      kind: "read",
      run: async ({ word }, { output, progress }) => {
        await output("counting");
        await progress({ done: word.length });
        return String(word.length);
      },
    },
  ],
});
console.log("ready");
