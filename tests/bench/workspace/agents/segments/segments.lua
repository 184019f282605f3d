-- A long life in segments: steps, every hundredth call a write through a connector; then it waits for a word.
local keel = require "keel"
local result = ("x"):rep(98)

return keel.agent { run = function(ctx, input)
  local nothing = ctx.use("nothing")
  for i = 1, input.size do
    if i % 100 == 0 then
      nothing.write("note", { number = i })
    else
      ctx.step("step", function() return result end)
    end
  end
  if input.left > input.size then
    return ctx.continue { left = input.left - input.size, size = input.size }
  end
  while ctx.receive().name ~= "go" do
    ctx.step("woken", function() return result end)
  end
end }
