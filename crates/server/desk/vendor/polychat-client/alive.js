/**
 * Connections of which only one end is left: nothing comes, and nobody says that nothing will.
 *
 * A browser does not show the pings of a WebSocket, so the client asks by itself when it has heard
 * nothing for a while, and takes silence after that for a loss.
 *
 * @module
 */

/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {import("./peer.js").Transport} Transport */
/** @typedef {import("./peer.js").TransportHandlers} TransportHandlers */

/**
 * A transport that is lost when nothing comes of it.
 *
 * @implements {Transport}
 */
export class Watched {
  #transport;
  #idleMs;
  #clock;
  /** @type {TransportHandlers | undefined} */
  #handlers;
  #heard = false;
  #asked = false;
  #stop = () => {};

  /** @param {Transport} transport @param {{ idleMs: number, clock: Clock }} options */
  constructor(transport, { idleMs, clock }) {
    this.#transport = transport;
    this.#idleMs = idleMs;
    this.#clock = clock;
  }

  /** @param {TransportHandlers} handlers */
  start(handlers) {
    this.#handlers = handlers;
    this.#transport.start({
      message: (text) => {
        this.#heard = true;
        handlers.message(text);
      },
      rejected: (frame) => {
        this.#heard = true;
        handlers.rejected(frame);
      },
      closed: (error) => {
        this.#stop();
        handlers.closed(error);
      },
    });
  }

  /**
   * From now on asks when nothing has come for so long; and when nothing comes then either, in the
   * same time again, the connection is lost: after two to three times as long.
   *
   * @param {() => void} ask must bring an answer
   */
  watch(ask) {
    this.#stop = this.#clock.after(this.#idleMs, () => {
      if (this.#heard) this.#asked = false;
      else if (this.#asked) return this.#lost();
      else {
        this.#asked = true;
        ask();
      }
      this.#heard = false;
      this.watch(ask);
    });
  }

  /** @param {string} text */
  send(text) {
    return this.#transport.send(text);
  }

  close() {
    this.#stop();
    return this.#transport.close();
  }

  #lost() {
    this.#handlers?.closed(new Error(`nothing was heard for ${2 * this.#idleMs} ms, also when asked`));
  }
}
