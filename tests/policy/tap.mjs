// What the tests in JavaScript share: TAP, and packages that lie in the build folder.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, "..", "..");
export const packages = process.env.KEEL_PACKAGES;
export const load = createRequire(join(packages, "package.json"));

let count = 0;
let failures = 0;

export function note(text) {
  for (const line of String(text).split("\n")) {
    console.log(`# ${line}`);
  }
}

// what: said where it failed, a text or anything that JSON can show.
export function ok(holds, name, what) {
  count += 1;
  console.log(`${holds ? "ok" : "not ok"} ${count} - ${name}`);
  if (!holds) {
    failures += 1;
    if (what !== undefined) {
      note(typeof what === "string" ? what : JSON.stringify(what, null, 1));
    }
  }
  return holds;
}

export function done() {
  console.log(`1..${count}`);
  process.exitCode = failures ? 1 : 0;
}
