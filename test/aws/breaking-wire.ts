import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A wire to a server that breaks when it is told to: it carries bytes, whatever they mean. */
export class BreakingWire {
  public static async to(port: number): Promise<BreakingWire> {
    const wire = new BreakingWire(port);
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  /** How many connections were made. */
  public connections = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private answersToLose = 0;

  private constructor(target: number) {
    this.server = createServer((client) => {
      this.connections += 1;
      const upstream = connect(target, '127.0.0.1');
      for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
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

  /** The next answer is lost, and the connection with it; the request took effect. */
  public loseAnswer(): void {
    this.answersToLose = 1;
  }

  /** Requests vanish on the connections that stand, as after a long sleep behind a gateway that has forgotten them. New ones are sound. */
  public forgetConnections(): void {
    for (const socket of this.sockets) {
      socket.removeAllListeners('data');
      socket.on('data', () => undefined);
    }
  }

  /** Takes no connection any more, and breaks those that stand. */
  public async close(): Promise<void> {
    this.sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.server.close(resolve));
  }
}
