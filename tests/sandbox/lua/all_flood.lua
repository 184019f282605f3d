-- expect: failed: at most 10000 functions
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local list = {}
    for i = 1, 20000 do
      list[i] = function() ctx.sleep("7d") end
    end
    ctx.all(list)
  end,
}
