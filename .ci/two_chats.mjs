// Two chats at once behind the link that `polychat serve` printed: each is answered from its own
// history, and who has no token is told nothing.

import assert from "node:assert/strict";

const link = new URL(process.argv[2]);
const world = new URL("/v1/worlds/home", link);
const headers = {
  authorization: `Bearer ${link.searchParams.get("token")}`,
  "content-type": "application/json",
};

/** @param {string} path @param {unknown} body */
async function post(path, body) {
  const answer = await fetch(world + path, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

/** @param {string} chat @param {string} text */
async function ask(chat, text) {
  const prompt = { parts: [{ type: "text", text }] };
  const { outcome, messages } = await post(`/chats/${chat}/prompts?wait=outcome`, prompt);
  assert.equal(outcome.kind, "completed");
  return messages[0].parts[0].text;
}

assert.equal((await fetch(`${world}/chats`)).status, 401);
const id = process.pid;
const answers = await Promise.all(
  ["Ada", "Bob"].map(async (name) => {
    const chat = `${name.toLowerCase()}-${id}`;
    await post("/chats", { chatId: chat });
    await ask(chat, `my name is ${name}`);
    return `${chat}: ${await ask(chat, "what is my name?")}`;
  }),
);
console.log(answers.join("\n"));
assert.match(answers[0], /Ada\.$/);
assert.match(answers[1], /Bob\.$/);
