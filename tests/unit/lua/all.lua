--! out step 1.1.1 start 1
--! out call 1.1.2 effect {"args":{"id":1},"resource":"page","use":"web","verb":"read"}
--! out step 1.2.1 start 2
--! out call 1.2.2 effect {"args":{"id":2},"resource":"page","use":"web","verb":"read"}
--! out step 1.3.1 start 3
--! out call 1.3.2 effect {"args":{"id":3},"resource":"page","use":"web","verb":"read"}
--! answer 1.3.2 {"ok":"three"}
--! out step 1.3.3 end 3
--! answer 1.1.2 {"ok":"one"}
--! out step 1.1.3 end 1
--! answer 1.2.2 {"err":{"code":"not_found","why":"gone"}}
--! out step 1.2.3 end 2
--! out step 2 order [3,1,2]
--! out end {"result":[["one",null,"three"],"not_found",[3,1,2]],"state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function(ctx)
    local order = {}
    local function fetch(i)
      return function()
        ctx.step("start", function() return i end)
        local page, err = ctx.use("web").read("page", { id = i })
        ctx.step("end", function() return i end)
        order[#order + 1] = i
        return page, err
      end
    end
    local pages, errs = ctx.all { fetch(1), fetch(2), fetch(3) }
    ctx.step("order", function() return order end)
    assert(#errs == 0 or errs[2])
    return { { pages[1], pages[2] or keel.null, pages[3] }, errs[2].code, order }
  end,
}
