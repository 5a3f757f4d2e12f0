/**
 * Where the program `polychat` is. For Node only.
 *
 * @module
 */

import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { PolychatError } from "../errors.js";
import { invalid } from "../options.js";

const NAME = process.platform === "win32" ? "polychat.exe" : "polychat";

/**
 * The program to start: the one named, `POLYCHAT_BIN`, or the one among the resources of a packaged
 * app. The search path is not looked at, because whatever stands there is not what an app was tested
 * with; name it as `command: "polychat"` to use it.
 *
 * @param {string | undefined} command
 * @param {{ env?: Record<string, string | undefined>, resourcesPath?: string | undefined }} [where]
 * @returns {string}
 */
export function findBinary(command, { env = process.env, resourcesPath = resources() } = {}) {
  if (command === "") throw invalid("command", "it is empty");
  if (command !== undefined) return command;
  const named = env["POLYCHAT_BIN"];
  if (named) return named;
  const folders = resourcesPath === undefined ? [] : [resourcesPath, join(resourcesPath, "bin")];
  const found = folders.map((folder) => join(folder, NAME)).find(isExecutable);
  if (found !== undefined) return found;
  const message = `the program ${NAME} was not found: pass { command }, set POLYCHAT_BIN, or ship it in the app's resources folder`;
  throw notFound(message, folders);
}

/** What the system says of a program that is not there, or is none. */
const NOT_FOUND = new Set(["ENOENT", "ENOTDIR", "EACCES"]);

/**
 * Why a program could not be started, when that is nothing that waiting mends.
 *
 * @param {NodeJS.ErrnoException} error
 * @param {{ command: string, cwd: string | undefined }} started
 * @returns {Error} the error itself otherwise
 */
export function whyNotStarted(error, { command, cwd }) {
  const { code = "" } = error;
  if (!NOT_FOUND.has(code)) return error;
  // The system says the same of both.
  if (cwd !== undefined && !isFolder(cwd)) return invalid("cwd", `${cwd} is no folder`);
  return notFound(`the program ${command} is not there, or is none (${code})`, [command]);
}

/** @param {string} message @param {string[]} looked */
function notFound(message, looked) {
  return new PolychatError("binary_not_found", message, { facts: { looked } });
}

/** Electron says where a packaged app keeps its files. @returns {string | undefined} */
function resources() {
  return /** @type {{ resourcesPath?: string }} */ (/** @type {unknown} */ (process)).resourcesPath;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} path */
function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
