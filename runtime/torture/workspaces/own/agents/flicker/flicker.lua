-- Uses a connection that has a bad day.
local keel = require "keel"

return keel.agent { run = function(ctx)
  assert(ctx.use("flaky").write("checkable", {}))
end }
