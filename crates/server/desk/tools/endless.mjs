/**
 * A model whose answers end when they are stopped, brought by a page beside the one that is looked at: so chats
 * stream for as long as a test wants, on a fast machine as on a slow one.
 *
 * @module
 */

/** @import { Page } from "playwright-core" */

/**
 * Every prompt from now on is answered with words that begin as its own first word does, one after another.
 *
 * @param {Page} other where `elsewhere` was called
 */
export async function endless(other) {
  await other.evaluate(async () => {
    const kept = /** @type {any} */ (globalThis);
    const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
    const model = {
      name: "endless",
      async *stream(/** @type {any} */ { messages }, /** @type {any} */ { signal }) {
        const said = messages.at(-1).parts[0].text;
        const beginning = said.slice(0, said.search(/\d+(?: |$)/));
        for (let n = 1000; !signal.aborted; n += 1) {
          yield `${beginning}${n} `;
          if (kept.enough) return;
          await pause();
        }
      },
    };
    await kept.other.host({ models: [model] });
    const [agent] = await kept.other.agents();
    await kept.other.putAgent({ ...agent, model: model.name });
  });
}

/** Answers end now, and those that are still to come are short. @param {Page} other */
export async function enough(other) {
  await other.evaluate(() => Object.assign(globalThis, { enough: true }));
}
