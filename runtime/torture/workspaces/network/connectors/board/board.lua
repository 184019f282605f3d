local keel = require "keel"

local function answer(r, err)
  local refused = keel.status(r, err)
  if refused then
    return nil, refused
  end
  return r:json()
end

return keel.connector { card = {
  read = function(c)
    local found, err = answer(c.http.get("/cards"))
    return found and { items = keel.list(found.items) }, err
  end,
  write = function(c, q)
    if q.dry_run then return nil, keel.fail("not_implemented", "there is no dry run") end
    return answer(c.http.post("/cards", { json = q.body, key = q.key }))
  end,
} }
