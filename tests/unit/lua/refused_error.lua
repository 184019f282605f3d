--! refused refused_error.lua:3: there is no io here
local keel = require "keel"
error("there is no io here")
