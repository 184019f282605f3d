--! out end {"result":"ok","state":"ended"}
local keel = require "keel"

return keel.agent {
  run = function()
    local function says(wanted, f, ...)
      local ok, e = pcall(f, ...)
      assert(not ok and e:find(wanted, 1, true), e)
    end
    says("print is not available: use ctx.log(text)", print, 1)
    says("load is not available: code is what the plugin was installed with", load, "x")
    says("loadstring is not available", loadstring, "x") -- luacheck: ignore
    says("dofile is not available", dofile, "x")
    says("loadfile is not available", loadfile, "x")
    says("collectgarbage is not available: the host looks after memory", collectgarbage)
    says("warn is not available", warn, "x")
    says("math.random is not available: use ctx.random, which replays", math.random)
    says("math.randomseed is not available", math.randomseed, 1)
    says("string.dump is not available: scripts are text only", string.dump, says)
    says("os is not available: time is ctx.now()", function() return os.time() end)
    says("io is not available", function() return io.open end)
    says("debug is not available", function() return debug.getinfo end)
    says("package is not available", function() return package.loaded end)
    says("cannot set 'x' in os", function() os.x = 1 end)
    return "ok"
  end,
}
