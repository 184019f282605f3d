--! record 1.1.1 now - {} {"ok":1}
--! record 1.2.2 now - {} {"ok":1}
--! out mismatch {"now":null,"path":"1.2.2","recorded":{"call":"4df6524860b4bc81","kind":"now","name":""}}
-- What is recorded as answered is not what the run waits for.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.all { function() ctx.now() end, function() ctx.sleep(1) end }
  end,
}
