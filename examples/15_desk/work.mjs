/**
 * What the chats of this example do: a model that knows a few topics by heart, and its tools.
 *
 * Both are called with an opaque id and the context that the program attached to the chat. Neither is
 * told which chat it is for, and neither could say.
 */

import { setTimeout as pause } from "node:timers/promises";

const ANSWERS = {
  build: `A dependency was added on Tuesday. Three things follow:

1. **Every crate waits for it**, because it stands at the bottom of the tree.
2. It builds C code, and its result is kept nowhere.
3. The tests link it eleven times.

\`\`\`toml
[profile.dev.package.heavy]
opt-level = 0     # from 84 s to 31 s
\`\`\`

Shall I try this on a branch?`,
  move: `| | until | who |
|---|---|---|
| Boxes for the books | Tuesday | you |
| Meter readings | Thursday | Ada |
| Keys to the agent | Friday noon | you |

Nothing else is open.`,
  letter: "Dear Ada,\n\nthe lamp has come, whole and much brighter than I thought. Come and see it on Sunday!\n\n> Bring Bob.",
  deploy: "The new site is up. The old one can be had back for a week.",
  orders: "There were **412** orders today, most of them before noon.",
};

/** The tool that a topic needs first. */
const CALLS = {
  deploy: { name: "deploy", arguments: { site: "shop", to: "production" } },
  orders: { name: "count", arguments: { table: "orders", since: "midnight" } },
};

export const MODEL = {
  name: "by-heart",
  async *stream({ messages }, { context, signal }) {
    const { topic } = context.chat ?? {};
    const called = messages.at(-1)?.role === "tool";
    yield { type: "reasoning", text: `This is about ${topic}. What is asked for, and what do I have?` };
    await pause(400, undefined, { signal });
    if (CALLS[topic] && !called) {
      yield { type: "toolCall", call: { id: topic, ...CALLS[topic] } };
      return;
    }
    for (const word of (ANSWERS[topic] ?? "I know nothing of this.").split(/(?<=\s)/)) {
      yield word;
      await pause(40, undefined, { signal });
    }
  },
};

export const TOOLS = [
  {
    name: "count",
    description: "Counts the rows of a table",
    schema: { type: "object", properties: { table: { type: "string" }, since: { type: "string" } } },
    kind: "read",
    async run({ table }, { progress, signal }) {
      for (let done = 1; done <= 5; done += 1) {
        await progress({ progress: done, total: 5, message: `reading ${table}, part ${done} of 5` });
        await pause(300, undefined, { signal });
      }
      return "412";
    },
  },
  {
    // What is no reading waits for a person, under the policy of a new world.
    name: "deploy",
    description: "Puts a site up",
    schema: { type: "object", properties: { site: { type: "string" }, to: { type: "string" } } },
    run: ({ site, to }) => `${site} runs in ${to}`,
  },
];
