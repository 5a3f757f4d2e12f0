/**
 * The real program, for tests that need it.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BUILT = fileURLToPath(new URL("../../../target/debug/polychat", import.meta.url));

/**
 * Where the program is: `POLYCHAT_BIN`, or where `cargo build -p polychat-server` leaves it.
 *
 * Without it, a test skips, visibly. Where `POLYCHAT_REQUIRE` names `polychat` or `polychat-client`,
 * or `POLYCHAT_BIN` names what is not there, it fails instead.
 *
 * @returns {{ path: string, skip: false | string }}
 */
export function polychat() {
  const named = process.env["POLYCHAT_BIN"];
  const path = named || BUILT;
  if (existsSync(path)) return { path, skip: false };
  const required = (process.env["POLYCHAT_REQUIRE"] ?? "").split(",").map((name) => name.trim());
  if (named || required.includes("polychat") || required.includes("polychat-client")) {
    throw new Error(`there is no program polychat at ${path}, and it is required`);
  }
  const why = "there is no program polychat here (POLYCHAT_REQUIRE=polychat forbids this)";
  console.error(`SKIPPED: ${why}`);
  return { path, skip: why };
}
