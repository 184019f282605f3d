--! out call 1.1.1 now {}
--! out step 1.2.1 seen ["normal",false,"cannot resume non-suspended coroutine",false,"cannot resume non-suspended coroutine","cannot close a normal coroutine"]
--! answer 1.1.1 {"ok":4}
--! out step 2 outside ["attempt to yield from outside a coroutine",true]
--! out end {"result":4,"state":"ended"}
-- A coroutine that waits in a ctx call, and the first one of a task, are the host's to resume.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local co, task
    local results = ctx.all {
      function()
        task = coroutine.running()
        co = coroutine.create(function() return ctx.now() end)
        local _, t = coroutine.resume(co)
        return t
      end,
      function()
        local a, b = coroutine.resume(co)
        local c, d = coroutine.resume(task)
        local _, e = pcall(coroutine.close, co)
        ctx.step("seen", function() return { coroutine.status(co), a, b, c, d, e } end)
      end,
    }
    local _, e = pcall(coroutine.yield, 1)
    local _, main = coroutine.running()
    ctx.step("outside", function() return { (e:gsub("^.-: ", "")), main } end)
    return results[1]
  end,
}
