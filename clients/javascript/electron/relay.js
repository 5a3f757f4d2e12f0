/**
 * One subscription of one window: from a stream of main's connection into the window's port, as far as
 * the window has room.
 *
 * A window that reads slowly stops taking events from the stream. The stream then takes none from the
 * world, which keeps a cursor for it: that, and the few events that a stream holds at most, is all
 * that a slow window costs.
 *
 * @module
 */

import { ConnectionLost, record } from "../src/errors.js";

/** @typedef {{ cursor?: string | undefined, event: object }} Notice */

/**
 * @typedef {object} RelayOptions
 * @property {number} room events that may be under way at the beginning, and at any time
 * @property {(notice: Notice) => Promise<void> | void} send
 * @property {(error?: unknown) => void} ended no event comes any more; with an error when it broke off
 */

/** Carries the events of one subscription, as far as there is room. */
export class Relay {
  #stream;
  #options;
  #room;
  #open = true;
  #wake = () => {};

  /** @param {AsyncIterator<Notice, unknown>} stream @param {RelayOptions} options */
  constructor(stream, options) {
    this.#stream = stream;
    this.#options = options;
    this.#room = options.room;
  }

  /** There is room for so many further events. @param {number} events */
  more(events) {
    this.#room = Math.min(this.#room + events, this.#options.room);
    this.#wake();
  }

  /** Carries nothing any more. It cancels nothing. */
  stop() {
    this.#open = false;
    this.#wake();
    void this.#stream.return?.();
  }

  /** Begins to carry. */
  start() {
    void this.#run().then(
      () => this.#end(),
      (error) => this.#end(error),
    );
  }

  async #run() {
    while (this.#open) {
      if (this.#room === 0) {
        await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
        continue;
      }
      const { done, value } = await this.#stream.next();
      if (!this.#open) return;
      // Main has closed what it read from; a stream that is at its end says so.
      if (done) throw new ConnectionLost("main reads no further");
      const notice = /** @type {Notice} */ (value);
      this.#room -= 1;
      await this.#options.send(notice);
      if (record(notice.event)["type"] === "ended") return;
    }
  }

  /** @param {unknown} [error] */
  #end(error) {
    if (!this.#open) return;
    this.#open = false;
    this.#options.ended(error);
  }
}
