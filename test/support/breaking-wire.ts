import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that breaks connections on demand. */
export class BreakingWire {
  public static async to(port: number): Promise<BreakingWire> {
    const wire = new BreakingWire(port);
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  /** The number of connections so far. */
  public connections = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private answersToLose = 0;

  private constructor(target: number) {
    this.server = createServer((client) => {
      this.connections += 1;
      const upstream = connect(target, '127.0.0.1');
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.sockets.delete(socket);
          other.destroy();
        });
      }
      client.on('data', (bytes) => upstream.write(bytes));
      upstream.on('data', (bytes) => {
        if (this.answersToLose === 0) {
          client.write(bytes);
          return;
        }
        this.answersToLose -= 1;
        client.destroy();
      });
    });
  }

  public get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Loses the next response and its connection. The request took effect. */
  public loseAnswer(): void {
    this.answersToLose = 1;
  }

  /** Drops all requests of the open connections, as a gateway does after a long idle time. New connections work. */
  public forgetConnections(): void {
    for (const socket of this.sockets) {
      socket.removeAllListeners('data');
      socket.on('data', () => undefined);
    }
  }

  /** Refuses new connections and breaks the open ones. */
  public async close(): Promise<void> {
    this.sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.server.close(resolve));
  }
}
