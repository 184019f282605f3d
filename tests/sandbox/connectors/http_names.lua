-- expect: ended
-- Names, values and methods that would be lines of their own.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local bad = { "X\r\nEvil: 1", "X\nEvil", "X Y", "X:", "", "X\0", "\1", "X\127", ("X"):rep(100000), "Host",
      "Content-Length", "Transfer-Encoding", "\u{e4}" }
    for _, name in ipairs(bad) do
      local ok, r = pcall(c.http.get, "/echo", { headers = { [name] = "evil" } })
      if ok and r and r.body:find("evil", 1, true) then
        return nil, keel.fail("conflict", ("the header %q was sent"):format(name:sub(1, 20)))
      end
    end
    for _, value in ipairs { "a\r\nEvil: 1", "a\nEvil: 1", "a\0b", ("v"):rep(1000000) } do
      local ok, r = pcall(c.http.get, "/echo", { headers = { ["X-Good"] = value } })
      if ok and r then
        return nil, keel.fail("conflict", "a value with a control was sent")
      end
    end
    for _, method in ipairs { "GET / HTTP/1.1\r\nEvil: 1\r\n\r\nGET", "", "G T", "CONNECT", "TRACE\n", ("A"):rep(100000) } do
      local ok, r = pcall(c.http.request, { method = method, url = "/echo" })
      if ok and r and r.body:find("Evil", 1, true) then
        return nil, keel.fail("conflict", "a method smuggled a header")
      end
    end
    return "refused"
  end,
} }
