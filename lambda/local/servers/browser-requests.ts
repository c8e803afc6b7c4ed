import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Refusal } from './refusal';

/** The names of this machine. A web page that rebinds its own name to the loopback address sends its own name. */
const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * Checks that a request comes from an AWS client and not from a web page.
 *
 * @param port the port on which the server listens
 * @throws Refusal if a browser may have sent the request
 */
export function checkNoBrowser({ headers, method }: IncomingMessage, port: number): void {
  if (!LOOPBACK_NAMES.some((name) => headers.host === `${name}:${port}`)) {
    throw denied(`The Host header is not the address of the local runner, 127.0.0.1:${port}.`);
  }
  // AWS clients send neither header. Browsers let no page omit or change them.
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) {
    throw denied('The local runner does not serve web pages. Send the request from a process of this machine.');
  }
  if (method !== 'POST') {
    throw denied(`The local runner does not support the method ${method}: expected POST.`);
  }
}

/** Removes the headers with which an embedded server would let any web page read its answers. */
export function withoutCors(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('access-control-')));
}

function denied(message: string): Refusal {
  return new Refusal(403, 'AccessDeniedException', message);
}
