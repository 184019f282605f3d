--! out call 1.1.1 now {}
--! out call 1.2.1 now {}
--! lost 1.1.1
--! answer 1.2.1 {"ok":1}
--! out step 2 caught "all_error.lua:20: no two"
--! answer 1.1.1 {"ok":1}
--! out call 3 now {}
--! answer 3 {"ok":3}
--! out failed x: three
-- A function that fails ends ctx.all at once, as an error; the others are left behind, and what comes
-- for them later is not theirs any more.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local ok, err = pcall(ctx.all, {
      function() ctx.now() end,
      function()
        ctx.now()
        error("no two")
      end,
    })
    assert(not ok)
    ctx.step("caught", function() return err end)
    ctx.now()
    ctx.all { function() error({ code = "x", message = "three" }, 0) end, function() ctx.now() end }
  end,
}
