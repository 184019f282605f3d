-- expect: failed: nested too deep
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local function deeper() ctx.all { deeper } end
    deeper()
  end,
}
