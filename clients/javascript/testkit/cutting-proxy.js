/**
 * A socket between a client and a server that breaks after so many bytes, wherever that is.
 *
 * @module
 */

import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * @param {object} options
 * @param {string | number} options.listen a path, or a port; 0 for any
 * @param {string | number} options.target a path, or a port
 * @param {() => number | undefined} options.budget bytes that the next connection lets through, both
 *   ways together; `undefined` for all
 */
export async function cuttingProxy({ listen, target, budget }) {
  let cuts = 0;
  const server = createServer((near) => {
    const far = typeof target === "string" ? connect(target) : connect(target, "127.0.0.1");
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
  if (typeof listen === "string") server.listen(listen);
  else server.listen(listen, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return { close: () => server.close(), port, get cuts() { return cuts; } };
}
