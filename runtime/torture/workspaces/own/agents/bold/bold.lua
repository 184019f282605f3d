-- Does what no rule allows, and fails at it.
local keel = require "keel"

return keel.agent { run = function(ctx)
  local done, err = ctx.use("plain").write("forbidden", { text = "let through" })
  if not done and err.code == "denied" then error(err.why) end
  return "it went"
end }
