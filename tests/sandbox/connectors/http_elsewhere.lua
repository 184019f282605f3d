-- expect: ended
-- Addresses that it was not given, in every spelling.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local port = c.config.base:match("(%d+)$")
    local urls = { "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/", "dict://127.0.0.1/x",
      "http://127.0.0.1:1/", "http://127.0.0.2:" .. port .. "/echo", "http://[::1]:" .. port .. "/echo",
      "http://localhost:" .. port .. "/echo", "http://2130706433:" .. port .. "/echo",
      "http://0x7f.1:" .. port .. "/echo", "http://0177.0.0.1:" .. port .. "/echo",
      "http://127.0.0.1:" .. port .. "@127.0.0.1:1/", "http://a:b@127.0.0.1:" .. port .. "/echo",
      "http://127.0.0.1:" .. port .. ".evil.example/echo", "https://127.0.0.1:" .. port .. "/echo",
      "http://169.254.169.254/latest/meta-data/", "http:///echo", "http://", "http:", "//x/y", "", "\\\\x",
      "http://127.0.0.1:99999/", "http://127.0.0.1:" .. port .. "#@127.0.0.1:1/../", "http://\u{ff11}27.0.0.1/" }
    for _, url in ipairs(urls) do
      local ok, r, err = pcall(c.http.get, url, { timeout = 0.2 })
      if ok and r and not url:find("#", 1, true) and url ~= "//x/y" then
        return nil, keel.fail("conflict", url .. " was reached")
      end
      if ok and err and err.code ~= "denied" and err.code ~= "invalid" and url ~= "//x/y" then
        return nil, keel.fail("conflict", url .. " gave " .. tostring(err))
      end
    end
    for _, to in ipairs { "http://127.0.0.1:1/", "file:///etc/passwd", "http://169.254.169.254/" } do
      local r = c.http.get("/to/" .. to, { follow = true })
      if r and r.status ~= 302 then
        return nil, keel.fail("conflict", "a redirect to " .. to .. " was followed")
      end
    end
    return "nowhere"
  end,
} }
