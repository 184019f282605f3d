--! out step 2 after 0
--! out failed all_empty.lua:10: ctx.any: the list is empty, so nothing can come first
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local results, errs = ctx.all {}
    assert(#results == 0 and #errs == 0)
    ctx.step("after", function() return #results end)
    ctx.any {}
  end,
}
