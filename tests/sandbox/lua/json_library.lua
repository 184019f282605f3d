-- expect: failed: rawset: this table cannot be changed
local keel = require "keel"

return keel.agent {
  run = function()
    pcall(function() keel.json.decode = print end)
    pcall(setmetatable, keel.json, {})
    pcall(setmetatable, keel.url, { __index = print })
    if keel.json.decode("1") ~= 1 or getmetatable(keel.json) ~= "frozen" then
      error("changed")
    end
    rawset(keel.base64, "decode", print)
  end,
}
