-- expect: exit 86
local keel = require "keel"

return keel.agent {
  run = function()
    return (("x"):rep(100000):gsub(".", ("y"):rep(100000)))
  end,
}
