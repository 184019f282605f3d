--! out call 1 now {}
--! answer 1 {"ok":1}
--! out call 2 now {}
--! answer 2 {"ok":2}
--! out end {"result":["pcall_waits.lua:12: late","handled"],"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local _, e = pcall(function()
      ctx.now()
      error("late")
    end)
    local _, h = xpcall(function()
      ctx.now()
      error("x")
    end, function() return "handled" end)
    return { e, h }
  end,
}
