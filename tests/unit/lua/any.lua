--! out call 1.1.1 sleep {"us":60000000}
--! out step 1.2.1 ask "?"
--! out call 1.2.2 receive {"name":"reply"}
--! lost 1.1.1
--! answer 1.2.2 {"ok":{"body":"yes","name":"reply"}}
--! answer 1.1.1 {"ok":null}
--! out call 2.1.1 now {}
--! out step 2.2.1 quick 2
--! lost 2.1.1
--! answer 2.1.1 {"ok":1}
--! out end {"result":[2,"yes",2,"quick"],"state":"ended"}
-- The first function that returns wins.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local which, event = ctx.any {
      function() ctx.sleep("1m") end,
      function()
        ctx.step("ask", function() return "?" end)
        return ctx.receive("reply")
      end,
    }
    local again, word = ctx.any {
      function() return ctx.now() end,
      function()
        ctx.step("quick", function() return 2 end)
        return "quick"
      end,
    }
    return { which, event.body, again, word }
  end,
}
