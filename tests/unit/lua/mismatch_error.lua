--! record 1 step first - {"ok":1}
--! record 2 now - {} {"ok":1}
--! out mismatch {"now":null,"path":"2","recorded":{"call":"4df6524860b4bc81","kind":"now","name":""}}
-- So did one that failed.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.step("first", function() return 1 end)
    error("other way")
  end,
}
