-- A run of ten durable steps, each with a result of 100 bytes.
local keel = require "keel"
local result = ("x"):rep(98)

return keel.agent { run = function(ctx)
  for i = 1, 10 do
    ctx.step("step", function() return result end)
  end
end }
