/**
 * The words of the client that parts of the page use. Types only.
 *
 * @module
 */

/** @typedef {import("../vendor/polychat-client/store.js").Store} Store */
/** @typedef {import("../vendor/polychat-client/store.js").StoreSnapshot} StoreSnapshot */
/** @typedef {import("../vendor/polychat-client/store.js").ChatSnapshot} ChatSnapshot */
/** @typedef {import("../vendor/polychat-client/store.js").Busy} Busy */
/** @typedef {StoreSnapshot["chats"][number]} ChatRow */
/** @typedef {import("../vendor/polychat-client/index.js").World} World */
/** @typedef {import("../vendor/polychat-client/index.js").AgentConfig} AgentConfig */
/** @typedef {import("../vendor/polychat-client/index.js").Methods["search"]["result"]["hits"][number]} Hit */

export {};
