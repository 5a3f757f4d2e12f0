/**
 * A server that is a child of this process and is spoken to over its standard input and output.
 * For Node only.
 *
 * The child shuts down in order when its input ends, so that is how it is told to.
 *
 * @module
 */
export type ChildOptions = {
    command: string;
    args: string[];
    /**
     * added to this process's own
     */
    env: Record<string, string | undefined> | undefined;
    cwd: string | undefined;
    stderr: "inherit" | "ignore" | ((text: string) => void);
    /**
     * how long a child may take to end before it is killed
     */
    closeMsMax: number;
    framing: import("../framing.js").Framing;
    frameBytesMax: number;
    clock: import("../clock.js").Clock;
};
/**
 * Starts the child; resolves once it runs, and rejects as `binary_not_found` where there is no such program.
 *
 * @param {ChildOptions} options
 * @returns {Promise<import("../peer.js").Transport>}
 */
export declare function openChild({ command, args, env, cwd, stderr, framing, frameBytesMax, closeMsMax, clock }: ChildOptions): Promise<import("../peer.js").Transport>;
