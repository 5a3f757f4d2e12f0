/**
 * The chat that is open, for tests in a browser: what is said in it, shown in it, and stands in its log.
 *
 * @module
 */

import { row } from "./desk.mjs";

/** @import { Page } from "playwright-core" */

/** @typedef {{ role: string, text: string }} Said letters and digits alone, because Markdown is drawn and not quoted */

/** Opens a chat by its line. @param {Page} page @param {string} id */
export async function open(page, id) {
  await page.click(row(id));
  await page.locator(`${row(id)}[aria-selected=true]`).waitFor();
  await page.waitForURL((url) => url.hash.endsWith(`/${encodeURIComponent(id)}`));
}

/** Opens a chat by its address, wherever it stands in the list. @param {Page} page @param {string} id */
export async function goTo(page, id) {
  await page.evaluate((chatId) => void (location.hash = `#/home/${encodeURIComponent(chatId)}`), id);
  await page.locator(`.head[data-chat="${id}"]`).waitFor();
}

/** Types into the open chat's field, and sends. @param {Page} page @param {string} text */
export async function send(page, text) {
  await page.locator("#main textarea").last().fill(text);
  await page.keyboard.press("Enter");
}

/** What the open chat shows, in order. @param {Page} page @returns {Promise<Said[]>} */
export const shown = (page) =>
  page.$$eval("#main .said-user .bubble, #main .said-agent", (all) =>
    all.map((said) => {
      const isUser = said.matches(".bubble");
      const answer = isUser ? said : said.querySelector("[data-answer], .markdown");
      return { role: isUser ? "user" : "assistant", text: (answer?.textContent ?? "").replace(/[^\p{L}\p{N}]/gu, "") };
    }),
  );

/** What stands in a chat's history, as another program reads it. @param {Page} page @param {string} id @returns {Promise<Said[]>} */
export const logOf = (page, id) =>
  page.evaluate(async (chatId) => {
    const found = [];
    for await (const { role, parts } of /** @type {any} */ (globalThis).other.chat(chatId).messages()) {
      const text = parts.map((/** @type {any} */ part) => part.text ?? "").join("");
      if (role !== "tool") found.push({ role, text: text.replace(/[^\p{L}\p{N}]/gu, "") });
    }
    return found;
  }, id);

/** Waits until the open chat is at rest and shows so many messages, all of them whole. @param {Page} page @param {number} count */
export async function settled(page, count) {
  await page.locator(`.head-signal [data-signal=idle]`).waitFor();
  await page.waitForFunction(
    ([selector, many]) => document.querySelectorAll(selector).length >= many && !document.querySelector("#main [aria-busy=true]"),
    /** @type {const} */ (["#main .said-user .bubble, #main .said-agent", count]),
  );
}

/** Waits until the world says that nothing goes on in these chats. @param {Page} page @param {readonly string[]} ids */
export async function atRest(page, ids) {
  await page.evaluate(async (all) => {
    const { other } = /** @type {any} */ (globalThis);
    const rests = async (/** @type {string} */ id) => {
      const { status } = await other.chat(id).snapshot();
      return status.kind === "idle" && status.queued === 0;
    };
    // Each end of a turn is told by the feed; what rests already is not told of again.
    const feed = other.events();
    await feed.ready;
    for (;;) {
      const states = await Promise.all(all.map(rests));
      if (states.every(Boolean)) break;
      await feed.next();
    }
    await feed.return();
  }, ids);
}

/**
 * Notes in `leaks` whatever of another chat is ever drawn in the one that is open: words begin with the name of their chat.
 *
 * @param {Page} page
 */
export async function watchWords(page) {
  await page.addInitScript(() => {
    /** @type {string[]} */
    const leaks = JSON.parse(sessionStorage.getItem("leaks") ?? "[]");
    Object.assign(globalThis, { leaks });
    const look = () => {
      const name = document.querySelector(".head-name")?.textContent ?? "";
      const main = document.querySelector("#main")?.textContent ?? "";
      for (const [word, of] of main.matchAll(/(c\d+x)\d+w\d+/g)) if (of !== name) leaks.push(`${word} in ${name}`);
      if (leaks.length > 0) sessionStorage.setItem("leaks", JSON.stringify(leaks.slice(0, 100)));
    };
    document.addEventListener("DOMContentLoaded", () => {
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
  });
}

/** Numbers below a bound, the same for the same seed. @param {number} seed @returns {(below: number) => number} */
export function chosen(seed) {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/**
 * Lets a test put events onto the wire that no server sends: `forge(chatId, { chatId })` in the page, on the stream of that chat.
 *
 * @param {Page} page
 */
export async function forge(page) {
  await page.addInitScript(() => {
    /** Which subscription is of which chat, as the wire said. @type {Map<string, { socket: WebSocket, subscriptionId: unknown, worldId: unknown }>} */
    const streams = new Map();
    const Own = WebSocket;
    class Tapped extends Own {
      constructor(/** @type {string} */ url) {
        super(url);
        this.addEventListener("message", ({ data, isTrusted }) => {
          // What is forged is not learnt from.
          if (!isTrusted) return;
          const { method, params } = JSON.parse(data);
          if (method !== "event" || !params.event.chatId || !params.cursor) return;
          const { subscriptionId, worldId, event } = params;
          streams.set(event.chatId, { socket: this, subscriptionId, worldId });
        });
      }
    }
    const forged = (/** @type {string} */ chatId, /** @type {object} */ origin) => {
      const stream = streams.get(chatId);
      if (!stream) throw new Error(`nobody reads ${chatId}`);
      const { socket, subscriptionId, worldId } = stream;
      const event = { ...origin, seq: 999, at: 1, type: "chat.updated", title: "forged" };
      const data = JSON.stringify({ jsonrpc: "2.0", method: "event", params: { subscriptionId, worldId, cursor: "999-1-0-0", event } });
      socket.dispatchEvent(new MessageEvent("message", { data }));
    };
    Object.assign(globalThis, { WebSocket: Tapped, forge: forged });
  });
}
