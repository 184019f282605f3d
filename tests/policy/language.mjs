// A client of yaml-language-server: the real server as a child, spoken to over its standard input.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { here, packages } from "./tap.mjs";

const SETTINGS = {
  yaml: {
    validate: true, hover: true, completion: true, schemas: {}, customTags: [], maxItemsComputed: 5000,
    schemaStore: { enable: false, url: "" }, format: { enable: false },
    disableAdditionalProperties: false,
  },
  "[yaml]": {}, http: {}, editor: { tabSize: 2 }, files: {},
};
const PATIENCE_MS = 20000;

export class Server {
  constructor(folder) {
    this.folder = folder;
    this.said = ""; // on stderr
    this.pending = new Map();
    this.diagnostics = new Map();
    this.waiting = new Map();
    this.buffer = Buffer.alloc(0);
    this.last = 0;
    const entry = join(packages, "node_modules/yaml-language-server/bin/yaml-language-server");
    this.child = spawn(process.execPath, ["--require", join(here, "offline.cjs"), entry, "--stdio"],
      { stdio: ["pipe", "pipe", "pipe"] });
    this.child.stderr.on("data", (d) => { this.said += d; });
    this.child.stdout.on("data", (d) => this.hear(d));
    this.ended = new Promise((end) => { this.child.on("exit", end); });
  }

  send(message) {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    this.child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.child.stdin.write(body);
  }

  hear(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    for (;;) {
      const end = this.buffer.indexOf("\r\n\r\n");
      const length = end < 0 ? NaN : Number(/Content-Length: (\d+)/i.exec(this.buffer.toString("latin1", 0, end))?.[1]);
      if (!(this.buffer.length >= end + 4 + length)) {
        return;
      }
      const message = JSON.parse(this.buffer.toString("utf8", end + 4, end + 4 + length));
      this.buffer = this.buffer.subarray(end + 4 + length);
      this.take(message);
    }
  }

  take(m) {
    if (m.method && m.id !== undefined) {
      const configured = m.method === "workspace/configuration";
      this.send({ id: m.id, result: configured ? m.params.items.map((i) => SETTINGS[i.section] ?? null) : null });
    } else if (m.method === "textDocument/publishDiagnostics") {
      this.diagnostics.set(m.params.uri, m.params.diagnostics);
      this.waiting.get(m.params.uri)?.();
    } else if (this.pending.has(m.id)) {
      const { resolve, reject } = this.pending.get(m.id);
      this.pending.delete(m.id);
      m.error ? reject(new Error(m.error.message)) : resolve(m.result);
    }
  }

  patient(what, start) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer: ${what}\n${this.said}`)), PATIENCE_MS);
      const settled = (f) => (v) => { clearTimeout(timer); f(v); };
      start(settled(resolve), settled(reject));
    });
  }

  ask(method, params) {
    this.last += 1;
    const id = this.last;
    return this.patient(method, (resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.send({ id, method, params });
    });
  }

  async start() {
    const text = { completionItem: { snippetSupport: true, documentationFormat: ["markdown", "plaintext"] } };
    await this.ask("initialize", {
      processId: process.pid, rootUri: `file://${this.folder}`,
      workspaceFolders: [{ uri: `file://${this.folder}`, name: "test" }],
      capabilities: {
        textDocument: { completion: text, hover: { contentFormat: ["markdown"] }, publishDiagnostics: {} },
        workspace: { configuration: true, workspaceFolders: true },
      },
    });
    this.send({ method: "initialized", params: {} });
    this.send({ method: "workspace/didChangeConfiguration", params: { settings: SETTINGS } });
  }

  // Opens a document under a name of its own, and waits until the server has looked at it.
  open(name, text) {
    const uri = `file://${this.folder}/policies/${name}.yaml`;
    return this.patient(`diagnostics of ${name}`, (resolve) => {
      this.waiting.set(uri, () => resolve(uri));
      this.send({
        method: "textDocument/didOpen",
        params: { textDocument: { uri, languageId: "yaml", version: 1, text } },
      });
    });
  }

  at(method, uri, position) {
    return this.ask(`textDocument/${method}`, { textDocument: { uri }, position });
  }

  async stop() {
    await this.ask("shutdown", null);
    this.send({ method: "exit" });
    await this.patient("exit", (resolve) => { this.ended.then(resolve); });
  }
}
