import type { Flow } from '@millrace/model';

/** A flow whose text holds what was searched. */
export interface SourceMatch {
  readonly flow: Flow;
  /** Lines with the match, marked `[mark]…[/mark]`. */
  readonly fragments: readonly string[];
}

const FRAGMENTS_MAX = 5;
/** Characters shown before and after a match. */
const AROUND = 60;

/** The flows whose text holds `wanted`, whatever its case; all of them, without fragments, when it is empty. */
export function searchSources(flows: readonly Flow[], wanted: string): readonly SourceMatch[] {
  const lowered = wanted.toLowerCase();
  return flows.flatMap((flow) => {
    if (lowered === '') return [{ flow, fragments: [] }];
    const fragments = fragmentsOf(flow.source, lowered);
    return fragments.length > 0 ? [{ flow, fragments }] : [];
  });
}

function fragmentsOf(source: string, wanted: string): readonly string[] {
  const text = source.toLowerCase();
  // A few letters change their length with their case: then places of one text are none of the other.
  const shown = text.length === source.length ? source : text;
  const fragments: string[] = [];
  for (let at = text.indexOf(wanted); at >= 0 && fragments.length < FRAGMENTS_MAX;) {
    const end = at + wanted.length;
    const start = Math.max(shown.lastIndexOf('\n', at - 1) + 1, at - AROUND);
    const line = shown.indexOf('\n', end);
    const stop = Math.min(line < 0 ? shown.length : line, end + AROUND);
    fragments.push(`${shown.slice(start, at)}[mark]${shown.slice(at, end)}[/mark]${shown.slice(end, stop)}`);
    at = text.indexOf(wanted, stop);
  }
  return fragments;
}
