-- expect: failed: __mode is not available
-- A weak table would show when memory is collected.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local weak = setmetatable({ {} }, { __mode = "v" })
    for i = 1, 1e6 do local _ = { i } end
    return ctx.step("gone", function() return weak[1] == nil end)
  end,
}
