import { ENDED_ITEMS_PAGE, type EndedItems, type TaskRun } from '@millrace/model';
import type { ExecutionView } from '../state.js';

const BYTES = ENDED_ITEMS_PAGE / 8;

/** Which executions of a page of items have ended, and which of them failed: bits that can be read and set. */
export interface ItemBits {
  hasEnded(index: number): boolean;
  hasFailed(index: number): boolean;
  /** The page's record with the bits of one index as given. */
  with(index: number, bits: { readonly ended: boolean; readonly failed: boolean }): EndedItems;
}

export const pageOfItem = (index: number): number => Math.floor(index / ENDED_ITEMS_PAGE);

/** The bits of the page to which an index belongs. A record of an earlier start says nothing. */
export function itemBits(view: ExecutionView, run: TaskRun, index: number): ItemBits {
  const attempt = run.items?.attempt ?? 0;
  const page = pageOfItem(index);
  const stored = view.endedItems(run.id, page);
  const current = stored?.attempt === attempt ? stored : undefined;
  const ended = bytesOf(current?.ended);
  const failed = bytesOf(current?.failed);
  return {
    hasEnded: (at) => isSet(ended, at),
    hasFailed: (at) => isSet(failed, at),
    with(at, bits) {
      setBit(ended, at, bits.ended);
      setBit(failed, at, bits.failed);
      return {
        kind: 'ended-items',
        taskRunId: run.id,
        attempt,
        page,
        ended: textOf(ended),
        failed: textOf(failed),
      };
    },
  };
}

const bytesOf = (text: string | undefined): Uint8Array => {
  const bytes = new Uint8Array(BYTES);
  if (text !== undefined) bytes.set(Buffer.from(text, 'base64').subarray(0, BYTES));
  return bytes;
};

const textOf = (bytes: Uint8Array): string =>
  bytes.every((byte) => byte === 0)
    ? ''
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

const place = (index: number): { readonly byte: number; readonly mask: number } => {
  const within = index % ENDED_ITEMS_PAGE;
  return { byte: within >> 3, mask: 1 << (within & 7) };
};

function isSet(bytes: Uint8Array, index: number): boolean {
  const { byte, mask } = place(index);
  return ((bytes[byte] ?? 0) & mask) !== 0;
}

function setBit(bytes: Uint8Array, index: number, value: boolean): void {
  const { byte, mask } = place(index);
  bytes[byte] = value ? (bytes[byte] ?? 0) | mask : (bytes[byte] ?? 0) & ~mask;
}
