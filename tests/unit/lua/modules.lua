--! with shared.lua
--! out step 1 count 1
--! out end {"result":[1,true,"shared","require \"none\": this plugin has no file none.lua beside its entry","require \"loop\": this plugin has no file loop.lua beside its entry"],"state":"ended"}
local keel = require "keel"
local shared = require "shared"

return keel.agent {
  run = function(ctx)
    local n = ctx.step("count", shared.count)
    local function words(name)
      local _, e = pcall(require, name)
      return e
    end
    return { n, require "shared" == shared, shared.name, words("none"), words("loop") }
  end,
}
