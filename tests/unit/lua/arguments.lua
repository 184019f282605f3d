--! out end {"result":"ok","state":"ended"}
-- What a person is told who calls ctx wrongly; none of these calls counts as one.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local function says(wanted, f, ...)
      local ok, e = pcall(f, ...)
      assert(not ok and e:find(wanted, 1, true), e)
    end
    says("ctx.step: call it with a dot, not with a colon", ctx.step, ctx, "a", print)
    says("ctx.step: argument 1 must be a text, and is nothing", ctx.step)
    says("ctx.step: argument 1 must have 1 to 200 bytes", ctx.step, "", print)
    says("ctx.step: argument 1 must have 1 to 200 bytes", ctx.step, ("x"):rep(201), print)
    says("ctx.step: argument 1 must have 1 to 200 bytes of UTF-8 without a NUL", ctx.step, "a\0b", print)
    says("ctx.step: argument 1 must have 1 to 200 bytes of UTF-8", ctx.step, "\xff", print)
    says('ctx.step "a": its second argument must be a function, and is nothing', ctx.step, "a")
    says("ctx.step: there is no option 'memo' (it takes none)", ctx.step, "a", print, { memo = true })
    says("ctx.step: argument 3 must be a table of options, and is a number", ctx.step, "a", print, 3)
    says("ctx.log: the level is debug, info, warn or error", ctx.log, "loud", "x")
    says("value expected", ctx.log)
    for _, odd in ipairs { "3 days", "", "d", -1, 0 / 0, 1e300, "99999999999d", "101w53000d", {} } do
      says("ctx.sleep: a duration is seconds as a number, or a text", ctx.sleep, odd)
    end
    says("ctx.sleep: a duration is", ctx.sleep)
    says("ctx.random takes none, one or two numbers", ctx.random, 1, 2, 3)
    says("the interval is empty", ctx.random, 0)
    says("the interval is empty", ctx.random, 3, 2)
    says("number has no integer representation", ctx.random, 1.5)
    says("ctx.receive: there is no option 'timout'", ctx.receive, "x", { timout = 1 })
    says("ctx.receive: a duration is", ctx.receive, { timeout = "soon" })
    says("ctx.receive: argument 1 must be a text", ctx.receive, 5)
    says("ctx.spawn: argument 1 must be a text", ctx.spawn)
    says("ctx.spawn: input.a: a value that is a function", ctx.spawn, "x", { a = print })
    says("ctx.spawn: key must be a text of at most 1000 bytes, and is a table", ctx.spawn, "x", {}, { key = {} })
    says("ctx.spawn: there is no option 'kye'", ctx.spawn, "x", {}, { kye = "1" })
    says("ctx.wait: its argument is what ctx.spawn returned, or a run's number", ctx.wait, {})
    says("ctx.wait: its argument is", ctx.wait, "7")
    says("ctx.wait: its argument is", ctx.wait, 0)
    says("ctx.all: its argument must be a list of functions, and is a function", ctx.all, print)
    says("ctx.all: item 2 must be a function, and is a number", ctx.all, { print, 2 })
    says("ctx.use: argument 1 must be a text", ctx.use)
    local mail = ctx.use("mail")
    says('ctx.use("mail").write: argument 1 must be a text', mail.write)
    says('ctx.use("mail").write: call it with a dot, not with a colon', mail.write, mail, "message", {})
    says('ctx.use("mail").write: args.to[2]: a hole', mail.write, "message", { to = { 1, nil, 3 } })
    says('ctx.use("mail").write: there is no option \'because\'', mail.write, "message", {}, { because = "x" })
    says('ctx.use("mail").write: why must be a text, and is a number', mail.write, "message", {}, { why = 5 })
    says('ctx.use("mail").write: evidence[1]: a value that is a function', mail.write, "message", {},
      { evidence = { print } })
    says("the names of connection and resource are too long together", mail.write, ("m"):rep(150))
    return "ok"
  end,
}
