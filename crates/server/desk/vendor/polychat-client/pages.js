/**
 * Lists that come in pages, as one async iterator.
 *
 * @module
 */

/** Entries of one page, unless the caller says otherwise. */
export const PAGE = 100;

/**
 * All entries of all pages; the next page is read once the one before has been.
 *
 * @template Entry, At
 * @param {(after: At | undefined) => Promise<{ entries: readonly Entry[], next: At | undefined }>} read
 * @param {At} [after]
 * @returns {AsyncGenerator<Entry, void, undefined>}
 */
export async function* pages(read, after) {
  for (;;) {
    const { entries, next } = await read(after);
    yield* entries;
    if (next === undefined) return;
    after = next;
  }
}
