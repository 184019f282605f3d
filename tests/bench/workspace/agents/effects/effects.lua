-- Writes, one after the other: each is durable before it is sent, and again when it is done.
local keel = require "keel"

return keel.agent { run = function(ctx, input)
  local nothing = ctx.use("nothing")
  for i = 1, input.count do
    local done, err = nothing.write("note", { number = i })
    if not done then
      error(err.code .. ": " .. tostring(err.why))
    end
  end
end }
