/** The names of a port's asynchronous methods. */
export type MethodOf<Port> = {
  [Name in keyof Port]-?: NonNullable<Port[Name]> extends (...args: never[]) => Promise<unknown>
    ? Name & string
    : never;
}[keyof Port];

/** Runs around each call of a wrapped port: it decides when to make the call, and which result the caller receives. */
export type AroundCall<Port> = <T>(
  method: MethodOf<Port>,
  call: () => Promise<T>,
  args: readonly unknown[],
) => Promise<T>;

/**
 * Wraps a port, without naming its members one by one: a method that is added to the port is wrapped, too.
 *
 * @param port the wrapped port; its properties are read through
 * @param methods the methods to replace; each calls `port` itself
 * @param around runs around each call of the other methods; by default, they are called directly
 */
export function wrapPort<Port extends object>(port: Port, methods: Partial<Port>, around?: AroundCall<Port>): Port {
  return new Proxy(port, {
    get: (target, name) => {
      if (Object.hasOwn(methods, name)) {
        return Reflect.get(methods, name);
      }
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') {
        return member;
      }
      // Callers see the type `Port`, so a method that is not replaced is one of its asynchronous methods.
      const call = (...args: unknown[]) => Reflect.apply(member, target, args) as Promise<unknown>;
      return around ? (...args: unknown[]) => around(name as MethodOf<Port>, () => call(...args), args) : call;
    },
  });
}
