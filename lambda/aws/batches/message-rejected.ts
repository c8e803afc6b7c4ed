import { FsmError } from '../../machine/fsm-error';

/** A service accepted a batch, but not this message of it. */
export class MessageRejectedError extends FsmError {
  public override readonly name = 'MessageRejectedError';
  public override readonly code = 'MESSAGE_REJECTED';

  /**
   * @param service name of the service, for example `SQS`
   * @param reason the answer of the service; without a code, it has no answer for the message
   * @param senderFault whether the message itself is at fault, so that sending it again cannot help
   */
  constructor(
    service: string,
    /** The answer of the service. */
    public readonly reason: { readonly code?: string; readonly message?: string },
    senderFault = false,
  ) {
    const { code = 'the response has no result for it.', message } = reason;
    super(`${service} rejected the message: ${message ? `${code}: ${message}` : code}`, { retryable: !senderFault });
  }
}
