// What an editor makes of policies/policy.schema.json: the real yaml-language-server completes, explains
// and flags, by the modeline alone and without a network.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, ok, done } from "./tap.mjs";
import { Server } from "./language.mjs";

const MODELINE = "# yaml-language-server: $schema=policy.schema.json\n";
const RULE = "version: 1\nrules:\n  - id: r\n    on: inbox.message.write\n";
const BUDGET = "version: 1\nbudgets:\n  - id: b\n";

// The cursor is at §.
function split(text) {
  const whole = MODELINE + text;
  const before = whole.slice(0, whole.indexOf("§")).split("\n");
  return {
    text: whole.replace("§", ""),
    position: { line: before.length - 1, character: before.at(-1).length },
  };
}

// has: label -> a part of its description; none: what is not offered.
const completions = [
  ["the keys of a policy", "version: 1\n§", {
    rules: "never matters", budgets: "Limits", egress: "may reach", retries: "tried again",
    breakers: "left alone", lists: "Named lists", defaults: "nothing else",
    rates: "How often", quiet: "nothing leaves", tiers: "cheapest first", retention: "is kept",
    compact: "condensed", snapshots: "by name", prices: "What models cost", unpriced: "no row of prices",
  }, ["fx"]],
  ["the keys of a tier", "version: 1\ntiers:\n  fast:\n    §", {
    models: "order of fallback", max_tokens: "answer", max_sensitivity: "highest sensitivity",
    where: "models run",
  }, []],
  ["what is kept", "version: 1\nretention:\n  - of: §", { working: "", semantic: "", cache: "" }, []],
  ["the keys of compaction", "version: 1\ncompact:\n  - of: working\n    §", {
    when: "items or tokens", by: "summary", tier: "asks",
  }, []],
  ["the keys of a rule", `${RULE}    §`, {
    agents: "For these agents", when: "silent unless", deny: "first", allow: "second", ask: "a person",
    approval: "How a person is asked", mode: "decides nothing", endorse: "still be trusted",
    guard: "opens nothing",
  }, ["rate", "breaker"]],
  ["comparators", `${RULE}    allow:\n      amount:\n        §`, {
    lt: "Below", lte: "At most", gt: "Above", gte: "At least", in: "One of", not_in: "None of",
    matches: "pattern", present: "Whether",
  }, ["sum", "count"]],
  ["attributes of Keel", `${RULE}    when:\n      §`, {
    tainted: "untrusted", sink: "leaves the house", class: "class of the verb",
    sensitivity: "highest that the run has read", to_origin: "nobody but who has written",
  }, ["to_known"]],
  ["the keys of an approval", `${RULE}    ask: {}\n    approval:\n      §`, {
    by: "Who may", expires: "How long", on_expiry: "nobody gave", edit: "may change", batch: "at one look",
    escalate: "Whom to tell", digest: "gathered", remember: "remembered", tz: "digest",
  }, ["quiet"]],
  ["the keys of a step", `${RULE}    ask: {}\n    approval:\n      escalate:\n        - §`, {
    after: "How long after", notify: "of `notify` in keel.yaml",
  }, []],
  ["the keys of a budget", `${BUDGET}    §`, {
    scope: "whole workspace", each: "each agent", limit: "money, or calls", max_calls: "Calls",
    max_depth: "start runs", window: "begins anew", tz: "time zone", at_hard: "does not fit",
    agents: "of these agents", on: "on these targets", soft: "share of the limit", at_soft: "soft limit",
    throttle: "longest wait", then: "when the wait is over",
  }, []],
  ["the keys of a breaker", "version: 1\nbreakers:\n  - on: inbox\n    §", {
    open_at: "share of failures", of: "last outcomes", for: "how long",
  }, []],
  ["the keys of a price", "version: 1\nprices:\n  - model: sonnet\n    §", {
    from: "first day", input: "goes in", output: "comes out", cache_read: "read from a cache",
    cache_write: "written to a cache",
  }, ["currency"]],
  ["the keys of a rate", "version: 1\nrates:\n  - on: inbox.message.write\n    §", {
    agents: "For these agents", each: "Room for each", limit: "How many", per: "what time", burst: "at once",
  }, []],
  ["the keys of quiet hours", "version: 1\nquiet:\n  - on: inbox.message.write\n    §", {
    agents: "For these agents", sink: "leaves the workspace", hours: "From when", days: "days of the week",
    tz: "time zone", approvals: "stands still",
  }, []],
  ["days", "version: 1\nquiet:\n  - on: inbox.message.write\n    days: §", { mon: "", sat: "", sun: "" }, []],
  ["modes", `${RULE}    mode: §`, { enforce: "decides", shadow: "decides nothing" }, []],
  ["windows", `${BUDGET}    window: §`, {
    life: "never", hour: "", day: "midnight", calendar_month: "month", none: "older word",
  }, []],
  ["each", `${BUDGET}    each: §`, {
    agent: "each agent", connection: "each connection", run_tree: "all that it started", day: "attention",
  }, []],
  ["at_hard", `${BUDGET}    at_hard: §`, {
    deny: "not sent", ask: "person", escalate: "told at once", throttle: "a release", stop: "paused",
    batch: "gathered",
  }, []],
  ["at_soft", `${BUDGET}    soft: 80%\n    at_soft: §`, { notify: "once per window", ask: "each effect", batch: "day turns" }, []],
  ["the tier of a soft limit", `${BUDGET}    soft: 80%\n    at_soft:\n      §`, { tier: "cheaper tier" }, []],
  ["then", `${BUDGET}    at_hard: throttle\n    then: §`, { deny: "not sent", ask: "person" }, ["stop"]],
  ["classes", `${RULE}    when:\n      class: §`, { once: "", keyed: "", checkable: "" }, ["twice"]],
  ["levels", `${RULE}    when:\n      sensitivity:\n        gte: §`, { public: "", confidential: "" }, ["secret"]],
  ["sinks", `${RULE}    when:\n      sink: §`, { external: "", internal: "" }, []],
  ["targets", "version: 1\nrules:\n  - id: r\n    on: §", { "inbox.message.write": "", "run.spawn": "" }, []],
];

const text_of = (d) => (typeof d === "string" ? d : d?.value ?? "");

async function check_completions(server) {
  for (const [i, [name, source, has, none]] of completions.entries()) {
    const { text, position } = split(source);
    const uri = await server.open(`completion${i}`, text);
    const items = (await server.at("completion", uri, position))?.items ?? [];
    const offered = new Map(items.map((c) => [c.label.replace(/^"(.*)"$/, "$1"), text_of(c.documentation)]));
    const missing = Object.keys(has).filter((k) => !offered.get(k)?.includes(has[k]));
    const extra = none.filter((k) => offered.has(k));
    ok(missing.length === 0 && extra.length === 0, `it completes ${name}`,
      { missing, extra, offered: Object.fromEntries(offered) });
  }
}

// range: the text that is underlined; says: a part of the message.
const flags = [
  ["a key that is not known", "version: 1\nrulse: []\n", "rulse", "not allowed"],
  ["a key of a rule", `${RULE}    aks: {}\n    ask: {}\n`, "aks", "not allowed"],
  ["a comparator", `${RULE}    allow: { amount: { ltt: 5 } }\n`, "ltt", "not allowed"],
  ["a comparator's value", `${RULE}    allow: { amount: { lt: cheap } }\n`, "cheap", ""],
  ["a window", `${BUDGET}    each: agent\n    limit: 1 USD\n    window: month\n`, "month", "calendar_month"],
  ["a time", `${RULE}    ask: {}\n    approval: { expires: 999ms }\n`, "999ms", "1s to 366d"],
  ["a version", "version: 2\n", "2", "1"],
  ["a verb", "version: 1\nrules:\n  - id: r\n    on: inbox.message.send\n    ask: {}\n",
    "inbox.message.send", "read, write and compensate"],
  ["a number where a name is wanted", "version: 1\nrules:\n  - id: 7\n    on: inbox.*\n    ask: {}\n", "7", "string"],
  ["what is not yet enforced", "version: 1\nfx: [x]\n", "[x]", "not yet enforced"],
  ["what is not yet enforced in a rule", `${RULE}    ask: { to_known: true }\n`, "true", "not yet enforced"],
  ["a window that rolls", `${BUDGET}    each: agent\n    limit: 1 USD\n    window: 59m\n`, "59m", "from 1h to 366d"],
  ["a soft limit", `${BUDGET}    each: agent\n    limit: 1 USD\n    soft: 100%\n`, "100%", "1% to 99%"],
  ["a wait", `${BUDGET}    each: agent\n    limit: 1 USD\n    at_hard: throttle\n    throttle: 8d\n`, "8d", "1s to 7d"],
  ["a limit", `${BUDGET}    each: agent\n    limit: 5 dollars\n`, "5 dollars", "100 calls"],
  ["an address", "version: 1\negress:\n  - on: billing\n    to: ftp://a.example\n", "ftp://a.example", "begins with https://"],
  ["a share", "version: 1\nbreakers:\n  - on: inbox\n    open_at: 101%\n", "101%", "1% to 100%"],
  ["when", "version: 1\ncompact:\n  - { of: working, by: a, when: itmes > 5 }\n", "itmes > 5", "items > 200"],
  ["ttl", "version: 1\nretention:\n  - { of: working, ttl: 2w }\n", "2w", "1h to 3660d"],
  ["hours", "version: 1\nquiet:\n  - on: inbox.*\n    hours: 8pm\n", "8pm", "20:00-08:00"],
  ["a pace", "version: 1\nrates:\n  - on: inbox.*\n    limit: 2\n    per: hour\n", "hour", "time from 1"],
  ["values of two types", "version: 1\nlists: { a: [x, 5] }\n", "5", "type"],
];

// With a place of its own: what is missing has no text.
const missing = [
  ["a rule that says nothing", RULE, "neither deny, allow nor ask"],
  ["a budget that limits nothing", `${BUDGET}    each: agent\n`, "limits nothing"],
  ["a budget for nobody", `${BUDGET}    limit: 1 USD\n`, "scope: workspace"],
  ["an approval without ask", `${RULE}    allow: {}\n    approval: { expires: 1h }\n`, "ask"],
  ["a version that is missing", "rules: []\n", "version"],
  ["a depth of an agent", `${BUDGET}    each: agent\n    max_depth: 3\n`, "run_tree"],
  ["a day of money", `${BUDGET}    each: day\n    limit: 1 USD\n`, "12 interruptions"],
  ["at_soft without soft", `${BUDGET}    each: agent\n    limit: 1 USD\n    at_soft: ask\n`, "soft"],
  ["a wait without at_hard", `${BUDGET}    each: agent\n    limit: 1 USD\n    throttle: 1m\n`, "at_hard"],
  ["a zone without a window", `${BUDGET}    each: agent\n    limit: 1 USD\n    tz: UTC\n`, "window"],
];

function underlined(text, { start, end }) {
  const lines = text.split("\n");
  return start.line === end.line ? lines[start.line].slice(start.character, end.character) : "";
}

async function check_flags(server) {
  for (const [i, [name, source, range, says]] of flags.entries()) {
    const text = MODELINE + source;
    const found = server.diagnostics.get(await server.open(`flag${i}`, text)) ?? [];
    const hit = found.some((d) => underlined(text, d.range) === range && d.message.includes(says));
    ok(hit, `it flags ${name}`, found.map((d) => [underlined(text, d.range), d.message]));
  }
  for (const [i, [name, source, says]] of missing.entries()) {
    const found = server.diagnostics.get(await server.open(`missing${i}`, MODELINE + source)) ?? [];
    ok(found.some((d) => d.message.includes(says)), `it flags ${name}`, found.map((d) => d.message));
  }
}

const hovers = [
  ["rules", "version: 1\nru§les: []\n", "it never matters"],
  ["a rule's deny", `${RULE}    de§ny: {}\n`, "Looked at first"],
  ["a comparator", `${RULE}    allow: { amount: { l§te: 5 } }\n`, "At most"],
  ["approval", `${RULE}    ask: {}\n    appro§val: {}\n`, "How a person is asked"],
  ["expires", `${RULE}    ask: {}\n    approval: { exp§ires: 24h }\n`, "How long the question stands"],
  ["a window", `${BUDGET}    each: agent\n    limit: 1 USD\n    win§dow: day\n`, "begins anew"],
  ["tainted", `${RULE}    when: { tai§nted: true }\n    ask: {}\n`, "untrusted"],
  ["what is not yet enforced", "version: 1\nf§x: []\n", "not yet enforced"],
];

async function check_hovers(server) {
  for (const [i, [name, source, says]] of hovers.entries()) {
    const { text, position } = split(source);
    const uri = await server.open(`hover${i}`, text);
    const shown = text_of((await server.at("hover", uri, position))?.contents).replaceAll("\\", "");
    ok(shown.includes(says), `it explains ${name}`, shown);
  }
}

async function check_silence(server) {
  const good = `${MODELINE}version: 1\nlists: { own: [studio.example] }\n${RULE.slice(11)}    allow: { to_domain: { in: $own } }\n`;
  const uri = await server.open("good", good);
  ok(server.diagnostics.get(uri)?.length === 0, "it finds nothing in a good policy", server.diagnostics.get(uri));
  const absolute = MODELINE.replace("policy.schema.json", `file://${server.folder}/policies/policy.schema.json`);
  const other = server.diagnostics.get(await server.open("absolute", `${absolute}rulse: []\n`)) ?? [];
  ok(other.some((d) => d.message.includes("rulse")), "a modeline as `keel init` writes it works too", other);
}

const folder = mkdtempSync(join(tmpdir(), "keel-editor-"));
mkdirSync(join(folder, "policies"));
copyFileSync(join(root, "policies/policy.schema.json"), join(folder, "policies/policy.schema.json"));
const server = new Server(folder);
try {
  await server.start();
  await check_silence(server);
  await check_completions(server);
  await check_flags(server);
  await check_hovers(server);
  await server.stop();
  ok(!server.said.includes("offline:"), "nobody looked for a network", server.said);
} catch (e) {
  ok(false, "the server answers", `${e.stack}\n${server.said}`);
  server.child.kill();
}
rmSync(folder, { recursive: true, force: true });
done();
