import { lauxlib, lua, lualib, to_luastring as luaText, type LuaState } from 'fengari';
import type { CacheConnection } from '../../../lambda/aws/elasticache/connection';
import type { Script } from '../../../lambda/aws/elasticache/scripts';
import type { Clock } from '../../../lambda/engine';
import { InjectedError } from '../../../lambda/testing';
import type { EnvironmentParts } from '../../../lambda/testing/bench/execution-environment';

/** Number of attempts of a request, and the pause after an attempt in milliseconds, multiplied by the number of the attempt. */
const ATTEMPTS = 3;
const PAUSE = 100;

/** A hash in the cache. */
export type Hash = ReadonlyMap<string, string>;

/** Called with each hash that a script may have changed. */
export type HashListener = (key: string, before: Hash | undefined, after: Hash | undefined) => void;

/** The answer of a cache command: a text, a number, nothing, or a list of these. */
type Reply = string | number | undefined | readonly Reply[];

/** A cache of hashes that runs Lua scripts, each as one atomic operation. */
export class SimulatedCache {
  private readonly hashes = new Map<string, Map<string, string>>();
  /** Seconds since the epoch at which a key expires. */
  private readonly expiries = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly listen: HashListener = () => undefined,
  ) {}

  /** All hashes that have not expired, by key. */
  public get all(): ReadonlyMap<string, Hash> {
    [...this.hashes.keys()].forEach((key) => this.forget(key));
    return this.hashes;
  }

  /** Runs a script on one key. */
  public run(script: Script, key: string, parameters: readonly (string | number)[]): unknown {
    this.forget(key);
    const hash = this.hashes.get(key);
    const before = hash && new Map(hash);
    const answer = interpret(script, key, parameters.map(String), (command, ...rest) => this.execute(command, ...rest));
    this.listen(key, before, this.hashes.get(key));
    return answer;
  }

  private execute(command: string, key = '', ...parameters: readonly string[]): Reply {
    const hash = this.hashes.get(key);
    const [first = '', second = ''] = parameters;
    switch (command) {
      case 'HGET':
        return hash?.get(first);
      case 'HMGET':
        return parameters.map((name) => hash?.get(name));
      case 'HGETALL':
        return [...(hash ?? [])].flat();
      case 'HSET':
        return this.set(key, parameters);
      case 'HDEL':
        return Number(hash?.delete(first) ?? false);
      case 'HINCRBY': {
        const value = Number(hash?.get(first) ?? 0) + Number(second);
        this.set(key, [first, String(value)]);
        return value;
      }
      case 'PERSIST':
        return Number(this.expiries.delete(key));
      case 'EXPIRE':
        if (hash) this.expiries.set(key, Math.floor(this.clock.now() / 1_000) + Number(first));
        return Number(hash !== undefined);
      default:
        throw new Error(`The simulated cache does not support the command ${command}.`);
    }
  }

  private set(key: string, fields: readonly string[]): number {
    const hash = this.hashes.get(key) ?? new Map<string, string>();
    const size = hash.size;
    for (let index = 0; index + 1 < fields.length; index += 2) hash.set(fields[index] ?? '', fields[index + 1] ?? '');
    this.hashes.set(key, hash);
    return hash.size - size;
  }

  private forget(key: string): void {
    const expiry = this.expiries.get(key);
    if (expiry === undefined || expiry * 1_000 > this.clock.now()) return;
    this.expiries.delete(key);
    this.hashes.delete(key);
  }
}

/** The connection of one environment to a cache. Like the real one, it repeats a request that got no answer. */
export function connectionTo(
  cache: SimulatedCache,
  { call, clock }: EnvironmentParts,
): Pick<CacheConnection, 'evaluate'> {
  return {
    evaluate: async (script, key, parameters) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await call('requests.elasticache.evaluate', async () => cache.run(script, key, parameters));
        } catch (thrown) {
          if (!(thrown instanceof InjectedError) || attempt === ATTEMPTS) throw thrown;
          await clock.sleep(PAUSE * attempt);
        }
      }
    },
  };
}

/** One Lua machine runs all scripts, as in the cache. Scripts keep no state in it. */
const machine = openMachine();
const compiled = new Map<string, number>();
let execute: (...parameters: readonly string[]) => Reply = () => undefined;

function openMachine(): LuaState {
  const state = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(state);
  // The cache runs Lua 5.1, in which `unpack` is global.
  lua.lua_getglobal(state, luaText('table'));
  lua.lua_getfield(state, -1, luaText('unpack'));
  lua.lua_setglobal(state, luaText('unpack'));
  lua.lua_pop(state, 1);
  lua.lua_createtable(state, 0, 1);
  lua.lua_pushcfunction(state, (calling) => {
    const parameters = Array.from({ length: lua.lua_gettop(calling) }, (_, index) =>
      lua.lua_tojsstring(calling, index + 1),
    );
    push(calling, execute(...parameters));
    return 1;
  });
  lua.lua_setfield(state, -2, luaText('call'));
  lua.lua_setglobal(state, luaText('redis'));
  return state;
}

function interpret(script: Script, key: string, parameters: readonly string[], commands: typeof execute): unknown {
  execute = commands;
  let reference = compiled.get(script.sha1);
  if (reference === undefined) {
    if (lauxlib.luaL_loadstring(machine, luaText(script.text)) !== lua.LUA_OK) {
      throw new Error(lua.lua_tojsstring(machine, -1));
    }
    reference = lauxlib.luaL_ref(machine, lua.LUA_REGISTRYINDEX);
    compiled.set(script.sha1, reference);
  }
  push(machine, [key]);
  lua.lua_setglobal(machine, luaText('KEYS'));
  push(machine, parameters);
  lua.lua_setglobal(machine, luaText('ARGV'));
  lua.lua_rawgeti(machine, lua.LUA_REGISTRYINDEX, reference);
  const status = lua.lua_pcall(machine, 0, 1, 0);
  const answer = status === lua.LUA_OK ? pull(machine) : undefined;
  const problem = status === lua.LUA_OK ? undefined : lua.lua_tojsstring(machine, -1);
  lua.lua_pop(machine, 1);
  if (problem !== undefined) throw new Error(`The script failed: ${problem}`);
  return answer;
}

/** Pushes an answer onto the Lua stack. As in the cache, nothing becomes `false`. */
function push(state: LuaState, reply: Reply): void {
  if (reply === undefined) {
    lua.lua_pushboolean(state, false);
  } else if (typeof reply === 'number') {
    // The cache's Lua has only floating-point numbers. This machine also has 32-bit integers, which it prints like the cache.
    if (Math.abs(reply) < 2 ** 31) lua.lua_pushinteger(state, reply);
    else lua.lua_pushnumber(state, reply);
  } else if (typeof reply === 'string') {
    lua.lua_pushstring(state, luaText(reply));
  } else {
    lua.lua_createtable(state, reply.length, 0);
    reply.forEach((item, index) => {
      push(state, item);
      lua.lua_rawseti(state, -2, index + 1);
    });
  }
}

/** Converts the value on top of the stack as the cache does. */
function pull(state: LuaState): unknown {
  switch (lua.lua_type(state, -1)) {
    case lua.LUA_TNUMBER:
      return lua.lua_tointeger(state, -1);
    case lua.LUA_TSTRING:
      return lua.lua_tojsstring(state, -1);
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(state, -1) ? 1 : null;
    case lua.LUA_TTABLE:
      return Array.from({ length: lua.lua_rawlen(state, -1) }, (_, index) => {
        lua.lua_rawgeti(state, -1, index + 1);
        const item = pull(state);
        lua.lua_pop(state, 1);
        return item;
      });
    default:
      return null;
  }
}
