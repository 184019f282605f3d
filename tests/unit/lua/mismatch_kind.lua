--! record 1 step first - {"ok":1}
--! out mismatch {"now":{"args":{},"call":"4df6524860b4bc81","kind":"now","name":""},"path":"1","recorded":{"call":"3e0fbf2491e60de4","kind":"step","name":"first"}}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    ctx.now()
  end,
}
