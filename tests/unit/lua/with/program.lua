-- What tests/abi/agent_program.c does in C: the ops that the input lists.
local keel = require "keel"

local ops = {
  now = function(ctx) return ctx.now() end,
  random = function(ctx) return ctx.random() >= 0.5 end,
  sleep = function(ctx, i) return ctx.sleep(i) end,
  receive = function(ctx)
    local event = ctx.receive("tick", { timeout = "5s" })
    if not event then return "timeout" end
    return event.body
  end,
  ask = function(ctx, i)
    return ctx.ask("Which,\n" .. i .. "?", { choices = { "Acme", "Zenith" }, expires = "1h",
      default = "Acme", why = "both have it", evidence = { 1, 2 } })
  end,
  read = function(ctx) return ctx.use("box").read("note") end,
  write = function(ctx, i)
    return ctx.use("box").write("note", { n = i, to = "x" },
      { why = "it is listed", evidence = { 1, 2 } })
  end,
  seal = function(ctx, i)
    local o = { quarantine = true, returns = { ok = "bool", n = { number = { 0, i } } } }
    if i % 2 == 0 then o.key = "q" .. i end
    return ctx.spawn("helper", { n = i }, o)
  end,
  spawn = function(ctx, i) return ctx.spawn("helper", keel.list {}, { key = "k" .. i }) end,
  wait = function(ctx, i) return ctx.wait(i) end,
  step = function(ctx, i)
    return ctx.step("made", function() return { n = i, half = i + 0.5 } end)
  end,
  log = function(ctx, i)
    ctx.log("warn", "line " .. i)
    return "logged"
  end,
}

return keel.agent {
  run = function(ctx, input)
    local out = keel.list {}
    for i, name in ipairs(input.ops) do
      local v, err = ops[name](ctx, i)
      if err then v = err.code end
      out[i] = v
    end
    return out
  end,
}
