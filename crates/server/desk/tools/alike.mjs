/**
 * How much two pictures differ, seen from so far away that letters are grey.
 *
 * @module
 */

/** @import { Browser } from "playwright-core" */

/** What both are drawn down to. */
const [WIDTH, HEIGHT] = [64, 40];

/**
 * The mean difference of their points, and that of the points that differ most, of 255.
 *
 * @param {Browser} browser
 * @param {Buffer} one a PNG
 * @param {Buffer} other another
 * @returns {Promise<{ mean: number, worst: number }>}
 */
export async function difference(browser, one, other) {
  const page = await browser.newPage();
  try {
    const texts = [one, other].map((picture) => picture.toString("base64"));
    return await page.evaluate(async ([pictures, width, height]) => {
      const points = async (/** @type {string} */ text) => {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([bytes]), { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
        const context = new OffscreenCanvas(width, height).getContext("2d");
        context?.drawImage(bitmap, 0, 0);
        return context?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
      };
      const [a = [], b = []] = await Promise.all(pictures.map(points));
      const differences = Array.from(a, (value, at) => Math.abs(value - (b[at] ?? 0)));
      return { mean: differences.reduce((sum, each) => sum + each, 0) / differences.length, worst: Math.max(...differences) };
    }, /** @type {const} */ ([texts, WIDTH, HEIGHT]));
  } finally {
    await page.close();
  }
}
