--! start {"to":"a@example.org"} {"count":2}
--! out call 1 effect {"args":{},"resource":"mail","use":"inbox","verb":"read"}
--! answer 1 {"ok":{"items":[{"id":"m1"}],"next":"c1"}}
--! out call 2 effect {"args":{"body":"hello","to":["a@example.org"]},"evidence":[{"id":"m1"}],"resource":"mail","use":"inbox","verb":"write","why":"they asked"}
--! answer 2 {"err":{"code":"denied","rule":"no-mail","why":"outside of hours"}}
--! out end {"result":{"err":"denied: outside of hours","n":2,"rule":"no-mail","run":7},"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx, input)
    local inbox = ctx.use("inbox")
    local page = inbox.read("mail")
    local sent, err = inbox.write("mail", { to = { input.to }, body = "hello" },
      { why = "they asked", evidence = page.items })
    assert(sent == nil)
    return { n = ctx.previous.count, run = ctx.run, err = tostring(err), rule = err.rule }
  end,
}
