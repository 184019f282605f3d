-- A run with a long record, which then waits for a word.
local keel = require "keel"
local result = ("x"):rep(98)

return keel.agent { run = function(ctx, input)
  for i = 1, input.steps do
    ctx.step("step", function() return result end)
  end
  ctx.receive("go")
end }
