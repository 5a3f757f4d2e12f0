/**
 * The chat that is open, in a real browser, against the real server.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { seriousFaults } from "../tools/axe.mjs";
import { launch, missing } from "../tools/browser.mjs";
import { desk, kept, row, says } from "../tools/desk.mjs";
import { host, release, sent, teach } from "../tools/pane-host.mjs";
import { open, send } from "../tools/pane.mjs";

/** @import { Browser, Page } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

/** @param {Page} page @param {string} name */
const button = (page, name) => page.getByRole("button", { name, exact: true });

const HOSTILE = [
  "<script>globalThis.pwned = 1</script><img src=x onerror='globalThis.pwned = 2'>", "",
  "a <svg/onload=globalThis.pwned=3> b <iframe srcdoc='<script>parent.pwned=4</script>'></iframe> <style>*{display:none}</style>", "",
  "[click](javascript:globalThis.pwned=5) [data](data:text/html,<script>globalThis.pwned=6</script>) <a href='javascript:1' style='color:red'>raw</a>", "",
  "![beacon](https://beacon.invalid/a.png) [fine](https://example.org/) <https://example.org/auto>", "",
  "[![nested](javascript:globalThis.pwned=7)](javascript:globalThis.pwned=8)", "", "| a | <b onmouseover=globalThis.pwned=9>b</b> |", "|---|", "| broken | table",
  "", "**never ended _or `closed", "", `${"x".repeat(5000)}`, "", "שלום עולם! هذا نص من اليمين إلى اليسار 🙂👩‍👩‍👧‍👦", "", "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=globalThis.pwned=10&gt;\">", "",
  "```html", `<script>globalThis.pwned = 11</script>${" long".repeat(500)}`, "```", "", "- a\n  - b\n    - c", "", "```", "never closed",
].join("\n");

test("an answer full of HTML, script, broken Markdown, very long lines, right-to-left text and emoji is shown harmlessly", { skip }, async (t) => {
  const { page, faults, server } = await desk(t, browser);
  /** @type {string[]} */
  const fetched = [];
  page.on("request", (request) => !request.url().startsWith(server.url) && fetched.push(request.url()));
  await host(page);
  await teach(page, { text: HOSTILE, thought: HOSTILE, pieces: 97 });
  await sent(page, "hostile", [HOSTILE], { agent: "parrot" });
  await open(page, "hostile");
  await page.locator(".turn[data-outcome=completed]").waitFor();
  await page.locator(".thinking summary").click();
  await page.locator(".thinking .plain").waitFor();
  const found = await page.evaluate(() => {
    const all = [...document.querySelectorAll(".timeline [data-answer] *")];
    return {
      names: [...new Set(all.map(({ localName }) => localName))],
      handlers: all.flatMap(({ attributes }) => [...attributes].map(({ name }) => name)).filter((name) => /^on|^style$|^src/.test(name)),
      links: [...document.querySelectorAll(".timeline [data-answer] a")].map((link) => [link.getAttribute("href"), link.getAttribute("rel"), link.getAttribute("target")]),
      pwned: /** @type {any} */ (globalThis).pwned,
      wide: document.documentElement.scrollWidth > innerWidth || (document.querySelector(".timeline")?.scrollWidth ?? 0) > (document.querySelector(".timeline")?.clientWidth ?? 0),
      rtl: getComputedStyle(/** @type {Element} */ ([...document.querySelectorAll(".md-block")].find(({ textContent }) => textContent?.startsWith("שלום")))).direction,
      text: document.querySelector("[data-answer]")?.textContent,
    };
  });
  const harmless = /^(?:div|p|a|pre|code|span|button|em|strong|table|thead|tbody|tr|th|td|ul|li|ol|br|del)$/;
  assert.deepEqual(found.names.filter((name) => !harmless.test(name)), []);
  assert.deepEqual(found.handlers, []);
  for (const [href, rel, target] of found.links) {
    if (href === null) continue;
    assert.match(href ?? "", /^https:/);
    assert.deepEqual([rel, target], ["noopener noreferrer nofollow", "_blank"]);
  }
  assert.ok(found.links.some(([href]) => href === "https://example.org/"));
  assert.deepEqual([found.pwned, found.wide, found.rtl, fetched, faults], [undefined, false, "rtl", [], []]);
  // All of it is there to be read.
  for (const words of ["<script>globalThis.pwned = 1</script>", "👩‍👩‍👧‍👦", "<svg/onload", "never closed"]) assert.ok(found.text?.includes(words), words);
});

test("lists go on from their number, columns of numbers stand to the right, and headings nearer to what they head", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await host(page);
  await teach(page, { text: "before\n\n#### Prices\n\n3. three\n4. four\n\n| what | price |\n|---|--:|\n| tea | 12 |\n" });
  await sent(page, "a", ["say it"], { agent: "parrot", wait: true });
  await open(page, "a");
  await page.locator("[data-answer] table").waitFor();
  const found = await page.evaluate(() => {
    const one = (/** @type {string} */ name) => /** @type {HTMLElement} */ (document.querySelector(`[data-answer] ${name}`));
    const [above, head, below] = [one("p"), one("h6"), one("ol")].map((each) => each.getBoundingClientRect());
    return {
      start: one("ol").getAttribute("start"),
      columns: [...document.querySelectorAll("[data-answer] td")].map((cell) => getComputedStyle(cell).textAlign.replace("-webkit-", "")),
      nearer: above && head && below && head.top - above.bottom > below.top - head.bottom,
    };
  });
  assert.deepEqual(found, { start: "3", columns: ["start", "right"], nearer: true });
  assert.deepEqual(faults, []);
});

test("a tool says how far it is the way Polychat's own tools do, and a question stands in its card", { skip }, async (t) => {
  // REQ-4
  const { page, faults } = await desk(t, browser);
  await host(page);
  await sent(page, "a", ["/tool wait {\"seconds\": 200}"]);
  await open(page, "a");
  await page.locator(".tool progress[max='200']").waitFor();
  await page.locator(".tool-progress", { hasText: /\d %.* of 200 seconds/ }).waitFor();
  await page.keyboard.press("Alt+S");
  await says(page, "a", "Stopped");
  await send(page, "/ask Tea or coffee? | Tea");
  await button(page, "Tea").click();
  const card = page.locator(".tool[data-state=answered]");
  assert.equal(await card.locator(".tool-brief").innerText(), "Tea or coffee?");
  assert.deepEqual(faults, []);
});

test("a message that is found where all is in sight leads away from nothing", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser, { args: await kept(t) });
  await host(page);
  await teach(page, { text: "polly" });
  await sent(page, "a", ["say it"], { agent: "parrot", wait: true });
  await page.fill("#find", "polly");
  await page.locator(".hit").first().click();
  await page.locator(".entry[data-marked=true]", { hasText: "polly" }).waitFor();
  await page.locator(".below-button").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
});

test("a tool's call shows its arguments, live output, progress, result or failure, and how long it took", { skip }, async (t) => {
  // REQ-4
  const { page, faults } = await desk(t, browser);
  await host(page);
  await sent(page, "a", ['/tool dig {"where":"here"}; /tool fall']);
  await open(page, "a");
  const dig = page.locator(".tool", { hasText: "dig" });
  await dig.locator(".tool-output", { hasText: "stones" }).waitFor();
  await dig.getByText("30 % · three feet down").waitFor();
  assert.equal(await dig.locator("progress").getAttribute("value"), "3");
  await dig.locator(".tool-brief", { hasText: '{"where":"here"}' }).waitFor();
  const fall = page.locator(".tool[data-state=failed]");
  await fall.getByText("it fell <i>down</i>").waitFor();
  await release(page, "dig");
  await dig.locator(".tool-result", { hasText: "found a <b>chest</b>" }).waitFor();
  assert.equal(await dig.locator("progress, .tool-output").count(), 0);
  await dig.locator(".tool-state", { hasText: /done · \d/ }).waitFor();
  await page.locator(".turn[data-outcome=completed]").waitFor();
  assert.deepEqual(faults, []);
});

test("what waits for the person is decided in place: once, for the chat, denied with words, answered", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await host(page);
  await sent(page, "a", ["/tool stamp {\"letter\":\"A\"}"]);
  await sent(page, "b", ["/ask Which colour? | Red | Green"]);
  await open(page, "a");
  await button(page, "Deny…").click();
  await page.keyboard.type("not that letter");
  await page.keyboard.press("Enter");
  await page.locator(".fault", { hasText: "not that letter" }).waitFor();
  await says(page, "a", "Idle");
  await send(page, "/tool stamp");
  await button(page, "Allow once").click();
  await page.getByText('stamp answered "stamped".').waitFor();
  await send(page, "/tool stamp");
  await button(page, "Allow in this chat").click();
  await page.locator(".tool-state", { hasText: "allowed in this chat" }).waitFor();
  await says(page, "a", "Idle");
  await send(page, "/tool stamp");
  await page.waitForFunction(() => document.querySelectorAll(".tool[data-state=answered]").length === 3);

  // What was decided in one chat holds in that one.
  await says(page, "b", "Waiting for you");
  await open(page, "b");
  await page.getByRole("group", { name: "Which colour?" }).waitFor();
  await button(page, "Green").click();
  await page.locator(".tool-result", { hasText: "Green" }).waitFor();
  await says(page, "b", "Idle");
  await send(page, "/ask Why?");
  await page.getByLabel("Your answer").fill("because 🙂");
  await page.keyboard.press("Enter");
  await page.locator(".tool-result", { hasText: "because 🙂" }).waitFor();
  assert.deepEqual(faults, []);
});

test("a message is edited and sent again, a turn tried again, a chat forked from a message", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await host(page);
  await sent(page, "a", ["my name is Ada", "what is my name?", "/error"], { wait: true });
  await open(page, "a");
  const failed = page.locator(".turn[data-outcome=failed]");
  await failed.getByText("the demo model broke off").waitFor();
  const first = await page.locator(".entry", { has: failed }).getAttribute("data-key");
  await failed.getByRole("button", { name: "Retry" }).click();
  await page.waitForFunction((key) => !document.querySelector(`[data-key="${key}"]`) && document.querySelector(".turn[data-outcome=failed]"), first);
  assert.equal(await page.locator(".bubble").count(), 3);

  await page.locator(".said-agent", { hasText: "Your name is Ada" }).hover();
  await page.locator(".said-agent", { hasText: "Your name is Ada" }).getByRole("button", { name: "Fork" }).click();
  await page.waitForURL((url) => !url.hash.endsWith("/a"));
  await page.locator(".said-agent", { hasText: "Your name is Ada" }).waitFor();
  assert.equal(await page.locator(".bubble").count(), 2);
  await send(page, "what is my name?");
  await page.locator(".turn[data-outcome=completed]").waitFor();

  await open(page, "a");
  await page.locator(".said-user", { hasText: "my name is Ada" }).hover();
  await page.locator(".said-user", { hasText: "my name is Ada" }).getByRole("button", { name: "Edit" }).click();
  const field = page.getByLabel("The message, changed");
  await field.fill("my name is Eve");
  await field.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".bubble").length === 1 && document.querySelector(".bubble")?.textContent === "my name is Eve");
  await says(page, "a", "Idle");
  await send(page, "what is my name?");
  await page.locator(".said-agent", { hasText: "Your name is Eve" }).waitFor();
  assert.deepEqual(faults, []);
});

/** @param {Page} page */
const sight = (page) =>
  page.$eval(".timeline", (box) => {
    const edge = box.getBoundingClientRect().top;
    const rows = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("[data-key]")]);
    const seen = rows.find((each) => each.getBoundingClientRect().bottom > edge);
    return {
      top: seen?.dataset["key"], offset: Math.round((seen?.getBoundingClientRect().top ?? 0) - edge), drawn: rows.length,
      left: Math.round(box.scrollHeight - box.scrollTop - box.clientHeight),
    };
  });

test("of a long timeline a part is drawn; it stays at its end, or where it was, in each chat and after a reload", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await host(page);
  await teach(page, { text: "a line\n\n".repeat(6) });
  await sent(page, "a", Array.from({ length: 120 }, (_, n) => `prompt number ${n}`), { agent: "parrot", wait: true });
  await sent(page, "b", ["hello"], { wait: true });
  await open(page, "a");
  await page.locator(".bubble", { hasText: "prompt number 119" }).waitFor();
  const end = await sight(page);
  assert.ok(end.left <= 1 && end.drawn < 150, JSON.stringify(end));

  // While it is written at, the end stays in sight.
  await teach(page, { text: "word ".repeat(1600), pieces: 200, stops: true });
  await sent(page, "a", ["more"], { agent: "parrot" });
  await page.locator("[aria-busy=true]", { hasText: "word" }).waitFor();
  await page.waitForFunction(() => (document.querySelector("[aria-busy=true]")?.textContent?.match(/word/g)?.length ?? 0) >= 1600);
  assert.ok((await sight(page)).left <= 1);

  // Also within what is being written, whoever goes away and comes back is where he was.
  await page.locator(".timeline").hover();
  await page.mouse.wheel(0, -120);
  await page.getByRole("button", { name: "To the end" }).waitFor();
  const within = await sight(page);
  assert.equal(await page.locator(`[data-key=${within.top}] [aria-busy=true]`).count(), 1);
  await open(page, "b");
  await page.locator(".bubble", { hasText: "hello" }).waitFor();
  await open(page, "a");
  await page.locator(`[data-key=${within.top}]`).waitFor();
  assert.deepEqual(await sight(page), within);

  // Whoever reads further up is left there.
  await page.locator(".timeline").hover();
  await page.mouse.wheel(0, -2500);
  await page.getByRole("button", { name: "To the end" }).waitFor();
  const before = await sight(page);
  await release(page, "say");
  await says(page, "a", "Idle");
  await teach(page, { text: "short" });
  await sent(page, "a", ["and more"], { agent: "parrot", wait: true });
  await page.getByRole("button", { name: "New below" }).waitFor();
  const now = await sight(page);
  assert.deepEqual([now.top, now.offset], [before.top, before.offset]);

  // Another chat and back; a reload.
  await open(page, "b");
  await page.locator(".bubble", { hasText: "hello" }).waitFor();
  await open(page, "a");
  const back = await sight(page);
  assert.deepEqual([back.top, back.offset], [before.top, before.offset]);
  await page.fill("#message", "not sent yet");
  await page.reload();
  await page.locator(`[data-key=${before.top}]`).waitFor();
  const again = await sight(page);
  assert.deepEqual([again.top, again.offset], [before.top, before.offset]);
  assert.equal(await page.inputValue("#message"), "not sent yet");

  // Up to the first message, drawing a part at any time.
  await page.focus(".timeline");
  for (let n = 0; n < 40 && !(await page.locator(".bubble", { hasText: /^prompt number 0$/ }).count()); n += 1) {
    await page.keyboard.press("Home");
    const { drawn } = await sight(page);
    assert.ok(drawn <= 260, String(drawn));
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }
  await page.locator(".bubble", { hasText: /^prompt number 0$/ }).waitFor();
  await page.getByRole("button", { name: /New below|To the end/ }).click();
  await page.locator(".bubble", { hasText: "and more" }).waitFor();
  assert.ok((await sight(page)).left <= 1);
  assert.deepEqual(faults, []);
});

test("what is open and selected in a message stays so when its turn ends", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await host(page);
  await teach(page, { text: "an answer", thought: "a thought", stops: true });
  await sent(page, "a", ["hello"], { agent: "parrot" });
  await open(page, "a");
  await page.locator(".thinking summary").click();
  await page.locator(".thinking .plain", { hasText: "a thought" }).waitFor();
  await page.locator("[data-answer] p").dblclick({ position: { x: 30, y: 8 } });
  await release(page, "say");
  await page.locator(".turn[data-outcome=completed]").waitFor();
  assert.equal(await page.locator(".thinking .plain").isVisible(), true);
  assert.equal(await page.evaluate(() => String(getSelection())), "answer");
  assert.deepEqual(faults, []);
});

test("a search leads to its message in a long timeline; a closed chat says so and is reopened, a deleted one says so", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser, { args: await kept(t) });
  await host(page);
  await teach(page, { text: "nothing\n\n".repeat(5) });
  await sent(page, "a", Array.from({ length: 150 }, (_, n) => (n === 20 ? "where is the colosseum" : `prompt ${n}`)), { agent: "parrot", wait: true });
  await open(page, "a");
  await page.locator(".bubble", { hasText: "prompt 149" }).waitFor();
  assert.equal(await page.locator(".bubble", { hasText: "colosseum" }).count(), 0);
  await page.fill("#find", "colosseum");
  await page.locator(".hit", { hasText: "colosseum" }).first().click();
  const found = page.locator(".entry[data-marked=true]", { hasText: "where is the colosseum" });
  await found.waitFor();
  assert.ok(await found.evaluate((element) => {
    const [box, own] = [element.closest(".timeline")?.getBoundingClientRect(), element.getBoundingClientRect()];
    return box && own.top >= box.top && own.bottom <= box.bottom;
  }));
  await page.fill("#find", "");

  await page.evaluate(() => /** @type {any} */ (globalThis).host.chat("a").close());
  await page.locator(".chat-state[data-kind=closed]").waitFor();
  assert.equal(await page.isDisabled("#message"), true);
  // What would be refused is not offered.
  assert.equal(await page.getByRole("button", { name: "Retry" }).count(), 0);
  await page.getByRole("button", { name: "Reopen" }).click();
  await page.locator(".chat-state").waitFor({ state: "detached" });
  assert.equal(await page.isDisabled("#message"), false);

  // From far up in a long history, only its beginning stays.
  await page.evaluate(() => /** @type {any} */ (globalThis).host.chat("a").revise({ messageId: 2, content: "begin again" }));
  await page.waitForFunction(() => document.querySelectorAll(".bubble").length === 1 && document.querySelector(".bubble")?.textContent === "begin again");
  await page.evaluate(() => /** @type {any} */ (globalThis).host.chat("a").delete());
  await page.locator(".chat-state", { hasText: "This chat was deleted" }).waitFor();
  assert.deepEqual(faults, []);
});

test("everything in a chat is done by keyboard", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await host(page);
  await sent(page, "a", ["/tool stamp"]);
  await says(page, "a", "Waiting for you");
  const toField = async () => {
    await page.keyboard.press("Alt+M");
    await page.waitForFunction(() => document.activeElement?.id === "message");
  };
  await page.keyboard.press("Alt+W");
  await page.locator(".approval").waitFor();
  await toField();
  await page.keyboard.type("a line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("another");
  await page.keyboard.press("Alt+1");
  await page.keyboard.press("Enter");
  await page.locator(".queue-row", { hasText: "a line" }).waitFor();
  const to = async (/** @type {string} */ name, back = true) => {
    for (let n = 0; n < 40; n += 1) {
      const text = await page.evaluate(() => document.activeElement?.textContent);
      if (text?.startsWith(name)) return;
      await page.keyboard.press(back ? "Shift+Tab" : "Tab");
    }
    assert.fail(`${name} is not reached`);
  };
  await to("Withdraw");
  await page.keyboard.press("Enter");
  await page.locator(".queue-row").waitFor({ state: "detached" });
  await toField();
  await to("Allow once");
  await toField();
  await page.keyboard.press("Alt+A");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Allow once");
  await page.keyboard.press("Enter");
  await page.locator(".turn[data-outcome=completed]").waitFor();
  // The field has the focus again.
  await page.waitForFunction(() => document.activeElement?.id === "message");
  await to("Retry");
  await page.keyboard.press("Enter");
  await says(page, "a", "Waiting for you");
  await page.keyboard.press("Alt+S");
  await says(page, "a", "Stopped");
  await toField();
  await to("Edit");
  await page.keyboard.press("Enter");
  await page.keyboard.type(" {}");
  await page.keyboard.press("Escape");
  await page.getByLabel("The message, changed").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe finds no serious fault in a chat, in ${colorScheme}`, { skip }, async (t) => {
    const { page } = await desk(t, browser, { page: { colorScheme, bypassCSP: true } });
    await host(page);
    await teach(page, { text: HOSTILE, thought: "hm" });
    await sent(page, "a", ["say it"], { agent: "parrot", wait: true });
    await sent(page, "a", ["/error"], { wait: true });
    await sent(page, "a", ["/tool fall; /tool dig; /tool stamp {\"letter\":\"A\"}; /ask Why? | So | Because", "and then?", "then?"]);
    await open(page, "a");
    await page.locator(".tool-output").waitFor();
    await page.locator(".approval").nth(1).waitFor();
    await page.locator(".queue-row").nth(1).waitFor();
    assert.deepEqual(await seriousFaults(page), []);
    assert.ok(await page.locator(row("a")).count());
  });
}
