// What ical.js (Thunderbird's reader) and node-ical make of calendar files, as JSON on stdout:
// for each reader and file the events as [uid, start, end, summary], instants in seconds.
//
//     node read.mjs READER FILE...

import { readFileSync } from "node:fs";

const readers = {
  "ical.js": async () => {
    const { default: ICAL } = await import("ical.js");
    return (text) => {
      const calendar = new ICAL.Component(ICAL.parse(text));
      return calendar.getAllSubcomponents("vevent").map((part) => {
        const event = new ICAL.Event(part);
        return [event.uid, event.startDate.toUnixTime(), event.endDate.toUnixTime(), event.summary];
      });
    };
  },
  "node-ical": async () => {
    const { default: ical } = await import("node-ical");
    return (text) =>
      Object.values(ical.sync.parseICS(text))
        .filter((part) => part.type === "VEVENT")
        .map((event) => [event.uid, event.start.getTime() / 1000, event.end.getTime() / 1000, event.summary]);
  },
};

const [name, ...files] = process.argv.slice(2);
const read = await readers[name]();
const found = Object.fromEntries(files.map((file) => [file, read(readFileSync(file, "utf8"))]));
process.stdout.write(JSON.stringify(found));
