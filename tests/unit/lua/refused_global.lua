--! refused refused_global.lua:2: cannot set 'helper' in the globals: declare it local; runs share no variables
function helper() end -- luacheck: ignore
