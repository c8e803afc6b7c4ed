import { actionsOf } from '../../../../lambda/engine';
import { defineActions, defineMachine, implement, type JsonObject, type Run } from '../../../../lambda/machine';

const machine = defineMachine({
  name: 'm',
  initial: 'a',
  states: { a: { entry: 'greet', do: 'count', on: { counted: 'b' } }, b: { final: true } },
});

class Base {
  protected readonly greeting: string = 'hello';
  public greet(context: JsonObject): void {
    context.greeted = this.greeting;
  }
}

class Counter extends Base {
  #calls = 0;
  public async count(context: JsonObject): Promise<'counted'> {
    context.calls = this.#calls += 1;
    return 'counted';
  }
}

const methods = {
  greeting: 'hello',
  calls: 0,
  greet(context: JsonObject): void {
    context.greeted = this.greeting;
  },
  async count(context: JsonObject): Promise<'counted'> {
    context.calls = this.calls += 1;
    return 'counted';
  },
};

// No action reads it.
const run = {} as Run;

test.each([
  ['an instance of a class', implement(machine, new Counter())],
  ['an instance of a class, exported as it is', new Counter()],
  ['an object with methods', implement(machine, methods)],
])('the actions of %s keep their "this"', async (_, exported) => {
  const lookup = actionsOf(exported);
  const context: JsonObject = {};
  await lookup('m', 'greet')?.(context, run);
  expect(await lookup('m', 'count')?.(context, run)).toBe('counted');
  expect(await lookup('m', 'count')?.(context, run)).toBe('counted');
  expect(context).toEqual({ greeted: 'hello', calls: 2 });
});

test.each(['constructor', 'toString', 'hasOwnProperty', '__proto__', 'missing'])(
  'no object has an action "%s"',
  (name) => {
    expect(actionsOf(implement(machine, new Counter()))('m', name)).toBeUndefined();
    expect(actionsOf(defineActions({}))('m', name)).toBeUndefined();
  },
);
