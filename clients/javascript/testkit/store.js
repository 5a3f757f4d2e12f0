/**
 * A store over a world of the test, and what its tests say to both.
 *
 * @module
 */

import fc from "fast-check";

import { apply, emptyChat } from "../src/fold.js";
import { createStore } from "../src/store.js";
import { FakeWorld, frames, settled } from "./fake-world.js";

/** @typedef {import("../src/errors.js").Rejected} Rejected */

/** A store, its world, and frames that come when the test says so. @param {object} [options] */
export function stand(options = {}) {
  const world = new FakeWorld();
  const screen = frames();
  /** @type {Rejected[]} */
  const rejected = [];
  let prompts = 0;
  const store = createStore(world, {
    schedule: screen.schedule,
    newPromptId: () => `mine-${(prompts += 1)}`,
    onRejected: (error) => rejected.push(error),
    ...options,
  });
  /** Reads what was pushed and shows it. */
  const shown = async () => {
    await settled();
    screen.next();
  };
  return { world, screen, store, rejected, shown };
}

/** What these events alone say of a chat. @param {string} chatId @param {any[]} notices */
export function alone(chatId, notices) {
  return notices.reduce(apply, emptyChat(chatId));
}

/** Something that may happen in the life of a chat. @param {string} what @param {number} [n] */
export const wish = (what, n = 0) => ({ what, text: "tea ", n });

/** Its line in the list. @param {import("../src/store.js").Store} store @param {string} chatId */
export const rowOf = (store, chatId) => store.getSnapshot().chats.find((row) => row.chatId === chatId);

/** The chats of a property. */
export const IDS = ["a", "b", "c"];

/** What happens to them: events come, one is selected, a frame passes. */
export const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ release: fc.constantFrom(...IDS), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ select: fc.option(fc.constantFrom(...IDS)) }) },
  { weight: 1, arbitrary: fc.constant({ frame: true }) },
);
