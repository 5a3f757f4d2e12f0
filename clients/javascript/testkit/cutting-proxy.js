/**
 * A socket between a client and a server that breaks after so many bytes, wherever that is.
 *
 * @module
 */

import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * @param {object} options
 * @param {string} options.listen
 * @param {string} options.target
 * @param {() => number | undefined} options.budget bytes that the next connection lets through, both
 *   ways together; `undefined` for all
 */
export async function cuttingProxy({ listen, target, budget }) {
  let cuts = 0;
  const server = createServer((near) => {
    const far = connect(target);
    let left = budget();
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [[near, far], [far, near]]) {
      from?.on("error", cut).on("close", cut).on("data", (chunk) => {
        if (left === undefined) return void to?.write(chunk);
        const through = chunk.subarray(0, left);
        left -= through.length;
        // The beginning of a message still arrives.
        to?.write(through, () => {
          if (left === 0) cut();
        });
        if (left === 0) cuts += 1;
      });
    }
  });
  server.listen(listen);
  await once(server, "listening");
  return { close: () => server.close(), get cuts() { return cuts; } };
}
