-- expect: ended
-- grant: here.txt
-- Every way out of a folder that is written down somewhere.
local keel = require "keel"

return keel.connector { thing = {
  read = function(c)
    local folder = c.config.folder
    local paths = { "..", "../secret/outside.txt", "here.txt/../../secret/outside.txt", "a/../../secret/outside.txt",
      "./../secret/outside.txt", "/etc/passwd", "//etc/passwd", "link/outside.txt", "link", "etc/passwd", "deep/link/outside.txt",
      "/proc/self/fd/3", "proc/self/fd/3", "proc/self/root/etc/passwd", "/dev/shm", "", ".", "./", "here.txt/", "here.txt/.",
      "a//b", "..\\secret", "...", ".. ", "..\n", "\255\254", ("a/"):rep(3000), ("x"):rep(300), ("x"):rep(100000),
      ("../"):rep(1000) .. "etc/passwd" }
    for _, path in ipairs(paths) do
      local data = c.fs.read(folder, path)
      if data then
        return nil, keel.fail("conflict", path:sub(1, 60) .. " was read: " .. data:sub(1, 20))
      end
    end
    for _, path in ipairs { "../secret/new.txt", "link/new.txt", "/tmp/new.txt", "etc/new.txt", "deep/link/new.txt", "a/../../new.txt", "",
      ".", ".." } do
      if c.fs.write(folder, path, "evil") then
        return nil, keel.fail("conflict", path .. " was written")
      end
      if c.fs.rename(folder, "here.txt", folder, path) or c.fs.rename(folder, path, folder, "mine") then
        return nil, keel.fail("conflict", path .. " was renamed")
      end
    end
    for _, path in ipairs { "../secret/outside.txt", "link/outside.txt", "..", "/etc/passwd", "etc/passwd" } do
      if c.fs.remove(folder, path) or c.fs.list(folder, path) or c.fs.stat(folder, path) then
        return nil, keel.fail("conflict", path .. " was removed or seen")
      end
    end
    for _, path in ipairs { "../secret/outside.txt\0", "here.txt\0x" } do
      assert(not pcall(c.fs.read, folder, path))
    end
    for _, other in ipairs { "secret", "/", "..", "", "/etc", folder .. "/..", folder .. "/", "./" .. folder } do
      assert(not c.fs.read(other, "outside.txt") and not c.fs.list(other, ""))
    end
    -- A link itself is the folder's own: it can be replaced, and what it led to stays.
    assert(c.fs.write(folder, "link", "mine") and c.fs.read(folder, "link") == "mine")
    assert(c.fs.read(folder, "here.txt") == "here")
    return "inside"
  end,
} }
