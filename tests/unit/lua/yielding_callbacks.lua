--! out call 1 now {}
--! answer 1 {"ok":1}
--! out call 2 now {}
--! answer 2 {"ok":2}
--! out call 3 now {}
--! answer 3 {"ok":3}
--! out call 4 now {}
--! answer 4 {"ok":4}
--! out call 5 now {}
--! answer 5 {"ok":5}
--! out call 6 now {}
--! answer 6 {"ok":6}
--! out end {"result":[[1,2,3],"<4><5>c",6],"state":"ended"}
-- Callbacks of table.sort and string.gsub, and iterators of for, may wait.
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local list = { 3, 2, 1 }
    table.sort(list, function(a, b)
      ctx.now()
      return a < b
    end)
    local text = ("abc"):gsub("[ab]", function() return "<" .. ctx.now() .. ">" end)
    local last
    for t in function() return not last and ctx.now() or nil end do
      last = t
    end
    return { list, text, last }
  end,
}
