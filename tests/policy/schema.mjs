// The JSON Schema of policies, as `ajv` and the package `yaml` read it: it agrees with Keel's own reader
// about every file of the corpus (corpus.c asks the reader), and all of it is described.
//
// A bad file that a schema cannot refuse says why in its second line: `# schema: cannot, REASON`.
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join, relative } from "node:path";
import { here, root, load, ok, note, done } from "./tap.mjs";

const CANNOT_AT_MOST = 52;

const { default: Ajv } = load("ajv/dist/2020");
const { parseDocument } = load("yaml");

const schema = JSON.parse(readFileSync(join(root, "policies/policy.schema.json"), "utf8"));

// ---- every word is described ----

// The keywords whose values are schemas, lists of them, or maps of them.
const one = ["additionalProperties", "else", "if", "items", "not", "propertyNames", "then"];
const several = ["allOf", "anyOf", "oneOf"];
const named = ["$defs", "dependentSchemas", "properties"];

const resolve = (s) => (s.$ref ? { ...schema.$defs[s.$ref.replace("#/$defs/", "")], ...s } : s);

function* walk(s, path) {
  if (!s || typeof s !== "object") {
    return;
  }
  yield [s, path];
  for (const k of one) {
    yield* walk(s[k], `${path}/${k}`);
  }
  for (const k of several) {
    for (const [i, sub] of (s[k] ?? []).entries()) {
      yield* walk(sub, `${path}/${k}/${i}`);
    }
  }
  for (const k of named) {
    for (const [name, sub] of Object.entries(s[k] ?? {})) {
      yield* walk(sub, `${path}/${k}/${name}`);
    }
  }
}

function check_words() {
  const bare = [];
  const vague = [];
  let properties = 0;
  for (const [s, path] of walk(schema, "#")) {
    for (const [name, p] of Object.entries(s.properties ?? {})) {
      properties += 1;
      if (!/\w.{8}/.test(resolve(p).description ?? "")) {
        bare.push(`${path}/properties/${name}`);
      }
    }
    if (s.enum && s.enumDescriptions && s.enum.length !== s.enumDescriptions.length) {
      vague.push(path);
    }
    if (s.pattern && !s.patternErrorMessage && !/not$|propertyNames$/.test(path)) {
      vague.push(path);
    }
  }
  ok(properties > 60 && bare.length === 0, `each of ${properties} properties has a description`, bare);
  ok(vague.length === 0, "each pattern says what is wanted, each described enum describes all", vague);
  const used = new Set(JSON.stringify(schema).match(/#\/\$defs\/\w+/g));
  const unused = Object.keys(schema.$defs).filter((k) => !used.has(`#/$defs/${k}`));
  ok(unused.length === 0, "each definition is used", unused);
}

// ---- what it says of files ----

function compile() {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, allErrors: true });
  ajv.addVocabulary(["doNotSuggest", "enumDescriptions", "errorMessage", "patternErrorMessage"]);
  return ajv.compile(schema);
}

// "" when the schema takes it, else the first reason.
function refusal(validate, text) {
  const doc = parseDocument(text, { version: "1.2" });
  if (doc.errors.length) {
    return doc.errors[0].message.split("\n")[0];
  }
  let value;
  try {
    value = doc.toJS();
  } catch (e) {
    return e.message; // an alias of nothing
  }
  if (validate(value)) {
    return "";
  }
  return validate.errors.map((e) => `${e.instancePath} ${e.message}`).join("; ");
}

const yaml_files = (folder) => readdirSync(folder).filter((f) => f.endsWith(".yaml")).sort();

function check_corpus(validate) {
  let cannot = 0;
  for (const kind of ["good", "bad"]) {
    const folder = join(here, "corpus", kind);
    for (const f of yaml_files(folder)) {
      const text = readFileSync(join(folder, f), "utf8");
      const reason = text.match(/^# expect:.*\n# schema: cannot, (\w.*)\n/)?.[1];
      const why = refusal(validate, text);
      cannot += reason ? 1 : 0;
      // What is marked and refused all the same needs its mark no longer.
      ok((why === "") === (kind === "good" || reason !== undefined), `${kind}: ${f.slice(0, -5)}`,
        reason && why ? `a schema can refuse it, for it does: ${why}` : why || "the schema takes it");
    }
  }
  note(`${cannot} bad files are beyond a schema`);
  ok(cannot <= CANNOT_AT_MOST, `at most ${CANNOT_AT_MOST} bad files are beyond a schema`, `${cannot}`);
}

// The policies that ship, and those that documents show.
function check_shipped(validate) {
  const folders = ["policies", "runtime/torture/workspaces/own/policies",
    "runtime/torture/workspaces/network/policies", "runtime/torture/workspaces/classes/policies",
    "runtime/torture/workspaces/polled/policies", "tests/sandbox/workspace/policies"];
  for (const folder of folders.map((f) => join(root, f)).filter(existsSync)) {
    for (const f of yaml_files(folder)) {
      const why = refusal(validate, readFileSync(join(folder, f), "utf8"));
      ok(why === "", `shipped: ${relative(root, join(folder, f))}`, why);
    }
  }
  const page = readFileSync(join(root, "policies/README.md"), "utf8");
  const blocks = [...page.matchAll(/^```yaml\n([^]*?)^```/gm)].map((m) => m[1])
    .filter((b) => !/^(cases|notify):/m.test(b)); // what `keel policy test` plays, and keel.yaml, are none
  const parts = blocks.map((b) => (/^version:/m.test(b) ? b : `version: 1\n${b}`))
    .filter((b) => /^[a-z]+:/m.test(b.replace(/^version: 1\n/m, "")));
  for (const [i, text] of parts.entries()) {
    const why = refusal(validate, text);
    ok(why === "", `policies/README.md shows a policy (${i + 1})`, `${why}\n${text}`);
  }
  ok(parts.length >= 4, "policies/README.md shows policies");
}

check_words();
const validate = compile();
check_corpus(validate);
check_shipped(validate);
done();
