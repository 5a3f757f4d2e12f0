/**
 * Where the program `polychat` is. For Node only.
 *
 * @module
 */
/**
 * The program to start: the one named, `POLYCHAT_BIN`, or the one among the resources of a packaged
 * app. The search path is not looked at, because whatever stands there is not what an app was tested
 * with; name it as `command: "polychat"` to use it.
 *
 * @param {string | undefined} command
 * @param {{ env?: Record<string, string | undefined>, resourcesPath?: string | undefined }} [where]
 * @returns {string}
 */
export declare function findBinary(command: string | undefined, { env, resourcesPath }?: {
    env?: Record<string, string | undefined>;
    resourcesPath?: string | undefined;
}): string;
/**
 * Why a program could not be started, when that is nothing that waiting mends.
 *
 * @param {NodeJS.ErrnoException} error
 * @param {{ command: string, cwd: string | undefined }} started
 * @returns {Error} the error itself otherwise
 */
export declare function whyNotStarted(error: NodeJS.ErrnoException, { command, cwd }: {
    command: string;
    cwd: string | undefined;
}): Error;
