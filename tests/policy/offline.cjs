// Read by the server before anything else: whoever looks for the network is told on stderr, and fails.
const net = require("node:net");
const dns = require("node:dns");

function refused(what) {
  process.stderr.write(`offline: ${what}\n`);
  throw new Error(`the network was looked for: ${what}`);
}

net.Socket.prototype.connect = (...args) => refused(`connect ${JSON.stringify(args[0])}`);
dns.lookup = (name) => refused(`lookup ${name}`);
