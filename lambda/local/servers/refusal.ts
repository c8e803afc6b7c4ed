import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

/** A request that the local runner does not serve. */
export class Refusal extends Error {
  /** @param type the name of the error in AWS, such as `InvalidSignatureException` */
  constructor(
    public readonly status: number,
    public readonly type: string,
    message: string,
  ) {
    super(message);
  }
}

/** Answers with an error in the protocol of the request, so that AWS clients can read it. */
export function refuse(
  outgoing: ServerResponse,
  { status, type, message }: Pick<Refusal, 'status' | 'type' | 'message'>,
): void {
  if (isForm(outgoing.req.headers)) {
    outgoing
      .writeHead(status, { 'content-type': 'text/xml' })
      .end(
        `<ErrorResponse><Error><Type>Receiver</Type><Code>${type}</Code><Message>${message.replace(/[<&]/g, '?')}</Message></Error></ErrorResponse>`,
      );
    return;
  }
  outgoing
    .writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': type })
    .end(JSON.stringify({ __type: type, message }));
}

/** Whether the request uses the AWS query protocol, as Amazon SNS does: a form as the request, and XML as the response. */
export function isForm(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
}
