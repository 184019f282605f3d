-- expect: ended
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    table.sort({ 3, 2, 1 }, function(a, b)
      ctx.step("compares", function() return true end)
      return a < b
    end)
  end,
}
