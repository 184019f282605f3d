--! out step 3 words ["ctx.now cannot be called here: the function of a ctx.step, a metamethod and a file that is being required cannot wait","ctx.log cannot be called here: the function of a ctx.step, a metamethod and a file that is being required cannot wait","ctx.now cannot be called here: the function of a ctx.step, a metamethod and a file that is being required cannot wait"]
--! out end {"result":null,"state":"ended"}
-- A step is whole: nothing in it waits, not even through a coroutine.
local keel = require "keel"

local function words(f, ...)
  local _, e = pcall(f, ...)
  return (e:gsub("^[%w_]+%.lua:%d+: ", ""))
end

return keel.agent {
  run = function(ctx)
    local list = {
      words(ctx.step, "a", function() ctx.now() end),
      words(ctx.step, "b", function()
        return coroutine.wrap(function() ctx.log("x") end)()
      end),
      words(tostring, setmetatable({}, { __tostring = function() return ctx.now() end })),
    }
    list[2] = list[2]:gsub("^[%w_]+%.lua:%d+: ", "")
    ctx.step("words", function() return list end)
  end,
}
