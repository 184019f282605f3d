--! once
--! out step 2 sum 12497500
--! out end {"result":null,"state":"ended"}
-- Many tasks, and each by itself.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local list, sum = {}, 0
    for i = 1, 5000 do
      list[i] = function() return i - 1 end
    end
    for _, n in ipairs((ctx.all(list))) do
      sum = sum + n
    end
    ctx.step("sum", function() return sum end)
  end,
}
