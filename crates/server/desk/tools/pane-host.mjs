/**
 * A program beside the desk that brings a model which says what it is told to, and tools whose every step the test releases.
 *
 * @module
 */

/** @import { Page } from "playwright-core" */

/**
 * Connects it to the world of the page, as `globalThis.host`; its agent `parrot` says `globalThis.said`.
 *
 * @param {Page} page
 */
export async function host(page) {
  await page.evaluate(async () => {
    const kept = /** @type {any} */ (globalThis);
    const { connect } = await import(/** @type {any} */ ("/vendor/polychat-client/index.js"));
    const { world } = await connect({ url: new URL("/v1/worlds/home/socket", location.href.replace(/^http/, "ws")) });
    /** Steps that wait to be released, by name. @type {Map<string, () => void>} */
    const steps = new Map();
    const step = (/** @type {string} */ name, /** @type {AbortSignal} */ signal) =>
      new Promise((resolve, reject) => {
        steps.set(name, () => resolve(undefined));
        signal.addEventListener("abort", () => reject(new Error("stopped")));
      });
    await world.host({
      tools: [
        {
          name: "dig",
          kind: "read",
          description: "Digs, step by step",
          async run(/** @type {any} */ _, /** @type {any} */ { progress, output, signal }) {
            await progress({ done: 3, total: 10, message: "three feet down" });
            await output("sand\nstones\n");
            await step("dig", signal);
            return "found a <b>chest</b>";
          },
        },
        { name: "fall", kind: "read", description: "Fails", run: () => { throw new Error("it fell <i>down</i>"); } },
        { name: "stamp", description: "Stamps a letter", run: () => "stamped" },
      ],
      models: [
        {
          name: "parrot",
          async *stream(/** @type {any} */ _, /** @type {any} */ { signal }) {
            const { text, thought = "", pieces = 1, stops = false } = kept.said;
            if (thought) yield { type: "reasoning", text: thought };
            const size = Math.ceil(text.length / pieces);
            for (let at = 0; at < text.length; at += size) {
              yield text.slice(at, at + size);
              await new Promise((resolve) => setTimeout(resolve));
            }
            if (stops) await step("say", signal);
          },
        },
      ],
    });
    await world.putAgent({ name: "parrot", model: "parrot", params: {}, tools: { kind: "none" } });
    Object.assign(kept, { host: world, steps });
  });
}

/** Lets a step go on once it is reached. @param {Page} page @param {string} name */
export async function release(page, name) {
  await page.waitForFunction((wanted) => /** @type {any} */ (globalThis).steps.has(wanted), name);
  await page.evaluate((wanted) => {
    const { steps } = /** @type {any} */ (globalThis);
    steps.get(wanted)();
    steps.delete(wanted);
  }, name);
}

/** What the parrot says next. @param {Page} page @param {{ text: string, thought?: string, pieces?: number, stops?: boolean }} said */
export const teach = (page, said) => page.evaluate((next) => void Object.assign(globalThis, { said: next }), said);

/**
 * Opens chats by the program, and sends to them.
 *
 * @param {Page} page
 * @param {string} id
 * @param {readonly string[]} prompts
 * @param {{ agent?: string, wait?: boolean }} [options]
 */
export async function sent(page, id, prompts, { agent, wait = false } = {}) {
  await page.evaluate(async ([chatId, all, answers, waits]) => {
    const chat = await /** @type {any} */ (globalThis).host.openChat(chatId, { title: chatId });
    const made = [];
    for (const text of all) made.push(await chat.prompt(text, answers ? { agent: answers } : {}));
    if (waits) await Promise.all(made.map((prompt) => prompt.outcome()));
  }, /** @type {const} */ ([id, prompts, agent ?? "", wait]));
}
