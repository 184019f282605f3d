--! record 1 effect mail.message.read {"args":{},"resource":"message","use":"mail","verb":"read"} {"err":{"code":"denied","why":"no"}}
--! record 2 step s - {"ok":[]}
--! record 3 log - - {"ok":null}
--! out step 4 new [0,"denied"]
--! out call 5 now {}
--! answer 5 {"ok":1}
--! out end {"result":1,"state":"ended"}
-- All of the record is used, and nothing of it is sent again.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local _, err = ctx.use("mail").read("message")
    local list = ctx.step("s", function() error("a recorded step is not run") end)
    ctx.log("not sent")
    ctx.step("new", function() return { #list, err.code } end)
    return ctx.now()
  end,
}
