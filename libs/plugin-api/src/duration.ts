import { parseDuration as parseStrictly } from '@millrace/model';

/**
 * Milliseconds of an ISO-8601 duration that was rendered: white space around it does not count, for it may be the end of
 * a block of text. undefined when it is no duration.
 */
export const parseDuration = (text: string): number | undefined => parseStrictly(text.trim());
