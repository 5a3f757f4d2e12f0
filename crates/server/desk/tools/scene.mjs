/**
 * A desk as people have it in the afternoon: four chats at work, one that waits, one that failed, and some that rest.
 *
 * A model and tools that do as the script says hold each chat where the picture wants it, so that the scene is the same
 * however fast the machine is.
 *
 * @module
 */

/** @import { Page } from "playwright-core" */

/**
 * What a model does when it is called: `hold` goes on when the turn is stopped, and not before.
 *
 * @typedef {{ think: string } | { say: string } | { call: string, arguments: object } | { fail: string } | { hold: true }} Step
 */

/** @typedef {{ title: string, prompts: readonly string[], calls: readonly (readonly Step[])[] }} Scene what each call of the model does */

const HOLD = Object.freeze({ hold: true });

/** The chat that the picture shows. */
export const OPEN = "build";

/** From the one that was begun first to the last. @type {Readonly<Record<string, Scene>>} */
export const SCENES = Object.freeze({
  lisbon: {
    title: "A weekend in Lisbon",
    prompts: ["Where should we eat on Saturday?"],
    calls: [[{ say: "Go to the market hall in Campo de Ourique: it has a dozen kitchens, and nobody has to agree." }]],
  },
  letter: {
    title: "Letter to the landlord",
    prompts: ["Make it firm, but friendly."],
    calls: [[{ say: "Here is the second draft, with the date of the repair in its first line." }]],
  },
  invoices: {
    title: "Read last year's invoices",
    prompts: ["Sum them up by month."],
    calls: [[{ say: "I begin with January" }, { fail: "the provider closed the connection" }]],
  },
  handbook: {
    title: "Translate the handbook",
    prompts: ["Chapter three, please.", "Then chapter four.", "And the index."],
    calls: [[{ say: "## Chapter three\n\nBefore the machine is opened, " }, HOLD]],
  },
  orders: {
    title: "Move the orders table",
    prompts: ["Try the migration on a copy first."],
    calls: [[{ say: "I try it on last night's copy." }, { call: "run_migration", arguments: { on: "copy" } }]],
  },
  notes: {
    title: "Release notes for 0.2",
    prompts: ["What changed for those who embed it?"],
    calls: [[{ think: "Which of these changes does somebody notice who embeds the library?" }, HOLD]],
  },
  speakers: {
    title: "Answer the speakers",
    prompts: ["Draft a reply to each of the twelve."],
    calls: [[{ say: "Dear Ms Okafor,\n\nthank you for" }, HOLD]],
  },
  build: {
    title: "Why is the nightly build slow?",
    prompts: ["Why has the nightly build taken 40 minutes since Tuesday?"],
    calls: [
      [{ call: "read_log", arguments: { job: "nightly", lines: 400 } }],
      [
        { say: [
          "Since Tuesday **nothing is cached**: the key names the run, so it never fits.", "",
          "```diff", "- key: cargo-${{ github.run_id }}", "+ key: cargo-${{ hashFiles('Cargo.lock') }}", "```", "",
          "With this it takes **11 minutes** again. I can open the change for review.",
        ].join("\n") },
        { call: "open_pull_request", arguments: { title: "Key the cache by the lock file" } },
      ],
    ],
  },
});

/**
 * Brings the model, the tools and the chats into the world of the page; each chat's first prompt says which it is.
 *
 * @param {Page} page
 */
export async function stage(page) {
  await page.evaluate(async (scenes) => {
    const { connect } = await import(/** @type {any} */ ("/vendor/polychat-client/index.js"));
    const { world } = await connect({ url: new URL("/v1/worlds/home/socket", location.href.replace(/^http/, "ws")) });
    const stopped = (/** @type {AbortSignal} */ signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
    const model = {
      name: "colleague",
      /** Which call this is, the messages since the person's last one tell. */
      async *stream(/** @type {any} */ { messages }, /** @type {any} */ { context, signal }) {
        const { calls } = /** @type {Scene} */ (scenes[context.chat.scene]);
        const since = messages.slice(messages.findLastIndex((/** @type {any} */ { role }) => role === "user"));
        const steps = calls[since.filter((/** @type {any} */ { role }) => role === "assistant").length] ?? [];
        for (const step of steps) {
          if ("think" in step) yield { type: "reasoning", text: step.think };
          if ("say" in step) yield step.say;
          if ("call" in step) yield { type: "toolCall", call: { id: step.call, name: step.call, arguments: step.arguments } };
          if ("fail" in step) throw new Error(step.fail);
          if ("hold" in step) await stopped(signal);
        }
      },
    };
    const tools = [
      { name: "read_log", kind: "read", description: "Reads the log of a job", run: () => "03:12 no cache for cargo-8812: compiling 412 crates" },
      {
        name: "run_migration",
        kind: "read",
        description: "Runs the migration on a copy",
        async run(/** @type {any} */ _, /** @type {any} */ { progress, signal }) {
          await progress({ done: 61, total: 100, message: "rows 6.1 of 10 million" });
          await stopped(signal);
        },
      },
      { name: "open_pull_request", description: "Opens a change for review", run: () => "opened" },
    ];
    await world.host({ models: [model], tools });
    await world.putAgent({ name: "colleague", model: "colleague", params: {}, tools: { kind: "all" } });
    for (const [id, { title, prompts }] of Object.entries(scenes)) {
      const chat = await world.openChat(id, { title, agent: "colleague", context: { scene: id } });
      for (const text of prompts) await chat.prompt(text);
    }
  }, SCENES);
}
