// Prints what npm `eventsource` hears of a stream, one JSON line each, until it is told not to come
// back. Arguments: the package's own module, and the address of the stream.

import { pathToFileURL } from "node:url";

const [, , module, url] = process.argv;
const { EventSource } = await import(pathToFileURL(module));
const source = new EventSource(url);
// While it waits to come back it lets the process end.
const alive = setInterval(() => {}, 60_000);

function say(what) {
    process.stdout.write(`${JSON.stringify(what)}\n`);
}

source.addEventListener("message", ({ data, lastEventId }) =>
    say({ heard: JSON.parse(data), id: lastEventId }),
);
source.addEventListener("ended", ({ data }) => say({ ended: JSON.parse(data) }));
source.addEventListener("error", ({ code }) => {
    if (source.readyState === EventSource.CLOSED) {
        say({ closed: code });
        clearInterval(alive);
    }
});
