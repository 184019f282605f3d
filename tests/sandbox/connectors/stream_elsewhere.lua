-- expect: ended
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    for _, address in ipairs { "tcp://127.0.0.1:1", "tcp://127.0.0.1", "tls://127.0.0.1:22", "unix:///run/x", "",
      "tcp://", "tcp://127.0.0.1:0", "tcp://127.0.0.1:99999", c.config.lines .. "/x", c.config.lines .. "0", c.config.base,
      c.config.lines .. "\n", ("tcp://"):rep(100000), "imap://127.0.0.1:143" } do
      local ok, s, err = pcall(c.stream.open, address)
      if ok and s then
        return nil, keel.fail("conflict", address:sub(1, 50) .. " was opened")
      end
      assert(not ok or err.code == "denied" or err.code == "invalid", tostring(err))
    end
    return "nowhere"
  end,
} }
