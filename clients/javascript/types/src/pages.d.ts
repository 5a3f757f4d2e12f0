/**
 * Lists that come in pages, as one async iterator.
 *
 * @module
 */
/** Entries of one page, unless the caller says otherwise. */
export declare const PAGE = 100;
/**
 * All entries of all pages; the next page is read once the one before has been.
 *
 * @template Entry, At
 * @param {(after: At | undefined) => Promise<{ entries: readonly Entry[], next: At | undefined }>} read
 * @param {At} [after]
 * @returns {AsyncGenerator<Entry, void, undefined>}
 */
export declare function pages<Entry, At>(read: (after: At | undefined) => Promise<{
    entries: readonly Entry[];
    next: At | undefined;
}>, after?: At): AsyncGenerator<Entry, void, undefined>;
