/**
 * `parts/bridge.js` as a window of Electron has it: the page knows no address, only what its preload
 * script gave it.
 */

/** @type {{ connectToMain: (options: object) => Promise<any> }} */
const { connectToMain } = await import(/** @type {any} */ ("/electron/renderer.js"));

/** @type {import("../../parts/bridge.js").Bridge} */
export const bridge = {
  open: (worldId, callbacks) => connectToMain({ worldId, ...callbacks }),
  enter: async (wanted) => ({ worldId: wanted ?? "home", phase: "connecting", reason: "" }),
  worlds: async () => ["home"],
  admit: async () => "A window needs no token.",
  // Main would save the file.
  exportLink: () => "#",
};
