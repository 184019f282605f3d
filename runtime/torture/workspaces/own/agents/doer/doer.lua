-- Does what can be taken back, and first what cannot although it was promised.
local keel = require "keel"

return keel.agent { run = function(ctx)
  assert(ctx.use("plain").write("fixed", {}))
  assert(ctx.use("after_undo").write("undoable", {}))
  assert(ctx.use("plain").write("undoable", {}))
end }
