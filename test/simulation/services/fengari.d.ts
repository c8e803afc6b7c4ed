/** Types of the part of fengari that the simulated cache uses: Lua's C API. The package contains no types. */
declare module 'fengari' {
  /** The state of a Lua machine. */
  interface LuaState {
    readonly luaState: unique symbol;
  }
  /** A Lua string: bytes. */
  type LuaString = Uint8Array;

  export const to_luastring: (text: string) => LuaString;
  export const to_jsstring: (text: LuaString) => string;
  export const lua: {
    readonly LUA_OK: number;
    readonly LUA_REGISTRYINDEX: number;
    readonly LUA_TNIL: number;
    readonly LUA_TBOOLEAN: number;
    readonly LUA_TNUMBER: number;
    readonly LUA_TSTRING: number;
    readonly LUA_TTABLE: number;
    lua_call(state: LuaState, parameters: number, results: number): void;
    lua_createtable(state: LuaState, items: number, fields: number): void;
    lua_getfield(state: LuaState, index: number, name: LuaString): number;
    lua_getglobal(state: LuaState, name: LuaString): number;
    lua_gettop(state: LuaState): number;
    lua_pcall(state: LuaState, parameters: number, results: number, handler: number): number;
    lua_pop(state: LuaState, count: number): void;
    lua_pushboolean(state: LuaState, value: boolean): void;
    lua_pushcfunction(state: LuaState, code: (state: LuaState) => number): void;
    lua_pushinteger(state: LuaState, value: number): void;
    lua_pushnumber(state: LuaState, value: number): void;
    lua_pushstring(state: LuaState, text: LuaString): void;
    lua_rawgeti(state: LuaState, index: number, item: number): number;
    lua_rawlen(state: LuaState, index: number): number;
    lua_rawseti(state: LuaState, index: number, item: number): void;
    lua_setfield(state: LuaState, index: number, name: LuaString): void;
    lua_setglobal(state: LuaState, name: LuaString): void;
    lua_toboolean(state: LuaState, index: number): boolean;
    lua_tointeger(state: LuaState, index: number): number;
    lua_tojsstring(state: LuaState, index: number): string;
    lua_type(state: LuaState, index: number): number;
  };
  export const lauxlib: {
    luaL_loadstring(state: LuaState, text: LuaString): number;
    luaL_newstate(): LuaState;
    luaL_ref(state: LuaState, table: number): number;
    luaL_error(state: LuaState, text: LuaString): number;
  };
  export const lualib: { luaL_openlibs(state: LuaState): void };
}
