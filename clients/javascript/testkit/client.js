/**
 * A client of a fake server, with time and chance in the test's hands.
 *
 * @module
 */

import { connect } from "../src/index.js";
import { ManualClock } from "./clock.js";
import { FakeServer } from "./server.js";

/** @typedef {import("../src/types.js").ClientDiagnostic} ClientDiagnostic */

/**
 * Connects to a fake server; pauses are exactly as long as their bounds say.
 *
 * @param {import("../src/connect.js").ConnectOptions & { transport?: import("../src/index.js").Transport | (() => import("../src/index.js").Transport) }} [options]
 * @param {FakeServer} [server]
 */
export async function connected(options = {}, server = new FakeServer()) {
  const clock = new ManualClock();
  /** @type {ClientDiagnostic[]} */
  const diagnostics = [];
  /** @type {string[]} */
  const states = [];
  const way = "url" in options ? {} : { transport: server.transport };
  const connection = await connect(/** @type {any} */ ({
    ...way,
    clock,
    connectMsMax: Infinity,
    random: () => 1,
    onDiagnostic: (/** @type {ClientDiagnostic} */ diagnostic) => void diagnostics.push(diagnostic),
    onState: (/** @type {string} */ state) => void states.push(state),
    ...options,
  }));
  return { server, clock, diagnostics, states, connection, world: connection.world };
}

/**
 * What an iterator brings, as it comes, until it ends.
 *
 * @template T
 * @param {AsyncIterable<T>} iterable
 */
export function collect(iterable) {
  /** @type {T[]} */
  const items = [];
  const outcome = { items, done: false, error: /** @type {any} */ (undefined) };
  void (async () => {
    try {
      for await (const item of iterable) items.push(item);
    } catch (error) {
      outcome.error = error;
    }
    outcome.done = true;
  })();
  return outcome;
}
