import { MessageRejectedError } from './message-rejected';
import type { DispatchResult, Place } from '../../engine/ports';

/** The response to a batch whose entries have ids, as SQS and SNS return it. */
interface BatchOutput {
  readonly Successful?: readonly { readonly Id?: string; readonly MessageId?: string }[];
  readonly Failed?: readonly {
    readonly Id?: string;
    readonly Code?: string;
    readonly Message?: string;
    readonly SenderFault?: boolean;
  }[];
}

/** Reads the result of each entry, in order. An entry without a result has failed. */
export function resultsById(
  entries: readonly { readonly Id?: string }[],
  { Successful = [], Failed = [] }: BatchOutput,
  place: Pick<Place, 'service' | 'resource'>,
): readonly DispatchResult[] {
  const results = new Map<string | undefined, DispatchResult>();
  for (const { Id, MessageId } of Successful) {
    results.set(Id, { ok: true, journaled: false, place: { ...place, messageId: MessageId } });
  }
  const service = place.service.toUpperCase();
  for (const { Id, Code: code, Message: message, SenderFault } of Failed) {
    results.set(Id, { ok: false, error: new MessageRejectedError(service, { code, message }, SenderFault) });
  }
  return entries.map(({ Id }) => results.get(Id) ?? { ok: false, error: new MessageRejectedError(service, {}) });
}
