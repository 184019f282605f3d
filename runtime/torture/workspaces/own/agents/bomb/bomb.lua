-- Takes all memory there is, whenever it is tried.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.step("before", function() return 1 end)
    local s = ("x"):rep(1 << 16)
    while true do
      s = s .. s
    end
  end,
}
