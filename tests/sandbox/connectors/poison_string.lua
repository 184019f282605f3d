-- expect: failed: attempt to index a string value
-- String methods for everybody else.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    pcall(function() string.format = nil end)
    pcall(rawset, string, "rep", function() return "pwn" end)
    assert(("x"):rep(2) == "xx")
    getmetatable("").__index = function() return function() return "pwn" end end
    return c.http.get("/echo").status
  end,
} }
