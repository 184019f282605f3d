--! out step 1 deep true
--! out end {"result":true,"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local function deep(n) return 1 + deep(n + 1) end
    local ok, e = pcall(deep, 1)
    return ctx.step("deep", function() return not ok and e:find("stack overflow", 1, true) ~= nil end)
  end,
}
